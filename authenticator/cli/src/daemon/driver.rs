//! The daemon's loop: what happens at the carriers, in the engine and at the control socket.

use std::sync::Arc;

use latchkey_container::Biometric;
use latchkey_ctap::{Answer as Gesture, Capture, Captured, Prompt};
use latchkey_runtime::{Exchange, World};
use tokio::signal::unix::{Signal, SignalKind, signal};

use super::User;
use super::capture::Lesson;
use super::engine::{Job, Jobs, Report, Reports};
use super::plug::{Carriers, Plug};
use super::questions::gesture;
use super::recognition::recognised;
use crate::clock::Uptime;
use crate::failure::{Failure, FailureKind};
use crate::prompt::Question;

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
    exchange: Exchange<Around>,
    plug: Option<Plug>,
}

/// The engine's thread and the user at the prompt.
struct Around {
    user: User,
    jobs: Jobs,
    lesson: Lesson,
}

impl World for Around {
    type Error = Failure;

    fn give(&self, job: latchkey_runtime::Job) -> Result<(), Failure> {
        self.jobs.send(Job::Ctap(job)).map_err(|_ended| engine_ended())
    }

    fn ask(
        &self,
        prompt: Prompt,
        gestures: Vec<Biometric>,
    ) -> impl Future<Output = Gesture> + Send + 'static {
        let question = Question { gestures, ..prompt.into() };
        let prompter = Arc::clone(&self.user.prompter);
        let seen = recognised(self.user.biometrics.clone(), &question, self.jobs.clone());
        async move { gesture(prompter.ask_or(question, seen).await) }
    }

    fn capture(&self, wanted: Capture) -> impl Future<Output = Gesture> + Send + 'static {
        let (lesson, patience) = (self.lesson.clone(), self.user.prompter.timeout());
        let service = self.user.biometrics.clone();
        async move {
            match service {
                Some(service) => lesson.capture(service, wanted, patience).await,
                None => Gesture::Captured(Captured::Failed),
            }
        }
    }
}

impl Driver {
    /// A loop with nothing plugged in.
    pub fn new(carriers: Carriers, user: User, jobs: Jobs, uptime: Uptime) -> Self {
        let around = Around { user, jobs, lesson: Lesson::default() };
        Self { carriers, exchange: Exchange::new(around, uptime), plug: None }
    }

    /// Runs until it is told to stop.
    pub async fn run(&mut self, mut reports: Reports, mut stop: Stop) -> Result<(), Failure> {
        // The first report says whether U2F is offered; no client hears anything before.
        self.hear(reports.recv().await.ok_or_else(engine_ended)?).await?;
        loop {
            tokio::select! {
                happening = self.exchange.next() => self.exchange.act(happening)?,
                report = reports.recv() => match report {
                    Some(report) => self.hear(report).await?,
                    None => return Err(engine_ended()),
                },
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
            self.plug = Some(self.carriers.plug(&self.exchange.port()).await?);
        } else if !plugged && self.plug.take().is_some() {
            tracing::info!("unplugged: there is no container any more");
        }
        self.exchange.set_plugged(plugged);
        Ok(())
    }

    async fn hear(&mut self, report: Report) -> Result<(), Failure> {
        match report {
            Report::Ctap(report) => self.exchange.hear(report),
            Report::EnrolmentEnded => {
                self.exchange.world().lesson.end();
                Ok(())
            }
            Report::Executed { answer, reply, plugged } => {
                // Before the command hears of it, so that it finds the socket there, or gone.
                self.plug_if(plugged).await?;
                let _caller_is_gone = reply.send(answer);
                Ok(())
            }
        }
    }
}

fn engine_ended() -> Failure {
    Failure::new(FailureKind::Refused, "the engine ended by an internal error; start the daemon again")
}
