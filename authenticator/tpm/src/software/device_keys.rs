//! [`DeviceKeys`] without a TPM: the transport key works, and nothing can be attested.

use latchkey_container::secret::AuthValue;
use latchkey_container::tpm::{
    Certification, CreatedAttestationKey, CreatedKey, CredentialChallenge, DeviceKeys, Endorsement, KeyBlob,
    TpmError,
};
use zeroize::Zeroizing;

use super::{SoftwareTpm, keys};

impl DeviceKeys for SoftwareTpm {
    fn create_transport_key(&mut self, auth: &AuthValue) -> Result<CreatedKey, TpmError> {
        keys::create_transport(&self.vault, auth, &mut *self.rng)
    }

    fn decrypt(
        &mut self,
        key: &KeyBlob,
        auth: &AuthValue,
        ciphertext: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, TpmError> {
        keys::decrypt(&self.vault, key, auth, ciphertext)
    }

    fn endorsement(&mut self) -> Result<Option<Endorsement>, TpmError> {
        Ok(None)
    }

    fn create_attestation_key(&mut self, _auth: &AuthValue) -> Result<CreatedAttestationKey, TpmError> {
        Err(TpmError::NoAttestation)
    }

    fn activate_credential(
        &mut self,
        _attestation_key: &KeyBlob,
        _auth: &AuthValue,
        _challenge: &CredentialChallenge,
    ) -> Result<Zeroizing<Vec<u8>>, TpmError> {
        Err(TpmError::NoAttestation)
    }

    fn certify(
        &mut self,
        _attestation_key: (&KeyBlob, &AuthValue),
        _key: (&KeyBlob, &AuthValue),
        _qualifying: &[u8; 32],
    ) -> Result<Certification, TpmError> {
        Err(TpmError::NoAttestation)
    }
}
