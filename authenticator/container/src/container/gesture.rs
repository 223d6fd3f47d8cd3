//! The PIN: setting, changing, checking, and the reset that gives it up.
//!
//! A PIN never changes in place. The new one gets the other slot, one transaction makes it the PIN, and then the old
//! slot is undefined. Before a slot is defined the database names it as abandoned, with the administrative key of the
//! index, and the transaction takes that back: at every point of a crash the database knows which indices to clear, and
//! exactly one PIN opens the key. An index of another key in the same slot is never touched (`PinIndex`).

use rand_core::CryptoRng;
use zeroize::Zeroize;

use super::pin_rules::AdmittedPin;
use super::settings::SettingsRecords;
use super::{Container, clear_abandoned_slots};
use crate::error::{Error, StorageError};
use crate::pin::{Pin, PinHash, PinRecord};
use crate::seal::{Place, Purpose, SealingKey};
use crate::secret::{AuthValue, Secret32};
use crate::store::{PinProtector, SealedAdmin, Store};
use crate::stretch::stretch;
use crate::time::UnixTime;
use crate::tpm::{PinCount, PinIndex, PinSlot, TpmError};
use crate::traces::without_traces;
use crate::unlocked::Unlocked;

/// Wrong tries until the PIN is blocked (CTAP 2.3 §6.5.2.3).
pub const PIN_TRIES: u8 = 8;

/// Where the administrative key's authorisation value is sealed: there is one per container.
const ADMIN_ROW: [u8; 32] = *b"latchkey administrative key auth";

impl Container {
    /// Whether a PIN is set.
    #[must_use]
    pub const fn has_pin(&self) -> bool {
        self.pin.is_some()
    }

    /// Tries left until the PIN is blocked; all of them when none is set.
    ///
    /// # Errors
    /// [`Error::PinLost`], [`Error::Tpm`].
    pub fn tries_left(&mut self) -> Result<u8, Error> {
        let Some(pin) = &self.pin else { return Ok(PIN_TRIES) };
        let count = self.tpm.pin_count(pin.index())?.ok_or(Error::PinLost)?;
        Ok(tries_left(count))
    }

    /// Sets the first PIN. The authentication key is made here.
    ///
    /// # Errors
    /// [`Error::PinAlreadySet`], [`Error::PinRefused`], [`Error::SlotTaken`], [`Error::Memory`], [`Error::Storage`],
    /// [`Error::Tpm`].
    pub fn set_pin(&mut self, pin: &Pin, now: UnixTime, rng: &mut dyn CryptoRng) -> Result<Unlocked, Error> {
        without_traces(|| {
            if self.has_pin() {
                return Err(Error::PinAlreadySet);
            }
            let authentication_key = Secret32::random(rng);
            let pin = self.admit(pin, PinRecord::empty(rng), &authentication_key, now, rng)?;
            self.tidy()?;
            let auth = AuthValue::random(rng);
            let key = self.tpm.create_admin_key(&auth)?;
            let sealed = seal_admin_auth(&self.identity.id, &authentication_key, &auth, rng);
            let admin = SealedAdmin { key, auth: sealed };
            let protector = self.define(PinSlot::A, &pin, &authentication_key, admin, &auth, rng)?;
            self.install(protector, &authentication_key, now, rng)
        })
    }

    /// Changes the PIN. The authentication key stays, so no record is touched; what was unlocked before is stale
    /// all the same, because CTAP ends every token here (CTAP 2.3 §6.5.5.6).
    ///
    /// # Errors
    /// As [`Container::unlock`] for the old PIN, as [`Container::set_pin`] for the new one. Whichever it is, one of
    /// the two PINs works afterwards.
    pub fn change_pin(
        &mut self,
        old: &PinHash,
        new: &Pin,
        now: UnixTime,
        rng: &mut dyn CryptoRng,
    ) -> Result<Unlocked, Error> {
        without_traces(|| {
            let current = self.pin.as_ref().ok_or(Error::NoPin)?;
            let (slot, admin) = (current.slot.other(), current.admin.clone());
            let authentication_key = self.unseal(old)?;
            self.require_other_pin(old, new)?;
            // Written down first, so that it counts among those that must not come again.
            self.fit_pin_record(old, &authentication_key, now, rng);
            let past = self.pin_record(&authentication_key).unwrap_or_else(|| PinRecord::empty(rng));
            let new = self.admit(new, past, &authentication_key, now, rng)?;
            self.tidy()?;
            let auth = self.open_admin_auth(&authentication_key, &admin)?;
            let protector = self.define(slot, &new, &authentication_key, admin, &auth, rng)?;
            self.install(protector, &authentication_key, now, rng)
        })
    }

