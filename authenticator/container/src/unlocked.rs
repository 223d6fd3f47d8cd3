//! Evidence that the user has been verified.

use crate::seal::{Purpose, SealingKey};
use crate::secret::Secret32;

/// What a gesture gives out. Not `Clone`; dropping it wipes its key, and after a change of PIN or a reset the
/// container refuses it as stale. It holds the keys of the records, derived once because every signature opens one,
/// and of what is written down of the PIN; not the authentication key itself.
pub struct Unlocked {
    records: SealingKey,
    pin_record: SealingKey,
    generation: u64,
}

impl Unlocked {
    pub(crate) fn new(authentication_key: &Secret32, generation: u64) -> Self {
        Self {
            records: SealingKey::derive(authentication_key, Purpose::Records),
            pin_record: SealingKey::derive(authentication_key, Purpose::PinRecord),
            generation,
        }
    }

    pub(crate) const fn records(&self) -> &SealingKey {
        &self.records
    }

    pub(crate) const fn pin_record(&self) -> &SealingKey {
        &self.pin_record
    }

    pub(crate) const fn generation(&self) -> u64 {
        self.generation
    }
}

impl std::fmt::Debug for Unlocked {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Unlocked").field("generation", &self.generation).finish_non_exhaustive()
    }
}
