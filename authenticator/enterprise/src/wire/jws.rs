//! Compact JWS (RFC 7515) whose signature is made elsewhere: by a key in the TPM, or with a derived key.

use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD, Engine as _};
use serde_json::{Value, json};

/// A JWS before its signature.
#[derive(Debug)]
pub struct Unsigned {
    input: String,
}

impl Unsigned {
    /// Header and payload, serialised once: what is signed is what is sent.
    #[must_use]
    pub fn new(header: &Value, payload: &str) -> Self {
        let encoded = |part: &str| BASE64_URL_SAFE_NO_PAD.encode(part);
        Self { input: format!("{}.{}", encoded(&header.to_string()), encoded(payload)) }
    }

    /// A JWS of the device key, which its certificate (DER) names.
    #[must_use]
    pub fn by_device(kind: &str, certificate: &[u8], payload: &Value) -> Self {
        let header = json!({ "alg": "RS256", "typ": kind, "x5c": [BASE64_STANDARD.encode(certificate)] });
        Self::new(&header, &payload.to_string())
    }

    /// What the signature covers.
    #[must_use]
    pub fn signing_input(&self) -> &[u8] {
        self.input.as_bytes()
    }

    /// The whole JWS.
    #[must_use]
    pub fn signed(self, signature: &[u8]) -> String {
        format!("{}.{}", self.input, BASE64_URL_SAFE_NO_PAD.encode(signature))
    }
}
