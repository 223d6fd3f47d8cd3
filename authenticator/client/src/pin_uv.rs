//! The platform's side of the PIN/UV auth protocols one and two (CTAP 2.3 §6.5.6 and §6.5.7).

use aes::Aes256;
use cbc::cipher::block_padding::NoPadding;
use cbc::cipher::{BlockModeDecrypt, BlockModeEncrypt, KeyIvInit};
use hkdf::Hkdf;
use hmac::{Hmac, KeyInit, Mac};
use latchkey_protocol::cose::KeyAgreement;
use p256::elliptic_curve::Generate;
use p256::elliptic_curve::sec1::ToSec1Point;
use p256::{PublicKey, Sec1Point, SecretKey};
use rand_core::CryptoRng;
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::DomException;

/// Which protocol is spoken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Protocol {
    /// SHA-256 of the shared point, a zero IV, MACs cut to 16 bytes.
    One,
    /// HKDF, a random IV before the ciphertext, whole MACs.
    Two,
}

/// AES's block, and the IV.
const BLOCK: usize = 16;

impl Protocol {
    /// The authenticator's preferred one of those that are spoken here.
    pub(crate) fn preferred(offered: &[u64]) -> Option<Self> {
        offered.iter().find_map(|number| match number {
            1 => Some(Self::One),
            2 => Some(Self::Two),
            _ => None,
        })
    }

    /// The number on the wire.
    pub(crate) const fn number(self) -> u64 {
        match self {
            Self::One => 1,
            Self::Two => 2,
        }
    }

    /// `authenticate(key, message)`.
    fn authenticate(self, key: &[u8], message: &[u8]) -> Vec<u8> {
        // HMAC takes a key of any length, so this only fails if the library says otherwise; then the authenticator
        // refuses the empty MAC.
        let Ok(mac) = Hmac::<Sha256>::new_from_slice(key) else { return Vec::new() };
        let mut tag = mac.chain_update(message).finalize().into_bytes().to_vec();
        match self {
            Self::One => tag.truncate(16),
            Self::Two => {}
        }
        tag
    }
}

/// What platform and authenticator share after key agreement.
pub(crate) struct SharedSecret {
    protocol: Protocol,
    /// The platform's half, which goes with every message that the secret protects.
    pub(crate) platform_key: KeyAgreement,
    hmac_key: Zeroizing<[u8; 32]>,
    aes_key: Zeroizing<[u8; 32]>,
}

impl SharedSecret {
    /// `encapsulate(peerCoseKey)` with a fresh key pair.
    ///
    /// # Errors
    /// `UnknownError` if the authenticator's key is no point on the curve.
    pub(crate) fn encapsulate(
        protocol: Protocol,
        peer: &KeyAgreement,
        rng: &mut dyn CryptoRng,
    ) -> Result<Self, DomException> {
        Self::with_key(protocol, peer, &SecretKey::generate_from_rng(rng))
    }

    fn with_key(protocol: Protocol, peer: &KeyAgreement, own: &SecretKey) -> Result<Self, DomException> {
        let off_curve =
            || DomException::unknown("The authenticator's key-agreement key is not on its curve.");
        let point = Sec1Point::from_affine_coordinates(&peer.x.into(), &peer.y.into(), false);
        let peer = PublicKey::from_sec1_bytes(point.as_bytes()).map_err(|_| off_curve())?;
        let z = own.diffie_hellman(&peer);
        let z: &[u8] = z.raw_secret_bytes();
        let (hmac_key, aes_key) = match protocol {
            Protocol::One => {
                let key: [u8; 32] = Sha256::digest(z).into();
                (Zeroizing::new(key), Zeroizing::new(key))
            }
            Protocol::Two => {
                let kdf = Hkdf::<Sha256>::new(Some(&[0; 32]), z);
                let expand = |info: &[u8]| {
                    let mut key = Zeroizing::new([0; 32]);
                    kdf.expand(info, key.as_mut()).map(|()| key).map_err(|_| off_curve())
                };
                (expand(b"CTAP2 HMAC key")?, expand(b"CTAP2 AES key")?)
            }
        };
        let own = own.public_key().to_sec1_point(false);
        let (Some(x), Some(y)) = (own.x(), own.y()) else { return Err(off_curve()) };
        let platform_key = KeyAgreement { x: (*x).into(), y: (*y).into() };
        Ok(Self { protocol, platform_key, hmac_key, aes_key })
    }

