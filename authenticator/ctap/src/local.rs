//! The PIN from this side of the wire: what the daemon's own commands do with it. They share the count of
//! CTAP, so that no other door leads around the limit of three wrong PINs (CTAP 2.3 §6.5.5.6 step 7.1.2), and
//! a change ends every token.

use latchkey_container::{
    Container, Error as ContainerError, PendingRecovery, Pin, PinHash, Recognised, RecoveryAnswer, UnixTime,
    Unlocked,
};
use rand_core::CryptoRng;

use crate::engine::{Authenticator, WRONG_PINS_PER_POWER_UP};

/// Why a PIN that did not come by CTAP was refused.
#[derive(Debug, thiserror::Error)]
pub enum PinRefused {
    /// No PIN is checked before the next power-up, so nothing was tried and no try is lost.
    #[error("too many wrong PINs in a row; restart the daemon to try again")]
    NeedsPowerUp,
    /// The container refused, and has counted a wrong PIN.
    #[error(transparent)]
    Container(#[from] ContainerError),
}

impl Authenticator {
    /// Checks the PIN and gives out the evidence that it was right.
    ///
    /// # Errors
    /// [`PinRefused`].
    pub fn unlock(
        &mut self,
        pin: &PinHash,
        now: UnixTime,
        rng: &mut dyn CryptoRng,
    ) -> Result<Unlocked, PinRefused> {
        self.try_locally(|container| container.unlock(pin, now, rng))
    }

    /// Opens the container for whom the biometric service has recognised.
    ///
    /// # Errors
    /// As [`Container::unlock_by_biometric`].
    pub fn unlock_by_biometric(
        &mut self,
        seen: &Recognised,
        now: UnixTime,
    ) -> Result<Unlocked, ContainerError> {
        let unlocked = self.container.unlock_by_biometric(seen, now)?;
        self.opened();
        Ok(unlocked)
    }

    /// Sets the first PIN.
    ///
    /// # Errors
    /// As [`Container::set_pin`].
    pub fn set_pin(
        &mut self,
        new: &Pin,
        now: UnixTime,
        rng: &mut dyn CryptoRng,
    ) -> Result<(), ContainerError> {
        drop(self.container.set_pin(new, now, rng)?);
        self.end_tokens();
        Ok(())
    }

    /// Changes the PIN and ends every token, as changePIN does.
    ///
    /// # Errors
    /// [`PinRefused`].
    pub fn change_pin(
        &mut self,
        old: &PinHash,
        new: &Pin,
        now: UnixTime,
        rng: &mut dyn CryptoRng,
    ) -> Result<(), PinRefused> {
        drop(self.try_locally(|container| container.change_pin(old, new, now, rng))?);
        self.end_tokens();
        Ok(())
    }

    /// Sets a new PIN with the answer of the PIN reset service, also when the old one is blocked, and ends every token.
    /// Nothing is left of the lockout: wrong PINs of before count no more.
    ///
    /// # Errors
    /// As [`Container::reset_pin`]; no token ends then.
    pub fn reset_pin(
        &mut self,
        pending: PendingRecovery,
        answer: &RecoveryAnswer,
        new: &Pin,
        now: UnixTime,
        rng: &mut dyn CryptoRng,
    ) -> Result<Unlocked, ContainerError> {
        let unlocked = self.container.reset_pin(pending, answer, new, now, rng)?;
        self.forgive();
        self.opened();
        Ok(unlocked)
    }

    /// Gives the PIN its tries back with the answer of the PIN reset service, and ends every token.
    ///
    /// # Errors
    /// As [`Container::rearm_pin`]; no token ends then.
    pub fn rearm_pin(
        &mut self,
        pending: PendingRecovery,
        answer: &RecoveryAnswer,
    ) -> Result<(), ContainerError> {
        self.container.rearm_pin(pending, answer)?;
        self.forgive();
        Ok(())
    }

    fn forgive(&mut self) {
        self.end_tokens();
        (self.wrong_pins, self.blocked) = (0, Some(false));
    }

    fn try_locally<T>(
        &mut self,
        attempt: impl FnOnce(&mut Container) -> Result<T, ContainerError>,
    ) -> Result<T, PinRefused> {
        if self.wrong_pins >= WRONG_PINS_PER_POWER_UP {
            // A PIN that is blocked for good is called so: a restart would not help.
            return Err(match self.container.tries_left()? {
                0 => ContainerError::PinBlocked.into(),
                _ => PinRefused::NeedsPowerUp,
            });
        }
        Ok(self.counted(attempt)?)
    }
}
