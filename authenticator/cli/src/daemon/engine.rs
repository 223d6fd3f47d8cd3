//! The engine thread: the one owner of the container in the daemon. Jobs go in, reports come out, in order.

use std::sync::Arc;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread::JoinHandle;
use std::time::Duration;

use latchkey_container::{Biometric, Container, PinHash};
use latchkey_ctap::{Authenticator, Policy};
use latchkey_enterprise::keyring::Session;
use latchkey_runtime::Requests;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::oneshot;

use crate::biometric::requests::no_sensor;
use crate::biometric::{Rule, Service, Template};
use crate::clock::{self, Uptime};
use crate::control::caller::no_container;
use crate::control::execute::{Holder, execute};
use crate::control::{Answer, Evidence, Request};
use crate::device::Choice;
use crate::enterprise::{decided, follow_rules};
use crate::failure::{Failure, FailureKind};
use crate::hardening::Memory;
use crate::paths::Paths;

mod holder;

/// How long the thread sleeps when nothing is due.
const IDLE: Duration = Duration::from_hours(1);

/// What the thread is to do.
pub enum Job {
    /// Something of the carriers or the user.
    Ctap(latchkey_runtime::Job),
    /// A command.
    Execute { request: Request, asked: Option<Evidence>, reply: oneshot::Sender<Answer> },
    /// A stranger's finger or face; the tries that are left go back.
    FailedMatch { reply: oneshot::Sender<u8> },
    /// Checks the PIN for an enrolment and, once something is learnt, lets it open the container.
    Enrol { pin: Arc<PinHash>, kind: Biometric, learnt: Option<Template>, reply: oneshot::Sender<Answer> },
    /// Forgets a finger or a face.
    Forget { id: String, reply: oneshot::Sender<Answer> },
    /// The daemon stops.
    Stop,
}

/// What has happened.
pub enum Report {
    /// A CTAP request is answered, or waits for the user.
    Ctap(latchkey_runtime::Report),
    /// No finger is being enrolled any more.
    EnrolmentEnded,
    /// A command is done. `plugged`: whether there is a container now.
    Executed { answer: Answer, reply: oneshot::Sender<Answer>, plugged: bool },
}

/// The way in.
pub type Jobs = mpsc::Sender<Job>;
/// The way out.
pub type Reports = UnboundedReceiver<Report>;

/// The running thread.
pub struct Engine {
    jobs: Jobs,
    thread: JoinHandle<()>,
    has_container: bool,
}

impl Engine {
    /// A way to give the thread work.
    pub fn jobs(&self) -> Jobs {
        self.jobs.clone()
    }

    /// Whether there was a container at the start.
    pub const fn has_container(&self) -> bool {
        self.has_container
    }

    /// Lets the thread finish what it does, and closes the container.
    pub fn stop(self) -> Result<(), Failure> {
        let _ended_already = self.jobs.send(Job::Stop);
        self.thread
            .join()
            .map_err(|_panic| Failure::new(FailureKind::Refused, "the engine ended by an internal error"))
    }
}

/// Gives the thread a job that it answers; `None` when it ends before.
pub async fn ask<T>(jobs: &Jobs, job: impl FnOnce(oneshot::Sender<T>) -> Job) -> Option<T> {
    let (reply, answer) = oneshot::channel();
    jobs.send(job(reply)).ok()?;
    answer.await.ok()
}

/// The same for a job that a command waits for.
pub async fn answer(jobs: &Jobs, job: impl FnOnce(oneshot::Sender<Answer>) -> Job) -> Answer {
    let stopping = || Answer::Error(Failure::new(FailureKind::Refused, "the daemon is stopping"));
    ask(jobs, job).await.unwrap_or_else(stopping)
}

/// What the thread knows of the world.
pub struct Place {
    /// Where the container lies.
    pub paths: Paths,
    /// Which device protects it.
    pub device: Choice,
    /// Who recognises the user.
    pub biometrics: Option<Arc<Service>>,
    /// Whether what is in memory can reach a disk.
    pub memory: Memory,
}

/// Starts the thread.
pub fn start(
    place: Place,
    container: Option<Container>,
    uptime: Uptime,
    tpm_required: bool,
) -> Result<(Engine, Reports), Failure> {
    let (jobs, to_do) = mpsc::channel();
    let (reports, reported) = unbounded_channel();
    let has_container = container.is_some();
    let thread = std::thread::Builder::new()
        .name("engine".to_owned())
        .spawn(move || {
            let mut seat = Seat {
                place,
                authenticator: None,
                requests: Requests::new(uptime),
                tpm_required,
                session: Session::default(),
            };
            if let Some(container) = container {
                seat.place(container);
            }
            seat.follow_policy();
            if let Some(report) = seat.requests.u2f(seat.authenticator.as_ref()) {
                let _driver_is_gone = reports.send(Report::Ctap(report));
            }
            seat.work(&to_do, &reports);
        })
        .map_err(|error| Failure::io("the engine's thread", &error))?;
    Ok((Engine { jobs, thread, has_container }, reported))
}

/// The place of the authenticator; empty while there is no container.
struct Seat {
    place: Place,
    authenticator: Option<Authenticator>,
    requests: Requests,
    tpm_required: bool,
    session: Session,
}

