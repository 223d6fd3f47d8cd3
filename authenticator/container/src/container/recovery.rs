//! The PIN reset protector of each compartment: wanted without a gesture, made at the next unlocking by PIN, and the
//! first half of its use. `reset_pin` has the second.

use rand_core::CryptoRng;

use super::Container;
use crate::compartment::CompartmentId;
use crate::error::Error;
use crate::item::Item;
use crate::recovery::{
    self, Details, PendingRecovery, RecoveryPurpose, RecoveryRequest, RecoveryService, RecoveryState,
};
use crate::seal::Place;
use crate::secret::Secret32;
use crate::store::ResetProtector;
use crate::time::UnixTime;
use crate::tpm::{Lifetime, SealedBlob};

impl Container {
    /// Says which PIN reset service is wanted, `None` that there is to be none. Each unlocking by PIN makes the
    /// protector fit: it is made, made anew for another key, protocol or user, or removed.
    ///
    /// # Errors
    /// [`Error::UnknownCompartment`], [`Error::BadRecoveryKey`], [`Error::Storage`].
    pub fn want_recovery(
        &mut self,
        id: CompartmentId,
        want: Option<&RecoveryService>,
        rng: &mut dyn CryptoRng,
    ) -> Result<(), Error> {
        self.require_compartment(id)?;
        let Some(service) = want else { return Ok(self.store.drop_items(id, Item::RecoveryWish)?) };
        if !service.is_sound() {
            return Err(Error::BadRecoveryKey);
        }
        let mut cbor = Vec::with_capacity(512);
        ciborium::into_writer(service, &mut cbor)
            .unwrap_or_else(|error| unreachable!("writing to memory failed: {error}"));
        let sealed = self.seal_item(&self.local, id, Item::RecoveryWish, &cbor, rng);
        Ok(self.store.put_items(id, &[sealed], &[])?)
    }

    /// Begins a recovery, without a gesture: what to send to the service, and what opens its answer.
    ///
    /// # Errors
    /// [`Error::NoRecoveryProtector`], [`Error::Damaged`], [`Error::Storage`].
    pub fn begin_recovery(
        &mut self,
        id: CompartmentId,
        purpose: RecoveryPurpose,
        rng: &mut dyn CryptoRng,
    ) -> Result<(RecoveryRequest, PendingRecovery), Error> {
        let (details, _) = self.reset_protector(id)?.ok_or(Error::NoRecoveryProtector)?;
        PendingRecovery::begin(&details, id, purpose, rng)
            .ok_or(Error::Damaged { what: "PIN reset protector" })
    }

    pub(super) fn recovery_state(&self, id: CompartmentId) -> Result<RecoveryState, Error> {
        let (wish, present) = (self.recovery_wish(id)?, self.reset_protector(id)?);
        let present = present.map(|(details, _)| details);
        Ok(RecoveryState {
            wanted: wish.is_some(),
            fits: wish.as_ref() == present.as_ref().map(|details| &details.service),
            present: present.as_ref().map(Details::describe),
        })
    }

    /// The protector's record and the device's object.
    pub(super) fn reset_protector(&self, id: CompartmentId) -> Result<Option<(Details, SealedBlob)>, Error> {
        let Some(stored) = self.store.reset_protector(id)? else { return Ok(None) };
        let tag = self.lookup.pin_reset(&id);
        let opened = self.local.open(Place { container: &self.identity.id, row: &tag }, &stored.details);
        let details = opened
            .and_then(|payload| Details::decode(&payload))
            .ok_or(Error::Damaged { what: "PIN reset protector" })?;
        Ok(Some((details, stored.object)))
    }

    /// Makes every compartment's protector fit what is wanted. The unlocking that brought the authentication key does not
    /// depend on it: what is refused now is tried again at the next one, and [`RecoveryState::fits`] tells.
    pub(super) fn fit_recovery(
        &mut self,
        authentication_key: &Secret32,
        now: UnixTime,
        rng: &mut dyn CryptoRng,
    ) {
        for id in self.store.compartments().unwrap_or_default() {
            drop(self.fit_protector(id, authentication_key, now, rng));
        }
    }

    fn fit_protector(
        &mut self,
        id: CompartmentId,
        authentication_key: &Secret32,
        now: UnixTime,
        rng: &mut dyn CryptoRng,
    ) -> Result<(), Error> {
        let wish = self.recovery_wish(id)?;
        // A damaged record is no reason to be without a protector: it is replaced.
        let present = self.reset_protector(id).unwrap_or_default().map(|(details, _)| details.service);
        if wish == present {
            return Ok(());
        }
        match wish {
            None => Ok(self.store.drop_reset_protector(id)?),
            Some(service) => self.make_protector(id, &service, authentication_key, now, rng),
        }
    }

    fn make_protector(
        &mut self,
        id: CompartmentId,
        service: &RecoveryService,
        authentication_key: &Secret32,
        now: UnixTime,
        rng: &mut dyn CryptoRng,
    ) -> Result<(), Error> {
        let admin = &self.pin.as_ref().ok_or(Error::NoPin)?.admin;
        let admin = self.open_admin_auth(authentication_key, admin)?;
        let version = self.store.protector_version(id)?.saturating_add(1);
        let made = recovery::make(service, id, version, now, (authentication_key, &admin), rng)
            .ok_or(Error::BadRecoveryKey)?;
        let object = self.tpm.seal_under(&made.payload, &made.auth, Lifetime::Persistent)?;
        let tag = self.lookup.pin_reset(&id);
        let place = Place { container: &self.identity.id, row: &tag };
        let details = self.local.seal(place, &made.details.encode(), rng);
        Ok(self.store.put_reset_protector(id, version, &ResetProtector { object, details })?)
    }

    fn recovery_wish(&self, id: CompartmentId) -> Result<Option<RecoveryService>, Error> {
        let Some(wish) = self.open_local(id, Item::RecoveryWish)? else { return Ok(None) };
        let service =
            ciborium::from_reader(wish.as_slice()).map_err(|_| Error::Damaged { what: "recovery wish" })?;
        Ok(Some(service))
    }
}
