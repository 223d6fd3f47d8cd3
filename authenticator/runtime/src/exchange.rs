//! The loop's state: reports of the carriers go to the CTAPHID device, requests to the engine, prompts to the user.

use latchkey_container::Biometric;
use latchkey_ctap::{Answer, Capture, Captured, ChannelId, Prompt, Touch};
use latchkey_protocol::Status;
use latchkey_transports::carrier::{Event, Links, Port};
use latchkey_transports::ctaphid::{Action, Device, TransactionId};
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::{Instant, sleep_until};

use crate::clock::{self, Uptime};
use crate::{Job, Message, Report};

/// The engine and the user, as the loop reaches them. Nothing here may wait.
pub trait World {
    /// Why the loop must end: the engine is gone.
    type Error;

    /// Hands the engine a job.
    ///
    /// # Errors
    /// When there is no engine any more.
    fn give(&self, job: Job) -> Result<(), Self::Error>;

    /// Puts a question to the user. Dropping the future takes the question back.
    fn ask(&self, prompt: Prompt, gestures: Vec<Biometric>) -> impl Future<Output = Answer> + Send + 'static;

    /// Has the sensor capture a sample of a finger. Dropping the future lets go of it. Only an authenticator with a
    /// biometric service asks for that.
    fn capture(&self, _wanted: Capture) -> impl Future<Output = Answer> + Send + 'static {
        std::future::ready(Answer::Captured(Captured::Failed))
    }
}

/// What the loop has to go on with.
#[derive(Debug)]
pub enum Happening {
    /// A carrier brought something.
    Carrier(Event),
    /// The user answered the prompt of this transaction.
    Answered(TransactionId, Answer),
    /// The user answered a question that a U2F client polls for.
    Touched(Touch, Answer),
    /// A keepalive or a timeout is due.
    Due,
}

/// One device between its carriers, its engine and its user.
#[derive(Debug)]
pub struct Exchange<W> {
    world: W,
    uptime: Uptime,
    links: Links,
    device: Device,
    plugged: bool,
    /// The request that the engine has, from the moment it gets it until it has answered.
    current: Option<Current>,
    /// A request that came while the engine still ended one that was given up.
    next: Option<Waiting>,
    /// The user's answers, and the sensor's, that are waited for.
    questions: JoinSet<(TransactionId, Answer)>,
    touches: JoinSet<(Touch, Answer)>,
    /// The question that a U2F client polls for.
    touch: Option<(Touch, AbortHandle)>,
}

#[derive(Debug)]
struct Current {
    transaction: TransactionId,
    given_up: bool,
    asking: bool,
}

#[derive(Debug)]
struct Waiting {
    transaction: TransactionId,
    channel: ChannelId,
    message: Message,
}

impl<W: World> Exchange<W> {
    /// A device that no carrier knows of yet.
    pub fn new(world: W, uptime: Uptime) -> Self {
        Self {
            world,
            uptime,
            links: Links::new(),
            device: Device::new(),
            plugged: false,
            current: None,
            next: None,
            questions: JoinSet::new(),
            touches: JoinSet::new(),
            touch: None,
        }
    }

    /// A way in for one more carrier.
    #[must_use]
    pub fn port(&self) -> Port {
        self.links.port()
    }

    /// The engine and the user, as they were given.
    pub const fn world(&self) -> &W {
        &self.world
    }

    /// Whether carriers are there. Without them nobody is asked anything, and an open question is taken back.
    pub fn set_plugged(&mut self, plugged: bool) {
        self.plugged = plugged;
        if !plugged {
            self.questions.abort_all();
            self.touches.abort_all();
        }
    }

    /// Waits for what happens next. Safe to drop and call again, as in `select!`.
    pub async fn next(&mut self) -> Happening {
        let due = self.device.next_deadline().map(|at| Instant::from_std(self.uptime.at(at)));
        loop {
            tokio::select! {
                event = self.links.next() => return Happening::Carrier(event),
                Some(answered) = self.questions.join_next() => {
                    // An aborted question was taken back, and its transaction answered, before.
                    if let Ok((transaction, answer)) = answered {
                        return Happening::Answered(transaction, answer);
                    }
                }
                Some(answered) = self.touches.join_next() => {
                    if let Ok((touch, answer)) = answered {
                        return Happening::Touched(touch, answer);
                    }
                }
                () = sleep_until(due.unwrap_or_else(Instant::now)), if due.is_some() => return Happening::Due,
            }
        }
    }

    /// Does what follows from what happened.
    ///
    /// # Errors
    /// When there is no engine any more.
    pub fn act(&mut self, happening: Happening) -> Result<(), W::Error> {
        let now = self.uptime.elapsed();
        let actions = match happening {
            Happening::Carrier(Event::Report(link, report)) => {
                self.device.report(link, &report, now, &mut clock::rng())
            }
            Happening::Carrier(Event::Closed(link)) => self.device.close_link(link),
            Happening::Answered(transaction, answer) => return self.answer(transaction, answer),
            Happening::Touched(touch, answer) => return self.world.give(Job::Touched { touch, answer }),
            Happening::Due => self.device.tick(now),
        };
        self.carry_out(actions)
    }

