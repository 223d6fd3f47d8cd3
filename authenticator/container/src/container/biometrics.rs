//! Biometric protectors: each holds its own copy of the authentication key, and opens with a secret of the biometric
//! service.
//!
//! The service lends its secret ([`Container::offer_biometric`]); the next PIN makes the protector. By default it lives
//! in memory and, in the TPM, under a parent that dies at a restart, so nothing on the disk opens without the PIN.

use std::collections::BTreeMap;

use rand_core::CryptoRng;

use super::Container;
use crate::biometric::{Biometric, BiometricState, MATCH_TRIES, Recognised, TemplateDigest};
use crate::error::Error;
use crate::seal::{Place, Purpose, SealingKey};
use crate::secret::{AuthValue, Secret32};
use crate::store::Store;
use crate::time::UnixTime;
use crate::tpm::{Lifetime, SealedBlob, TpmError};
use crate::traces::without_traces;
use crate::unlocked::Unlocked;

/// What a template's record says: that there is one.
const ENROLLED: &[u8] = b"enrolled";

/// What there is of biometric gestures beside the database.
#[derive(Default)]
pub(super) struct Biometrics {
    /// Secrets that wait for a PIN.
    offers: BTreeMap<Biometric, Offer>,
    protectors: BTreeMap<Biometric, Protector>,
    failed_matches: u8,
    /// Gestures that opened the container since the PIN did; unknown before the first PIN of this run.
    matches_since_pin: Option<u64>,
}

struct Offer {
    secret: AuthValue,
    lifetime: Lifetime,
}

struct Protector {
    lifetime: Lifetime,
    object: SealedBlob,
}

impl Biometrics {
    /// What outlived the last program.
    pub(super) fn load(store: &Store) -> Result<Self, Error> {
        let mut protectors = BTreeMap::new();
        for kind in Biometric::ALL {
            if let Some(object) = store.biometric_protector(kind)? {
                protectors.insert(kind, Protector { lifetime: Lifetime::Persistent, object });
            }
        }
        let failed_matches = store.failed_matches()?;
        Ok(Self { protectors, failed_matches, ..Self::default() })
    }

    /// The protector of a gesture, unless only the PIN helps.
    fn usable(&self, kind: Biometric) -> Option<&Protector> {
        self.protectors.get(&kind).filter(|_| self.tries_left() > 0)
    }

    const fn tries_left(&self) -> u8 {
        MATCH_TRIES.saturating_sub(self.failed_matches)
    }
}

impl Container {
    /// Lends the service's secret for one gesture: the next PIN makes a protector of `lifetime` with it, unless there is
    /// one. A protector of another lifetime is given up.
    ///
    /// # Errors
    /// [`Error::Storage`].
    pub fn offer_biometric(
        &mut self,
        kind: Biometric,
        secret: AuthValue,
        lifetime: Lifetime,
    ) -> Result<(), Error> {
        if self.has_biometric(kind, lifetime) {
            return Ok(());
        }
        self.drop_protector(kind)?;
        self.biometrics.offers.insert(kind, Offer { secret, lifetime });
        Ok(())
    }

    /// Whether there is a protector of this gesture and lifetime, so that it needs no secret. Asks neither database nor
    /// device.
    #[must_use]
    pub fn has_biometric(&self, kind: Biometric, lifetime: Lifetime) -> bool {
        self.biometrics.protectors.get(&kind).is_some_and(|protector| protector.lifetime == lifetime)
    }

    /// Lets a template open the container from now on.
    ///
    /// # Errors
    /// [`Error::Stale`], [`Error::Storage`].
    pub fn enrol_biometric(
        &mut self,
        unlocked: &Unlocked,
        kind: Biometric,
        template: TemplateDigest,
        rng: &mut dyn CryptoRng,
    ) -> Result<(), Error> {
        self.require(unlocked)?;
        let sealed = unlocked.records().seal(self.template_place(&template), ENROLLED, rng);
        Ok(self.store.put_template(&template, kind, &sealed)?)
    }

    /// Opens the container for whom the service has recognised: its secret opens the protector, and the template must be
    /// one that was enrolled with the PIN. What is not accepted counts as a failed match.
    ///
    /// # Errors
    /// [`Error::PinNeeded`] when there is no protector in this boot session or no try is left;
    /// [`Error::TemplateNotEnrolled`]; [`Error::PinOverdue`]; [`Error::Tpm`].
    pub fn unlock_by_biometric(&mut self, seen: &Recognised, now: UnixTime) -> Result<Unlocked, Error> {
        without_traces(|| {
            let Some(protector) = self.biometrics.usable(seen.kind) else { return Err(Error::PinNeeded) };
            let lifetime = protector.lifetime;
            let opened = self.tpm.unseal_under(&protector.object, &seen.secret, lifetime);
            let authentication_key = match opened {
                Ok(key) => key,
                Err(TpmError::ForeignBlob) => {
                    // The machine was restarted under us, or the TPM was cleared: it will never open again.
                    self.drop_protector(seen.kind)?;
                    return Err(Error::PinNeeded);
                }
                Err(TpmError::WrongAuth) => {
                    self.count_failed_match()?;
                    return Err(Error::PinNeeded);
                }
                Err(error) => return Err(error.into()),
            };
            let key = authentication_key.first_chunk::<32>().filter(|_| authentication_key.len() == 32);
            let key = Secret32::new(*key.ok_or(Error::Damaged { what: "biometric protector" })?);
            if !self.is_enrolled(&key, seen)? {
                self.count_failed_match()?;
                return Err(Error::TemplateNotEnrolled);
            }
            self.set_failed_matches(0)?;
            self.require_lasting_pin(&key, now)?;
            self.biometrics.matches_since_pin =
                self.biometrics.matches_since_pin.map(|count| count.saturating_add(1));
            Ok(Unlocked::new(&key, self.generation))
        })
    }

