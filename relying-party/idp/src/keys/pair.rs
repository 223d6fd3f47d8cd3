//! One signing key, on aws-lc-rs: the fastest RSA signatures that a crate offers.

use std::fmt;

use aws_lc_rs::encoding::{AsDer as _, Pkcs8V1Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _, RSA_PKCS1_SHA256, RsaKeyPair,
};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use crate::clock::UnixTime;
use crate::domain::SigningAlgorithm;
use crate::tokens::PublicKey;

/// The cryptographic library refused a key or a signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the cryptographic library refused a signing key")]
pub struct KeyError;

/// A key that signs tokens.
pub struct SigningKey {
    /// Its name: the JWK thumbprint (RFC 7638).
    pub kid: String,
    /// What it signs with.
    pub algorithm: SigningAlgorithm,
    /// When it begins to sign.
    pub signs_from: UnixTime,
    pair: Pair,
    public: PublicKey,
    jwk: Value,
    /// The encoded header of each token that it signs.
    header: String,
}

enum Pair {
    Rsa(RsaKeyPair),
    P256(EcdsaKeyPair),
}

impl SigningKey {
    /// A new key and its PKCS #8. The library draws its own randomness: it takes none from outside.
    ///
    /// # Errors
    /// When the library fails.
    pub fn generate(
        algorithm: SigningAlgorithm,
        signs_from: UnixTime,
    ) -> Result<(Self, Zeroizing<Vec<u8>>), KeyError> {
        let private = match algorithm {
            SigningAlgorithm::Rs256 => {
                let pair = RsaKeyPair::generate(KeySize::Rsa2048).map_err(|_| KeyError)?;
                let der: Pkcs8V1Der<'static> = pair.as_der().map_err(|_| KeyError)?;
                Zeroizing::new(der.as_ref().to_vec())
            }
            SigningAlgorithm::Es256 => {
                let document =
                    EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new())
                        .map_err(|_| KeyError)?;
                Zeroizing::new(document.as_ref().to_vec())
            }
        };
        Ok((Self::open(algorithm, &private, signs_from)?, private))
    }

    /// The key of this PKCS #8.
    ///
    /// # Errors
    /// When it is not one of this algorithm.
    pub fn open(algorithm: SigningAlgorithm, private: &[u8], signs_from: UnixTime) -> Result<Self, KeyError> {
        let (pair, members) = match algorithm {
            SigningAlgorithm::Rs256 => {
                let pair = RsaKeyPair::from_pkcs8(private).map_err(|_| KeyError)?;
                let (n, e) = rsa_integers(pair.public_key().as_ref()).ok_or(KeyError)?;
                // The members of a thumbprint in their order (RFC 7638 §3.2), which `json!` keeps.
                let members = json!({ "e": encode(e), "kty": "RSA", "n": encode(n) });
                (Pair::Rsa(pair), members)
            }
            SigningAlgorithm::Es256 => {
                let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, private)
                    .map_err(|_| KeyError)?;
                let point = pair.public_key().as_ref().strip_prefix(&[4]).ok_or(KeyError)?;
                let (x, y) = point.split_at_checked(32).ok_or(KeyError)?;
                let members = json!({ "crv": "P-256", "kty": "EC", "x": encode(x), "y": encode(y) });
                (Pair::P256(pair), members)
            }
        };
        let kid = encode(&Sha256::digest(members.to_string().as_bytes()));
        let public = PublicKey::from_jwk(&members).ok_or(KeyError)?;
        let mut jwk = members;
        for (name, value) in [("use", "sig"), ("alg", algorithm.name()), ("kid", &kid), ("x5t", &kid)] {
            if let Value::Object(jwk) = &mut jwk {
                jwk.insert(name.to_owned(), value.into());
            }
        }
        let header = json!({ "typ": "JWT", "alg": algorithm.name(), "kid": kid, "x5t": kid });
        let header = encode(header.to_string().as_bytes());
        Ok(Self { kid, algorithm, signs_from, pair, public, jwk, header })
    }

    /// A compact JWS over `payload`.
    ///
    /// # Errors
    /// When the library fails.
    pub fn sign(&self, payload: &[u8]) -> Result<String, KeyError> {
        let mut token = String::with_capacity(self.header.len() + payload.len() * 4 / 3 + 360);
        token.push_str(&self.header);
        token.push('.');
        URL_SAFE_NO_PAD.encode_string(payload, &mut token);
        let rng = SystemRandom::new();
        match &self.pair {
            Pair::Rsa(pair) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(&RSA_PKCS1_SHA256, &rng, token.as_bytes(), &mut signature).map_err(|_| KeyError)?;
                token.push('.');
                URL_SAFE_NO_PAD.encode_string(signature, &mut token);
            }
            Pair::P256(pair) => {
                let signature = pair.sign(&rng, token.as_bytes()).map_err(|_| KeyError)?;
                token.push('.');
                URL_SAFE_NO_PAD.encode_string(signature, &mut token);
            }
        }
        Ok(token)
    }

    /// As clients see it.
    #[must_use]
    pub fn jwk(&self) -> &Value {
        &self.jwk
    }

    /// Its public part.
    #[must_use]
    pub fn public_key(&self) -> &PublicKey {
        &self.public
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey({} {})", self.algorithm.name(), self.kid)
    }
}

fn encode(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Modulus and exponent of an `RSAPublicKey` (RFC 8017 §A.1.1), without the zero that marks them positive.
fn rsa_integers(der: &[u8]) -> Option<(&[u8], &[u8])> {
    let (sequence, _) = element(0x30, der)?;
    let (n, rest) = element(0x02, sequence)?;
    let (e, _) = element(0x02, rest)?;
    Some((n.strip_prefix(&[0]).unwrap_or(n), e))
}

/// The content of a DER element with this tag, and what follows it.
fn element(tag: u8, der: &[u8]) -> Option<(&[u8], &[u8])> {
    let (first, rest) = der.split_first()?;
    let (length, rest) = rest.split_first()?;
    if *first != tag {
        return None;
    }
    let (length, rest) = match length {
        0x81 => rest.split_first().map(|(length, rest)| (usize::from(*length), rest))?,
        0x82 => {
            rest.split_first_chunk().map(|(length, rest)| (usize::from(u16::from_be_bytes(*length)), rest))?
        }
        short if *short < 0x80 => (usize::from(*short), rest),
        _ => return None,
    };
    rest.split_at_checked(length)
}
