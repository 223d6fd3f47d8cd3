//! Extensions (CTAP 2.3 §12): the one place that leads from the inputs of a request to what a passkey keeps and to the
//! outputs. One module per extension; the commands call [`Registering`] and [`Asserting`] and know none by name.

use ciborium::Value;
use latchkey_container::{Passkey, PasskeyExtensions, Protection};
use latchkey_protocol::authenticator_data::Flags;
use latchkey_protocol::extensions::name;
use latchkey_protocol::{get_assertion, make_credential};
use rand_core::CryptoRng;

use crate::engine::{Authenticator, KeyAgreements};
use crate::status::Failure;
use cred_blob::CredBlob;
use cred_protect::CredProtect;
use hmac_secret::Salts;
use pin_facts::PinFacts;

pub(crate) mod cred_blob;
mod cred_protect;
mod hmac_secret;
pub(crate) mod large_blob_key;
mod pin_facts;

/// What getInfo lists.
pub(crate) const SUPPORTED: [&str; 8] = [
    name::CRED_BLOB,
    name::CRED_PROTECT,
    name::HMAC_SECRET,
    name::HMAC_SECRET_MC,
    name::LARGE_BLOB_KEY,
    name::MIN_PIN_LENGTH,
    name::PIN_COMPLEXITY_POLICY,
    name::THIRD_PARTY_PAYMENT,
];

/// The extensions of a registration, checked before the user is asked.
pub(crate) struct Registering {
    cred_blob: CredBlob,
    cred_protect: CredProtect,
    hmac_secret: bool,
    salts: Option<Salts>,
    large_blob_key: bool,
    third_party_payment: bool,
    pin_facts: PinFacts,
}

/// The extensions of an assertion, checked when the user has answered.
pub(crate) struct Asserting {
    cred_blob: bool,
    salts: Option<Salts>,
    large_blob_key: bool,
    third_party_payment: bool,
}

impl Authenticator {
    /// The extension inputs of makeCredential, or the status of one that makes no sense.
    pub(crate) fn registering(&self, request: &make_credential::Request) -> Result<Registering, Failure> {
        let inputs = &request.extensions;
        let discoverable = request.options.rk == Some(true);
        let hmac_secret = inputs.hmac_secret == Some(true);
        let salts = match &inputs.hmac_secret_mc {
            None => None,
            // hmac-secret-mc is an answer of the hmac-secret that the same request asks for.
            Some(_) if !hmac_secret => return Err(Failure::MissingParameter),
            Some(input) => Some(Salts::open(input, &self.key_agreements)?),
        };
        Ok(Registering {
            cred_blob: CredBlob::chosen(inputs.cred_blob.as_ref(), discoverable),
            cred_protect: CredProtect::chosen(inputs.cred_protect, self.container.profile())?,
            hmac_secret,
            salts,
            large_blob_key: large_blob_key::registering(inputs.large_blob_key, discoverable)?,
            third_party_payment: inputs.third_party_payment == Some(true),
            pin_facts: PinFacts::asked(inputs, &request.rp.id, &self.container),
        })
    }
}

impl Registering {
    /// The passkey's credProtect level, asked for or not.
    pub(crate) const fn protection(&self) -> Protection {
        self.cred_protect.level()
    }

    /// What the passkey keeps.
    pub(crate) fn kept(&self) -> PasskeyExtensions {
        PasskeyExtensions {
            hmac_secret: self.hmac_secret,
            cred_blob: self.cred_blob.kept(),
            large_blob_key: self.large_blob_key,
            third_party_payment: self.third_party_payment,
        }
    }

    /// The signed outputs.
    pub(crate) fn outputs(&self, passkey: &Passkey, flags: Flags, rng: &mut dyn CryptoRng) -> Option<Value> {
        map([
            (name::CRED_BLOB, self.cred_blob.output()),
            (name::CRED_PROTECT, self.cred_protect.output()),
            (name::HMAC_SECRET, self.hmac_secret.then_some(Value::Bool(true))),
            (name::HMAC_SECRET_MC, hmac_secret::output(self.salts.as_ref(), passkey, flags, rng)),
            (name::THIRD_PARTY_PAYMENT, self.third_party_payment.then_some(Value::Bool(true))),
            (name::MIN_PIN_LENGTH, self.pin_facts.minimum_length.clone()),
            (name::PIN_COMPLEXITY_POLICY, self.pin_facts.complexity_policy.clone()),
        ])
    }
}

impl Asserting {
    /// The extension inputs of getAssertion, or the status of one that makes no sense.
    pub(crate) fn check(request: &get_assertion::Request, keys: &KeyAgreements) -> Result<Self, Failure> {
        let inputs = &request.extensions;
        let salts = match &inputs.hmac_secret {
            // §12.7: only with user presence.
            Some(_) if request.options.up == Some(false) => return Err(Failure::UnsupportedOption),
            Some(input) => Some(Salts::open(input, keys)?),
            None => None,
        };
        Ok(Self {
            cred_blob: inputs.cred_blob == Some(true),
            salts,
            large_blob_key: large_blob_key::asserting(inputs.large_blob_key)?,
            third_party_payment: inputs.third_party_payment == Some(true),
        })
    }

    /// The signed outputs of one passkey.
    pub(crate) fn outputs(&self, passkey: &Passkey, flags: Flags, rng: &mut dyn CryptoRng) -> Option<Value> {
        let payment = passkey.extensions.third_party_payment;
        map([
            (name::CRED_BLOB, self.cred_blob.then(|| cred_blob::of(passkey))),
            (name::HMAC_SECRET, hmac_secret::output(self.salts.as_ref(), passkey, flags, rng)),
            (name::THIRD_PARTY_PAYMENT, self.third_party_payment.then_some(Value::Bool(payment))),
        ])
    }

    /// The member of the response that holds the key for the passkey's large blob, if it was asked for and there is one.
    pub(crate) fn large_blob_key(&self, passkey: &Passkey) -> Option<Vec<u8>> {
        if self.large_blob_key { large_blob_key::of(passkey) } else { None }
    }
}

/// The outputs that there are; without any there is no map.
fn map<const N: usize>(outputs: [(&str, Option<Value>); N]) -> Option<Value> {
    let there: Vec<(Value, Value)> =
        outputs.into_iter().filter_map(|(name, output)| Some((name.into(), output?))).collect();
    (!there.is_empty()).then_some(Value::Map(there))
}
