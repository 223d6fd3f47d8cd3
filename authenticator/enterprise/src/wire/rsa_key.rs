//! RSA public keys as the provider wants them: the `RSA1` blob, its key id, and the `SubjectPublicKeyInfo`.

use aws_lc_rs::encoding::{AsDer as _, PublicKeyX509Der};
use aws_lc_rs::rsa::PublicKeyComponents;
use base64::prelude::{BASE64_STANDARD, Engine as _};
use latchkey_container::PublicKey;
use sha2::{Digest as _, Sha256};

/// `BCRYPT_RSAPUBLIC_MAGIC`.
const MAGIC: &[u8; 4] = b"RSA1";

/// An RSA public key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RsaKey {
    modulus: Vec<u8>,
    exponent: Vec<u8>,
}

impl RsaKey {
    /// The key, if it is one of RSA.
    #[must_use]
    pub fn of(key: &PublicKey) -> Option<Self> {
        match key {
            PublicKey::Rsa { modulus, exponent } => {
                let exponent = exponent.to_be_bytes().into_iter().skip_while(|byte| *byte == 0).collect();
                Some(Self { modulus: modulus.clone(), exponent })
            }
            PublicKey::P256 { .. } | PublicKey::P384 { .. } => None,
        }
    }

    /// `BCRYPT_RSAKEY_BLOB`: six little-endian numbers, then exponent and modulus, both big-endian.
    #[must_use]
    pub fn blob(&self) -> Vec<u8> {
        let number = |value: usize| u32::try_from(value).unwrap_or(u32::MAX).to_le_bytes();
        let mut blob = MAGIC.to_vec();
        let bits = self.modulus.len().saturating_mul(8);
        for value in [bits, self.exponent.len(), self.modulus.len(), 0, 0] {
            blob.extend(number(value));
        }
        blob.extend(&self.exponent);
        blob.extend(&self.modulus);
        blob
    }

    /// SHA-256 of the blob: what the provider finds an enterprise key by.
    #[must_use]
    pub fn id(&self) -> [u8; 32] {
        Sha256::digest(self.blob()).into()
    }

    /// [`RsaKey::id`] as the header of an assertion has it: base64 with padding, not base64url.
    #[must_use]
    pub fn id_text(&self) -> String {
        BASE64_STANDARD.encode(self.id())
    }

    /// `SubjectPublicKeyInfo` in DER (RFC 3279 §2.3.1).
    #[must_use]
    pub fn info(&self) -> Option<Vec<u8>> {
        let components = PublicKeyComponents { n: &self.modulus[..], e: &self.exponent[..] };
        let der: PublicKeyX509Der<'_> = components.as_der().ok()?;
        Some(der.as_ref().to_vec())
    }
}

#[cfg(test)]
mod tests;
