//! Enterprise keys and tokens of a compartment: they open with the authentication key only.

use rand_core::CryptoRng;
use zeroize::Zeroizing;

use super::{Container, digest};
use crate::compartment::{CompartmentId, EnterpriseKeyPublic};
use crate::error::Error;
use crate::held_key::HeldKey;
use crate::item::{Item, Stage};
use crate::passkey::Signature;
use crate::secret::AuthValue;
use crate::tpm::{Certification, KeyAlgorithm};
use crate::unlocked::Unlocked;

impl Container {
    /// Makes the enterprise key (RS256) that is to be registered, beside one that may be in use. Where it is there
    /// already, it gives its public half.
    ///
    /// # Errors
    /// [`Error::Stale`], [`Error::UnknownCompartment`], [`Error::Storage`], [`Error::Tpm`]; no key is made then.
    pub fn make_enterprise_key(
        &mut self,
        unlocked: &Unlocked,
        id: CompartmentId,
        rng: &mut dyn CryptoRng,
    ) -> Result<EnterpriseKeyPublic, Error> {
        self.require(unlocked)?;
        self.require_compartment(id)?;
        if let Some(pending) = self.enterprise_public(id, Stage::Pending)? {
            return Ok(pending);
        }
        let auth = AuthValue::random(rng);
        let created = self.tpm.create_key(KeyAlgorithm::Rs256, &auth)?;
        let public = EnterpriseKeyPublic { public: created.public.clone() };
        self.put_enterprise_key(unlocked, id, (Stage::Pending, &HeldKey::new(created, auth)), None, rng)?;
        Ok(public)
    }

    /// Has the device state what the pending enterprise key is, or else the one in use.
    ///
    /// # Errors
    /// [`Error::Stale`], [`Error::NoEnterpriseKey`], [`Error::NoDeviceKeys`], [`Error::Tpm`].
    pub fn certify_enterprise_key(
        &mut self,
        unlocked: &Unlocked,
        id: CompartmentId,
        qualifying: &[u8; 32],
    ) -> Result<Certification, Error> {
        let key = match self.enterprise_key(unlocked, id, Stage::Pending)? {
            Some(key) => key,
            None => self.enterprise_key(unlocked, id, Stage::Active)?.ok_or(Error::NoEnterpriseKey)?,
        };
        self.certify(id, &key, qualifying)
    }

    /// Puts the pending enterprise key in the place of the one in use, which is deleted, and keeps the facts that tell of
    /// it: in one transaction, so that no key is in use that the facts do not know. Done again, it changes the facts only.
    ///
    /// # Errors
    /// [`Error::Stale`], [`Error::NoEnterpriseKey`], [`Error::Storage`].
    pub fn activate_enterprise_key(
        &mut self,
        unlocked: &Unlocked,
        id: CompartmentId,
        facts: &[u8],
        rng: &mut dyn CryptoRng,
    ) -> Result<(), Error> {
        let Some(key) = self.enterprise_key(unlocked, id, Stage::Pending)? else {
            let active = self.has_item(id, Item::EnterpriseKey(Stage::Active))?;
            return if active { self.set_facts(id, facts, rng) } else { Err(Error::NoEnterpriseKey) };
        };
        let replaces = self.has_item(id, Item::EnterpriseKey(Stage::Active))?;
        self.put_enterprise_key(unlocked, id, (Stage::Active, &key), Some(facts), rng)?;
        if replaces {
            self.tpm.forget_keys();
        }
        self.store.checkpoint();
        Ok(())
    }

    /// Signs the parts of a message, one after the other, with the enterprise key in use (RS256).
    ///
    /// # Errors
    /// [`Error::Stale`], [`Error::NoEnterpriseKey`], [`Error::Tpm`].
    pub fn enterprise_sign(
        &mut self,
        unlocked: &Unlocked,
        id: CompartmentId,
        message: &[&[u8]],
    ) -> Result<Signature, Error> {
        let key = self.enterprise_key(unlocked, id, Stage::Active)?.ok_or(Error::NoEnterpriseKey)?;
        Ok(Signature { bytes: self.tpm.sign(&key.blob, &key.auth, &digest(message))? })
    }

    /// Keeps a token, in the place of an older one of the same name.
    ///
    /// # Errors
    /// [`Error::Stale`], [`Error::UnknownCompartment`], [`Error::Storage`].
    pub fn put_token(
        &mut self,
        unlocked: &Unlocked,
        id: CompartmentId,
        name: &str,
        bytes: &[u8],
        rng: &mut dyn CryptoRng,
    ) -> Result<(), Error> {
        self.require(unlocked)?;
        self.require_compartment(id)?;
        let sealed = self.seal_item(unlocked.records(), id, Item::Token(name), bytes, rng);
        Ok(self.store.put_items(id, &[sealed], &[])?)
    }

    /// The token of this name.
    ///
    /// # Errors
    /// [`Error::Stale`], [`Error::Storage`], [`Error::Damaged`].
    pub fn token(
        &mut self,
        unlocked: &Unlocked,
        id: CompartmentId,
        name: &str,
    ) -> Result<Option<Zeroizing<Vec<u8>>>, Error> {
        self.require(unlocked)?;
        self.open_item(unlocked.records(), id, Item::Token(name))
    }

    /// Deletes every token of a compartment, as at sign-out.
    ///
    /// # Errors
    /// [`Error::Storage`].
    pub fn drop_tokens(&mut self, id: CompartmentId) -> Result<(), Error> {
        self.store.drop_items(id, Item::Token(""))?;
        self.store.checkpoint();
        Ok(())
    }

    fn enterprise_key(
        &self,
        unlocked: &Unlocked,
        id: CompartmentId,
        stage: Stage,
    ) -> Result<Option<HeldKey>, Error> {
        self.require(unlocked)?;
        let Some(payload) = self.open_item(unlocked.records(), id, Item::EnterpriseKey(stage))? else {
            return Ok(None);
        };
        let key = HeldKey::decode(&payload).ok_or(Error::Damaged { what: "enterprise key" })?;
        // The public half lies apart and is readable while locked; both must be of one key.
        let shown = self.open_local(id, Item::EnterprisePublic(stage))?;
        if shown.is_none_or(|shown| *shown != key.public) {
            return Err(Error::Damaged { what: "enterprise key" });
        }
        Ok(Some(key))
    }

    /// Writes both halves of a key, and facts that change with it; one that becomes active is pending no more.
    fn put_enterprise_key(
        &mut self,
        unlocked: &Unlocked,
        id: CompartmentId,
        (stage, key): (Stage, &HeldKey),
        facts: Option<&[u8]>,
        rng: &mut dyn CryptoRng,
    ) -> Result<(), Error> {
        let mut items = vec![
            self.seal_item(unlocked.records(), id, Item::EnterpriseKey(stage), &key.encode(), rng),
            self.seal_item(&self.local, id, Item::EnterprisePublic(stage), &key.public, rng),
        ];
        items.extend(facts.map(|facts| self.seal_item(&self.local, id, Item::Facts, facts, rng)));
        let pending = [Item::EnterpriseKey(Stage::Pending), Item::EnterprisePublic(Stage::Pending)]
            .map(|item| self.lookup.item(&id, item));
        Ok(self.store.put_items(id, &items, &pending)?)
    }
}
