//! The daemon's end of `control.sock`.

use std::fs::{self, Permissions};
use std::io::ErrorKind;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use latchkey_container::Biometric;
use latchkey_enterprise::keyring;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::Notify;
use tokio::sync::mpsc::unbounded_channel;
use tokio::task::{AbortHandle, JoinSet};
use zeroize::{Zeroize, Zeroizing};

use super::engine::{Job, Jobs, answer};
use super::recognition::recognised;
use super::{User, enrolment};
use crate::biometric::Service as BiometricService;
use crate::biometric::requests::{BiometricRequest, TemplateReport, no_sensor};
use crate::control::{Answer, Evidence, Request};
use crate::failure::{Failure, FailureKind};
use crate::output::shown;
use crate::paths::Paths;
use crate::prompt::{Outcome, Question, Reply, Want};

/// No request is longer.
const LONGEST_REQUEST: usize = 64 * 1024;
/// Connections that may be open at once.
const CONNECTIONS: usize = 32;

/// The bound socket; dropping it ends the service and removes the socket.
pub struct ControlServer {
    path: PathBuf,
    accepting: AbortHandle,
}

impl Drop for ControlServer {
    fn drop(&mut self) {
        self.accepting.abort();
        if let Err(error) = fs::remove_file(&self.path) {
            tracing::warn!(path = %self.path.display(), %error, "cannot remove the control socket");
        }
    }
}

/// Serves `control.sock`. The caller holds the lock of the runtime directory, so an older socket is a dead one.
pub fn bind(paths: &Paths, user: User, jobs: Jobs, changed: Arc<Notify>) -> Result<ControlServer, Failure> {
    let path = paths.control_socket();
    let trouble = |error: std::io::Error| Failure::io(format!("cannot listen on {}", path.display()), &error);
    match fs::remove_file(&path) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(trouble(error)),
        Ok(()) | Err(_) => {}
    }
    let listener = UnixListener::bind(&path).map_err(trouble)?;
    fs::set_permissions(&path, Permissions::from_mode(0o600)).map_err(trouble)?;
    let accepting = tokio::spawn(accept(listener, Service { user, jobs, changed })).abort_handle();
    Ok(ControlServer { path, accepting })
}

async fn accept(listener: UnixListener, service: Service) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            Some(_ended) = connections.join_next() => {}
            accepted = listener.accept() => match accepted {
                Ok(_) if connections.len() >= CONNECTIONS => tracing::warn!("too many control connections: one refused"),
                Ok((stream, _)) if is_ours(&stream) => {
                    connections.spawn(service.clone().serve(stream));
                }
                Ok(_) => {}
                Err(error) => {
                    tracing::warn!(%error, "cannot accept a control connection");
                    // Out of descriptors, most likely: without a pause this would spin.
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            },
        }
    }
}

/// Whether the peer runs as the same user: any other could set this user's PIN (container.md, "Known attacks").
fn is_ours(stream: &UnixStream) -> bool {
    match stream.peer_cred() {
        Ok(peer) if peer.uid() == rustix::process::geteuid().as_raw() => true,
        Ok(peer) => {
            tracing::warn!(
                uid = peer.uid(),
                pid = peer.pid(),
                "a control connection of another user was refused"
            );
            false
        }
        Err(error) => {
            tracing::warn!(%error, "a control connection of an unknown user was refused");
            false
        }
    }
}

/// What every connection needs.
#[derive(Clone)]
struct Service {
    user: User,
    jobs: Jobs,
    /// Told after each command: it may have signed somebody in or out.
    changed: Arc<Notify>,
}

impl Service {
    /// One request after the other, until the peer leaves or sends what is no request.
    async fn serve(self, stream: UnixStream) {
        let mut connection =
            Connection { stream, buffer: Zeroizing::new(Vec::with_capacity(LONGEST_REQUEST)) };
        while let Some(line) = connection.line().await {
            // The parser's own words may quote the line, which may hold a PIN.
            let request = line.and_then(|line| serde_json::from_slice(&line).ok());
            let is_request = request.is_some();
            let answer = match request {
                Some(request) => match self.answer(request, &mut connection).await {
                    Some(answer) => answer,
                    None => return,
                },
                None => Answer::Error(Failure::new(
                    FailureKind::Usage,
                    "this line is not a request of the control protocol",
                )),
            };
            if !connection.send(&answer).await || !is_request {
                return;
            }
        }
    }

