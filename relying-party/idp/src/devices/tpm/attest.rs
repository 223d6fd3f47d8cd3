//! A TPM certifies one of its keys (Part 3 §18.2, `TPM2_Certify`).

use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED, UnparsedPublicKey};

use super::algorithm;
use super::public::{Key, PublicArea};
use super::reader::{Malformed, Reader};

/// `TPM_GENERATED_VALUE`: an attestation key signs nothing from outside that begins like this.
const GENERATED: u32 = 0xff54_4347;
const ATTEST_CERTIFY: u16 = 0x8017;
/// Algorithm and SHA-256.
const NAME: usize = 34;

/// What a certification proves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Certified {
    /// The key that is in the same TPM as the attestation key.
    pub public: PublicArea,
    /// The version of the TPM's firmware.
    pub firmware: u64,
}

/// Why a certification proves nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CertifyError {
    /// A structure cannot be read.
    #[error("{0} cannot be read: {1}")]
    Malformed(&'static str, Malformed),
    /// No TPM made it, or it says something else.
    #[error("it is no certification that a TPM made")]
    Kind,
    /// It was made for something else.
    #[error("it was not made for this request")]
    Purpose,
    /// It is about another key.
    #[error("it is about another key")]
    Name,
    /// Another key signed it.
    #[error("it was not signed by the attestation key of this device")]
    Signature,
}

/// Whether `attestation_key` says in `attest` (`TPMS_ATTEST`) and `signature` (`TPMT_SIGNATURE`), for this request
/// (`qualifying`), that the key of `public` (`TPMT_PUBLIC`) is in its TPM.
///
/// # Errors
/// With what does not hold.
pub fn certified(
    attestation_key: &PublicArea,
    (attest, signature, public): (&[u8], &[u8], &[u8]),
    qualifying: &[u8; 32],
) -> Result<Certified, CertifyError> {
    let public = PublicArea::parse(public).map_err(|error| CertifyError::Malformed("the key", error))?;
    let signature = ecdsa(signature).map_err(|error| CertifyError::Malformed("the signature", error))?;
    let Key::P256(point) = attestation_key.key() else { return Err(CertifyError::Signature) };
    let key = UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point);
    key.verify(attest, &signature).map_err(|_| CertifyError::Signature)?;
    let attest = Attest::parse(attest).map_err(|error| CertifyError::Malformed("the attestation", error))?;
    let attest = attest.ok_or(CertifyError::Kind)?;
    if attest.extra != qualifying {
        return Err(CertifyError::Purpose);
    }
    if attest.name != public.name() {
        return Err(CertifyError::Name);
    }
    Ok(Certified { firmware: attest.firmware, public })
}

/// A `TPMS_ATTEST` of `TPM2_Certify`.
struct Attest<'a> {
    extra: &'a [u8],
    firmware: u64,
    name: &'a [u8],
}

impl<'a> Attest<'a> {
    /// Reads one; nothing if it says something else.
    fn parse(bytes: &'a [u8]) -> Result<Option<Self>, Malformed> {
        let mut reader = Reader::new(bytes);
        if (reader.u32()?, reader.u16()?) != (GENERATED, ATTEST_CERTIFY) {
            return Ok(None);
        }
        // The qualified name of the signer; the key itself was used for the signature.
        reader.sized(NAME)?;
        let extra = reader.sized(64)?;
        // Clock, resets, restarts, and whether the clock is safe.
        reader.bytes(8 + 4 + 4 + 1)?;
        let firmware = u64::from(reader.u32()?) << 32 | u64::from(reader.u32()?);
        let name = reader.sized(NAME)?;
        reader.sized(NAME)?;
        reader.end()?;
        Ok(Some(Self { extra, firmware, name }))
    }
}

/// A `TPMT_SIGNATURE` by ECDSA with P-256 and SHA-256, as `r` and `s` of 32 bytes each.
fn ecdsa(bytes: &[u8]) -> Result<[u8; 64], Malformed> {
    let mut reader = Reader::new(bytes);
    reader.is(algorithm::ECDSA, "algorithm")?;
    reader.is(algorithm::SHA256, "hash")?;
    let mut signature = [0; 64];
    for half in signature.chunks_exact_mut(32) {
        let number = reader.sized(32)?;
        half.split_at_mut(32 - number.len()).1.copy_from_slice(number);
    }
    reader.end()?;
    Ok(signature)
}
