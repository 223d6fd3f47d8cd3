//! What can be told about a container without a gesture.

use super::{Container, PIN_TRIES};
use crate::biometric::BiometricState;
use crate::error::Error;
use crate::profile::Profile;
use crate::settings::Settings;
use crate::stretch::StretchCost;
use crate::time::UnixTime;
use crate::tpm::{Lockout, TpmClass};

/// The state of a container, for people and programs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Status {
    /// The container's random identifier.
    pub id: [u8; 16],
    /// What the container is for.
    pub profile: Profile,
    /// The kind of device. With [`TpmClass::Software`] the count of tries is advisory: whoever has the files can
    /// set it back.
    pub class: TpmClass,
    /// The device in its own words.
    pub description: String,
    /// When the container was created.
    pub created: UnixTime,
    /// The PIN's tries, `None` when no PIN is set.
    pub pin: Option<PinTries>,
    /// Whether the device no longer has the PIN, so that no try is left ([`Error::PinLost`]).
    pub pin_lost: bool,
    /// PIN indices of earlier PINs that could not be removed from the device yet, most likely because it wants an owner
    /// authorisation. They open nothing; the PIN can be changed only when they are gone.
    pub leftover_slots: usize,
    /// How many passkeys there are.
    pub passkeys: u32,
    /// The TPM's dictionary-attack state, `None` without a TPM.
    pub lockout: Option<Lockout>,
    /// What checking a PIN costs.
    pub stretch: StretchCost,
    /// How often the PIN has been set, changed or given up.
    pub generation: u64,
    /// The gestures that do instead of the PIN.
    pub biometrics: Vec<BiometricState>,
    /// The fewest code points of a PIN.
    pub minimum_pin_length: u8,
    /// What management programs have set.
    pub settings: Settings,
    /// Whether somebody may list the passkeys without a gesture ([`Container::persistent_token`]).
    pub listed_without_gesture: bool,
}

/// How many tries a PIN has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PinTries {
    /// Until the PIN is blocked.
    pub tries_left: u8,
    /// After a right PIN.
    pub limit: u8,
}

impl Container {
    /// The state of the container.
    ///
    /// # Errors
    /// [`Error::Storage`], [`Error::Tpm`].
    pub fn status(&mut self) -> Result<Status, Error> {
        let (tries_left, pin_lost) = match self.tries_left() {
            Err(Error::PinLost) => (0, true),
            tries_left => (tries_left?, false),
        };
        let class = self.class();
        let lockout = match class {
            TpmClass::Hardware | TpmClass::Virtual => Some(self.tpm.lockout()?),
            TpmClass::Software => None,
        };
        Ok(Status {
            id: self.identity.id,
            profile: self.profile(),
            class,
            description: self.tpm.identity().description.clone(),
            created: self.identity.created,
            pin: self.has_pin().then_some(PinTries { tries_left, limit: PIN_TRIES }),
            pin_lost,
            leftover_slots: self.store.abandoned_slots()?.len(),
            passkeys: self.store.count()?,
            lockout,
            stretch: self.identity.stretch,
            generation: self.generation,
            biometrics: self.biometrics()?,
            minimum_pin_length: self.minimum_pin_length(),
            settings: self.settings().clone(),
            listed_without_gesture: self.persistent_token().is_some(),
        })
    }
}