    /// `None` when the peer left while the user was asked.
    async fn answer(&self, request: Request, connection: &mut Connection) -> Option<Answer> {
        if let Request::Choose { rp_id, choices } = request {
            return self.choose(rp_id, choices, connection).await;
        }
        if let Request::Biometric(request) = request {
            return self.biometric(request, connection).await;
        }
        if let Request::Enterprise(keyring::Request::BuildToken { client, .. }) = &request {
            tracing::info!(client = %shown(client), program = %connection.program(), "a token is asked for");
        }
        let evidence = match request.unanswered() {
            None => None,
            Some(text) => match self.evidence(text, true, connection).await? {
                Ok(evidence) => Some(evidence),
                Err(failure) => return Some(Answer::Error(failure)),
            },
        };
        Some(self.execute(request, evidence).await)
    }

    async fn biometric(&self, request: BiometricRequest, connection: &mut Connection) -> Option<Answer> {
        let service = match self.user.biometrics.as_ref().ok_or_else(no_sensor) {
            Ok(service) => service,
            Err(failure) => return Some(Answer::Error(failure)),
        };
        match request {
            BiometricRequest::Enrol { pin, kind, label } => {
                let pin = match pin {
                    Some(pin) => Evidence::Pin(pin.to_pin_hash()),
                    // What changes who may open the container wants the PIN itself.
                    None => match self.evidence("Enrol a finger or a face", false, connection).await? {
                        Ok(evidence) => evidence,
                        Err(failure) => return Some(Answer::Error(failure)),
                    },
                };
                self.enrol(service, pin, (kind, &label), connection).await
            }
            BiometricRequest::List {} => {
                let reports = service.templates().iter().map(TemplateReport::from).collect();
                Some(Answer::Biometrics(reports))
            }
            BiometricRequest::Remove { id } => Some(enrolment::forget(&self.jobs, id).await),
        }
    }

    /// Asks for the PIN, or a gesture where that does too.
    async fn evidence(
        &self,
        text: &str,
        gesture_does: bool,
        connection: &mut Connection,
    ) -> Option<Result<Evidence, Failure>> {
        let refused = |text| Some(Err(Failure::new(FailureKind::Refused, text)));
        let gestures = match self.execute(Request::Status {}, None).await.into_result() {
            // Asking for a PIN that does not exist would puzzle the user.
            Ok(Answer::Status(status)) if status.pin.is_none() => {
                return refused("no PIN is set; set one with `latchkey pin set`");
            }
            Ok(Answer::Status(status)) if gesture_does => status.ready_gestures(),
            Ok(_other) => Vec::new(),
            Err(failure) => return Some(Err(failure)),
        };
        let question = Question { gestures, ..question("manage", text.to_owned(), None, Want::Pin) };
        match self.ask(question, connection).await? {
            Ok(Reply::Pin(pin)) => Some(Ok(Evidence::Pin(pin))),
            Ok(Reply::Recognised(seen)) => Some(Ok(Evidence::Recognised(seen))),
            Ok(Reply::Approved | Reply::Choice(_) | Reply::Denied) => refused("you said no"),
            Err(failure) => Some(Err(failure)),
        }
    }

    /// Learns a finger or a face, telling the peer what to do next.
    async fn enrol(
        &self,
        service: &BiometricService,
        pin: Evidence,
        what: (Biometric, &str),
        connection: &mut Connection,
    ) -> Option<Answer> {
        let Evidence::Pin(pin) = pin else {
            return Some(Answer::Error(Failure::new(FailureKind::Usage, "enrolling needs the PIN itself")));
        };
        let (told, mut to_tell) = unbounded_channel();
        let tell = move |text: String| {
            let _peer_is_gone = told.send(text);
        };
        let mut enrolling = pin!(enrolment::enrol(service, &self.jobs, pin, what, &tell));
        loop {
            tokio::select! {
                enrolled = &mut enrolling => return Some(Answer::from(enrolled)),
                Some(text) = to_tell.recv() => {
                    if !connection.send(&Answer::Progress(text)).await {
                        return None;
                    }
                }
                () = connection.hang_up() => return None,
            }
        }
    }

