//! The gesture, PIN or biometric: `performBuiltInUv` through our own prompt (CTAP 2.3 §6.5.3.1), and the
//! counting of wrong PINs that it shares with clientPIN.
//!
//! Built-in user verification *is* the container's PIN here, so `uvRetries` and `pinRetries` are one count:
//! the TPM's. Biometric gestures have a count of their own in the container, and end in the PIN.

use latchkey_container::{Container, Error as ContainerError, Unlocked};

use crate::engine::{Authenticator, WRONG_PINS_PER_POWER_UP};
use crate::status::Failure;
use crate::step::{Ambient, Answer, Notice};

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
        let blocked = match self.blocked {
            Some(blocked) => blocked,
            None => self.container.tries_left()? == 0,
        };
        self.blocked = Some(blocked);
        if blocked {
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

    /// Tries a PIN that came by CTAP. The device has counted a wrong one before this returns.
    pub(crate) fn try_pin<T>(
        &mut self,
        attempt: impl FnOnce(&mut Container) -> Result<T, ContainerError>,
    ) -> Result<T, Failure> {
        if self.wrong_pins >= WRONG_PINS_PER_POWER_UP {
            return Err(Failure::PinBlockedUntilPowerUp);
        }
        let outcome = self.counted(attempt);
        outcome.map_err(|error| {
            if let ContainerError::WrongPin { tries_left } = error {
                if self.wrong_pins >= WRONG_PINS_PER_POWER_UP {
                    Failure::PinBlockedUntilPowerUp
                } else {
                    Failure::PinMismatch { tries_left }
                }
            } else if matches!(error, ContainerError::PinBlocked) {
                Failure::PinBlocked
            } else {
                error.into()
            }
        })
    }

    /// The one place that the container's PIN is checked from, whoever brings it: counts the outcome towards
    /// the limit since power-up (CTAP 2.3 §6.5.5.6 step 7.1.2).
    pub(crate) fn counted<T>(
        &mut self,
        attempt: impl FnOnce(&mut Container) -> Result<T, ContainerError>,
    ) -> Result<T, ContainerError> {
        let outcome = attempt(&mut self.container);
        match &outcome {
            Ok(_) => {
                (self.wrong_pins, self.blocked) = (0, Some(false));
                self.opened();
            }
            // The PIN was right, whatever else is wrong with it or with the new one.
            Err(ContainerError::PinOverdue(_) | ContainerError::PinRefused(_)) => {
                (self.wrong_pins, self.blocked) = (0, Some(false));
            }
            Err(ContainerError::WrongPin { .. }) => self.wrong_pins = self.wrong_pins.saturating_add(1),
            Err(ContainerError::PinBlocked) => self.blocked = Some(true),
            Err(_) => {}
        }
        outcome
    }

    /// One round of built-in user verification with retries inside (`internalRetry`).
    ///
    /// Deviation: §6.1.2 step 11.2 answers `PIN_BLOCKED` whenever no built-in try is left. Where a power
    /// cycle is all that is needed we answer `PIN_AUTH_BLOCKED`: clients offer a user whose PIN is blocked to
    /// delete everything.
    pub(crate) fn gesture(&mut self, answer: Answer, ambient: &mut Ambient<'_>) -> Result<Gesture, Failure> {
        let (now, rng) = (ambient.now, &mut *ambient.rng);
        match answer {
            Answer::Pin(pin) => match self.try_pin(|container| container.unlock(&pin, now, rng)) {
                Ok(unlocked) => Ok(Gesture::Recognised(unlocked)),
                Err(Failure::PinMismatch { tries_left }) => {
                    Ok(Gesture::Again(Notice::WrongPin { tries_left }))
                }
                Err(failure) => Err(failure),
            },
            // Wrong PINs of before still count: a finger is no proof of knowing the PIN.
            Answer::Recognised(seen) => match self.container.unlock_by_biometric(&seen, now) {
                Ok(unlocked) => {
                    self.opened();
                    Ok(Gesture::Recognised(unlocked))
                }
                Err(ContainerError::PinNeeded) => Ok(Gesture::Again(Notice::PinNeeded)),
                Err(ContainerError::TemplateNotEnrolled) => Ok(Gesture::Again(Notice::TemplateNotEnrolled)),
                Err(error) => Err(error.into()),
            },
            // A bare yes verifies nobody.
            Answer::Approved | Answer::Captured(_) | Answer::Denied => Err(Failure::Denied),
            Answer::Cancelled => Err(Failure::Cancelled),
            Answer::TimedOut => Err(Failure::TimedOut),
        }
    }
}
