//! The rules of organisations for PINs, at every door: what a new PIN must be, and when the one there is opens nothing
//! before it is changed.

use rand_core::CryptoRng;

use super::Container;
use crate::error::Error;
use crate::pin::{Pin, PinComplexity, PinHash, PinOverdue, PinRecord, PinRefusal, PinRules, PinShape};
use crate::seal::{Purpose, SealingKey};
use crate::secret::Secret32;
use crate::time::UnixTime;

const DAY: u64 = 24 * 60 * 60;

/// A PIN that keeps the rules, with what is written down of it.
pub(super) struct AdmittedPin<'p> {
    pub pin: &'p Pin,
    pub since: UnixTime,
    pub record: Vec<u8>,
}

impl Container {
    /// Holds PINs to these rules from now on. They are not kept: whoever opens the container says them again.
    pub fn follow_pin_rules(&mut self, rules: PinRules) {
        if self.rules != rules {
            self.rules = rules;
            self.weakness = None;
        }
    }

    /// Whether a new PIN would be accepted, as far as its form goes.
    ///
    /// # Errors
    /// [`Error::PinRefused`].
    pub fn check_new_pin(&self, pin: &Pin) -> Result<(), Error> {
        if let Some(fault) = self.fault_by_settings(&PinShape::of(pin.text())) {
            return Err(Error::PinRefused(fault));
        }
        match self.rules {
            PinRules::None => Ok(()),
            PinRules::Policy(rules) => rules.check(pin.text()).map_err(Error::PinRefused),
            PinRules::Unreadable => Err(Error::PinRefused(PinRefusal::PolicyUnreadable)),
        }
    }

    /// Whether a new PIN must be more than long enough (pinComplexityPolicy, CTAP 2.3 §6.4).
    #[must_use]
    pub fn holds_pins_to_more_than_a_length(&self) -> bool {
        self.settings().pin_complexity || !matches!(self.rules, PinRules::None)
    }

    /// Why the PIN opens nothing before it is changed, as far as that is known: that it is too weak only an unlocking
    /// shows.
    #[must_use]
    pub fn pin_overdue(&self, now: UnixTime) -> Option<PinOverdue> {
        if self.must_change_pin() {
            return Some(PinOverdue::Demanded);
        }
        if let PinRules::Policy(rules) = &self.rules
            && self.is_expired(rules, now)
        {
            return Some(PinOverdue::Expired(rules.expiration));
        }
        self.weakness.map(PinOverdue::Weak)
    }

    fn is_expired(&self, rules: &PinComplexity, now: UnixTime) -> bool {
        let Some(pin) = &self.pin else { return false };
        let since = pin.since.unwrap_or(now);
        let lifetime = u64::from(rules.expiration).saturating_mul(DAY);
        rules.expiration > 0 && now.0.saturating_sub(since.0) >= lifetime
    }

    /// A PIN that must be changed must become another one (CTAP 2.3 §6.5.5.6).
    pub(super) fn require_other_pin(&self, old: &PinHash, new: &Pin) -> Result<(), Error> {
        if self.must_change_pin() && new.hash().expose() == old.expose() {
            return Err(Error::PinRefused(PinRefusal::Unchanged));
        }
        Ok(())
    }

    /// A new PIN with its record; `past` is what is known of earlier ones, `key` the authentication key that holds.
    pub(super) fn admit<'p>(
        &self,
        pin: &'p Pin,
        past: PinRecord,
        key: &Secret32,
        now: UnixTime,
        rng: &mut dyn CryptoRng,
    ) -> Result<AdmittedPin<'p>, Error> {
        self.check_new_pin(pin)?;
        let history = self.history();
        let record = past
            .with(pin, history, self.identity.stretch)?
            .ok_or(Error::PinRefused(PinRefusal::Repeated(history)))?;
        Ok(AdmittedPin { pin, since: now, record: record.seal(&self.identity.id, key, rng) })
    }

    /// What is written down of the PIN; nothing where that does not open.
    pub(super) fn pin_record(&self, key: &Secret32) -> Option<PinRecord> {
        self.open_pin_record(&SealingKey::derive(key, Purpose::PinRecord))
    }

    /// The same with the key for it.
    pub(super) fn open_pin_record(&self, key: &SealingKey) -> Option<PinRecord> {
        let sealed = self.pin.as_ref()?.record.as_deref()?;
        PinRecord::open(&self.identity.id, key, sealed)
    }

    /// Writes down what rules that came after the PIN want to know of it. The unlocking does not depend on it: what
    /// fails now is tried again at the next one.
    pub(super) fn fit_pin_record(
        &mut self,
        pin: &PinHash,
        key: &Secret32,
        now: UnixTime,
        rng: &mut dyn CryptoRng,
    ) {
        let Some(current) = &self.pin else { return };
        let mut record = self.pin_record(key).unwrap_or_else(|| PinRecord::empty(rng));
        let changed = match &self.rules {
            PinRules::Policy(rules) => record.fit(pin, rules.history, self.identity.stretch),
            PinRules::None | PinRules::Unreadable => Ok(false),
        };
        if changed == Ok(false) && current.since.is_some() {
            return;
        }
        let since = current.since.unwrap_or(now);
        let sealed = record.seal(&self.identity.id, key, rng);
        if self.store.note_pin(since, &sealed).is_ok()
            && let Some(current) = &mut self.pin
        {
            (current.since, current.record) = (Some(since), Some(sealed));
        }
    }

    /// Refuses a PIN, or a gesture in its place, that the rules want changed first.
    pub(super) fn require_lasting_pin(&mut self, key: &Secret32, now: UnixTime) -> Result<(), Error> {
        let record = self.pin_record(key);
        self.weakness = record.as_ref().and_then(PinRecord::shape).and_then(|shape| self.weakness_of(shape));
        self.pin_overdue(now).map_or(Ok(()), |why| Err(Error::PinOverdue(why)))
    }

    fn weakness_of(&self, shape: &PinShape) -> Option<PinRefusal> {
        let by_policy = match &self.rules {
            PinRules::Policy(rules) => rules.weakness(shape),
            PinRules::None | PinRules::Unreadable => None,
        };
        by_policy.or_else(|| self.fault_by_settings(shape))
    }

    const fn history(&self) -> u32 {
        match &self.rules {
            PinRules::Policy(rules) => rules.history,
            PinRules::None | PinRules::Unreadable => 0,
        }
    }
}
