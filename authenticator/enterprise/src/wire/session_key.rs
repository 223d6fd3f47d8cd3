//! What the session key of a primary refresh token does: proves requests, and opens answers.

use base64::prelude::{BASE64_STANDARD, Engine as _};
use hmac::{Hmac, KeyInit as _, Mac as _};
use latchkey_container::secret::Secret32;
use serde_json::{Value, json};
use sha2::Sha256;
use zeroize::Zeroizing;

use super::jwe::{Compact, Protection};
use super::jws::Unsigned;
use super::{WireError, kdf};

/// Bytes of randomness that a request is derived with.
pub const CONTEXT_LENGTH: usize = 24;

/// A JWS with HS256 under the key derived (version 2) for this payload and `context` (MS-OAPXBC 3.2.5.1.3).
#[must_use]
pub fn prove(session_key: &Secret32, context: &[u8; CONTEXT_LENGTH], payload: &Value) -> String {
    let payload = Zeroizing::new(payload.to_string());
    let header =
        json!({ "alg": "HS256", "typ": "JWT", "ctx": BASE64_STANDARD.encode(context), "kdf_ver": 2 });
    let unsigned = Unsigned::new(&header, &payload);
    let key = kdf::version_2(session_key, context, payload.as_bytes());
    let mut mac = Hmac::<Sha256>::new_from_slice(key.expose())
        .unwrap_or_else(|_| unreachable!("HMAC takes keys of any length"));
    mac.update(unsigned.signing_input());
    unsigned.signed(&mac.finalize().into_bytes())
}

/// Opens an answer that the provider encrypted under a key derived (version 1) from the session key.
///
/// # Errors
/// [`WireError`], also where the answer is not `protection`.
pub fn open(
    session_key: &Secret32,
    answer: &str,
    protection: Protection,
) -> Result<Zeroizing<Vec<u8>>, WireError> {
    let jwe = Compact::parse(answer)?;
    let key = kdf::version_1(session_key, &jwe.context()?);
    jwe.open(&key, protection)
}
