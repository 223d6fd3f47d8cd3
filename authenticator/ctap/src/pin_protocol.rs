//! PIN/UV auth protocols one and two, the authenticator's side (CTAP 2.3 §6.5.6 and §6.5.7).

use aes::Aes256;
use aes::cipher::{Array, BlockModeDecrypt, BlockModeEncrypt, KeyIvInit};
use hkdf::Hkdf;
use hmac::{Hmac, KeyInit, Mac};
use p256::elliptic_curve::Generate;
use p256::{PublicKey, Sec1Point, SecretKey};
use rand_core::CryptoRng;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

const BLOCK: usize = 16;

/// A PIN/UV auth protocol that this authenticator speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PinProtocol {
    /// Protocol one: SHA-256 of the shared point, a zero IV, MACs cut to 16 bytes.
    One,
    /// Protocol two: HKDF, a random IV, whole MACs.
    Two,
}

impl PinProtocol {
    /// In order of preference, as getInfo lists them (conformance point: `[2, 1]`).
    pub(crate) const PREFERRED: [Self; 2] = [Self::Two, Self::One];

    /// The number on the wire; `None` for a protocol that we do not speak.
    pub(crate) const fn from_number(number: u64) -> Option<Self> {
        match number {
            1 => Some(Self::One),
            2 => Some(Self::Two),
            _ => None,
        }
    }

    /// The number on the wire.
    pub(crate) const fn number(self) -> u64 {
        match self {
            Self::One => 1,
            Self::Two => 2,
        }
    }

    /// How long a MAC is; shorter and longer ones are both refused.
    const fn mac_length(self) -> usize {
        match self {
            Self::One => 16,
            Self::Two => 32,
        }
    }

    /// `verify` (CTAP 2.3 §6.5.6, §6.5.7) over the concatenation of `parts`: exact length, in constant time.
    /// A device that accepted a prefix of the MAC under protocol two gave away half of its strength.
    pub(crate) fn verify(self, key: &[u8; 32], parts: &[&[u8]], mac: &[u8]) -> bool {
        if mac.len() != self.mac_length() {
            return false;
        }
        let Ok(mut computation) = Hmac::<Sha256>::new_from_slice(key) else {
            return false;
        };
        for part in parts {
            computation.update(part);
        }
        let whole = computation.finalize().into_bytes();
        whole.iter().as_slice().get(..mac.len()).is_some_and(|expected| bool::from(expected.ct_eq(mac)))
    }
}

/// The key-agreement key pair of one protocol; lives until power-off or the next wrong PIN.
pub(crate) struct KeyAgreement {
    protocol: PinProtocol,
    secret: SecretKey,
}

impl KeyAgreement {
    /// `initialize` and `regenerate`.
    pub(crate) fn generate(protocol: PinProtocol, rng: &mut dyn CryptoRng) -> Self {
        Self { protocol, secret: SecretKey::generate_from_rng(rng) }
    }

    /// The two coordinates that getKeyAgreement publishes.
    pub(crate) fn public(&self) -> ([u8; 32], [u8; 32]) {
        let point = Sec1Point::from(self.secret.public_key());
        let (mut x, mut y) = ([0; 32], [0; 32]);
        if let Some((_tag, coordinates)) = point.as_bytes().split_first()
            && let Some((left, right)) = coordinates.split_at_checked(32)
        {
            x.copy_from_slice(left);
            if right.len() == 32 {
                y.copy_from_slice(right);
            }
        }
        (x, y)
    }

    /// `decapsulate`; `None` when the point is not on the curve.
    pub(crate) fn decapsulate(&self, x: &[u8; 32], y: &[u8; 32]) -> Option<SharedSecret> {
        let mut encoded = [4_u8; 65];
        let (_tag, coordinates) = encoded.split_first_mut()?;
        let (left, right) = coordinates.split_at_mut_checked(32)?;
        left.copy_from_slice(x);
        right.copy_from_slice(y);
        let peer = PublicKey::from_sec1_bytes(&encoded).ok()?;
        let shared = self.secret.diffie_hellman(&peer);
        SharedSecret::derive(self.protocol, shared.raw_secret_bytes())
    }
}

/// What both sides of a key agreement know: one key for MACs, one for encryption (the same under protocol
/// one).
pub(crate) struct SharedSecret {
    protocol: PinProtocol,
    mac_key: Zeroizing<[u8; 32]>,
    aes_key: Zeroizing<[u8; 32]>,
}

impl SharedSecret {
    fn derive(protocol: PinProtocol, shared_point: &[u8]) -> Option<Self> {
        let (mut mac_key, mut aes_key) = (Zeroizing::new([0; 32]), Zeroizing::new([0; 32]));
        match protocol {
            PinProtocol::One => {
                let digest = Zeroizing::new(<[u8; 32]>::from(Sha256::digest(shared_point)));
                mac_key.clone_from(&digest);
                aes_key.clone_from(&digest);
            }
            PinProtocol::Two => {
                let extracted = Hkdf::<Sha256>::new(Some(&[0; 32]), shared_point);
                extracted.expand(b"CTAP2 HMAC key", mac_key.as_mut_slice()).ok()?;
                extracted.expand(b"CTAP2 AES key", aes_key.as_mut_slice()).ok()?;
            }
        }
        Some(Self { protocol, mac_key, aes_key })
    }

    /// `verify` under the shared secret.
    pub(crate) fn verify(&self, parts: &[&[u8]], mac: &[u8]) -> bool {
        self.protocol.verify(&self.mac_key, parts, mac)
    }

    /// `encrypt`; the plaintext is a whole number of blocks.
    pub(crate) fn encrypt(&self, plaintext: &[u8], rng: &mut dyn CryptoRng) -> Vec<u8> {
        let mut iv = [0_u8; BLOCK];
        let mut sealed = Vec::with_capacity(BLOCK.saturating_add(plaintext.len()));
        if self.protocol == PinProtocol::Two {
            rng.fill_bytes(&mut iv);
            sealed.extend_from_slice(&iv);
        }
        let mut cipher = cbc::Encryptor::<Aes256>::new(&Array::from(*self.aes_key), &Array::from(iv));
        for chunk in plaintext.as_chunks::<BLOCK>().0 {
            let mut block = Array::from(*chunk);
            cipher.encrypt_block(&mut block);
            sealed.extend_from_slice(&block);
        }
        sealed
    }

    /// `decrypt`; `None` unless the ciphertext is a whole number of blocks (with its IV under protocol two).
    pub(crate) fn decrypt(&self, ciphertext: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        let (iv, body) = match self.protocol {
            PinProtocol::One => ([0_u8; BLOCK], ciphertext),
            PinProtocol::Two => ciphertext.split_first_chunk::<BLOCK>().map(|(iv, body)| (*iv, body))?,
        };
        let (blocks, rest) = body.as_chunks::<BLOCK>();
        if !rest.is_empty() {
            return None;
        }
        let mut opened = Zeroizing::new(Vec::with_capacity(body.len()));
        let mut cipher = cbc::Decryptor::<Aes256>::new(&Array::from(*self.aes_key), &Array::from(iv));
        for chunk in blocks {
            let mut block = Array::from(*chunk);
            cipher.decrypt_block(&mut block);
            opened.extend_from_slice(&block);
        }
        Some(opened)
    }
}

#[cfg(test)]
mod tests;
