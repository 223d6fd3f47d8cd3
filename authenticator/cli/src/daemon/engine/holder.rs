//! What a command does to the container that the engine thread holds: by way of the authenticator, so that wrong PINs are
//! one count and a change of PIN ends every token.

use std::sync::Arc;

use latchkey_container::{Container, PendingRecovery, Pin, PinHash, Recognised, RecoveryAnswer, Unlocked};
use latchkey_ctap::Authenticator;
use latchkey_enterprise::keyring::Session;

use super::Seat;
use crate::biometric::Port;
use crate::clock;
use crate::control::caller::no_container;
use crate::control::execute::Holder;
use crate::device::Choice;
use crate::failure::Failure;
use crate::hardening::Memory;
use crate::paths::Paths;

impl Holder for Seat {
    fn container(&mut self) -> Result<&mut Container, Failure> {
        self.authenticator().map(Authenticator::container)
    }

    fn unlock(&mut self, pin: &PinHash) -> Result<Unlocked, Failure> {
        Ok(self.authenticator()?.unlock(pin, clock::now(), &mut clock::rng())?)
    }

    fn unlock_by_biometric(&mut self, seen: &Recognised) -> Result<Unlocked, Failure> {
        Ok(self.authenticator()?.unlock_by_biometric(seen, clock::now())?)
    }

    fn set_pin(&mut self, new: &Pin) -> Result<(), Failure> {
        Ok(self.authenticator()?.set_pin(new, clock::now(), &mut clock::rng())?)
    }

    fn change_pin(&mut self, old: &PinHash, new: &Pin) -> Result<(), Failure> {
        Ok(self.authenticator()?.change_pin(old, new, clock::now(), &mut clock::rng())?)
    }

    fn reset_pin(
        &mut self,
        pending: PendingRecovery,
        answer: &RecoveryAnswer,
        new: &Pin,
    ) -> Result<Unlocked, Failure> {
        let authenticator = self.authenticator()?;
        Ok(authenticator.reset_pin(pending, answer, new, clock::now(), &mut clock::rng())?)
    }

    fn rearm_pin(&mut self, pending: PendingRecovery, answer: &RecoveryAnswer) -> Result<(), Failure> {
        Ok(self.authenticator()?.rearm_pin(pending, answer)?)
    }

    fn delete_keys(&mut self) -> Result<(), Failure> {
        Ok(self.authenticator()?.delete_keys(&mut clock::rng())?)
    }

    fn session(&mut self) -> &mut Session {
        &mut self.session
    }

    fn enterprise(&mut self) -> Result<(&mut Container, &mut Session), Failure> {
        let authenticator = self.authenticator.as_mut().ok_or_else(no_container)?;
        Ok((authenticator.container(), &mut self.session))
    }

    fn is_open(&self) -> bool {
        self.authenticator.is_some()
    }

    fn place(&mut self, container: Container) {
        let mut rng = clock::rng();
        let authenticator = Authenticator::power_up(container, self.requests.ambient(&mut rng));
        self.authenticator = Some(match &self.place.biometrics {
            Some(service) => authenticator.with_biometrics(Box::new(Port(Arc::clone(service)))),
            None => authenticator,
        });
    }

    fn take(&mut self) -> Result<Container, Failure> {
        self.requests.clear();
        self.session.close();
        self.authenticator.take().map(Authenticator::into_container).ok_or_else(no_container)
    }

    fn memory(&self) -> Option<Memory> {
        Some(self.place.memory.clone())
    }

    fn paths(&self) -> &Paths {
        &self.place.paths
    }

    fn device(&self) -> &Choice {
        &self.place.device
    }
}
