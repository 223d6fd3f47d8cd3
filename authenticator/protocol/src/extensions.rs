//! Extension inputs (CTAP 2.3 §12). Extensions that are not listed here are ignored.

use ciborium::Value;

use crate::cbor::encode::{self, Encode, some};
use crate::cbor::members::{Decode, Members};
use crate::cose::KeyAgreement;
use crate::{Malformed, Status};

/// The extensions' identifiers.
pub mod name {
    /// The credential protection policy.
    pub const CRED_PROTECT: &str = "credProtect";
    /// A few bytes kept with a discoverable credential.
    pub const CRED_BLOB: &str = "credBlob";
    /// The key for the credential's entry in the large-blob array.
    pub const LARGE_BLOB_KEY: &str = "largeBlobKey";
    /// Tells chosen relying parties the minimum PIN length.
    pub const MIN_PIN_LENGTH: &str = "minPinLength";
    /// Tells chosen relying parties whether a PIN complexity policy is enforced.
    pub const PIN_COMPLEXITY_POLICY: &str = "pinComplexityPolicy";
    /// A symmetric secret for each credential, released with an assertion.
    pub const HMAC_SECRET: &str = "hmac-secret";
    /// The same secret, already at registration.
    pub const HMAC_SECRET_MC: &str = "hmac-secret-mc";
    /// Lets others than the relying party start a payment with the credential.
    pub const THIRD_PARTY_PAYMENT: &str = "thirdPartyPayment";
}

/// The extension inputs of makeCredential.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RegistrationExtensions {
    /// `credProtect`: 1, 2 or 3; other numbers are left to the engine.
    pub cred_protect: Option<u8>,
    /// `credBlob`: the bytes to keep.
    pub cred_blob: Option<Vec<u8>>,
    /// `hmac-secret`.
    pub hmac_secret: Option<bool>,
    /// `hmac-secret-mc`: as `hmac-secret` in getAssertion, with the fresh credential.
    pub hmac_secret_mc: Option<HmacSecretInput>,
    /// `largeBlobKey`.
    pub large_blob_key: Option<bool>,
    /// `minPinLength`.
    pub min_pin_length: Option<bool>,
    /// `pinComplexityPolicy`.
    pub pin_complexity_policy: Option<bool>,
    /// `thirdPartyPayment`.
    pub third_party_payment: Option<bool>,
}

/// The extension inputs of getAssertion.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AuthenticationExtensions {
    /// `credBlob`: asks for the kept bytes.
    pub cred_blob: Option<bool>,
    /// `hmac-secret`.
    pub hmac_secret: Option<HmacSecretInput>,
    /// `largeBlobKey`.
    pub large_blob_key: Option<bool>,
    /// `thirdPartyPayment`.
    pub third_party_payment: Option<bool>,
}

/// The input of `hmac-secret`: one or two salts, encrypted for the authenticator. The lengths depend on the
/// PIN/UV auth protocol and are checked, exactly, by the engine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HmacSecretInput {
    /// The platform's key-agreement key.
    pub key_agreement: KeyAgreement,
    /// The encrypted salts.
    pub salt_enc: Vec<u8>,
    /// The MAC over `salt_enc`.
    pub salt_auth: Vec<u8>,
    /// The PIN/UV auth protocol; absent means one.
    pub protocol: Option<u64>,
}

impl RegistrationExtensions {
    pub(crate) fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

impl AuthenticationExtensions {
    pub(crate) fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

impl Decode for RegistrationExtensions {
    fn decode(value: Value, what: &'static str) -> Result<Self, Malformed> {
        let mut members = Members::decode(value, what)?;
        let cred_protect: Option<u64> = members.optional(name::CRED_PROTECT, "credProtect")?;
        Ok(Self {
            cred_protect: cred_protect
                .map(u8::try_from)
                .transpose()
                .map_err(|_| Malformed::new(Status::INVALID_PARAMETER, "credProtect"))?,
            cred_blob: members.optional(name::CRED_BLOB, "credBlob")?,
            hmac_secret: members.optional(name::HMAC_SECRET, "hmac-secret")?,
            hmac_secret_mc: members.optional(name::HMAC_SECRET_MC, "hmac-secret-mc")?,
            large_blob_key: members.optional(name::LARGE_BLOB_KEY, "largeBlobKey")?,
            min_pin_length: members.optional(name::MIN_PIN_LENGTH, "minPinLength")?,
            pin_complexity_policy: members.optional(name::PIN_COMPLEXITY_POLICY, "pinComplexityPolicy")?,
            third_party_payment: members.optional(name::THIRD_PARTY_PAYMENT, "thirdPartyPayment")?,
        })
    }
}

impl Encode for RegistrationExtensions {
    fn encode_into(&self, to: &mut Vec<u8>) {
        let cred_protect = self.cred_protect.map(u64::from);
        encode::named(
            to,
            &[
                (name::CRED_BLOB, some(self.cred_blob.as_ref())),
                (name::CRED_PROTECT, some(cred_protect.as_ref())),
                (name::HMAC_SECRET, some(self.hmac_secret.as_ref())),
                (name::LARGE_BLOB_KEY, some(self.large_blob_key.as_ref())),
                (name::MIN_PIN_LENGTH, some(self.min_pin_length.as_ref())),
                (name::HMAC_SECRET_MC, some(self.hmac_secret_mc.as_ref())),
                (name::THIRD_PARTY_PAYMENT, some(self.third_party_payment.as_ref())),
                (name::PIN_COMPLEXITY_POLICY, some(self.pin_complexity_policy.as_ref())),
            ],
        );
    }
}

impl Decode for AuthenticationExtensions {
    fn decode(value: Value, what: &'static str) -> Result<Self, Malformed> {
        let mut members = Members::decode(value, what)?;
        Ok(Self {
            cred_blob: members.optional(name::CRED_BLOB, "credBlob")?,
            hmac_secret: members.optional(name::HMAC_SECRET, "hmac-secret")?,
            large_blob_key: members.optional(name::LARGE_BLOB_KEY, "largeBlobKey")?,
            third_party_payment: members.optional(name::THIRD_PARTY_PAYMENT, "thirdPartyPayment")?,
        })
    }
}

impl Encode for AuthenticationExtensions {
    fn encode_into(&self, to: &mut Vec<u8>) {
        encode::named(
            to,
            &[
                (name::CRED_BLOB, some(self.cred_blob.as_ref())),
                (name::HMAC_SECRET, some(self.hmac_secret.as_ref())),
                (name::LARGE_BLOB_KEY, some(self.large_blob_key.as_ref())),
                (name::THIRD_PARTY_PAYMENT, some(self.third_party_payment.as_ref())),
            ],
        );
    }
}

impl Decode for HmacSecretInput {
    fn decode(value: Value, what: &'static str) -> Result<Self, Malformed> {
        let mut members = Members::decode(value, what)?;
        Ok(Self {
            key_agreement: members.required(1, "hmac-secret: keyAgreement")?,
            salt_enc: members.required(2, "hmac-secret: saltEnc")?,
            salt_auth: members.required(3, "hmac-secret: saltAuth")?,
            protocol: members.optional(4, "hmac-secret: pinUvAuthProtocol")?,
        })
    }
}

impl Encode for HmacSecretInput {
    fn encode_into(&self, to: &mut Vec<u8>) {
        encode::members(
            to,
            &[
                (1, Some(&self.key_agreement)),
                (2, Some(&self.salt_enc)),
                (3, Some(&self.salt_auth)),
                (4, some(self.protocol.as_ref())),
            ],
        );
    }
}
