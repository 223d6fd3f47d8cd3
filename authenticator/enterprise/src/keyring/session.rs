//! What the daemon holds in memory between two requests: nothing of it is ever written.

use latchkey_container::{PendingRecovery, RecoveryAnswer, RecoveryPurpose, Unlocked};
use sha2::{Digest as _, Sha256};

use super::Refusal;
use crate::wire::recovery::SealedSecret;

/// The evidence of the gesture that signed the user in, and a PIN reset under way.
#[derive(Default)]
pub struct Session {
    unlocked: Option<Unlocked>,
    recovery: Option<Recovery>,
}

struct Recovery {
    purpose: RecoveryPurpose,
    pending: PendingRecovery,
    /// Of the whole request: the answer is sealed for it alone.
    request_hash: [u8; 32],
}

impl Session {
    /// Keeps what a gesture gave out, until the user signs out or the PIN changes.
    pub fn open(&mut self, unlocked: Unlocked) {
        self.unlocked = Some(unlocked);
    }

    /// Forgets everything.
    pub fn close(&mut self) {
        *self = Self::default();
    }

    /// Whether a gesture has opened it.
    #[must_use]
    pub const fn is_open(&self) -> bool {
        self.unlocked.is_some()
    }

    pub(super) fn unlocked(&self) -> Result<&Unlocked, Refusal> {
        self.unlocked.as_ref().ok_or(Refusal::Locked)
    }

    pub(super) fn begin_recovery(
        &mut self,
        purpose: RecoveryPurpose,
        pending: PendingRecovery,
        request: &str,
    ) {
        let request_hash = Sha256::digest(request).into();
        self.recovery = Some(Recovery { purpose, pending, request_hash });
    }

    /// The PIN reset under way with the service's answer to it. It ends here: each request has one answer.
    ///
    /// # Errors
    /// [`Refusal::NoRecovery`], [`Refusal::Wire`].
    pub fn answer_recovery(
        &mut self,
        purpose: RecoveryPurpose,
        answer: &SealedSecret,
    ) -> Result<(PendingRecovery, RecoveryAnswer), Refusal> {
        let begun = self.recovery.take().filter(|recovery| recovery.purpose == purpose);
        let Recovery { pending, request_hash, .. } = begun.ok_or(Refusal::NoRecovery)?;
        Ok((pending, RecoveryAnswer { sealed: answer.bytes()?, request_hash }))
    }
}

impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Session").field("open", &self.is_open()).finish_non_exhaustive()
    }
}
