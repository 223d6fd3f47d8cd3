//! Compact JWS that others made: read strictly, verified with a key whose algorithm we know beforehand.

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, RSA_PKCS1_2048_8192_SHA256, RSA_PSS_2048_8192_SHA256, RsaPublicKeyComponents,
    UnparsedPublicKey,
};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::session_key::{Derivation, SessionKey};

/// The longest token that is read.
const LONGEST: usize = 16 * 1024;
/// How many bytes a context has: 24 of Windows, 32 of libhimmelblau. A short one would come twice.
const CONTEXT: std::ops::RangeInclusive<usize> = 16..=64;

/// Why a token is not believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum JwsError {
    /// It is not three base64url parts with a JSON header, or it is too long.
    #[error("the token is malformed")]
    Malformed,
    /// It demands an extension that we do not know (RFC 7515 §4.1.11).
    #[error("the token has a critical header parameter that is not supported")]
    Critical,
    /// Its algorithm is not one that the key may be used with.
    #[error("the token's algorithm does not fit the key")]
    Algorithm,
    /// The signature is wrong.
    #[error("the token's signature is wrong")]
    Signature,
    /// The key of a message must follow from its payload, and does not.
    #[error("the token's key must be derived with kdf_ver 2")]
    Derivation,
}

/// The header of a token. It names an algorithm, but never decides on one: the key does.
#[derive(Debug, Deserialize)]
pub struct Header {
    /// The algorithm.
    pub alg: String,
    /// What kind of token it is.
    pub typ: Option<String>,
    /// The key itself, of whoever signed (RFC 7515 §4.1.3): it proves nothing but possession.
    pub jwk: Option<serde_json::Value>,
    /// The key.
    pub kid: Option<String>,
    /// The key, by its certificate's SHA-1.
    pub x5t: Option<String>,
    /// The key, by its certificate's SHA-256.
    #[serde(rename = "x5t#S256")]
    pub x5t_s256: Option<String>,
    x5c: Option<Certificates>,
    /// What the key is for (`ngc`: an enterprise key).
    #[serde(rename = "use")]
    pub purpose: Option<String>,
    /// The context that the key of a session is derived with (MS-OAPXBC 3.1.5.1.3), standard base64.
    ctx: Option<String>,
    /// How it is derived.
    kdf_ver: Option<u32>,
    crit: Option<serde_json::Value>,
    b64: Option<serde_json::Value>,
}

/// `x5c`, as an array (RFC 7515 §4.1.6), or as brokers write it.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Certificates {
    One(String),
    Chain(Vec<String>),
}

impl Header {
    /// The first certificate of `x5c`, base64: it proves nothing but which key is meant.
    #[must_use]
    pub fn certificate(&self) -> Option<&str> {
        match self.x5c.as_ref()? {
            Certificates::One(certificate) => Some(certificate),
            Certificates::Chain(chain) => chain.first().map(String::as_str),
        }
    }
}

/// A token that was read but not verified.
#[derive(Debug)]
pub struct Jws<'a> {
    /// Its header.
    pub header: Header,
    signed: &'a str,
    payload: Vec<u8>,
    signature: Vec<u8>,
}

/// A public key.
#[derive(Clone, Debug)]
pub enum PublicKey {
    /// RSA: verifies RS256 and PS256.
    Rsa {
        /// The modulus.
        n: Vec<u8>,
        /// The exponent.
        e: Vec<u8>,
    },
    /// P-256: verifies ES256.
    P256([u8; 65]),
}

impl<'a> Jws<'a> {
    /// Reads a compact token.
    ///
    /// # Errors
    /// When it is malformed or has critical extensions.
    pub fn parse(text: &'a str) -> Result<Self, JwsError> {
        if text.len() > LONGEST {
            return Err(JwsError::Malformed);
        }
        let (signed, signature) = text.rsplit_once('.').ok_or(JwsError::Malformed)?;
        let (header, payload) = signed.split_once('.').ok_or(JwsError::Malformed)?;
        let decode = |part: &str| URL_SAFE_NO_PAD.decode(part).map_err(|_| JwsError::Malformed);
        let header: Header = serde_json::from_slice(&decode(header)?).map_err(|_| JwsError::Malformed)?;
        if header.crit.is_some() || header.b64.is_some() {
            return Err(JwsError::Critical);
        }
        Ok(Self { header, signed, payload: decode(payload)?, signature: decode(signature)? })
    }

