//! Compartments: what each identity provider's tenant has beside the passkeys. Every call names its compartment, and the
//! tags and the associated data of all records include it: no caller reaches, lists or recognises what is another's.

use rand_core::CryptoRng;
use zeroize::Zeroizing;

use super::Container;
use crate::compartment::{Compartment, CompartmentId, EnterpriseKeyPublic};
use crate::error::Error;
use crate::item::{Item, Stage};
use crate::public_key;
use crate::seal::{Place, SealingKey};
use crate::store::SealedItem;

impl Container {
    /// Adds a compartment. Its facts are sealed to this device: they can be read while locked, not from a copy of the
    /// database.
    ///
    /// # Errors
    /// [`Error::Storage`].
    pub fn add_compartment(&mut self, facts: &[u8], rng: &mut dyn CryptoRng) -> Result<CompartmentId, Error> {
        let id = CompartmentId::random(rng);
        let sealed = self.seal_item(&self.local, id, Item::Facts, facts, rng);
        self.store.add_compartment(id, &sealed)?;
        Ok(id)
    }

    /// All compartments, oldest first, as far as they can be read while locked.
    ///
    /// # Errors
    /// [`Error::Storage`], [`Error::Damaged`].
    pub fn compartments(&mut self) -> Result<Vec<Compartment>, Error> {
        self.store.compartments()?.into_iter().map(|id| self.compartment(id)).collect()
    }

    /// Replaces the facts of a compartment.
    ///
    /// # Errors
    /// [`Error::UnknownCompartment`], [`Error::Storage`].
    pub fn set_facts(
        &mut self,
        id: CompartmentId,
        facts: &[u8],
        rng: &mut dyn CryptoRng,
    ) -> Result<(), Error> {
        self.require_compartment(id)?;
        let sealed = self.seal_item(&self.local, id, Item::Facts, facts, rng);
        Ok(self.store.put_items(id, &[sealed], &[])?)
    }

    /// Removes a compartment with its device, attestation and enterprise keys, its tokens and its PIN reset protector.
    /// Passkeys stay.
    ///
    /// # Errors
    /// [`Error::UnknownCompartment`], [`Error::Storage`].
    pub fn remove_compartment(&mut self, id: CompartmentId) -> Result<(), Error> {
        let removed = self.store.remove_compartment(id)?;
        self.tpm.forget_keys();
        self.store.checkpoint();
        if removed { Ok(()) } else { Err(Error::UnknownCompartment) }
    }

    fn compartment(&self, id: CompartmentId) -> Result<Compartment, Error> {
        let facts = self.open_local(id, Item::Facts)?.ok_or(Error::Damaged { what: "compartment" })?;
        Ok(Compartment {
            id,
            facts: facts.to_vec(),
            device_keys: self.has_item(id, Item::DeviceKey)?,
            enterprise_key: self.enterprise_public(id, Stage::Active)?,
            pending_enterprise_key: self.enterprise_public(id, Stage::Pending)?,
            recovery: self.recovery_state(id)?,
        })
    }

    pub(super) fn enterprise_public(
        &self,
        id: CompartmentId,
        stage: Stage,
    ) -> Result<Option<EnterpriseKeyPublic>, Error> {
        let Some(public) = self.open_local(id, Item::EnterprisePublic(stage))? else { return Ok(None) };
        let public = public_key::decode(&public).ok_or(Error::Damaged { what: "enterprise key" })?;
        Ok(Some(EnterpriseKeyPublic { public }))
    }

    pub(super) fn require_compartment(&self, id: CompartmentId) -> Result<(), Error> {
        if self.store.has_compartment(id)? { Ok(()) } else { Err(Error::UnknownCompartment) }
    }

    pub(super) fn has_item(&self, id: CompartmentId, item: Item<'_>) -> Result<bool, Error> {
        Ok(self.store.has_item(&self.lookup.item(&id, item))?)
    }

    /// A record that needs no gesture.
    pub(super) fn open_local(
        &self,
        id: CompartmentId,
        item: Item<'_>,
    ) -> Result<Option<Zeroizing<Vec<u8>>>, Error> {
        self.open_item(&self.local, id, item)
    }

    pub(super) fn open_item(
        &self,
        key: &SealingKey,
        id: CompartmentId,
        item: Item<'_>,
    ) -> Result<Option<Zeroizing<Vec<u8>>>, Error> {
        let tag = self.lookup.item(&id, item);
        let Some(sealed) = self.store.item(&tag)? else { return Ok(None) };
        let place = Place { container: &self.identity.id, row: &tag };
        key.open(place, &sealed).map(Some).ok_or(Error::Damaged { what: item.kind() })
    }

    pub(super) fn seal_item<'a>(
        &self,
        key: &SealingKey,
        id: CompartmentId,
        item: Item<'a>,
        plaintext: &[u8],
        rng: &mut dyn CryptoRng,
    ) -> SealedItem<'a> {
        let tag = self.lookup.item(&id, item);
        let place = Place { container: &self.identity.id, row: &tag };
        SealedItem { tag, item, sealed: key.seal(place, plaintext, rng) }
    }
}