    /// The engine has come to something.
    ///
    /// # Errors
    /// When there is no engine any more.
    pub fn hear(&mut self, report: Report) -> Result<(), W::Error> {
        match report {
            Report::Respond { transaction, response } => {
                self.respond(transaction, &response)?;
                self.current = None;
                match self.next.take() {
                    Some(next) => self.begin(next),
                    None => Ok(()),
                }
            }
            Report::Ask { transaction, prompt, gestures } => {
                tracing::info!(operation = prompt.operation.name(), "asking the user");
                let answered = self.world.ask(prompt, gestures);
                self.wait(transaction, answered)
            }
            Report::Capture { transaction, wanted } => {
                let captured = self.world.capture(wanted);
                self.wait(transaction, captured)
            }
            Report::U2f { offered, awaited, ask } => {
                self.device.offer_messages(offered);
                self.follow_touch(awaited, ask);
                Ok(())
            }
        }
    }

    fn carry_out(&mut self, actions: Vec<Action>) -> Result<(), W::Error> {
        for action in actions {
            match action {
                Action::Send(link, report) => self.links.send(link, report),
                Action::Cbor { transaction, channel, request } => {
                    self.take(transaction, ChannelId(channel.0), Message::Cbor(request))?;
                }
                Action::Message { transaction, channel, message } => {
                    self.take(transaction, ChannelId(channel.0), Message::U2f(message))?;
                }
                Action::Cancel(transaction) => self.cancel(transaction)?,
                Action::Wink => tracing::info!("wink: here I am"),
                Action::ChannelClosed(channel) => {
                    self.world.give(Job::ChannelClosed(ChannelId(channel.0)))?;
                }
            }
        }
        Ok(())
    }

    fn take(
        &mut self,
        transaction: TransactionId,
        channel: ChannelId,
        message: Message,
    ) -> Result<(), W::Error> {
        let waiting = Waiting { transaction, channel, message };
        if self.current.is_none() {
            return self.begin(waiting);
        }
        self.next = Some(waiting);
        Ok(())
    }

    fn begin(&mut self, waiting: Waiting) -> Result<(), W::Error> {
        let Waiting { transaction, channel, message } = waiting;
        self.current = Some(Current { transaction, given_up: false, asking: false });
        self.world.give(Job::Handle { transaction, channel, message })
    }

    fn cancel(&mut self, cancelled: TransactionId) -> Result<(), W::Error> {
        if self.next.take_if(|next| next.transaction == cancelled).is_some() {
            return self.respond(cancelled, &Status::KEEPALIVE_CANCEL.response());
        }
        let Some(current) = self.current.as_mut().filter(|current| current.transaction == cancelled) else {
            return Ok(());
        };
        current.given_up = true;
        if current.asking {
            self.questions.abort_all();
            return self.answer(cancelled, Answer::Cancelled);
        }
        Ok(())
    }

    /// Waits for what only the user can give, unless the request was given up meanwhile.
    fn wait(
        &mut self,
        transaction: TransactionId,
        answer: impl Future<Output = Answer> + Send + 'static,
    ) -> Result<(), W::Error> {
        let Some(current) = self.current.as_mut().filter(|current| current.transaction == transaction) else {
            return self.world.give(Job::Resume { transaction, answer: Answer::Cancelled });
        };
        current.asking = true;
        if current.given_up || !self.plugged {
            return self.answer(transaction, Answer::Cancelled);
        }
        self.questions.spawn(async move { (transaction, answer.await) });
        let actions = self.device.set_waiting_for_user(true, self.uptime.elapsed());
        self.carry_out(actions)
    }

    /// Takes back a question that no U2F client polls for any more, and puts a new one.
    fn follow_touch(&mut self, awaited: Option<Touch>, ask: Option<(Prompt, Touch)>) {
        if let Some((_, question)) = self.touch.take_if(|(touch, _)| awaited != Some(*touch)) {
            question.abort();
        }
        if let Some((prompt, touch)) = ask.filter(|_| self.plugged) {
            tracing::info!(operation = prompt.operation.name(), "asking the user");
            let answered = self.world.ask(prompt, Vec::new());
            let question = self.touches.spawn(async move { (touch, answered.await) });
            self.touch = Some((touch, question));
        }
    }

    /// The user's answer, unless the question was settled already.
    fn answer(&mut self, transaction: TransactionId, answer: Answer) -> Result<(), W::Error> {
        let current =
            self.current.as_mut().filter(|current| current.transaction == transaction && current.asking);
        let Some(current) = current else { return Ok(()) };
        current.asking = false;
        self.world.give(Job::Resume { transaction, answer })?;
        let actions = self.device.set_waiting_for_user(false, self.uptime.elapsed());
        self.carry_out(actions)
    }

    fn respond(&mut self, transaction: TransactionId, response: &[u8]) -> Result<(), W::Error> {
        let actions = self.device.respond(transaction, response);
        self.carry_out(actions)
    }
}
