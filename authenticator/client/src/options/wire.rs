//! The JSON dictionaries, member for member. Unknown members are ignored, as Web IDL ignores them.

use serde::Deserialize;

use super::{Protection, ResidentKey};
use crate::Attachment;
use crate::base64url::Bytes;
use crate::large_blob::LargeBlobInputs;
use crate::prf::PrfInputs;

/// The only credential type there is.
pub(super) const PUBLIC_KEY: &str = "public-key";

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Creation {
    pub(super) rp: Rp,
    pub(super) user: User,
    pub(super) challenge: Bytes,
    pub(super) pub_key_cred_params: Vec<Parameter>,
    pub(super) timeout: Option<f64>,
    pub(super) exclude_credentials: Option<Vec<Descriptor>>,
    pub(super) authenticator_selection: Option<Selection>,
    pub(super) attestation: Option<String>,
    pub(super) attestation_formats: Option<Vec<String>>,
    pub(super) extensions: Option<CreationExtensions>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Request {
    pub(super) challenge: Bytes,
    pub(super) timeout: Option<f64>,
    pub(super) rp_id: Option<String>,
    pub(super) allow_credentials: Option<Vec<Descriptor>>,
    pub(super) user_verification: Option<String>,
    pub(super) extensions: Option<RequestExtensions>,
}

#[derive(Deserialize)]
pub(super) struct Rp {
    pub(super) id: Option<String>,
    pub(super) name: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct User {
    pub(super) id: Bytes,
    pub(super) name: String,
    pub(super) display_name: String,
}

#[derive(Deserialize)]
pub(super) struct Parameter {
    #[serde(rename = "type")]
    pub(super) kind: String,
    pub(super) alg: i64,
}

/// Transports are left out: there is one authenticator, and the hints of a credential do not say whether it has it.
#[derive(Deserialize)]
pub(super) struct Descriptor {
    pub(super) id: Bytes,
    #[serde(rename = "type")]
    pub(super) kind: String,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase")]
pub(super) struct Selection {
    authenticator_attachment: Option<String>,
    resident_key: Option<String>,
    require_resident_key: Option<bool>,
    pub(super) user_verification: Option<String>,
}

impl Selection {
    /// An unknown value is as good as none (§5.4.4).
    pub(super) fn attachment(&self) -> Option<Attachment> {
        match self.authenticator_attachment.as_deref() {
            Some("platform") => Some(Attachment::Platform),
            Some("cross-platform") => Some(Attachment::CrossPlatform),
            _ => None,
        }
    }

    /// `requireResidentKey`, of Level 1, only speaks when `residentKey` does not (§5.4.4).
    pub(super) fn resident_key(&self) -> ResidentKey {
        match self.resident_key.as_deref() {
            Some("required") => ResidentKey::Required,
            Some("preferred") => ResidentKey::Preferred,
            Some("discouraged") => ResidentKey::Discouraged,
            _ if self.require_resident_key == Some(true) => ResidentKey::Required,
            _ => ResidentKey::Discouraged,
        }
    }
}

/// `appid`, `appidExclude` and others are for other authenticators, and ignored as extensions that are not supported.
#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase")]
pub(super) struct CreationExtensions {
    pub(super) cred_props: Option<bool>,
    pub(super) prf: Option<PrfInputs>,
    pub(super) credential_protection_policy: Option<Protection>,
    pub(super) enforce_credential_protection_policy: Option<bool>,
    pub(super) large_blob: Option<LargeBlobInputs>,
    pub(super) cred_blob: Option<Bytes>,
    pub(super) min_pin_length: Option<bool>,
    pub(super) payment: Option<Payment>,
}

/// `AuthenticationExtensionsPaymentInputs` of Secure Payment Confirmation; its other members are for the payment itself,
/// which a browser has to show.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Payment {
    pub(super) is_payment: Option<bool>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase")]
pub(super) struct RequestExtensions {
    pub(super) prf: Option<PrfInputs>,
    pub(super) large_blob: Option<LargeBlobInputs>,
    pub(super) get_cred_blob: Option<bool>,
}
