//! The PIN reset service: its keys, which a pinned anchor must vouch for, the device-signed request, and the answer.

use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED, UnparsedPublicKey};
use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine as _};
use latchkey_container::{Binding, RecoveryPurpose, RecoveryRequest, RecoveryService, UnixTime};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::anchor::Chain;
use super::jws::Unsigned;
use super::{WireError, with};

const WHAT: &str = "a key of the PIN reset service";
const MALFORMED: WireError = WireError::Malformed(WHAT);
const UNVERIFIED: WireError = WireError::Unverified(WHAT);

/// What `getencryptionkey` answers.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ServiceKey {
    kid: String,
    #[serde(flatten)]
    key: Key,
    x5c: Vec<String>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "alg")]
enum Key {
    #[serde(rename = "hpke-p256")]
    Hpke { jwk: Jwk },
    #[serde(rename = "blind-p256")]
    Blind { recover: String, administer: String, signature: String },
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Jwk {
    kty: String,
    crv: String,
    x: String,
    y: String,
}

impl ServiceKey {
    /// Until when it is good, as its certificate says, in seconds since 1970.
    ///
    /// # Errors
    /// [`WireError::Malformed`].
    pub fn until(&self) -> Result<u64, WireError> {
        Chain::read(&self.x5c)?.until()
    }

    /// Checks the key against the pinned `anchor` (DER). `container` is the compartment's ID in hexadecimal, for which a
    /// blinded key was made.
    ///
    /// # Errors
    /// [`WireError`]; a key that does not verify is somebody else's, and must not be used.
    pub fn verified(
        &self,
        anchor: &[u8],
        binding: Binding,
        container: &str,
        now: UnixTime,
    ) -> Result<RecoveryService, WireError> {
        let certified = Chain::read(&self.x5c)?.verify(anchor, now)?;
        let kid = self.kid.clone();
        match &self.key {
            Key::Hpke { jwk } if jwk.kty == "EC" && jwk.crv == "P-256" => {
                let key = point(&[&[4][..], &decode(&jwk.x)?, &decode(&jwk.y)?].concat())?;
                if key == certified {
                    Ok(RecoveryService::Hpke { kid, key, binding })
                } else {
                    Err(UNVERIFIED)
                }
            }
            Key::Hpke { .. } => Err(MALFORMED),
            Key::Blind { recover, administer, signature } => {
                let (recover, administer) = (point(&decode(recover)?)?, point(&decode(administer)?)?);
                let Binding { tenant, user, device } = &binding;
                let text =
                    format!("latchkey pin reset blind 1\n{kid}\n{tenant}\n{user}\n{device}\n{container}\n");
                let signed = [text.as_bytes(), &recover, &administer].concat();
                UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, certified)
                    .verify(&signed, &decode(signature)?)
                    .map_err(|_| UNVERIFIED)?;
                Ok(RecoveryService::Blind { kid, recover, administer, binding })
            }
        }
    }
}

fn decode(text: &str) -> Result<Vec<u8>, WireError> {
    BASE64_URL_SAFE_NO_PAD.decode(text).map_err(|_| MALFORMED)
}

fn point(bytes: &[u8]) -> Result<[u8; 65], WireError> {
    bytes.try_into().map_err(|_| MALFORMED)
}

/// What the device key signs: it binds the sealed secret to a nonce, a purpose, and the key that the answer is sealed to.
#[must_use]
pub fn request(
    recovery: &RecoveryRequest,
    purpose: RecoveryPurpose,
    certificate: &[u8],
    nonce: &str,
    audience: &str,
    now: UnixTime,
) -> Unsigned {
    let payload = json!({
        "nonce": nonce,
        "purpose": purpose.name(),
        "envelope": BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(&recovery.protected_secret)),
        "key": BASE64_URL_SAFE_NO_PAD.encode(recovery.response_key),
        "aud": audience,
        "iat": now.0,
    });
    let blinded = recovery.blinded.map(|point| BASE64_URL_SAFE_NO_PAD.encode(point));
    let payload = with(payload, "blinded", blinded);
    Unsigned::by_device("pin-reset+jwt", certificate, &payload)
}

/// The body of the request.
#[must_use]
pub fn body(protected_secret: &str, request: &str) -> Value {
    json!({ "protectedSecret": protected_secret, "request": request })
}

/// What comes back: sealed to the key in the request.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct SealedSecret {
    secret: String,
}

impl SealedSecret {
    /// The bytes.
    ///
    /// # Errors
    /// [`WireError::Malformed`].
    pub fn bytes(&self) -> Result<Vec<u8>, WireError> {
        decode(&self.secret).map_err(|_| WireError::Malformed("a sealed secret"))
    }
}

#[cfg(test)]
mod tests;
