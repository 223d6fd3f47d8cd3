//! The loop: reports of the carriers go to the CTAPHID device, requests to the engine, prompts to the user.

use std::sync::Arc;

use latchkey_ctap::{Answer as Gesture, ChannelId};
use latchkey_protocol::Status;
use latchkey_transports::carrier::{Event, Links};
use latchkey_transports::ctaphid::{Action, Device, TransactionId};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

use super::User;
use super::engine::{Job, Jobs, Report, Reports};
use super::plug::{Carriers, Plug};
use super::questions::gesture;
use super::recognition::recognised;
use crate::clock::{self, Uptime};
use crate::failure::{Failure, FailureKind};
use crate::prompt::{Outcome, Question};

/// The signals that end the daemon.
pub struct Stop {
    interrupt: Signal,
    terminate: Signal,
}

impl Stop {
    /// Listens for SIGINT and SIGTERM from now on.
    pub fn on_signals() -> Result<Self, Failure> {
        let listen = |kind| signal(kind).map_err(|error| Failure::io("the signals", &error));
        Ok(Self { interrupt: listen(SignalKind::interrupt())?, terminate: listen(SignalKind::terminate())? })
    }

    async fn requested(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

/// Everything that the loop holds.
pub struct Driver {
    carriers: Carriers,
    user: User,
    jobs: Jobs,
    uptime: Uptime,
    links: Links,
    device: Device,
    plug: Option<Plug>,
    /// The request that the engine has, from the moment it gets it until it has answered.
    current: Option<Current>,
    /// A request that came while the engine still ended one that was given up.
    next: Option<Waiting>,
    questions: JoinSet<(TransactionId, Outcome)>,
}

struct Current {
    transaction: TransactionId,
    given_up: bool,
    asking: bool,
}

struct Waiting {
    transaction: TransactionId,
    channel: ChannelId,
    request: Vec<u8>,
}

impl Driver {
    /// A loop with nothing plugged in.
    pub fn new(carriers: Carriers, user: User, jobs: Jobs, uptime: Uptime) -> Self {
        Self {
            carriers,
            user,
            jobs,
            uptime,
            links: Links::new(),
            device: Device::new(),
            plug: None,
            current: None,
            next: None,
            questions: JoinSet::new(),
        }
    }

    /// Runs until it is told to stop.
    pub async fn run(&mut self, mut reports: Reports, mut stop: Stop) -> Result<(), Failure> {
        loop {
            let tick = self.device.next_deadline().map(|at| Instant::from_std(self.uptime.at(at)));
            tokio::select! {
                event = self.links.next() => {
                    let actions = match event {
                        Event::Report(link, report) => {
                            self.device.report(link, &report, self.uptime.elapsed(), &mut clock::rng())
                        }
                        Event::Closed(link) => self.device.close_link(link),
                    };
                    self.act(actions)?;
                }
                report = reports.recv() => match report {
                    Some(report) => self.hear(report).await?,
                    None => return Err(engine_ended()),
                },
                Some(answered) = self.questions.join_next() => {
                    // An aborted question was taken back, and its transaction answered, before.
                    if let Ok((transaction, outcome)) = answered {
                        self.answer(transaction, gesture(outcome))?;
                    }
                }
                () = sleep_until(tick.unwrap_or_else(Instant::now)), if tick.is_some() => {
                    let actions = self.device.tick(self.uptime.elapsed());
                    self.act(actions)?;
                }
                () = stop.requested() => {
                    tracing::info!("stopping");
                    return Ok(());
                }
            }
        }
    }

    /// Plugs the device in or out, as there is a container or not.
    pub async fn plug_if(&mut self, plugged: bool) -> Result<(), Failure> {
        if plugged && self.plug.is_none() {
            self.plug = Some(self.carriers.plug(&self.links).await?);
        } else if !plugged && self.plug.take().is_some() {
            self.questions.abort_all();
            tracing::info!("unplugged: there is no container any more");
        }
        Ok(())
    }

    fn act(&mut self, actions: Vec<Action>) -> Result<(), Failure> {
        for action in actions {
            match action {
                Action::Send(link, report) => self.links.send(link, report),
                Action::Cbor { transaction, channel, request } => {
                    let waiting = Waiting { transaction, channel: ChannelId(channel.0), request };
                    if self.current.is_some() {
                        self.next = Some(waiting);
                    } else {
                        self.begin(waiting)?;
                    }
                }
                Action::Cancel(transaction) => self.cancel(transaction)?,
                Action::Wink => tracing::info!("wink: here I am"),
                Action::ChannelClosed(channel) => self.give(Job::ChannelClosed(ChannelId(channel.0)))?,
            }
        }
        Ok(())
    }

    fn begin(&mut self, waiting: Waiting) -> Result<(), Failure> {
        let Waiting { transaction, channel, request } = waiting;
        self.current = Some(Current { transaction, given_up: false, asking: false });
        self.give(Job::Handle { transaction, channel, request })
    }

    fn cancel(&mut self, cancelled: TransactionId) -> Result<(), Failure> {
        if self.next.take_if(|next| next.transaction == cancelled).is_some() {
            return self.respond(cancelled, &Status::KEEPALIVE_CANCEL.response());
        }
        let Some(current) = self.current.as_mut().filter(|current| current.transaction == cancelled) else {
            return Ok(());
        };
        current.given_up = true;
        if current.asking {
            self.questions.abort_all();
            return self.answer(cancelled, Gesture::Cancelled);
        }
        Ok(())
    }

    async fn hear(&mut self, report: Report) -> Result<(), Failure> {
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
                self.ask(transaction, Question { gestures, ..prompt.into() })
            }
            Report::Executed { answer, reply, plugged } => {
                // Before the command hears of it, so that it finds the socket there, or gone.
                self.plug_if(plugged).await?;
                let _caller_is_gone = reply.send(answer);
                Ok(())
            }
        }
    }

    fn ask(&mut self, transaction: TransactionId, question: Question) -> Result<(), Failure> {
        let Some(current) = self.current.as_mut().filter(|current| current.transaction == transaction) else {
            return self.give(Job::Resume { transaction, gesture: Gesture::Cancelled });
        };
        current.asking = true;
        if current.given_up || self.plug.is_none() {
            return self.answer(transaction, Gesture::Cancelled);
        }
        tracing::info!(operation = question.operation, "asking the user");
        let prompter = Arc::clone(&self.user.prompter);
        let seen = recognised(self.user.biometrics.clone(), &question, self.jobs.clone());
        self.questions.spawn(async move { (transaction, prompter.ask_or(question, seen).await) });
        let actions = self.device.set_waiting_for_user(true, self.uptime.elapsed());
        self.act(actions)
    }

    /// The user's answer, unless the question was settled already.
    fn answer(&mut self, transaction: TransactionId, gesture: Gesture) -> Result<(), Failure> {
        let current =
            self.current.as_mut().filter(|current| current.transaction == transaction && current.asking);
        let Some(current) = current else { return Ok(()) };
        current.asking = false;
        self.give(Job::Resume { transaction, gesture })?;
        let actions = self.device.set_waiting_for_user(false, self.uptime.elapsed());
        self.act(actions)
    }

    fn respond(&mut self, transaction: TransactionId, response: &[u8]) -> Result<(), Failure> {
        let actions = self.device.respond(transaction, response);
        self.act(actions)
    }

    fn give(&self, job: Job) -> Result<(), Failure> {
        self.jobs.send(job).map_err(|_ended| engine_ended())
    }
}

fn engine_ended() -> Failure {
    Failure::new(FailureKind::Refused, "the engine ended by an internal error; start the daemon again")
}
