//! authenticatorReset (CTAP 2.3 §6.6).

use std::time::Duration;

use latchkey_protocol::Status;

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
        Ok(Flow::Ask(prompt(Operation::Reset, Want::Approval), Pending::Reset))
    }

    pub(crate) fn resume_reset(
        &mut self,
        answer: &Answer,
        ambient: &mut Ambient<'_>,
    ) -> Result<Vec<u8>, Failure> {
        approved(answer)?;
        self.end_tokens();
        self.container.reset()?;
        self.key_agreements = KeyAgreements::generate(ambient.rng);
        (self.wrong_pins, self.blocked) = (0, Some(false));
        Ok(Status::OK.response())
    }
}
