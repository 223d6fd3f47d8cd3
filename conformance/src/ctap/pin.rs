//! The platform's side of the PIN/UV auth protocols (CTAP 2.3 §6.5.6 and §6.5.7).

use aes::Aes256;
use aes::cipher::{Array, BlockModeDecrypt, BlockModeEncrypt, KeyIvInit};
use hkdf::Hkdf;
use hmac::{Hmac, KeyInit, Mac};
use p256::elliptic_curve::sec1::ToSec1Point;
use p256::{PublicKey, SecretKey};
use sha2::Sha256;

use super::sha256;
use crate::cbor::Value;
use crate::cbor_map;

const BLOCK: usize = 16;

/// Which protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    /// SHA-256 of the shared point, a zero IV, MACs of 16 bytes.
    One,
    /// HKDF, a random IV, MACs of 32 bytes.
    Two,
}

impl Protocol {
    /// By its number.
    pub fn from_number(number: u64) -> Option<Self> {
        match number {
            1 => Some(Self::One),
            2 => Some(Self::Two),
            _ => None,
        }
    }

    /// Its number.
    pub fn number(self) -> u64 {
        match self {
            Self::One => 1,
            Self::Two => 2,
        }
    }

    /// `authenticate(key, message)`.
    pub fn authenticate(self, key: &[u8], message: &[u8]) -> Vec<u8> {
        let mut tag = hmac(key, message);
        if self == Self::One {
            tag.truncate(16);
        }
        tag
    }
}

/// LEFT(SHA-256(PIN), 16).
pub fn pin_hash(pin: &str) -> Vec<u8> {
    sha256(pin).into_iter().take(16).collect()
}

/// What platform and authenticator share.
pub struct Agreement {
    /// Under which protocol.
    pub protocol: Protocol,
    /// The platform's key, as it goes into a request.
    pub platform_key: Value,
    mac_key: [u8; 32],
    aes_key: [u8; 32],
}

impl Agreement {
    /// `encapsulate` to the key of an authenticator; none if that is no ES256 key agreement key.
    pub fn with(protocol: Protocol, peer: &Value) -> Option<Self> {
        let coordinate = |key: i32| peer.at(key)?.bytes().filter(|bytes| bytes.len() == 32);
        let point = [&[4], coordinate(-2)?, coordinate(-3)?].concat();
        let peer = PublicKey::from_sec1_bytes(&point).ok()?;
        let own = fresh_key()?;
        let shared = own.diffie_hellman(&peer);
        let z: &[u8] = shared.raw_secret_bytes();
        let (mac_key, aes_key) = match protocol {
            Protocol::One => (sha256(z), sha256(z)),
            Protocol::Two => (expand(z, b"CTAP2 HMAC key")?, expand(z, b"CTAP2 AES key")?),
        };
        let public = own.public_key().to_sec1_point(false);
        let (x, y) = (public.x()?.to_vec(), public.y()?.to_vec());
        let platform_key = cbor_map! { 1 => 2, 3 => -25, -1 => 1, -2 => x, -3 => y };
        Some(Self { protocol, platform_key, mac_key, aes_key })
    }

    /// `encrypt`; the plaintext is whole blocks.
    pub fn encrypt(&self, plaintext: &[u8]) -> Vec<u8> {
        let mut iv = [0; BLOCK];
        let mut sealed = Vec::new();
        if self.protocol == Protocol::Two {
            // An IV of zeros after a failure of the machine's randomness would still be a fair request.
            let _random = getrandom::fill(&mut iv);
            sealed.extend(iv);
        }
        let mut cipher = cbc::Encryptor::<Aes256>::new(&Array::from(self.aes_key), &Array::from(iv));
        for chunk in plaintext.as_chunks::<BLOCK>().0 {
            let mut block = Array::from(*chunk);
            cipher.encrypt_block(&mut block);
            sealed.extend_from_slice(&block);
        }
        sealed
    }

    /// `decrypt`; none unless that is whole blocks, with an IV under protocol two.
    pub fn decrypt(&self, sealed: &[u8]) -> Option<Vec<u8>> {
        let (iv, body) = match self.protocol {
            Protocol::One => ([0; BLOCK], sealed),
            Protocol::Two => sealed.split_first_chunk::<BLOCK>().map(|(iv, body)| (*iv, body))?,
        };
        let (blocks, rest) = body.as_chunks::<BLOCK>();
        let mut cipher = cbc::Decryptor::<Aes256>::new(&Array::from(self.aes_key), &Array::from(iv));
        let mut opened = Vec::new();
        for chunk in blocks {
            let mut block = Array::from(*chunk);
            cipher.decrypt_block(&mut block);
            opened.extend_from_slice(&block);
        }
        rest.is_empty().then_some(opened)
    }

    /// `authenticate` under the shared secret.
    pub fn authenticate(&self, message: &[u8]) -> Vec<u8> {
        self.protocol.authenticate(&self.mac_key, message)
    }
}

fn fresh_key() -> Option<SecretKey> {
    let mut scalar = [0; 32];
    getrandom::fill(&mut scalar).ok()?;
    SecretKey::from_slice(&scalar).ok()
}

fn expand(z: &[u8], info: &[u8]) -> Option<[u8; 32]> {
    let mut key = [0; 32];
    Hkdf::<Sha256>::new(Some(&[0; 32]), z).expand(info, &mut key).ok()?;
    Some(key)
}

fn hmac(key: &[u8], message: &[u8]) -> Vec<u8> {
    // HMAC takes keys of every length.
    Hmac::<Sha256>::new_from_slice(key)
        .map(|mac| mac.chain_update(message).finalize().into_bytes().to_vec())
        .unwrap_or_default()
}