    /// Checks the PIN and gives out the evidence of it. While the authentication key is at hand, the PIN reset protectors
    /// are made to fit what is wanted ([`Container::want_recovery`]); a failure of that is none of the unlocking.
    ///
    /// # Errors
    /// [`Error::WrongPin`] with the tries that are left, [`Error::PinBlocked`] when none is, also after the last
    /// one, [`Error::PinOverdue`] when it is right and must be changed first, [`Error::NoPin`],
    /// [`Error::TpmLockedOut`], [`Error::PinLost`], [`Error::Memory`], [`Error::Tpm`].
    pub fn unlock(
        &mut self,
        pin: &PinHash,
        now: UnixTime,
        rng: &mut dyn CryptoRng,
    ) -> Result<Unlocked, Error> {
        without_traces(|| {
            let authentication_key = self.unseal(pin)?;
            self.fit_pin_record(pin, &authentication_key, now, rng);
            self.require_lasting_pin(&authentication_key, now)?;
            self.fit_recovery(&authentication_key, now, rng);
            self.fit_biometrics(&authentication_key);
            Ok(Unlocked::new(&authentication_key, self.generation))
        })
    }

    /// authenticatorReset (CTAP 2.3 §6.6): no PIN and no passkey afterwards, and with the next PIN a new
    /// authentication key. The container itself stays.
    ///
    /// # Errors
    /// [`Error::Storage`]; nothing is reset then. After a restart it may all be, if the disk had the commit after all.
    pub fn reset(&mut self) -> Result<(), Error> {
        let generation = self.generation.saturating_add(1);
        self.store.clear(generation)?;
        self.generation = generation;
        self.pin = None;
        self.unsettled = false;
        self.counts.forget_all();
        self.settings = SettingsRecords::default();
        self.forget_biometric_protectors();
        self.tpm.forget_keys();
        self.tidy_up();
        Ok(())
    }

    pub(super) fn require(&self, unlocked: &Unlocked) -> Result<(), Error> {
        if unlocked.generation() == self.generation { Ok(()) } else { Err(Error::Stale) }
    }

    /// One unsealing, and only after a failure one look at the count.
    fn unseal(&mut self, pin: &PinHash) -> Result<Secret32, Error> {
        let protector = self.pin.as_ref().ok_or(Error::NoPin)?;
        let auth = stretch(self.identity.stretch, pin, &protector.salt)?;
        match self.tpm.unseal(protector.index(), &protector.sealed, &auth.index, &auth.seal) {
            Ok(authentication_key) => Ok(authentication_key),
            Err(TpmError::WrongAuth) => match self.tries_left()? {
                0 => Err(Error::PinBlocked),
                tries_left => Err(Error::WrongPin { tries_left }),
            },
            Err(error) => Err(error.into()),
        }
    }

    /// Defines the new PIN in `slot`, which no protector uses, and seals the authentication key to it. Nothing stands yet.
    pub(super) fn define(
        &mut self,
        slot: PinSlot,
        new: &AdmittedPin<'_>,
        authentication_key: &Secret32,
        admin: SealedAdmin,
        admin_auth: &AuthValue,
        rng: &mut dyn CryptoRng,
    ) -> Result<PinProtector, Error> {
        let mut salt = [0; 32];
        rng.fill_bytes(&mut salt);
        let auth = stretch(self.identity.stretch, &new.pin.hash(), &salt)?;
        let index = PinIndex { slot, admin: &admin.key };
        self.store.abandon_slot(index)?;
        let sealed = self
            .define_index(index, &auth.index, admin_auth)
            .and_then(|()| self.tpm.seal(index, authentication_key, &auth.seal));
        match sealed {
            Ok(sealed) => {
                let (since, record) = (Some(new.since), Some(new.record.clone()));
                Ok(PinProtector { slot, salt, sealed, admin, since, record })
            }
            Err(error) => {
                self.tidy_up();
                Err(error.into())
            }
        }
    }