impl Seat {
    fn work(&mut self, jobs: &mpsc::Receiver<Job>, reports: &UnboundedSender<Report>) {
        loop {
            let job = jobs.recv_timeout(self.wait());
            self.session.expire(clock::now());
            self.lend_secrets(None);
            let report = match job {
                Err(RecvTimeoutError::Timeout) => {
                    if let Some(authenticator) = &mut self.authenticator {
                        self.requests.tick(authenticator);
                    }
                    None
                }
                Ok(Job::Ctap(job)) => self.requests.work(self.authenticator.as_mut(), job).map(Report::Ctap),
                Ok(Job::Execute { request, asked, reply }) => {
                    // A file of this machine's administrator may have changed.
                    self.follow_policy();
                    let answer = Answer::from(self.execute(request, asked));
                    // A device that joined or left a tenant has another policy.
                    self.follow_policy();
                    Some(Report::Executed { answer, reply, plugged: self.is_open() })
                }
                Ok(Job::FailedMatch { reply }) => {
                    let counted = self.authenticator.as_mut().map(|one| one.container().count_failed_match());
                    // Where nothing can be counted, nothing more is tried.
                    let _asker_is_gone = reply.send(counted.and_then(Result::ok).unwrap_or(0));
                    None
                }
                Ok(Job::Enrol { pin, kind, learnt, reply }) => {
                    let _caller_is_gone = reply.send(Answer::from(self.enrol(&pin, kind, learnt)));
                    None
                }
                Ok(Job::Forget { id, reply }) => {
                    let _caller_is_gone = reply.send(Answer::from(self.forget(&id)));
                    None
                }
                Ok(Job::Stop) | Err(RecvTimeoutError::Disconnected) => return,
            };
            let u2f = self.requests.u2f(self.authenticator.as_ref()).map(Report::Ctap);
            let ended = self.requests.enrolment_ended(self.authenticator.as_ref());
            let reported = u2f.into_iter().chain(report).chain(ended.then_some(Report::EnrolmentEnded));
            if reported.into_iter().any(|report| reports.send(report).is_err()) {
                return;
            }
        }
    }

    /// Until something is due.
    fn wait(&self) -> Duration {
        let tick = self.authenticator.as_ref().and_then(|authenticator| self.requests.due(authenticator));
        let closing = self.session.closes_at().map(|end| end.0.saturating_sub(clock::now().0).max(1));
        tick.into_iter().chain(closing.map(Duration::from_secs)).fold(IDLE, Duration::min)
    }

    /// Lends the container what the next PIN is to make protectors with.
    fn lend_secrets(&mut self, also: Option<Biometric>) {
        let (Some(service), Some(authenticator)) = (&self.place.biometrics, &mut self.authenticator) else {
            return;
        };
        if let Err(failure) = service.lend(authenticator.container(), also) {
            tracing::warn!(%failure, "biometric gestures wait for the next PIN");
        }
    }

    /// Hands container and biometric service what the policies of the tenants and of this machine say.
    fn follow_policy(&mut self) {
        let Some(authenticator) = &mut self.authenticator else { return };
        match follow_rules(authenticator.container()) {
            Ok(rules) => self.session.follow(rules.session_idle_minutes),
            Err(failure) => tracing::warn!(%failure, "no PIN can be set"),
        }
        let policy = decided(authenticator.container()).unwrap_or_else(|failure| {
            tracing::warn!(%failure, "a policy cannot be read: nobody vouches for this device");
            Policy::default()
        });
        authenticator.follow(policy);
        let Some(service) = &self.place.biometrics else { return };
        match Rule::of(authenticator.container()) {
            Ok(rule) => service.follow(rule),
            Err(failure) => {
                tracing::warn!(%failure, "a policy cannot be read: biometric gestures last for a session");
                service.follow(Rule::Session);
            }
        }
    }

    fn enrol(&mut self, pin: &PinHash, kind: Biometric, learnt: Option<Template>) -> Result<Answer, Failure> {
        let service = self.biometrics()?;
        self.lend_secrets(Some(kind));
        let unlocked = self.unlock(pin)?;
        let Some(template) = learnt else { return Ok(Answer::Progress("the PIN is right".to_owned())) };
        service.admit(self.container()?, &unlocked, template.clone())?;
        Ok(Answer::Enrolled((&template).into()))
    }

    fn forget(&mut self, id: &str) -> Result<Answer, Failure> {
        let service = self.biometrics()?;
        service.forget(self.container()?, id).map(|template| Answer::Forgotten((&template).into()))
    }

    fn biometrics(&self) -> Result<Arc<Service>, Failure> {
        self.place.biometrics.clone().ok_or_else(no_sensor)
    }

    fn authenticator(&mut self) -> Result<&mut Authenticator, Failure> {
        self.authenticator.as_mut().ok_or_else(no_container)
    }

    fn execute(&mut self, request: Request, asked: Option<Evidence>) -> Result<Answer, Failure> {
        // What the daemon was told to insist on holds for every command that it carries out.
        let request = match request {
            Request::Create { require_tpm, profile } => {
                Request::Create { require_tpm: require_tpm || self.tpm_required, profile }
            }
            other @ (Request::Status {}
            | Request::Destroy { .. }
            | Request::Discard {}
            | Request::SetPin { .. }
            | Request::ChangePin { .. }
            | Request::ListPasskeys { .. }
            | Request::DeletePasskey { .. }
            | Request::RenamePasskey { .. }
            | Request::SetAccount { .. }
            | Request::OpenSession { .. }
            | Request::Enterprise(_)
            | Request::ResetPin { .. }
            | Request::RearmPin { .. }
            | Request::DeleteKeys {}
            | Request::Biometric(_)
            | Request::Choose { .. }) => other,
        };
        execute(self, request, asked)
    }
}
