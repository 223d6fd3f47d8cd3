//! authenticatorReset (CTAP 2.3 §6.6).

use std::time::Duration;

use latchkey_container::Error;
use latchkey_protocol::Status;
use rand_core::CryptoRng;

use crate::engine::{Authenticator, Flow, KeyAgreements, Pending, approved, prompt};
use crate::status::Failure;
use crate::step::{Ambient, Answer, Operation, Want};

/// Only a user who has just started the authenticator means it (§6.6 step 2).
const WINDOW: Duration = Duration::from_secs(10);

impl Authenticator {
    pub(crate) fn reset(&self, now: Duration) -> Result<Flow, Failure> {
        if now > self.powered_up.saturating_add(WINDOW) {
            return Err(Failure::ResetWindowClosed);
        }
        let long = self.container.settings().long_touch_for_reset;
        let want = if long { Want::Insistence } else { Want::Approval };
        Ok(Flow::Ask(prompt(Operation::Reset, want), Pending::Reset))
    }

    pub(crate) fn resume_reset(
        &mut self,
        answer: &Answer,
        ambient: &mut Ambient<'_>,
    ) -> Result<Vec<u8>, Failure> {
        approved(answer)?;
        self.delete_keys(ambient.rng)?;
        Ok(Status::OK.response())
    }

    /// The same from this side of the wire: no PIN and no key afterwards, and no token that was good before.
    ///
    /// # Errors
    /// As [`Container::reset`](latchkey_container::Container::reset).
    pub fn delete_keys(&mut self, rng: &mut dyn CryptoRng) -> Result<(), Error> {
        self.end_tokens();
        self.container.reset()?;
        if let Some(service) = &self.biometrics {
            service.forget_all(&mut self.container);
        }
        self.key_agreements = KeyAgreements::generate(rng);
        (self.wrong_pins, self.blocked) = (0, Some(false));
        Ok(())
    }
}
