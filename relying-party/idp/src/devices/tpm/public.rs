//! Public areas: what a key is, and what the TPM lets it do.

use std::fmt;

use p256::pkcs8::EncodePublicKey as _;
use sha2::{Digest as _, Sha256};

use super::algorithm;
use super::reader::{Malformed, Reader};
use crate::domain::Rsa1;

/// The exponent that a public area writes as 0.
const EXPONENT: [u8; 3] = [1, 0, 1];
const NIST_P256: u16 = 0x0003;

/// `TPMA_OBJECT` (Part 2 §8.3).
mod attribute {
    pub(super) const FIXED_TPM: u32 = 1 << 1;
    pub(super) const FIXED_PARENT: u32 = 1 << 4;
    pub(super) const SENSITIVE_DATA_ORIGIN: u32 = 1 << 5;
    pub(super) const RESTRICTED: u32 = 1 << 16;
    pub(super) const DECRYPT: u32 = 1 << 17;
    pub(super) const SIGN: u32 = 1 << 18;
    /// Made in this TPM, and never leaves it.
    pub(super) const BORN_HERE: u32 = FIXED_TPM | FIXED_PARENT | SENSITIVE_DATA_ORIGIN;
}

/// A `TPMT_PUBLIC` with SHA-256 as its name algorithm.
#[derive(Clone, PartialEq, Eq)]
pub struct PublicArea {
    bytes: Vec<u8>,
    attributes: u32,
    symmetric: Symmetric,
    scheme: u16,
    key: Key,
}

/// The public key in a public area.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Key {
    /// RSA of 2048 to 4096 bits.
    Rsa(Rsa1),
    /// A point of P-256, uncompressed.
    P256([u8; 65]),
}

/// What a storage key encrypts its children with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Symmetric {
    None,
    Aes128Cfb,
}

