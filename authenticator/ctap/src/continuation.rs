//! State that spans commands: getNextAssertion, the two …`GetNext`… of credential management, a large-blob array
//! that is written in fragments (CTAP 2.3 §6), and a finger that is enrolled sample by sample (§6.7.4).

use std::sync::Arc;
use std::time::Duration;

use latchkey_container::{CredentialId, PasskeyListing, Unlocked};

use crate::get_assertion::Assertions;
use crate::large_blobs::Writing;
use crate::status::Failure;
use crate::step::ChannelId;
use crate::token::TokenId;

/// The state of a stateful command is discarded when the platform waits longer than this.
pub(crate) const STATE_LIMIT: Duration = Duration::from_secs(30);

/// What is left of an answer that takes several commands, and who may ask for the rest.
pub(crate) struct Continuation<C> {
    channel: ChannelId,
    last_used: Duration,
    /// The token that authorised the first command; the state ends with it.
    token: Option<TokenId>,
    rest: C,
}

/// Passkeys of one relying party that are still to be listed.
pub(crate) enum Listing {
    /// Opened when it is their turn.
    Verified { unlocked: Arc<Unlocked>, ids: std::vec::IntoIter<CredentialId> },
    /// For the holder of the persistent token.
    ReadOnly(std::vec::IntoIter<PasskeyListing>),
}

/// A finger that is being enrolled; each sample brings a proof of its own.
pub(crate) struct Enrolment {
    pub(crate) template: Vec<u8>,
}

/// At most one of each kind: a new first command replaces what was left of the one before.
#[derive(Default)]
pub(crate) struct Continuations {
    pub(crate) assertions: Option<Continuation<Assertions>>,
    pub(crate) relying_parties: Option<Continuation<std::vec::IntoIter<String>>>,
    pub(crate) passkeys: Option<Continuation<Listing>>,
    pub(crate) large_blobs: Option<Continuation<Writing>>,
    pub(crate) enrolment: Option<Continuation<Enrolment>>,
}

impl<C> Continuation<C> {
    pub(crate) const fn new(channel: ChannelId, now: Duration, token: Option<TokenId>, rest: C) -> Self {
        Self { channel, last_used: now, token, rest }
    }

    pub(crate) fn into_rest(self) -> C {
        self.rest
    }

    pub(crate) const fn rest_mut(&mut self) -> &mut C {
        &mut self.rest
    }

    fn over(&self, now: Duration, token: Option<TokenId>) -> bool {
        now >= self.last_used.saturating_add(STATE_LIMIT) || self.token.is_some_and(|id| Some(id) != token)
    }
}

/// The rest, if this channel may have it now. A request on another channel is refused and disturbs nothing.
pub(crate) fn take_up<C>(
    slot: &mut Option<Continuation<C>>,
    channel: ChannelId,
    now: Duration,
) -> Result<&mut C, Failure> {
    match slot {
        Some(continuation) if continuation.channel == channel => {
            continuation.last_used = now;
            Ok(&mut continuation.rest)
        }
        Some(_) | None => Err(Failure::NothingPending),
    }
}

impl Continuations {
    /// Discards what is over.
    pub(crate) fn observe(&mut self, now: Duration, token: Option<TokenId>) {
        discard_if(&mut self.assertions, |state| state.over(now, token));
        discard_if(&mut self.relying_parties, |state| state.over(now, token));
        discard_if(&mut self.passkeys, |state| state.over(now, token));
        discard_if(&mut self.large_blobs, |state| state.over(now, token));
        discard_if(&mut self.enrolment, |state| state.over(now, token));
    }

    /// Discards what belongs to a channel that is gone.
    pub(crate) fn close(&mut self, channel: ChannelId) {
        discard_if(&mut self.assertions, |state| state.channel == channel);
        discard_if(&mut self.relying_parties, |state| state.channel == channel);
        discard_if(&mut self.passkeys, |state| state.channel == channel);
        discard_if(&mut self.large_blobs, |state| state.channel == channel);
        self.cancel_enrolment(channel);
    }

    /// Discards the enrolment that this channel has begun.
    pub(crate) fn cancel_enrolment(&mut self, channel: ChannelId) {
        discard_if(&mut self.enrolment, |state| state.channel == channel);
    }

    /// When [`Continuations::observe`] has something to do next.
    pub(crate) fn deadline(&self) -> Option<Duration> {
        let assertions = self.assertions.as_ref().map(|state| state.last_used);
        let relying_parties = self.relying_parties.as_ref().map(|state| state.last_used);
        let passkeys = self.passkeys.as_ref().map(|state| state.last_used);
        let large_blobs = self.large_blobs.as_ref().map(|state| state.last_used);
        let enrolment = self.enrolment.as_ref().map(|state| state.last_used);
        [assertions, relying_parties, passkeys, large_blobs, enrolment]
            .into_iter()
            .flatten()
            .min()
            .map(|last| last.saturating_add(STATE_LIMIT))
    }

    /// Whether anything here holds the opened authentication key.
    pub(crate) fn hold_key(&self) -> bool {
        let listing = self.passkeys.as_ref().map(|state| &state.rest);
        self.assertions.as_ref().is_some_and(|state| state.rest.hold_key())
            || matches!(listing, Some(Listing::Verified { .. }))
    }
}

fn discard_if<C>(slot: &mut Option<Continuation<C>>, over: impl Fn(&Continuation<C>) -> bool) {
    if slot.as_ref().is_some_and(over) {
        *slot = None;
    }
}
