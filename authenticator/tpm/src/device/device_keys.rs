//! [`DeviceKeys`] on a TPM.

use latchkey_container::secret::AuthValue;
use latchkey_container::tpm::{
    Certification, CreatedAttestationKey, CreatedKey, CredentialChallenge, DeviceKeys, Endorsement, KeyBlob,
    TpmError,
};
use zeroize::Zeroizing;

use super::DeviceTpm;
use super::connection::Connection;

impl DeviceKeys for DeviceTpm {
    fn create_transport_key(&mut self, auth: &AuthValue) -> Result<CreatedKey, TpmError> {
        self.attempt(|connection| connection.create_transport_key(auth))
    }

    fn decrypt(
        &mut self,
        key: &KeyBlob,
        auth: &AuthValue,
        ciphertext: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, TpmError> {
        self.attempt(|connection| connection.decrypt(key, auth, ciphertext))
    }

    fn endorsement(&mut self) -> Result<Option<Endorsement>, TpmError> {
        self.attempt(Connection::endorsement).map(Some)
    }

    fn create_attestation_key(&mut self, auth: &AuthValue) -> Result<CreatedAttestationKey, TpmError> {
        self.attempt(|connection| connection.create_attestation_key(auth))
    }

    fn activate_credential(
        &mut self,
        attestation_key: &KeyBlob,
        auth: &AuthValue,
        challenge: &CredentialChallenge,
    ) -> Result<Zeroizing<Vec<u8>>, TpmError> {
        self.attempt(|connection| connection.activate_credential(attestation_key, auth, challenge))
    }

    fn certify(
        &mut self,
        attestation_key: (&KeyBlob, &AuthValue),
        key: (&KeyBlob, &AuthValue),
        qualifying: &[u8; 32],
    ) -> Result<Certification, TpmError> {
        self.attempt(|connection| connection.certify(attestation_key, key, qualifying))
    }
}
