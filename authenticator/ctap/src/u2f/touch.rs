//! The touch that a U2F client polls for: it repeats its request until the answer is no longer "not yet". The user is asked
//! once; the next poll finds what was answered.

use std::time::Duration;

use sha2::{Digest, Sha256};

use crate::step::{Answer, ChannelId, Prompt};

/// Clients poll several times a second. One that has stopped for so long has given up.
const PATIENCE: Duration = Duration::from_secs(5);

/// Names one question, so that an answer which comes too late counts for no other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Touch(u64);

/// The one place of a touch that is polled for.
#[derive(Default)]
pub(crate) struct TouchSlot {
    asked: u64,
    polled: Option<Polled>,
}

struct Polled {
    touch: Touch,
    channel: ChannelId,
    /// SHA-256 of the request: a touch serves the request that it was asked for.
    request: [u8; 32],
    last: Duration,
    /// Whether the user said yes, once they have said anything.
    approved: Option<bool>,
}

/// What a poll finds.
pub(super) enum Poll {
    /// The user said yes, to this request. It counts once.
    Touched,
    /// Put the question to the user.
    Ask(Touch),
    /// Not yet, or not at all: the user was asked, or has another question before them.
    Wait,
}

impl TouchSlot {
    /// One poll of a request.
    pub(super) fn poll(&mut self, channel: ChannelId, request: &[u8], now: Duration) -> Poll {
        self.observe(now);
        let request: [u8; 32] = Sha256::digest(request).into();
        match &mut self.polled {
            Some(polled) if polled.channel == channel && polled.request == request => {
                polled.last = now;
                if polled.approved == Some(true) {
                    self.polled = None;
                    return Poll::Touched;
                }
                Poll::Wait
            }
            // Nobody takes an open question from another channel.
            Some(polled) if polled.channel != channel => Poll::Wait,
            Some(_) | None => {
                self.asked = self.asked.wrapping_add(1);
                let touch = Touch(self.asked);
                self.polled = Some(Polled { touch, channel, request, last: now, approved: None });
                Poll::Ask(touch)
            }
        }
    }

    /// What the user answered.
    pub(crate) fn answer(&mut self, touch: Touch, answer: &Answer) {
        if let Some(polled) = self.polled.as_mut().filter(|polled| polled.touch == touch) {
            polled.approved = Some(matches!(answer, Answer::Approved));
        }
    }

    /// The question that somebody still waits for.
    pub(crate) fn awaited(&self) -> Option<Touch> {
        self.polled.as_ref().filter(|polled| polled.approved.is_none()).map(|polled| polled.touch)
    }

    /// Forgets a touch that nobody polls for any more.
    pub(crate) fn observe(&mut self, now: Duration) {
        if self.deadline().is_some_and(|deadline| now >= deadline) {
            self.polled = None;
        }
    }

    /// When [`TouchSlot::observe`] has something to do next.
    pub(crate) fn deadline(&self) -> Option<Duration> {
        self.polled.as_ref().map(|polled| polled.last.saturating_add(PATIENCE))
    }

    /// The channel is gone.
    pub(crate) fn close(&mut self, channel: ChannelId) {
        self.polled.take_if(|polled| polled.channel == channel);
    }

    /// Another question comes before the user.
    pub(crate) fn give_way(&mut self) {
        self.polled = None;
    }
}

/// The answer to a U2F message, and a question that may go with it.
#[derive(Debug)]
pub struct Reply {
    /// Response data and status word, to be sent now.
    pub response: Vec<u8>,
    /// A question to put to the user while the client polls; its answer goes to
    /// [`Authenticator::touched`](crate::Authenticator::touched).
    pub ask: Option<(Prompt, Touch)>,
}