    /// Counts a gesture that the sensor did not recognise, and returns the tries that are left before only the PIN helps.
    ///
    /// # Errors
    /// [`Error::Storage`].
    pub fn count_failed_match(&mut self) -> Result<u8, Error> {
        self.set_failed_matches(self.biometrics.failed_matches.saturating_add(1))?;
        Ok(self.biometrics.tries_left())
    }

    /// Takes a template's permission away, and with the last one of a gesture its protector. Whether there was one.
    ///
    /// # Errors
    /// [`Error::Storage`].
    pub fn remove_template(&mut self, kind: Biometric, template: TemplateDigest) -> Result<bool, Error> {
        let removed = self.store.drop_template(&template)?;
        if self.store.templates(kind)? == 0 {
            self.remove_biometric(kind)?;
        }
        Ok(removed)
    }

    /// Ends one gesture: its templates and its protector. The others, and the PIN, stay what they are.
    ///
    /// # Errors
    /// [`Error::Storage`].
    pub fn remove_biometric(&mut self, kind: Biometric) -> Result<(), Error> {
        self.store.drop_templates(kind)?;
        self.biometrics.offers.remove(&kind);
        self.drop_protector(kind)
    }

    /// Where each gesture stands that has a template.
    ///
    /// # Errors
    /// [`Error::Storage`].
    pub fn biometrics(&self) -> Result<Vec<BiometricState>, Error> {
        let mut states = Vec::new();
        for kind in Biometric::ALL {
            let templates = self.store.templates(kind)?;
            if templates > 0 {
                let protector = self.biometrics.protectors.get(&kind).map(|protector| protector.lifetime);
                states.push(BiometricState {
                    kind,
                    templates,
                    protector,
                    tries_left: self.biometrics.tries_left(),
                });
            }
        }
        Ok(states)
    }

    /// Gestures that opened the container since the PIN did last (uvCountSinceLastPinEntry, CTAP 2.3 §6.4); `None` while
    /// that is not known, because no PIN was typed in this run.
    #[must_use]
    pub const fn gestures_since_pin(&self) -> Option<u64> {
        self.biometrics.matches_since_pin
    }

    /// The gestures that can open the container now: those with a protector and a template. Asks no device.
    #[must_use]
    pub fn ready_biometrics(&self) -> Vec<Biometric> {
        let usable = Biometric::ALL.into_iter().filter(|kind| self.biometrics.usable(*kind).is_some());
        usable.filter(|kind| self.store.templates(*kind).is_ok_and(|known| known > 0)).collect()
    }

    /// Makes the protectors that were offered, while the authentication key is at hand for a PIN. The unlocking does not
    /// depend on it: what fails now waits for the next PIN.
    pub(super) fn fit_biometrics(&mut self, authentication_key: &Secret32) {
        drop(self.set_failed_matches(0));
        self.biometrics.matches_since_pin = Some(0);
        for (kind, offer) in std::mem::take(&mut self.biometrics.offers) {
            if self.make_biometric_protector(kind, &offer, authentication_key).is_err() {
                self.biometrics.offers.insert(kind, offer);
            }
        }
    }

    /// Forgets every protector, because the authentication key that they hold is none any more. The database has lost
    /// its own in the commit that did it.
    pub(super) fn forget_biometric_protectors(&mut self) {
        self.biometrics.protectors.clear();
    }

    fn make_biometric_protector(
        &mut self,
        kind: Biometric,
        offer: &Offer,
        authentication_key: &Secret32,
    ) -> Result<(), Error> {
        let object = self.tpm.seal_under(authentication_key.expose(), &offer.secret, offer.lifetime)?;
        if offer.lifetime == Lifetime::Persistent {
            self.store.put_biometric_protector(kind, &object)?;
        }
        self.biometrics.protectors.insert(kind, Protector { lifetime: offer.lifetime, object });
        Ok(())
    }

    fn drop_protector(&mut self, kind: Biometric) -> Result<(), Error> {
        let held = self.biometrics.protectors.get(&kind).map(|protector| protector.lifetime);
        if held == Some(Lifetime::Persistent) {
            self.store.drop_biometric_protector(kind)?;
        }
        self.biometrics.protectors.remove(&kind);
        Ok(())
    }

    /// Whether the seal of the template's record is one of this authentication key, for this very template.
    fn is_enrolled(&self, authentication_key: &Secret32, seen: &Recognised) -> Result<bool, Error> {
        let Some(sealed) = self.store.template(&seen.template, seen.kind)? else { return Ok(false) };
        let key = SealingKey::derive(authentication_key, Purpose::Records);
        let opened = key.open(self.template_place(&seen.template), &sealed);
        Ok(opened.is_some_and(|record| record.as_slice() == ENROLLED))
    }

    const fn template_place<'a>(&'a self, template: &'a TemplateDigest) -> Place<'a> {
        Place { container: &self.identity.id, row: &template.0 }
    }

    fn set_failed_matches(&mut self, count: u8) -> Result<(), Error> {
        if self.biometrics.failed_matches != count {
            self.store.set_failed_matches(count)?;
            self.biometrics.failed_matches = count;
        }
        Ok(())
    }
}