    async fn choose(
        &self,
        rp_id: String,
        choices: Vec<String>,
        connection: &mut Connection,
    ) -> Option<Answer> {
        if choices.is_empty() {
            return Some(Answer::Error(Failure::new(FailureKind::Usage, "there is nothing to choose from")));
        }
        let text = format!("Choose the account to sign in with at {}", shown(&rp_id));
        let question = question("choose", text, Some(rp_id), Want::Choice(choices));
        match self.ask(question, connection).await? {
            Ok(Reply::Choice(index)) => Some(Answer::Chosen(index)),
            Ok(Reply::Approved | Reply::Pin(_) | Reply::Recognised(_) | Reply::Denied) => {
                Some(Answer::Error(Failure::new(FailureKind::Refused, "no account was chosen")))
            }
            Err(failure) => Some(Answer::Error(failure)),
        }
    }

    /// `None` when the peer left; the question is taken back then.
    async fn ask(&self, question: Question, connection: &mut Connection) -> Option<Result<Reply, Failure>> {
        let seen = recognised(self.user.biometrics.clone(), &question, self.jobs.clone());
        tokio::select! {
            outcome = self.user.prompter.ask_or(question, seen) => Some(match outcome {
                Outcome::Reply(reply) => Ok(reply),
                Outcome::TimedOut => Err(Failure::new(FailureKind::Refused, "nobody answered in time")),
            }),
            () = connection.hang_up() => None,
        }
    }

    async fn execute(&self, request: Request, asked: Option<Evidence>) -> Answer {
        let answer = answer(&self.jobs, |reply| Job::Execute { request, asked, reply }).await;
        self.changed.notify_one();
        answer
    }
}

fn question(operation: &'static str, text: String, rp_id: Option<String>, want: Want) -> Question {
    Question {
        operation,
        text,
        rp_id,
        user: None,
        want,
        tries_left: None,
        notice: None,
        gestures: Vec::new(),
    }
}

/// One connection. The buffer has its full size from the start, so that no copy of a PIN stays behind in growing.
struct Connection {
    stream: UnixStream,
    buffer: Zeroizing<Vec<u8>>,
}

impl Connection {
    /// The program at the other end, as the kernel names it. For the log: nothing is decided by it.
    fn program(&self) -> String {
        let process = self.stream.peer_cred().ok().and_then(|peer| peer.pid());
        let name = process.and_then(|id| fs::read_to_string(format!("/proc/{id}/comm")).ok());
        shown(name.as_deref().unwrap_or("unknown").trim())
    }

    /// The next line: `None` at the end, `Some(None)` for one that is too long.
    async fn line(&mut self) -> Option<Option<Zeroizing<Vec<u8>>>> {
        loop {
            if let Some(end) = self.buffer.iter().position(|byte| *byte == b'\n') {
                let line = Zeroizing::new(self.buffer.iter().take(end).copied().collect());
                self.buffer.drain(..=end);
                // Draining leaves the old bytes behind the new end.
                let length = self.buffer.len();
                let capacity = self.buffer.capacity();
                self.buffer.resize(capacity, 0);
                self.buffer.iter_mut().skip(length).for_each(Zeroize::zeroize);
                self.buffer.truncate(length);
                return Some(Some(line));
            }
            if self.buffer.len() >= LONGEST_REQUEST {
                return Some(None);
            }
            if !self.fill().await {
                return None;
            }
        }
    }

    async fn fill(&mut self) -> bool {
        let room = u64::try_from(LONGEST_REQUEST.saturating_sub(self.buffer.len())).unwrap_or(0);
        let mut limited = (&mut self.stream).take(room);
        matches!(limited.read_buf(&mut *self.buffer).await, Ok(read) if read > 0)
    }

    /// Returns when the peer has left; what it sends meanwhile is kept.
    async fn hang_up(&mut self) {
        while self.buffer.len() < LONGEST_REQUEST {
            if !self.fill().await {
                return;
            }
        }
        std::future::pending::<()>().await;
    }

    async fn send(&mut self, answer: &Answer) -> bool {
        let Ok(mut line) = serde_json::to_vec(answer) else { return false };
        line.push(b'\n');
        self.stream.write_all(&line).await.is_ok()
    }
}
