//! The engine's side: requests go in, what is to be done next comes out.

use std::collections::HashMap;
use std::time::Duration;

use latchkey_container::Biometric;
use latchkey_ctap::{Ambient, Answer, Authenticator, Capture, ChannelId, Prompt, Step, Suspended};
use latchkey_protocol::Status;
use latchkey_transports::ctaphid::TransactionId;
use rand_core::CryptoRng;

use crate::clock::{self, Uptime};

/// What the engine has come to.
#[derive(Debug)]
pub enum Report {
    /// The response to a request.
    Respond {
        /// Which request.
        transaction: TransactionId,
        /// A status byte, then CBOR.
        response: Vec<u8>,
    },
    /// The request waits for the user.
    Ask {
        /// Which request.
        transaction: TransactionId,
        /// The question.
        prompt: Prompt,
        /// The biometric gestures that would do instead of the PIN.
        gestures: Vec<Biometric>,
    },
    /// The request waits for a sample of the sensor.
    Capture {
        /// Which request.
        transaction: TransactionId,
        /// Which sample.
        wanted: Capture,
    },
}

/// The requests that wait for the user, by transaction. Without an authenticator (it was unplugged in the meantime)
/// each is answered `OTHER`.
#[derive(Debug)]
pub struct Requests {
    uptime: Uptime,
    suspended: HashMap<TransactionId, Suspended>,
    /// Whether the sensor is held for an enrolment.
    enrolling: bool,
}

impl Requests {
    /// None yet.
    #[must_use]
    pub fn new(uptime: Uptime) -> Self {
        Self { uptime, suspended: HashMap::new(), enrolling: false }
    }

    /// A request of a channel.
    pub fn begin(
        &mut self,
        authenticator: Option<&mut Authenticator>,
        transaction: TransactionId,
        channel: ChannelId,
        request: &[u8],
    ) -> Report {
        let uptime = self.uptime.elapsed();
        self.step(authenticator, transaction, |authenticator| {
            Some(authenticator.handle(channel, request, ambient(uptime, &mut clock::rng())))
        })
    }

    /// What the user said to the prompt of this transaction.
    pub fn resume(
        &mut self,
        authenticator: Option<&mut Authenticator>,
        transaction: TransactionId,
        answer: Answer,
    ) -> Report {
        let uptime = self.uptime.elapsed();
        let suspended = self.suspended.remove(&transaction);
        self.step(authenticator, transaction, |authenticator| {
            Some(authenticator.resume(suspended?, answer, ambient(uptime, &mut clock::rng())))
        })
    }

    /// Forgets every request that waits: the authenticator is gone.
    pub fn clear(&mut self) {
        self.suspended.clear();
    }

    /// Whether an enrolment is over since the last call: done, cancelled, or too old. The sensor is free then.
    pub fn enrolment_ended(&mut self, authenticator: Option<&Authenticator>) -> bool {
        let goes_on = !self.suspended.is_empty() || authenticator.is_some_and(Authenticator::is_enrolling);
        let ended = self.enrolling && !goes_on;
        self.enrolling &= goes_on;
        ended
    }

    /// Time and randomness of now.
    pub fn ambient<'a>(&self, rng: &'a mut dyn CryptoRng) -> Ambient<'a> {
        ambient(self.uptime.elapsed(), rng)
    }

    /// Ends what is over by now.
    pub fn tick(&self, authenticator: &mut Authenticator) {
        authenticator.tick(self.uptime.elapsed());
    }

    /// How long until [`Requests::tick`] is due.
    #[must_use]
    pub fn due(&self, authenticator: &Authenticator) -> Option<Duration> {
        authenticator.next_deadline().map(|deadline| deadline.saturating_sub(self.uptime.elapsed()))
    }

    fn step(
        &mut self,
        authenticator: Option<&mut Authenticator>,
        transaction: TransactionId,
        work: impl FnOnce(&mut Authenticator) -> Option<Step>,
    ) -> Report {
        let gone = || Report::Respond { transaction, response: Status::OTHER.response() };
        let Some(authenticator) = authenticator else { return gone() };
        match work(authenticator) {
            Some(Step::Respond(response)) => Report::Respond { transaction, response },
            Some(Step::Ask(prompt, suspended)) => {
                self.suspended.insert(transaction, suspended);
                let gestures = if prompt.takes_gestures() {
                    authenticator.container().ready_biometrics()
                } else {
                    Vec::new()
                };
                Report::Ask { transaction, prompt, gestures }
            }
            Some(Step::Capture(wanted, suspended)) => {
                self.suspended.insert(transaction, suspended);
                self.enrolling = true;
                Report::Capture { transaction, wanted }
            }
            None => gone(),
        }
    }
}

fn ambient(uptime: Duration, rng: &mut dyn CryptoRng) -> Ambient<'_> {
    Ambient { uptime, now: clock::now(), rng }
}
