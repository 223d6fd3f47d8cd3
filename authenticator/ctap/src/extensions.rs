//! Extensions (CTAP 2.3 §12): the one place that leads from the inputs of a request to what a passkey keeps and to the
//! outputs. One module per extension; the commands call [`Registering`] and [`Asserting`] and know none by name.

use ciborium::Value;
use latchkey_container::{Passkey, Protection};
use latchkey_protocol::authenticator_data::Flags;
use latchkey_protocol::extensions::{RegistrationExtensions, name};
use latchkey_protocol::get_assertion;
use rand_core::CryptoRng;

use crate::engine::{Authenticator, KeyAgreements};
use crate::status::Failure;
use cred_protect::CredProtect;
use hmac_secret::Salts;

mod cred_protect;
mod hmac_secret;

/// What getInfo lists.
pub(crate) const SUPPORTED: [&str; 2] = [name::CRED_PROTECT, name::HMAC_SECRET];

/// The extensions of a registration, checked before the user is asked.
pub(crate) struct Registering {
    cred_protect: CredProtect,
    hmac_secret: bool,
}

/// The extensions of an assertion, checked when the user has answered.
pub(crate) struct Asserting {
    salts: Option<Salts>,
}

impl Authenticator {
    /// The extension inputs of makeCredential, or the status of one that makes no sense.
    pub(crate) fn registering(&self, inputs: &RegistrationExtensions) -> Result<Registering, Failure> {
        Ok(Registering {
            cred_protect: CredProtect::chosen(inputs.cred_protect, self.container.profile())?,
            hmac_secret: inputs.hmac_secret == Some(true),
        })
    }
}

impl Registering {
    /// The passkey's credProtect level, asked for or not.
    pub(crate) const fn protection(&self) -> Protection {
        self.cred_protect.level()
    }

    /// Whether the passkey answers the hmac-secret extension.
    pub(crate) const fn hmac_secret(&self) -> bool {
        self.hmac_secret
    }

    /// The signed outputs.
    pub(crate) fn outputs(&self) -> Option<Value> {
        map([
            (name::CRED_PROTECT, self.cred_protect.output()),
            (name::HMAC_SECRET, self.hmac_secret.then_some(Value::Bool(true))),
        ])
    }
}

impl Asserting {
    /// The extension inputs of getAssertion, or the status of one that makes no sense.
    pub(crate) fn check(request: &get_assertion::Request, keys: &KeyAgreements) -> Result<Self, Failure> {
        let salts = match &request.extensions.hmac_secret {
            // §12.7: only with user presence.
            Some(_) if request.options.up == Some(false) => return Err(Failure::UnsupportedOption),
            Some(input) => Some(Salts::open(input, keys)?),
            None => None,
        };
        Ok(Self { salts })
    }

    /// The signed outputs of one passkey.
    pub(crate) fn outputs(&self, passkey: &Passkey, flags: Flags, rng: &mut dyn CryptoRng) -> Option<Value> {
        let verified = flags.contains(Flags::UV);
        let secret = self.salts.as_ref().and_then(|salts| salts.output(passkey, verified, rng));
        map([(name::HMAC_SECRET, secret)])
    }
}

/// The outputs that there are; without any there is no map.
fn map<const N: usize>(outputs: [(&str, Option<Value>); N]) -> Option<Value> {
    let there: Vec<(Value, Value)> =
        outputs.into_iter().filter_map(|(name, output)| Some((name.into(), output?))).collect();
    (!there.is_empty()).then_some(Value::Map(there))
}