    /// The protocol that this secret belongs to.
    pub(crate) const fn protocol(&self) -> Protocol {
        self.protocol
    }

    /// `encrypt(key, plaintext)`; the plaintext is whole blocks.
    pub(crate) fn encrypt(&self, plaintext: &[u8], rng: &mut dyn CryptoRng) -> Vec<u8> {
        let mut iv = [0; BLOCK];
        match self.protocol {
            Protocol::One => {}
            Protocol::Two => rng.fill_bytes(&mut iv),
        }
        self.encrypt_with(iv, plaintext)
    }

    fn encrypt_with(&self, iv: [u8; BLOCK], plaintext: &[u8]) -> Vec<u8> {
        debug_assert!(plaintext.len().is_multiple_of(BLOCK), "CTAP encrypts whole blocks only");
        let mut blocks = plaintext.to_vec();
        let length = blocks.len();
        // Cannot fail: the buffer is exactly as long as the message, and no padding is added.
        let _ = cbc::Encryptor::<Aes256>::new((&*self.aes_key).into(), (&iv).into())
            .encrypt_padded::<NoPadding>(&mut blocks, length);
        match self.protocol {
            Protocol::One => blocks,
            Protocol::Two => [&iv[..], &blocks].concat(),
        }
    }

    /// `decrypt(key, ciphertext)`.
    ///
    /// # Errors
    /// `UnknownError` if that is no ciphertext of this protocol.
    pub(crate) fn decrypt(&self, ciphertext: &[u8]) -> Result<Zeroizing<Vec<u8>>, DomException> {
        let bad = || DomException::unknown("The authenticator's answer is not encrypted as it should be.");
        let (iv, blocks) = match self.protocol {
            Protocol::One => (&[0; BLOCK], ciphertext),
            Protocol::Two => ciphertext.split_first_chunk::<BLOCK>().ok_or_else(bad)?,
        };
        let mut plaintext = Zeroizing::new(blocks.to_vec());
        cbc::Decryptor::<Aes256>::new((&*self.aes_key).into(), iv.into())
            .decrypt_padded::<NoPadding>(&mut plaintext)
            .map_err(|_| bad())?;
        Ok(plaintext)
    }

    /// `authenticate(key, message)` under the shared secret.
    pub(crate) fn authenticate(&self, message: &[u8]) -> Vec<u8> {
        self.protocol.authenticate(&*self.hmac_key, message)
    }
}

/// A pinUvAuthToken: says that the user was verified, until the authenticator forgets it.
pub(crate) struct PinUvAuthToken {
    protocol: Protocol,
    key: Zeroizing<Vec<u8>>,
}

impl PinUvAuthToken {
    /// The token as the authenticator handed it out.
    ///
    /// # Errors
    /// `UnknownError` if it is not encrypted under `secret`, or has a length that no token has (§6.5.6, §6.5.7).
    pub(crate) fn decrypt(secret: &SharedSecret, encrypted: &[u8]) -> Result<Self, DomException> {
        let key = secret.decrypt(encrypted)?;
        let fits = match secret.protocol {
            Protocol::One => matches!(key.len(), 16 | 32),
            Protocol::Two => key.len() == 32,
        };
        if !fits {
            return Err(DomException::unknown("The authenticator's token has a wrong length."));
        }
        Ok(Self { protocol: secret.protocol, key })
    }

    /// The number of the protocol, and the MAC over `message`.
    pub(crate) fn authenticate(&self, message: &[u8]) -> (u64, Vec<u8>) {
        (self.protocol.number(), self.protocol.authenticate(&self.key, message))
    }
}

#[cfg(test)]
pub(crate) mod tests;