    /// The payload, which nobody vouches for yet: only to find out whose key to ask for.
    ///
    /// # Errors
    /// When it is not what is expected.
    pub fn unverified<T: DeserializeOwned>(&self) -> Result<T, JwsError> {
        serde_json::from_slice(&self.payload).map_err(|_| JwsError::Malformed)
    }

    /// The payload, if whoever holds the session key signed it (HS256 under a key that is derived from it), with the second
    /// derivation if `derivation` says so.
    ///
    /// # Errors
    /// When the algorithm is another, the context is missing, the derivation is too old, or the signature is wrong.
    pub fn verify_session<T: DeserializeOwned>(
        &self,
        key: &SessionKey,
        least: Derivation,
    ) -> Result<T, JwsError> {
        if self.header.alg != "HS256" {
            return Err(JwsError::Algorithm);
        }
        let derivation = match self.header.kdf_ver {
            None | Some(1) => Derivation::V1,
            Some(2) => Derivation::V2,
            Some(_) => return Err(JwsError::Derivation),
        };
        if derivation < least {
            return Err(JwsError::Derivation);
        }
        let context = self.header.ctx.as_deref().and_then(|context| STANDARD.decode(context).ok());
        let context =
            context.filter(|context| CONTEXT.contains(&context.len())).ok_or(JwsError::Malformed)?;
        if !key.derive(derivation, &context, &self.payload).verify(self.signed.as_bytes(), &self.signature) {
            return Err(JwsError::Signature);
        }
        self.unverified()
    }

    /// The payload, if `key` signed it.
    ///
    /// # Errors
    /// When the algorithm is not the key's, the signature is wrong, or the payload is not what is expected.
    pub fn verify<T: DeserializeOwned>(&self, key: &PublicKey) -> Result<T, JwsError> {
        let signed = self.signed.as_bytes();
        match (key, self.header.alg.as_str()) {
            (PublicKey::Rsa { n, e }, "RS256") => {
                RsaPublicKeyComponents { n, e }.verify(&RSA_PKCS1_2048_8192_SHA256, signed, &self.signature)
            }
            (PublicKey::Rsa { n, e }, "PS256") => {
                RsaPublicKeyComponents { n, e }.verify(&RSA_PSS_2048_8192_SHA256, signed, &self.signature)
            }
            (PublicKey::P256(point), "ES256") => {
                UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point).verify(signed, &self.signature)
            }
            (PublicKey::Rsa { .. } | PublicKey::P256(_), _) => return Err(JwsError::Algorithm),
        }
        .map_err(|_| JwsError::Signature)?;
        self.unverified()
    }
}

impl PublicKey {
    /// Reads a JWK (RFC 7517): RSA or P-256. Nothing if it is another or malformed.
    #[must_use]
    pub fn from_jwk(jwk: &serde_json::Value) -> Option<Self> {
        let part = |name: &str| URL_SAFE_NO_PAD.decode(jwk.get(name)?.as_str()?).ok();
        match jwk.get("kty")?.as_str()? {
            "RSA" => Some(Self::Rsa { n: part("n")?, e: part("e")? }),
            "EC" if jwk.get("crv")?.as_str()? == "P-256" => {
                let (x, y) = (part("x")?, part("y")?);
                let mut point = [4; 65];
                let (_, rest) = point.split_first_mut()?;
                let (place_x, place_y) = rest.split_at_mut_checked(32)?;
                if x.len() != 32 || y.len() != 32 {
                    return None;
                }
                place_x.copy_from_slice(&x);
                place_y.copy_from_slice(&y);
                Some(Self::P256(point))
            }
            _ => None,
        }
    }

    /// The JWK thumbprint with SHA-256 (RFC 7638), base64url.
    #[must_use]
    pub fn thumbprint(&self) -> String {
        use sha2::Digest as _;
        let text = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        // The members in their order, without spaces (RFC 7638 §3.3); base64url needs no escapes.
        let members = match self {
            Self::Rsa { n, e } => format!(r#"{{"e":"{}","kty":"RSA","n":"{}"}}"#, text(e), text(n)),
            Self::P256(point) => {
                let (x, y) = point.get(1..).unwrap_or_default().split_at_checked(32).unwrap_or_default();
                format!(r#"{{"crv":"P-256","kty":"EC","x":"{}","y":"{}"}}"#, text(x), text(y))
            }
        };
        text(&sha2::Sha256::digest(members))
    }
}
