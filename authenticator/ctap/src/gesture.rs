//! The PIN, wherever it was typed: `performBuiltInUv` through our own prompt (CTAP 2.3 §6.5.3.1), and the
//! counting of wrong PINs that it shares with clientPIN.
//!
//! Built-in user verification *is* the container's PIN here, so `uvRetries` and `pinRetries` are one count:
//! the TPM's.

use latchkey_container::{Error as ContainerError, PinHash, Unlocked};

use crate::engine::{Authenticator, WRONG_PINS_PER_POWER_UP};
use crate::status::Failure;
use crate::step::{Answer, Notice};

/// What an answer to a [`Want::Pin`](crate::Want::Pin) prompt comes to.
pub(crate) enum Gesture {
    /// The user is verified, and present.
    Recognised(Unlocked),
    /// Ask again, saying this.
    Again(Notice),
}

impl Authenticator {
    /// Fails unless a PIN can be tried now.
    pub(crate) fn pin_can_be_tried(&mut self) -> Result<(), Failure> {
        if !self.container.has_pin() {
            return Err(Failure::PinNotSet);
        }
        if self.container.tries_left()? == 0 {
            return Err(Failure::PinBlocked);
        }
        if self.wrong_pins >= WRONG_PINS_PER_POWER_UP {
            return Err(Failure::PinBlockedUntilPowerUp);
        }
        Ok(())
    }

    /// `uvRetries`: tries before built-in user verification stops, until the next power-up or for good.
    pub(crate) fn gesture_tries(&mut self) -> Result<u8, Failure> {
        Ok(self.container.tries_left()?.min(WRONG_PINS_PER_POWER_UP.saturating_sub(self.wrong_pins)))
    }

    /// Opens the container. The device counts a wrong PIN before this returns.
    pub(crate) fn unlock(&mut self, pin: &PinHash) -> Result<Unlocked, Failure> {
        let outcome = self.container.unlock(pin);
        self.count(outcome)
    }

    /// Counts the outcome of a PIN check towards the limit since power-up.
    pub(crate) fn count<T>(&mut self, outcome: Result<T, ContainerError>) -> Result<T, Failure> {
        match outcome {
            Ok(value) => {
                self.wrong_pins = 0;
                self.opened();
                Ok(value)
            }
            Err(ContainerError::WrongPin { tries_left }) => Err(self.wrong_pin(tries_left)),
            Err(ContainerError::PinBlocked) => Err(Failure::PinBlocked),
            Err(other) => Err(other.into()),
        }
    }

    /// One more wrong PIN (CTAP 2.3 §6.5.5.6 step 7.1.2).
    pub(crate) const fn wrong_pin(&mut self, tries_left: u8) -> Failure {
        self.wrong_pins = self.wrong_pins.saturating_add(1);
        if tries_left == 0 {
            Failure::PinBlocked
        } else if self.wrong_pins >= WRONG_PINS_PER_POWER_UP {
            Failure::PinBlockedUntilPowerUp
        } else {
            Failure::PinMismatch { tries_left }
        }
    }

    /// One round of built-in user verification with retries inside (`internalRetry`).
    ///
    /// Deviation: §6.1.2 step 11.2 answers `PIN_BLOCKED` whenever no built-in try is left. Where a power
    /// cycle is all that is needed we answer `PIN_AUTH_BLOCKED`: clients offer a user whose PIN is blocked to
    /// delete everything.
    pub(crate) fn gesture(&mut self, answer: Answer) -> Result<Gesture, Failure> {
        match answer {
            Answer::Pin(pin) => match self.unlock(&pin) {
                Ok(unlocked) => Ok(Gesture::Recognised(unlocked)),
                Err(Failure::PinMismatch { tries_left }) => {
                    Ok(Gesture::Again(Notice::WrongPin { tries_left }))
                }
                Err(failure) => Err(failure),
            },
            // A bare yes verifies nobody.
            Answer::Approved | Answer::Denied => Err(Failure::Denied),
            Answer::Cancelled => Err(Failure::Cancelled),
            Answer::TimedOut => Err(Failure::TimedOut),
        }
    }
}
