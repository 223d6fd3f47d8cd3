//! The device's own keys in a compartment: they need this device and no gesture.

use rand_core::CryptoRng;
use zeroize::Zeroizing;

use super::{Container, digest};
use crate::access::Access;
use crate::compartment::{CompartmentId, DevicePublic};
use crate::error::Error;
use crate::held_key::HeldKey;
use crate::item::Item;
use crate::passkey::{Passkey, PrivateKey, Signature};
use crate::secret::AuthValue;
use crate::tpm::{Certification, CredentialChallenge, Endorsement, KeyAlgorithm, TpmError};

impl Container {
    /// Makes device, transport and attestation key; where they are there already, it gives their public halves. Each
    /// compartment has an attestation key of its own: a shared one would tell two tenants that this is one device.
    ///
    /// # Errors
    /// [`Error::UnknownCompartment`], [`Error::Storage`], [`Error::Tpm`]; no key is made then.
    pub fn make_device_keys(
        &mut self,
        id: CompartmentId,
        rng: &mut dyn CryptoRng,
    ) -> Result<DevicePublic, Error> {
        self.require_compartment(id)?;
        if !self.has_item(id, Item::DeviceKey)? {
            self.create_device_keys(id, rng)?;
        }
        self.device_public(id)
    }

    /// Signs the parts of a message, one after the other, with the device key (RS256).
    ///
    /// # Errors
    /// [`Error::NoDeviceKeys`], [`Error::Damaged`], [`Error::Storage`], [`Error::Tpm`].
    pub fn device_sign(&mut self, id: CompartmentId, message: &[&[u8]]) -> Result<Signature, Error> {
        let key = self.local_key(id, Item::DeviceKey)?;
        Ok(Signature { bytes: self.tpm.sign(&key.blob, &key.auth, &digest(message))? })
    }

    /// Decrypts what was encrypted to the transport key (RSAES-OAEP with SHA-1).
    ///
    /// # Errors
    /// [`Error::NoDeviceKeys`], [`Error::Damaged`], [`Error::Storage`], [`Error::Tpm`].
    pub fn transport_decrypt(
        &mut self,
        id: CompartmentId,
        ciphertext: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, Error> {
        let key = self.local_key(id, Item::TransportKey)?;
        Ok(self.tpm.decrypt(&key.blob, &key.auth, ciphertext)?)
    }

    /// The device's endorsement key, `None` where the device cannot attest.
    ///
    /// # Errors
    /// [`Error::Tpm`].
    pub fn endorsement(&mut self) -> Result<Option<Endorsement>, Error> {
        Ok(self.tpm.endorsement()?)
    }

    /// Opens a challenge to the endorsement key and this compartment's attestation key.
    ///
    /// # Errors
    /// [`Error::NoDeviceKeys`], [`Error::Tpm`].
    pub fn activate_credential(
        &mut self,
        id: CompartmentId,
        challenge: &CredentialChallenge,
    ) -> Result<Zeroizing<Vec<u8>>, Error> {
        let key = self.attestation_key(id)?;
        Ok(self.tpm.activate_credential(&key.blob, &key.auth, challenge)?)
    }

    /// Has the device state what the device key is.
    ///
    /// # Errors
    /// [`Error::NoDeviceKeys`], [`Error::Tpm`].
    pub fn certify_device_key(
        &mut self,
        id: CompartmentId,
        qualifying: &[u8; 32],
    ) -> Result<Certification, Error> {
        let key = self.local_key(id, Item::DeviceKey)?;
        self.certify(id, &key, qualifying)
    }

    /// Has the device state what the transport key is.
    ///
    /// # Errors
    /// As [`Container::certify_device_key`].
    pub fn certify_transport_key(
        &mut self,
        id: CompartmentId,
        qualifying: &[u8; 32],
    ) -> Result<Certification, Error> {
        let key = self.local_key(id, Item::TransportKey)?;
        self.certify(id, &key, qualifying)
    }

    /// Has the device state what a passkey's key is, signed by the attestation key of a compartment. A sealed key is not
    /// in the device, so there is nothing to state.
    ///
    /// # Errors
    /// [`Error::Stale`], [`Error::NoDeviceKeys`], [`Error::Tpm`].
    pub fn certify_passkey<'a>(
        &mut self,
        access: impl Into<Access<'a>>,
        passkey: &Passkey,
        by: CompartmentId,
        qualifying: &[u8; 32],
    ) -> Result<Certification, Error> {
        let access = self.admit_access(access)?;
        self.require_reach(access, passkey.class)?;
        let PrivateKey::DeviceBound(key, auth) = &passkey.key else {
            return Err(TpmError::NoAttestation.into());
        };
        let by = self.attestation_key(by)?;
        Ok(self.tpm.certify((&by.blob, &by.auth), (key, auth), qualifying)?)
    }

    /// A statement about `key` by the attestation key of the same compartment.
    pub(super) fn certify(
        &mut self,
        id: CompartmentId,
        key: &HeldKey,
        qualifying: &[u8; 32],
    ) -> Result<Certification, Error> {
        let by = self.attestation_key(id)?;
        Ok(self.tpm.certify((&by.blob, &by.auth), (&key.blob, &key.auth), qualifying)?)
    }

    fn create_device_keys(&mut self, id: CompartmentId, rng: &mut dyn CryptoRng) -> Result<(), Error> {
        let (device, transport) = (AuthValue::random(rng), AuthValue::random(rng));
        let mut keys = vec![
            (Item::DeviceKey, HeldKey::new(self.tpm.create_key(KeyAlgorithm::Rs256, &device)?, device)),
            (Item::TransportKey, HeldKey::new(self.tpm.create_transport_key(&transport)?, transport)),
        ];
        let auth = AuthValue::random(rng);
        match self.tpm.create_attestation_key(&auth) {
            Ok(key) => {
                let held = HeldKey { blob: key.blob, auth, public: key.public_area };
                keys.push((Item::AttestationKey, held));
            }
            Err(TpmError::NoAttestation) => {}
            Err(error) => return Err(error.into()),
        }
        let mut sealed = Vec::with_capacity(keys.len());
        for (item, key) in &keys {
            sealed.push(self.seal_item(&self.local, id, *item, &key.encode(), rng));
        }
        Ok(self.store.put_items(id, &sealed, &[])?)
    }

    fn device_public(&self, id: CompartmentId) -> Result<DevicePublic, Error> {
        let public = |item: Item<'_>| {
            self.local_key(id, item)?.public_key().ok_or(Error::Damaged { what: item.kind() })
        };
        Ok(DevicePublic {
            device: public(Item::DeviceKey)?,
            transport: public(Item::TransportKey)?,
            attestation_key: match self.attestation_key(id) {
                Ok(key) => Some(key.public),
                Err(Error::Tpm(TpmError::NoAttestation)) => None,
                Err(error) => return Err(error),
            },
        })
    }

    fn attestation_key(&self, id: CompartmentId) -> Result<HeldKey, Error> {
        match self.local_key(id, Item::AttestationKey) {
            Err(Error::NoDeviceKeys) if self.has_item(id, Item::DeviceKey)? => {
                Err(TpmError::NoAttestation.into())
            }
            key => key,
        }
    }

    fn local_key(&self, id: CompartmentId, item: Item<'_>) -> Result<HeldKey, Error> {
        let payload = self.open_local(id, item)?.ok_or(Error::NoDeviceKeys)?;
        HeldKey::decode(&payload).ok_or(Error::Damaged { what: item.kind() })
    }
}
