//! What the PIN reset service's answer opens: a new PIN without the old one, or the count of wrong PINs.
//!
//! A reset unwraps the authentication key, makes a new one, and commits once: all records under the new key, the new
//! PIN's protector, no other protector. The new PIN gets the other slot, as in a change of PIN (`gesture`), so a crash
//! leaves the old PIN or the new one. Then the PIN reset protectors are made anew.

use rand_core::CryptoRng;

use super::Container;
use super::gesture::seal_admin_auth;
use super::pin_rules::AdmittedPin;
use crate::error::Error;
use crate::pin::{Pin, PinRecord};
use crate::recovery::{Details, PendingRecovery, RecoveryAnswer, object_auth};
use crate::seal::{Place, Purpose, SealingKey};
use crate::secret::{AuthValue, Secret32};
use crate::store::{PinProtector, SealedAdmin};
use crate::time::UnixTime;
use crate::tpm::{Lifetime, SealedBlob, TpmError};
use crate::traces::without_traces;
use crate::unlocked::Unlocked;

impl Container {
    /// Sets a new PIN, also when the old one is blocked or lost. Passkeys and enterprise keys stay what they are; the
    /// authentication key is another one, so that no older copy of the files opens anything with the new PIN, and what
    /// was unlocked before is stale.
    ///
    /// # Errors
    /// [`Error::WrongRecoveryAnswer`], [`Error::StaleRecovery`], [`Error::NoRecoveryProtector`]: nothing has changed
    /// then. As [`Container::set_pin`]: the old PIN is what it was, and beginning again finishes it.
    pub fn reset_pin(
        &mut self,
        pending: PendingRecovery,
        answer: &RecoveryAnswer,
        new: &Pin,
        now: UnixTime,
        rng: &mut dyn CryptoRng,
    ) -> Result<Unlocked, Error> {
        without_traces(|| {
            let (details, object) = self.protector_of(&pending)?;
            let old = self.recovered_key(&pending, answer, &details, &object)?;
            drop(pending);
            let current = self.pin.as_ref().ok_or(Error::NoPin)?;
            let key = current.admin.key.clone();
            let auth = self.open_admin_auth(&old, &current.admin)?;
            let new_key = Secret32::random(rng);
            // Whoever forgot a PIN cannot be told to remember the ones before: they are forgotten here, too.
            let new = self.admit(new, PinRecord::empty(rng), &new_key, now, rng)?;
            self.tidy()?;
            let admin = SealedAdmin { key, auth: seal_admin_auth(&self.identity.id, &new_key, &auth, rng) };
            let protector = self.define_beside(&new, &new_key, &admin, &auth, rng)?;
            let (from, to) =
                (SealingKey::derive(&old, Purpose::Records), SealingKey::derive(&new_key, Purpose::Records));
            drop(old);
            let container = self.identity.id;
            self.adopt(protector, |store, protector, generation| {
                store.rotate(protector, generation, &mut |tag, sealed| {
                    let place = Place { container: &container, row: tag };
                    Some(to.seal(place, &from.open(place, sealed)?, rng))
                })
            })?;
            self.forget_biometric_protectors();
            self.fit_recovery(&new_key, now, rng);
            self.fit_biometrics(&new_key);
            Ok(Unlocked::new(&new_key, self.generation))
        })
    }

    /// Defines a PIN in the slot that the current one does not have; in its own, where somebody else's PIN is in the other
    /// one and the current PIN is lost, as with an older copy of the files.
    fn define_beside(
        &mut self,
        new: &AdmittedPin<'_>,
        key: &Secret32,
        admin: &SealedAdmin,
        auth: &AuthValue,
        rng: &mut dyn CryptoRng,
    ) -> Result<PinProtector, Error> {
        let own = self.pin.as_ref().ok_or(Error::NoPin)?.slot;
        match self.define(own.other(), new, key, admin.clone(), auth, rng) {
            Err(Error::SlotTaken { .. }) if self.tries_left() == Err(Error::PinLost) => {
                self.define(own, new, key, admin.clone(), auth, rng)
            }
            defined => defined,
        }
    }

    /// Sets the count of wrong PINs to zero, also when the PIN is blocked. The answer opens nothing else: no key, and no
    /// other PIN.
    ///
    /// # Errors
    /// [`Error::WrongRecoveryAnswer`], [`Error::StaleRecovery`], [`Error::NoRecoveryProtector`], [`Error::PinLost`],
    /// [`Error::Tpm`].
    pub fn rearm_pin(&mut self, pending: PendingRecovery, answer: &RecoveryAnswer) -> Result<(), Error> {
        without_traces(|| {
            let (details, _) = self.protector_of(&pending)?;
            let secret = pending.secret(&details, answer).ok_or(Error::WrongRecoveryAnswer)?;
            let auth =
                details.admin_auth(pending.compartment(), &secret).ok_or(Error::WrongRecoveryAnswer)?;
            // An answer serves once.
            drop(pending);
            let pin = self.pin.as_ref().ok_or(Error::NoPin)?;
            Ok(self.tpm.rearm_pin_index(pin.index(), &auth)?)
        })
    }

    /// The protector that a recovery was begun with, if it is still there.
    fn protector_of(&self, pending: &PendingRecovery) -> Result<(Details, SealedBlob), Error> {
        let (details, object) =
            self.reset_protector(pending.compartment())?.ok_or(Error::NoRecoveryProtector)?;
        if details.version() == pending.protector_version() {
            Ok((details, object))
        } else {
            Err(Error::StaleRecovery)
        }
    }

    /// The authentication key, by way of the service's answer and this device.
    fn recovered_key(
        &mut self,
        pending: &PendingRecovery,
        answer: &RecoveryAnswer,
        details: &Details,
        object: &SealedBlob,
    ) -> Result<Secret32, Error> {
        let secret = pending.secret(details, answer).ok_or(Error::WrongRecoveryAnswer)?;
        let payload = match self.tpm.unseal_under(object, &object_auth(&secret), Lifetime::Persistent) {
            Err(TpmError::WrongAuth) => return Err(Error::WrongRecoveryAnswer),
            payload => payload?,
        };
        details.authentication_key(pending.compartment(), &secret, &payload).ok_or(Error::WrongRecoveryAnswer)
    }
}