impl PublicArea {
    /// Reads one.
    ///
    /// # Errors
    /// When it is malformed, or of a kind that is not accepted.
    pub fn parse(bytes: &[u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(bytes);
        let kind = reader.u16()?;
        reader.is(algorithm::SHA256, "name algorithm")?;
        let attributes = reader.u32()?;
        // The policy says how the key is authorised, which is the device's affair. The name covers it.
        reader.sized(64)?;
        let symmetric = symmetric(&mut reader)?;
        let scheme = scheme(&mut reader)?;
        let key = match kind {
            algorithm::RSA => rsa(&mut reader)?,
            algorithm::ECC => p256(&mut reader)?,
            _ => return Err(Malformed::Field("key type")),
        };
        reader.end()?;
        Ok(Self { bytes: bytes.to_vec(), attributes, symmetric, scheme, key })
    }

    /// The structure.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The name of the object: algorithm and hash (Part 1 §16).
    #[must_use]
    pub fn name(&self) -> Vec<u8> {
        let hash: [u8; 32] = Sha256::digest(&self.bytes).into();
        [algorithm::SHA256.to_be_bytes().as_slice(), hash.as_slice()].concat()
    }

    /// The public key.
    #[must_use]
    pub const fn key(&self) -> &Key {
        &self.key
    }

    /// Whether it is an endorsement key that a credential can be made for: restricted to decryption, AES-128-CFB
    /// (TCG EK Credential Profile 2.0, templates L-1 and L-2).
    #[must_use]
    pub fn is_endorsement_key(&self) -> bool {
        let kind = attribute::RESTRICTED | attribute::DECRYPT;
        self.is_exactly(kind) && self.symmetric == Symmetric::Aes128Cfb
    }

    /// Whether it is an attestation key: restricted to signing what the TPM itself says, by ECDSA.
    #[must_use]
    pub fn is_attestation_key(&self) -> bool {
        let kind = attribute::RESTRICTED | attribute::SIGN;
        self.is_exactly(kind) && self.scheme == algorithm::ECDSA && matches!(self.key, Key::P256(_))
    }

    /// Whether it signs what it is given.
    #[must_use]
    pub fn is_signing_key(&self) -> bool {
        self.is_exactly(attribute::SIGN)
    }

    /// Whether it decrypts what it is given.
    #[must_use]
    pub fn is_decryption_key(&self) -> bool {
        self.is_exactly(attribute::DECRYPT)
    }

    /// Born in the TPM, and of this kind and no other.
    const fn is_exactly(&self, kind: u32) -> bool {
        let kinds = attribute::RESTRICTED | attribute::DECRYPT | attribute::SIGN;
        self.attributes & attribute::BORN_HERE == attribute::BORN_HERE && self.attributes & kinds == kind
    }
}

impl Key {
    /// Its `SubjectPublicKeyInfo`, DER; nothing if it is no valid key.
    #[must_use]
    pub fn spki(&self) -> Option<Vec<u8>> {
        match self {
            Self::Rsa(key) => {
                let components = aws_lc_rs::rsa::PublicKeyComponents { n: key.modulus(), e: key.exponent() };
                let key: aws_lc_rs::rsa::PublicEncryptingKey = components.try_into().ok()?;
                let der: aws_lc_rs::encoding::PublicKeyX509Der<'_> =
                    aws_lc_rs::encoding::AsDer::as_der(&key).ok()?;
                Some(der.as_ref().to_vec())
            }
            Self::P256(point) => {
                let key = p256::PublicKey::from_sec1_bytes(point).ok()?;
                Some(key.to_public_key_der().ok()?.into_vec())
            }
        }
    }
}

impl fmt::Debug for PublicArea {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicArea({:#x}, {:?})", self.attributes, self.key)
    }
}

/// `TPMT_SYM_DEF_OBJECT`.
fn symmetric(reader: &mut Reader<'_>) -> Result<Symmetric, Malformed> {
    match reader.u16()? {
        algorithm::NULL => Ok(Symmetric::None),
        algorithm::AES => {
            reader.is(128, "symmetric key length")?;
            reader.is(algorithm::CFB, "symmetric mode")?;
            Ok(Symmetric::Aes128Cfb)
        }
        _ => Err(Malformed::Field("symmetric algorithm")),
    }
}

/// `TPMT_ASYM_SCHEME`.
fn scheme(reader: &mut Reader<'_>) -> Result<u16, Malformed> {
    let scheme = reader.u16()?;
    match scheme {
        algorithm::NULL | algorithm::RSAES => {}
        // A transport key decrypts OAEP with SHA-1, as the session keys' wire format has it.
        algorithm::OAEP => drop(reader.u16()?),
        algorithm::RSASSA | algorithm::RSAPSS | algorithm::ECDSA => {
            reader.is(algorithm::SHA256, "scheme's hash")?;
        }
        _ => return Err(Malformed::Field("scheme")),
    }
    Ok(scheme)
}

fn rsa(reader: &mut Reader<'_>) -> Result<Key, Malformed> {
    let bits = usize::from(reader.u16()?);
    let exponent = reader.u32()?;
    let modulus = reader.sized(512)?;
    if modulus.len() * 8 != bits {
        return Err(Malformed::Field("modulus"));
    }
    let given = exponent.to_be_bytes();
    let given = given.iter().position(|byte| *byte != 0).map_or(&[][..], |at| given.split_at(at).1);
    let exponent = if exponent == 0 { &EXPONENT } else { given };
    Rsa1::new(exponent, modulus).map(Key::Rsa).ok_or(Malformed::Field("modulus"))
}

fn p256(reader: &mut Reader<'_>) -> Result<Key, Malformed> {
    reader.is(NIST_P256, "curve")?;
    reader.is(algorithm::NULL, "key derivation")?;
    let mut point = [4; 65];
    let (_, mut rest) = point.split_at_mut(1);
    for _ in 0..2 {
        let coordinate = reader.sized(32)?;
        let (place, after) = rest.split_at_mut(32);
        place.fill(0);
        // A TPM may leave leading zeros out.
        place.split_at_mut(32 - coordinate.len()).1.copy_from_slice(coordinate);
        rest = after;
    }
    Ok(Key::P256(point))
}
