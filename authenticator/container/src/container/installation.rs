//! The key by which this installation vouches for its passkeys. There is none before somebody wants one.

use rand_core::CryptoRng;

use super::{Container, digest};
use crate::error::Error;
use crate::held_key::HeldKey;
use crate::installation::{InstallationKey, NewInstallationKey};
use crate::passkey::Signature;
use crate::secret::AuthValue;
use crate::store::Single;
use crate::tpm::KeyAlgorithm;

impl Container {
    /// The key that is kept.
    ///
    /// # Errors
    /// [`Error::Storage`], [`Error::Damaged`].
    pub fn installation_key(&self) -> Result<Option<InstallationKey>, Error> {
        let Some(payload) = self.single(Single::InstallationKey)? else { return Ok(None) };
        let held =
            HeldKey::decode(&payload).ok_or(Error::Damaged { what: Single::InstallationKey.name() })?;
        Ok(Some(InstallationKey(held)))
    }

    /// Makes a key, which is not kept yet.
    ///
    /// # Errors
    /// [`Error::Tpm`].
    pub fn create_installation_key(&mut self, rng: &mut dyn CryptoRng) -> Result<NewInstallationKey, Error> {
        let auth = AuthValue::random(rng);
        Ok(NewInstallationKey { created: self.tpm.create_key(KeyAlgorithm::Es256, &auth)?, auth })
    }

    /// Signs its own certificate with a new key.
    ///
    /// # Errors
    /// [`Error::Tpm`].
    pub fn sign_certificate(&mut self, key: &NewInstallationKey, message: &[u8]) -> Result<Signature, Error> {
        Ok(Signature { bytes: self.tpm.sign(&key.created.blob, &key.auth, &digest(&[message]))? })
    }

    /// Keeps a key with its certificate (DER), in place of the one before.
    ///
    /// # Errors
    /// [`Error::Storage`]; nothing is changed then.
    pub fn keep_installation_key(
        &mut self,
        key: NewInstallationKey,
        certificate: Vec<u8>,
        rng: &mut dyn CryptoRng,
    ) -> Result<InstallationKey, Error> {
        let held = HeldKey { blob: key.created.blob, auth: key.auth, public: certificate };
        self.set_single(Single::InstallationKey, &held.encode(), rng)?;
        Ok(InstallationKey(held))
    }

    /// Signs the parts of an attestation, one after the other.
    ///
    /// # Errors
    /// [`Error::OtherTpm`], [`Error::Tpm`].
    pub fn installation_sign(
        &mut self,
        key: &InstallationKey,
        message: &[&[u8]],
    ) -> Result<Signature, Error> {
        Ok(Signature { bytes: self.tpm.sign(&key.0.blob, &key.0.auth, &digest(message))? })
    }
}
