//! The engine's thread: the one owner of the container. Jobs go in, reports come out, in order.

use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread::JoinHandle;
use std::time::Duration;

use latchkey_container::Container;
use latchkey_ctap::Authenticator;
use latchkey_runtime::clock::{self, Uptime};
use latchkey_runtime::{Report, Requests};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::oneshot;

use crate::failure::Failure;

/// How long the thread sleeps when nothing is due.
const IDLE: Duration = Duration::from_hours(1);

/// What the thread is to do.
pub enum Job {
    /// Something of the carriers or the user.
    Ctap(latchkey_runtime::Job),
    /// The power went and came back.
    PowerUp {
        /// Hears when it is up.
        done: oneshot::Sender<()>,
    },
    /// The simulator stops.
    Stop {
        /// Nothing is to be left, in the TPM neither.
        destroy: bool,
    },
}

/// The way in.
pub type Jobs = mpsc::Sender<Job>;
/// The way out.
pub type Reports = UnboundedReceiver<Report>;

/// The running thread.
pub struct Engine {
    jobs: Jobs,
    thread: JoinHandle<Result<(), Failure>>,
}

impl Engine {
    /// A way to give the thread work.
    pub fn jobs(&self) -> Jobs {
        self.jobs.clone()
    }

    /// Lets the thread finish what it does, and closes or destroys the container.
    pub fn stop(self, destroy: bool) -> Result<(), Failure> {
        let _ended_already = self.jobs.send(Job::Stop { destroy });
        self.thread.join().map_err(|_panic| Failure::engine_ended())?
    }
}

/// Starts the thread, powered up.
pub fn start(container: Container, uptime: Uptime) -> Result<(Engine, Reports), Failure> {
    let (jobs, to_do) = mpsc::channel();
    let (reports, reported) = unbounded_channel();
    let requests = Requests::new(uptime);
    let thread = std::thread::Builder::new()
        .name("engine".to_owned())
        .spawn(move || {
            let authenticator = power_up(container, &requests);
            Seat { authenticator, requests }.work(&to_do, &reports)
        })
        .map_err(|error| Failure::io("the engine's thread", &error))?;
    Ok((Engine { jobs, thread }, reported))
}

fn power_up(container: Container, requests: &Requests) -> Authenticator {
    Authenticator::power_up(container, requests.ambient(&mut clock::rng()))
}

struct Seat {
    authenticator: Authenticator,
    requests: Requests,
}

impl Seat {
    fn work(mut self, jobs: &mpsc::Receiver<Job>, reports: &UnboundedSender<Report>) -> Result<(), Failure> {
        if let Some(report) = self.requests.u2f(Some(&self.authenticator)) {
            let _driver_is_gone = reports.send(report);
        }
        loop {
            let due = self.requests.due(&self.authenticator).unwrap_or(IDLE);
            let report = match jobs.recv_timeout(due) {
                Err(RecvTimeoutError::Timeout) => {
                    self.requests.tick(&mut self.authenticator);
                    None
                }
                Ok(Job::Ctap(job)) => self.requests.work(Some(&mut self.authenticator), job),
                Ok(Job::PowerUp { done }) => {
                    let container = self.authenticator.into_container();
                    self.authenticator = power_up(container, &self.requests);
                    let _nobody_waits = done.send(());
                    None
                }
                Ok(Job::Stop { destroy: true }) => {
                    let destroyed = self.authenticator.into_container().destroy();
                    return destroyed.map_err(|error| Failure::new(error.to_string()));
                }
                Ok(Job::Stop { destroy: false }) | Err(RecvTimeoutError::Disconnected) => return Ok(()),
            };
            let u2f = self.requests.u2f(Some(&self.authenticator));
            if u2f.into_iter().chain(report).any(|report| reports.send(report).is_err()) {
                return Ok(());
            }
        }
    }
}
