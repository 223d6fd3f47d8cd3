//! Registration of an enterprise key (MS-KPP 3.1.5.1), with the attestation of our own profile beside it.

use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD, Engine as _};
use latchkey_container::{UnixTime, tpm::Certification};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::jws::Unsigned;
use super::registration::{Attested, PROFILE, qualifying};
use super::rsa_key::RsaKey;

/// The body of the request.
#[derive(Debug, Serialize, Deserialize)]
pub struct Body {
    /// The key as an `RSA1` blob in base64.
    kngc: String,
    /// The TPM's word for it; a device without a TPM has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    attestation: Option<Attestation>,
    /// The device's own signature: which device the key is on, where the access token does not say.
    request: String,
}

#[derive(Debug, Serialize, Deserialize)]
struct Attestation {
    profile: String,
    nonce: String,
    #[serde(flatten)]
    attested: Attested,
}

/// What the TPM certifies the key over.
#[must_use]
pub fn certified_over(nonce: &str) -> [u8; 32] {
    qualifying("enterprise", nonce)
}

/// What the device key signs.
#[must_use]
pub fn request(key: &RsaKey, certificate: &[u8], nonce: &str, audience: &str, now: UnixTime) -> Unsigned {
    let payload = json!({
        "nonce": nonce,
        "aud": audience,
        "iat": now.0,
        "kngc": BASE64_URL_SAFE_NO_PAD.encode(key.id()),
    });
    Unsigned::by_device("JWT", certificate, &payload)
}

/// Puts the body together.
#[must_use]
pub fn body(key: &RsaKey, nonce: &str, certification: Option<&Certification>, request: String) -> Body {
    let attestation = certification.map(|certification| Attestation {
        profile: PROFILE.to_owned(),
        nonce: nonce.to_owned(),
        attested: Attested::from(certification),
    });
    Body { kngc: BASE64_STANDARD.encode(key.blob()), attestation, request }
}

/// What comes back.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Registered {
    /// The provider's name for the key.
    pub kid: String,
    /// The user whom it was mapped to.
    pub upn: String,
}
