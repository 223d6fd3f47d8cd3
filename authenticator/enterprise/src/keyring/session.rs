//! What the daemon holds in memory between two requests: nothing of it is ever written.

use latchkey_container::secret::Secret32;
use latchkey_container::{PendingRecovery, RecoveryAnswer, RecoveryPurpose, UnixTime, Unlocked};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::Refusal;
use crate::wire::recovery::SealedSecret;

/// The evidence of the gesture that signed the user in, what it was used for, a token request and a PIN reset under way.
#[derive(Default)]
pub struct Session {
    unlocked: Option<Unlocked>,
    answer_key: Option<OpenedKey>,
    recovery: Option<Recovery>,
    /// When the user's programs last asked for something of it, in seconds since 1970.
    used: u64,
    /// Seconds without that after which it closes; 0: it does not.
    idle: u64,
    handed: Handed,
}

/// What programs of the user got while a session is open: they are not told apart, so the user can at least see it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Handed {
    /// How many tokens and browser credentials.
    pub count: u32,
    /// The last one.
    pub last: Option<HandedToken>,
}

/// One token or browser credential that was handed out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HandedToken {
    /// When, in seconds since 1970.
    pub at: u64,
    /// For which application; none: for the browser, at the provider's own pages.
    pub client: Option<String>,
    /// For which resource or scope.
    pub target: Option<String>,
}

/// A session key between the request that it proved and the answer that it opens.
struct OpenedKey {
    /// As the container keeps it, under the transport key.
    sealed: String,
    key: Secret32,
}

struct Recovery {
    purpose: RecoveryPurpose,
    pending: PendingRecovery,
    /// Of the whole request: the answer is sealed for it alone.
    request_hash: [u8; 32],
}

impl Session {
    /// Keeps what a gesture gave out, until the user signs out, the PIN changes, or nobody uses it for too long.
    pub fn open(&mut self, unlocked: Unlocked, now: UnixTime) {
        self.unlocked = Some(unlocked);
        self.used = now.0;
    }

    /// Forgets everything but the rule of [`Session::follow`].
    pub fn close(&mut self) {
        *self = Self { idle: self.idle, ..Self::default() };
    }

    /// Closes after so many minutes without use; 0: not for that reason.
    pub fn follow(&mut self, idle_minutes: u32) {
        self.idle = u64::from(idle_minutes).saturating_mul(60);
    }

    /// When [`Session::expire`] closes it, unless it is used before.
    #[must_use]
    pub fn closes_at(&self) -> Option<UnixTime> {
        let closes = self.is_open() && self.idle > 0;
        closes.then(|| UnixTime(self.used.saturating_add(self.idle)))
    }

    /// Closes it if nobody has used it for too long. A clock that was set back does not make it last.
    pub fn expire(&mut self, now: UnixTime) {
        let is_over = |end: UnixTime| end <= now || now.0 < self.used;
        if self.closes_at().is_some_and(is_over) {
            self.close();
        }
    }

    /// What was handed out since it was opened.
    #[must_use]
    pub const fn handed(&self) -> &Handed {
        &self.handed
    }

    pub(super) fn hand_out(&mut self, token: HandedToken) {
        self.used = token.at;
        self.handed = Handed { count: self.handed.count.saturating_add(1), last: Some(token) };
    }

    /// Whether a gesture has opened it.
    #[must_use]
    pub const fn is_open(&self) -> bool {
        self.unlocked.is_some()
    }

    pub(super) fn unlocked(&self) -> Result<&Unlocked, Refusal> {
        self.unlocked.as_ref().ok_or(Refusal::Locked)
    }

    /// Keeps the session key that has proved a request, until its answer comes or something else is asked for.
    pub(super) fn keep_session_key(&mut self, sealed: String, key: Secret32) {
        self.answer_key = Some(OpenedKey { sealed, key });
    }

    /// The session key that was kept, if it is the one that `sealed` holds. Afterwards none is kept.
    pub(super) fn take_session_key(&mut self, sealed: &str) -> Option<Secret32> {
        self.answer_key.take().filter(|opened| opened.sealed == sealed).map(|opened| opened.key)
    }

    /// Forgets it.
    pub(super) fn drop_session_key(&mut self) {
        self.answer_key = None;
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
