//! The engine's side: requests go in, what is to be done next comes out.

use std::collections::HashMap;
use std::time::Duration;

use latchkey_container::Biometric;
use latchkey_ctap::{
    Ambient, Answer, Authenticator, Capture, ChannelId, Prompt, Reply, Step, Suspended, Touch,
};
use latchkey_protocol::Status;
use latchkey_transports::ctaphid::TransactionId;
use rand_core::CryptoRng;

use crate::clock::{self, Uptime};

/// What a client sends.
#[derive(Debug)]
pub enum Message {
    /// A command byte, then CBOR.
    Cbor(Vec<u8>),
    /// A command APDU.
    U2f(Vec<u8>),
}

/// What the engine's thread is to do for the carriers and the user.
#[derive(Debug)]
pub enum Job {
    /// A CTAP request, or a U2F message.
    Handle {
        /// Names it.
        transaction: TransactionId,
        /// Where it came from.
        channel: ChannelId,
        /// What was sent.
        message: Message,
    },
    /// What the user said.
    Resume {
        /// To the prompt of this one.
        transaction: TransactionId,
        /// That.
        answer: Answer,
    },
    /// What the user said while a U2F client polls.
    Touched {
        /// The question.
        touch: Touch,
        /// That.
        answer: Answer,
    },
    /// The channel is gone.
    ChannelClosed(ChannelId),
}

/// The status word of a U2F message that nobody can answer (ISO/IEC 7816-4, "no precise diagnosis").
const GONE: [u8; 2] = [0x6F, 0x00];

/// What the engine has come to.
#[derive(Debug)]
pub enum Report {
    /// The response to a request.
    Respond {
        /// Which request.
        transaction: TransactionId,
        /// A status byte, then CBOR; or data, then a status word.
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
    /// Something has changed about U2F.
    U2f {
        /// Whether messages are answered now.
        offered: bool,
        /// The question that a client polls for; any other is to be taken back.
        awaited: Option<Touch>,
        /// A question to put, which is the awaited one.
        ask: Option<(Prompt, Touch)>,
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
    /// A question of U2F that is still to be put.
    ask: Option<(Prompt, Touch)>,
    /// What was last reported about U2F.
    reported: Option<(bool, Option<Touch>)>,
}

impl Requests {
    /// None yet.
    #[must_use]
    pub fn new(uptime: Uptime) -> Self {
        Self { uptime, suspended: HashMap::new(), enrolling: false, ask: None, reported: None }
    }

    /// Does a job; what it has come to, if somebody waits for that.
    pub fn work(&mut self, authenticator: Option<&mut Authenticator>, job: Job) -> Option<Report> {
        match job {
            Job::Handle { transaction, channel, message } => {
                Some(self.begin(authenticator, transaction, channel, &message))
            }
            Job::Resume { transaction, answer } => Some(self.resume(authenticator, transaction, answer)),
            Job::Touched { touch, answer } => {
                authenticator?.touched(touch, &answer);
                None
            }
            Job::ChannelClosed(channel) => {
                authenticator?.channel_closed(channel);
                None
            }
        }
    }

    /// A request or message of a channel.
    fn begin(
        &mut self,
        authenticator: Option<&mut Authenticator>,
        transaction: TransactionId,
        channel: ChannelId,
        message: &Message,
    ) -> Report {
        let uptime = self.uptime.elapsed();
        match message {
            Message::Cbor(request) => self.step(authenticator, transaction, |authenticator| {
                Some(authenticator.handle(channel, request, ambient(uptime, &mut clock::rng())))
            }),
            Message::U2f(message) => {
                let reply = authenticator.map(|authenticator| {
                    authenticator.message(channel, message, ambient(uptime, &mut clock::rng()))
                });
                let Reply { response, ask } = reply.unwrap_or(Reply { response: GONE.to_vec(), ask: None });
                self.ask = ask;
                Report::Respond { transaction, response }
            }
        }
    }

    /// What the user said to the prompt of this transaction.
    fn resume(
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

    /// What has changed about U2F since the last call, and at the first call how it is. To be reported before anything else
    /// that came of the same job.
    pub fn u2f(&mut self, authenticator: Option<&Authenticator>) -> Option<Report> {
        let offered = authenticator.is_some_and(Authenticator::speaks_u2f);
        let awaited = authenticator.and_then(Authenticator::awaited_touch);
        let ask = self.ask.take();
        let changed = self.reported.replace((offered, awaited)) != Some((offered, awaited));
        (changed || ask.is_some()).then_some(Report::U2f { offered, awaited, ask })
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
