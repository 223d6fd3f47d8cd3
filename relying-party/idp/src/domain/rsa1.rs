//! RSA public keys in the form in which devices send them.

use std::fmt;

use sha2::{Digest as _, Sha256};

use crate::tokens::PublicKey;

/// `BCRYPT_RSAPUBLIC_MAGIC`.
const MAGIC: u32 = u32::from_le_bytes(*b"RSA1");
/// Moduli of 2048 to 4096 bits.
const MODULUS: std::ops::RangeInclusive<usize> = 256..=512;
/// The longest exponent; 65537 has three bytes.
const EXPONENT: std::ops::RangeInclusive<usize> = 1..=4;

/// An RSA public key as a `BCRYPT_RSAKEY_BLOB` (MS-DVRJ 2.2.2.1, MS-KPP 3.1.5.1.1.1): six little-endian numbers, then
/// exponent and modulus, big-endian.
#[derive(Clone, PartialEq, Eq)]
pub struct Rsa1 {
    bytes: Vec<u8>,
    exponent: Vec<u8>,
    modulus: Vec<u8>,
}

impl Rsa1 {
    /// Reads a blob: a public key of 2048 to 4096 bits, and nothing behind it.
    #[must_use]
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let mut rest = bytes;
        let mut number = || {
            let (number, after) = rest.split_first_chunk::<4>()?;
            rest = after;
            Some(u32::from_le_bytes(*number))
        };
        let (magic, bits, exponent, modulus) = (number()?, number()?, number()?, number()?);
        // The lengths of the primes: a public key has none.
        if magic != MAGIC || (number()?, number()?) != (0, 0) {
            return None;
        }
        let (exponent, modulus) = (usize::try_from(exponent).ok()?, usize::try_from(modulus).ok()?);
        if !EXPONENT.contains(&exponent) || !MODULUS.contains(&modulus) {
            return None;
        }
        let (exponent, modulus) =
            rest.split_at_checked(exponent).filter(|(_, rest)| rest.len() == modulus)?;
        let full = modulus.first().is_some_and(|first| *first >= 0x80);
        let odd = [exponent, modulus].iter().all(|number| number.last().is_some_and(|last| last % 2 == 1));
        let announced = usize::try_from(bits).ok()? == modulus.len() * 8;
        (full && odd && announced && exponent != [1]).then(|| Self {
            bytes: bytes.to_vec(),
            exponent: exponent.to_vec(),
            modulus: modulus.to_vec(),
        })
    }

    /// The blob of a key; nothing if it is not one of 2048 to 4096 bits.
    #[must_use]
    pub fn new(exponent: &[u8], modulus: &[u8]) -> Option<Self> {
        let length = |bytes: &[u8]| u32::try_from(bytes.len()).ok();
        let bits = length(modulus)?.checked_mul(8)?;
        let numbers = [MAGIC, bits, length(exponent)?, length(modulus)?, 0, 0];
        let head = numbers.iter().flat_map(|number| number.to_le_bytes());
        let bytes: Vec<u8> = head.chain(exponent.iter().copied()).chain(modulus.iter().copied()).collect();
        Self::parse(&bytes)
    }

    /// The blob.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The modulus, big-endian.
    #[must_use]
    pub fn modulus(&self) -> &[u8] {
        &self.modulus
    }

    /// The public exponent, big-endian.
    #[must_use]
    pub fn exponent(&self) -> &[u8] {
        &self.exponent
    }

    /// The key's name: SHA-256 of the blob (MS-ADTS 2.2.20.5.1, `KeyID`).
    #[must_use]
    pub fn key_id(&self) -> [u8; 32] {
        Sha256::digest(&self.bytes).into()
    }

    /// The key, for signatures.
    #[must_use]
    pub fn public_key(&self) -> PublicKey {
        PublicKey::Rsa { n: self.modulus.clone(), e: self.exponent.clone() }
    }
}

impl fmt::Debug for Rsa1 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Rsa1({} bits)", self.modulus.len() * 8)
    }
}
