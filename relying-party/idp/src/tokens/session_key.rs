//! The session key of a primary refresh token: how it travels to the device, and the keys that follow from it for single
//! messages (MS-OAPXBC 3.1.5.1.3, 3.2.5.1.2.2).

use std::fmt;

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::rsa::{OAEP_SHA1_MGF1SHA1, OaepPublicEncryptingKey, PublicEncryptingKey};
use aws_lc_rs::signature::RsaPublicKeyComponents;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use rand_core::CryptoRng;
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use super::PublicKey;

/// The label of the key derivation.
const LABEL: &[u8] = b"AzureAD-SecureConversation";
/// The header of the session key's JWE, exactly so.
const HEADER: &str = r#"{"enc":"A256GCM","alg":"RSA-OAEP"}"#;

/// A key that one device and the provider share: 32 random bytes.
pub struct SessionKey(Zeroizing<[u8; 32]>);

/// A key for one message.
pub struct DerivedKey(Zeroizing<[u8; 32]>);

/// Which derivation a message was made with (`kdf_ver`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Derivation {
    /// From the context alone: whoever computed one derived key can sign anything with it, for ever.
    V1,
    /// From the context and the message: the key is good for this message only.
    V2,
}

/// The key cannot be sealed to this device.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the session key cannot be sealed to the device's transport key")]
pub struct SealError;

impl SessionKey {
    /// A new one.
    #[must_use]
    pub fn random(rng: &mut dyn CryptoRng) -> Self {
        let mut bytes = Zeroizing::new([0; 32]);
        rng.fill_bytes(&mut *bytes);
        Self(bytes)
    }

    /// The key with these bytes; nothing if they are not 32.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(|bytes| Self(Zeroizing::new(bytes)))
    }

    /// Its bytes, to be sealed for storage.
    #[must_use]
    pub fn expose(&self) -> &[u8; 32] {
        &self.0
    }

    /// The key for a message with this context (`ctx`) and, from version 2 on, these decoded bytes of its payload.
    #[must_use]
    pub fn derive(&self, derivation: Derivation, context: &[u8], payload: &[u8]) -> DerivedKey {
        match derivation {
            Derivation::V1 => self.derive_from(context),
            Derivation::V2 => {
                self.derive_from(&Sha256::new().chain_update(context).chain_update(payload).finalize())
            }
        }
    }

    /// One round of SP 800-108 in counter mode: 256 bits are one output of HMAC-SHA-256.
    fn derive_from(&self, context: &[u8]) -> DerivedKey {
        let mut mac = Hmac::<Sha256>::new_from_slice(&*self.0)
            .unwrap_or_else(|_| unreachable!("HMAC takes a key of any length"));
        for part in [&1_u32.to_be_bytes(), LABEL, &[0], context, &256_u32.to_be_bytes()] {
            mac.update(part);
        }
        DerivedKey(Zeroizing::new(mac.finalize().into_bytes().into()))
    }

    /// The JWE that brings it to the device: the content encryption key is the session key itself, encrypted to the transport
    /// key with RSAES-OAEP over SHA-1, as a TPM decrypts it. The content says nothing.
    ///
    /// # Errors
    /// When the transport key is none.
    pub fn sealed_to(&self, transport: &PublicKey, rng: &mut dyn CryptoRng) -> Result<String, SealError> {
        let wrapped = self.wrapped(transport).ok_or(SealError)?;
        let header = URL_SAFE_NO_PAD.encode(HEADER);
        let mut nonce = [0; 12];
        rng.fill_bytes(&mut nonce);
        let (content, tag) =
            DerivedKey(self.0.clone()).seal_gcm(nonce, header.as_bytes(), vec![0]).ok_or(SealError)?;
        let text = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        Ok(format!("{header}.{}.{}.{}.{}", text(&wrapped), text(&nonce), text(&content), text(&tag)))
    }

    fn wrapped(&self, transport: &PublicKey) -> Option<Vec<u8>> {
        let PublicKey::Rsa { n, e } = transport else { return None };
        let key: PublicEncryptingKey = RsaPublicKeyComponents { n, e }.try_into().ok()?;
        let key = OaepPublicEncryptingKey::new(key).ok()?;
        let mut wrapped = vec![0; key.ciphertext_size()];
        let length = key.encrypt(&OAEP_SHA1_MGF1SHA1, &*self.0, &mut wrapped, None).ok()?.len();
        wrapped.truncate(length);
        Some(wrapped)
    }
}

impl DerivedKey {
    /// Its bytes.
    pub(super) fn bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Whether `signature` is the HMAC-SHA-256 of `signed` under this key.
    pub(super) fn verify(&self, signed: &[u8], signature: &[u8]) -> bool {
        let mut mac = Hmac::<Sha256>::new_from_slice(&*self.0)
            .unwrap_or_else(|_| unreachable!("HMAC takes a key of any length"));
        mac.update(signed);
        mac.verify_slice(signature).is_ok()
    }

    /// AES-256-GCM: ciphertext and tag. `None`: the text is too long.
    pub(super) fn seal_gcm(
        &self,
        nonce: [u8; 12],
        aad: &[u8],
        mut text: Vec<u8>,
    ) -> Option<(Vec<u8>, Vec<u8>)> {
        let key = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, &*self.0).ok()?);
        let nonce = Nonce::assume_unique_for_key(nonce);
        let tag = key.seal_in_place_separate_tag(nonce, Aad::from(aad), &mut text).ok()?;
        Some((text, tag.as_ref().to_vec()))
    }
}

impl fmt::Debug for SessionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SessionKey(..)")
    }
}

impl fmt::Debug for DerivedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DerivedKey(..)")
    }
}
