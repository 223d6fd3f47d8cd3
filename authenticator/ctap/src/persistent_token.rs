//! The persistent pinUvAuthToken (CTAP 2.3 §6.5.2.1): what its holder may do without a gesture, and what getInfo tells
//! nobody else.

use aes::Aes128;
use aes::cipher::{Array, BlockModeEncrypt, KeyIvInit};
use hkdf::Hkdf;
use latchkey_container::secret::Secret32;
use rand_core::CryptoRng;
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::engine::Authenticator;
use crate::token::Proof;

/// What getInfo tells the holder of the persistent token; the name is the info string of the key derivation (§6.4).
#[derive(Clone, Copy)]
pub(crate) enum Secret {
    /// encIdentifier.
    Identifier,
    /// encCredStoreState.
    CredentialStoreState,
}

impl Authenticator {
    /// Whether a request comes from the holder of the persistent token. It is good under both protocols, for every relying
    /// party and at any time.
    pub(crate) fn holds_persistent_token(&self, proof: Proof<'_>, message: &[&[u8]]) -> bool {
        let token = self.container.persistent_token();
        token.is_some_and(|token| proof.protocol.verify(token.expose(), message, proof.param))
    }
}

impl Secret {
    const fn info(self) -> &'static [u8] {
        match self {
            Self::Identifier => b"encIdentifier",
            Self::CredentialStoreState => b"encCredStoreState",
        }
    }

    /// `iv ‖ AES-128-CBC(value)` under a key that is derived from the token. The iv is another one in each answer, so that
    /// nobody else sees whether the value is the one of before.
    pub(crate) fn encrypt(self, token: &Secret32, value: [u8; 16], rng: &mut dyn CryptoRng) -> Vec<u8> {
        let mut key = Zeroizing::new([0; 16]);
        Hkdf::<Sha256>::new(Some(&[0; 32]), token.expose())
            .expand(self.info(), key.as_mut_slice())
            .unwrap_or_else(|_| unreachable!("HKDF-SHA256 gives up to 8160 bytes"));
        let mut iv = [0; 16];
        rng.fill_bytes(&mut iv);
        let mut block = Array::from(value);
        cbc::Encryptor::<Aes128>::new(&Array::from(*key), &Array::from(iv)).encrypt_block(&mut block);
        [iv.as_slice(), block.as_slice()].concat()
    }
}
