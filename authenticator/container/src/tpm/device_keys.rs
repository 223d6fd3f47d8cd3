//! The part of the port that device registration needs: the transport key, and proof that keys live in a TPM.
//!
//! The structures that leave the device are in the TPM's own wire form (TPM 2.0 Part 2), because whoever verifies them
//! hashes exactly these bytes.

use p256::ecdsa::Signature;
use zeroize::Zeroizing;

use super::{CreatedKey, KeyBlob, TpmError};
use crate::secret::AuthValue;

/// The endorsement key: whose secret half is in one TPM only, from its making on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endorsement {
    /// Its `TPMT_PUBLIC`: made from the TCG's default template, RSA-2048, or ECC P-256 when the TPM holds a certificate
    /// for that one only (TCG EK Credential Profile §B.3.3, §B.3.4).
    pub public_area: Vec<u8>,
    /// The manufacturer's certificate, DER, when the TPM holds one.
    pub certificate: Option<Vec<u8>>,
}

/// An attestation key just made: ECC P-256, ECDSA with SHA-256, restricted to what the TPM itself says.
#[derive(Debug, Clone)]
pub struct CreatedAttestationKey {
    /// What to store.
    pub blob: KeyBlob,
    /// Its `TPMT_PUBLIC`.
    pub public_area: Vec<u8>,
}

/// What `TPM2_MakeCredential`, or a program that computes the same (TPM 2.0 Part 1 §24), made for an endorsement key and
/// the Name of an attestation key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CredentialChallenge {
    /// The `TPM2B_ID_OBJECT`, with its size in front.
    pub credential_blob: Vec<u8>,
    /// The `TPM2B_ENCRYPTED_SECRET`, with its size in front.
    pub secret: Vec<u8>,
}

/// What the TPM says about one of its keys, signed by an attestation key (`TPM2_Certify`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Certification {
    /// The `TPMS_ATTEST`.
    pub attest: Vec<u8>,
    /// The `TPMT_SIGNATURE` over it.
    pub signature: Vec<u8>,
    /// The `TPMT_PUBLIC` of the certified key, whose Name is in `attest`.
    pub public_area: Vec<u8>,
}

impl Certification {
    /// The signature as an `Ecdsa-Sig-Value`, DER; `None` if it is of another kind than attestation keys make.
    #[must_use]
    pub fn ecdsa_signature(&self) -> Option<Vec<u8>> {
        // Algorithm and hash (TPM_ALG_ECDSA, TPM_ALG_SHA256), then two numbers, each with its length.
        let rest = self.signature.strip_prefix(&[0x00, 0x18, 0x00, 0x0B])?;
        let (r, rest) = scalar(rest)?;
        let (s, rest) = scalar(rest)?;
        let signature = Signature::from_scalars(r, s).ok().filter(|_| rest.is_empty())?;
        Some(signature.to_der().as_bytes().to_vec())
    }
}

/// A number of up to 32 bytes, with the leading zeros that a TPM may leave out.
fn scalar(bytes: &[u8]) -> Option<([u8; 32], &[u8])> {
    let (length, rest) = bytes.split_first_chunk::<2>()?;
    let (number, rest) = rest.split_at_checked(usize::from(u16::from_be_bytes(*length)))?;
    let mut padded = [0; 32];
    padded.get_mut(32_usize.checked_sub(number.len())?..)?.copy_from_slice(number);
    Some((padded, rest))
}

/// Keys of the device, and their attestation. The device key itself is a key like any other
/// ([`create_key`](super::Tpm::create_key)).
pub trait DeviceKeys {
    /// Creates a transport key: RSA-2048, decrypts RSAES-OAEP with SHA-1 and nothing else, under `auth` only.
    ///
    /// # Errors
    /// [`TpmError::Unreachable`].
    fn create_transport_key(&mut self, auth: &AuthValue) -> Result<CreatedKey, TpmError>;

    /// Decrypts with a transport key. A key used recently stays loaded.
    ///
    /// # Errors
    /// [`TpmError::WrongAuth`], [`TpmError::ForeignBlob`], [`TpmError::BadCiphertext`].
    fn decrypt(
        &mut self,
        key: &KeyBlob,
        auth: &AuthValue,
        ciphertext: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, TpmError>;

    /// The endorsement key, `None` where the device cannot attest.
    ///
    /// # Errors
    /// [`TpmError::EndorsementAuth`].
    fn endorsement(&mut self) -> Result<Option<Endorsement>, TpmError>;

    /// Creates an attestation key that signs only under `auth`.
    ///
    /// # Errors
    /// [`TpmError::NoAttestation`].
    fn create_attestation_key(&mut self, auth: &AuthValue) -> Result<CreatedAttestationKey, TpmError>;

    /// Opens a challenge, which shows that the endorsement key and this attestation key are in one TPM.
    ///
    /// # Errors
    /// [`TpmError::NoAttestation`], [`TpmError::WrongAuth`], [`TpmError::ForeignBlob`], [`TpmError::EndorsementAuth`],
    /// [`TpmError::BadCiphertext`] for a challenge to another TPM or another attestation key.
    fn activate_credential(
        &mut self,
        attestation_key: &KeyBlob,
        auth: &AuthValue,
        challenge: &CredentialChallenge,
    ) -> Result<Zeroizing<Vec<u8>>, TpmError>;

    /// Lets the TPM state, signed by an attestation key, that it holds `key` and what its attributes are.
    /// `qualifying` is what the verifier wants to see in it. Each key comes with its authorisation value.
    ///
    /// # Errors
    /// [`TpmError::NoAttestation`], [`TpmError::WrongAuth`], [`TpmError::ForeignBlob`].
    fn certify(
        &mut self,
        attestation_key: (&KeyBlob, &AuthValue),
        key: (&KeyBlob, &AuthValue),
        qualifying: &[u8; 32],
    ) -> Result<Certification, TpmError>;
}
