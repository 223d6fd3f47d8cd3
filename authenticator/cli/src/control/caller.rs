//! Sends a command's request to the daemon, or carries it out here when no daemon runs.

use std::cell::RefCell;
use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::os::unix::net::UnixStream;

use latchkey_container::Container;
use latchkey_enterprise::keyring::Session;
use zeroize::Zeroizing;

use super::execute::{Holder, execute};
use super::{Answer, LONGEST_LINE, Request};
use crate::device::Choice;
use crate::enterprise::follow_rules;
use crate::failure::{Failure, FailureKind};
use crate::paths::Paths;

/// Where a command's requests go.
pub struct Caller {
    paths: Paths,
    device: Choice,
    /// Between the requests of a command that needs the container more than once.
    held: Option<RefCell<Held>>,
}

/// What a command holds when no daemon does.
#[derive(Default)]
struct Held {
    container: Option<Container>,
    session: Session,
}

impl Caller {
    /// A caller for the container at `paths`; `device` is used only when no daemon runs.
    pub fn new(paths: Paths, device: Choice) -> Self {
        Self { paths, device, held: None }
    }

    /// The same for a command whose requests belong together: the container stays open between them.
    pub fn holding(self) -> Self {
        Self { held: Some(RefCell::default()), ..self }
    }

    /// Whether a daemon runs, which can ask the user itself.
    pub fn has_daemon(&self) -> bool {
        UnixStream::connect(self.paths.control_socket()).is_ok()
    }

    /// Carries `request` out and returns what it gave.
    pub fn call(&self, request: Request) -> Result<Answer, Failure> {
        match ask_daemon(&self.paths, &request)? {
            Some(answer) => answer.into_result(),
            None => match &self.held {
                Some(held) => self.execute_here(&mut held.borrow_mut(), request),
                None => self.execute_here(&mut Held::default(), request),
            },
        }
    }

    fn execute_here(&self, held: &mut Held, request: Request) -> Result<Answer, Failure> {
        execute(&mut InProcess { paths: &self.paths, device: &self.device, held }, request, None)
    }
}

/// Asks the daemon; `None` when none runs.
pub fn ask_daemon(paths: &Paths, request: &Request) -> Result<Option<Answer>, Failure> {
    let socket = paths.control_socket();
    let mut stream = match UnixStream::connect(&socket) {
        Ok(stream) => stream,
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::ConnectionRefused) => {
            return Ok(None);
        }
        Err(error) => return Err(Failure::io(format!("the daemon's socket {}", socket.display()), &error)),
    };
    let trouble = |error: std::io::Error| {
        Failure::new(
            FailureKind::Refused,
            format!("the daemon does not answer ({error}); look at what it printed"),
        )
    };
    stream.write_all(&line(request)?).map_err(trouble)?;
    let mut reader = BufReader::new(stream);
    loop {
        let mut answer = String::new();
        reader.by_ref().take(LONGEST_LINE).read_line(&mut answer).map_err(trouble)?;
        let answer = serde_json::from_str(&answer).map_err(|_cut_off| {
            Failure::new(FailureKind::Refused, "the daemon ended before it answered; look at what it printed")
        })?;
        if let Answer::Progress(text) = answer {
            eprintln!("latchkey: {text}");
        } else {
            return Ok(Some(answer));
        }
    }
}

/// The request as a line; it may hold a PIN.
fn line(request: &Request) -> Result<Zeroizing<Vec<u8>>, Failure> {
    // Room for every request with secrets in it, so that growing leaves no copy behind.
    let mut line = Zeroizing::new(Vec::with_capacity(4096));
    serde_json::to_writer(&mut *line, request).map_err(|error| {
        Failure::new(FailureKind::Refused, format!("the request cannot be written: {error}"))
    })?;
    line.push(b'\n');
    Ok(line)
}

/// Holds the container under the same lock as a daemon would.
struct InProcess<'a> {
    paths: &'a Paths,
    device: &'a Choice,
    held: &'a mut Held,
}

impl Holder for InProcess<'_> {
    fn container(&mut self) -> Result<&mut Container, Failure> {
        self.enterprise().map(|(container, _session)| container)
    }

    fn session(&mut self) -> &mut Session {
        &mut self.held.session
    }

    fn enterprise(&mut self) -> Result<(&mut Container, &mut Session), Failure> {
        let container = match self.held.container.take() {
            Some(open) => open,
            None => open(self.paths, self.device)?,
        };
        Ok((self.held.container.insert(container), &mut self.held.session))
    }

    fn is_open(&self) -> bool {
        self.held.container.is_some()
    }

    fn place(&mut self, container: Container) {
        self.held.container = Some(container);
    }

    fn take(&mut self) -> Result<Container, Failure> {
        self.container()?;
        self.held.container.take().ok_or_else(no_container)
    }

    fn paths(&self) -> &Paths {
        self.paths
    }

    fn device(&self) -> &Choice {
        self.device
    }
}

/// Opens the container, without touching a TPM where there is none to open.
pub fn open(paths: &Paths, device: &Choice) -> Result<Container, Failure> {
    if !paths.container().exists() {
        return Err(no_container());
    }
    let mut container = Container::open(&paths.container(), device.open()?)?;
    if let Err(failure) = follow_rules(&mut container) {
        tracing::warn!(%failure, "no PIN can be set");
    }
    Ok(container)
}

/// There is nothing to work on.
pub fn no_container() -> Failure {
    Failure::new(
        FailureKind::NoContainer,
        "there is no container yet: create one with `latchkey container create`",
    )
}