    /// Defines an index. Where one of our own administrative key is in its place, these files are an older copy, and that
    /// was the PIN of a newer one: it opens nothing here, and makes room.
    fn define_index(
        &mut self,
        index: PinIndex<'_>,
        auth: &AuthValue,
        admin_auth: &AuthValue,
    ) -> Result<(), TpmError> {
        let limit = u32::from(PIN_TRIES);
        match self.tpm.define_pin_index(index, auth, limit, admin_auth) {
            Err(TpmError::SlotTaken(_)) => {
                self.tpm.undefine_pin_index(index)?;
                self.tpm.define_pin_index(index, auth, limit, admin_auth)
            }
            defined => defined,
        }
    }

    /// Makes a defined PIN the PIN. The authentication key is what it was, or the first.
    fn install(
        &mut self,
        protector: PinProtector,
        authentication_key: &Secret32,
        now: UnixTime,
        rng: &mut dyn CryptoRng,
    ) -> Result<Unlocked, Error> {
        self.adopt(protector, Store::switch_pin)?;
        self.fit_recovery(authentication_key, now, rng);
        self.fit_biometrics(authentication_key);
        Ok(Unlocked::new(authentication_key, self.generation))
    }

    /// The one commit of every change of PIN, and what follows from it here.
    pub(super) fn adopt(
        &mut self,
        protector: PinProtector,
        commit: impl FnOnce(&mut Store, &PinProtector, u64) -> Result<(), StorageError>,
    ) -> Result<(), Error> {
        let generation = self.generation.saturating_add(1);
        if let Err(error) = commit(&mut self.store, &protector, generation) {
            // The log may hold a whole commit that a restart would find: until the next commit both slots stay.
            self.unsettled = true;
            return Err(error.into());
        }
        self.generation = generation;
        self.pin = Some(protector);
        self.weakness = None;
        self.settings.forget_those_of_the_pin();
        self.tidy_up();
        Ok(())
    }

    /// Clears the slots that are left over, before a slot is needed.
    pub(super) fn tidy(&mut self) -> Result<(), Error> {
        if self.unsettled {
            self.store.settle()?;
            self.unsettled = false;
        }
        clear_abandoned_slots(&mut self.store, self.tpm.as_mut())
    }

    /// The same after a change, which stands whether or not this succeeds: what is left is cleared before the next
    /// change or at the next start.
    fn tidy_up(&mut self) {
        drop(self.tidy());
        self.store.checkpoint();
    }

    pub(super) fn open_admin_auth(
        &self,
        authentication_key: &Secret32,
        admin: &SealedAdmin,
    ) -> Result<AuthValue, Error> {
        let damaged = Error::Damaged { what: "administrative key" };
        let key = SealingKey::derive(authentication_key, Purpose::AdminAuth);
        let Some(opened) = key.open(admin_place(&self.identity.id), &admin.auth) else {
            return Err(damaged);
        };
        let Some(bytes) = opened.first_chunk::<32>() else { return Err(damaged) };
        let mut bytes = *bytes;
        let auth = AuthValue::new(bytes);
        bytes.zeroize();
        Ok(auth)
    }
}

/// The administrative key's authorisation value, sealed under the authentication key.
pub(super) fn seal_admin_auth(
    container: &[u8; 16],
    authentication_key: &Secret32,
    auth: &AuthValue,
    rng: &mut dyn CryptoRng,
) -> Vec<u8> {
    SealingKey::derive(authentication_key, Purpose::AdminAuth).seal(
        admin_place(container),
        auth.expose(),
        rng,
    )
}

const fn admin_place(container: &[u8; 16]) -> Place<'_> {
    Place { container, row: &ADMIN_ROW }
}

fn tries_left(count: PinCount) -> u8 {
    u8::try_from(count.limit.saturating_sub(count.failures)).unwrap_or(u8::MAX)
}
