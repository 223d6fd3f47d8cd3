//! The host side of CTAPHID over the unix socket, blocking: for our own native-messaging host and for tests.

use std::io::{self, Read, Write};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rand_core::CryptoRng;
use socket2::{Domain, SockAddr, Socket, Type};

use crate::ctaphid::{
    Assembler, Cid, Command, ErrorCode, Frame, KeepaliveStatus, LONGEST_MESSAGE, REPORT, reports,
};

/// How long the authenticator may stay silent: it answers INIT at once, and sends a keepalive every 100 ms.
const SILENCE: Duration = Duration::from_secs(3);
/// How long a report may take to be sent.
const SENDING: Duration = Duration::from_secs(3);

/// Why a request got no answer.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Nobody listens: no container, or no daemon.
    #[error("no authenticator listens there: start `latchkey up`, and create a container")]
    Absent(#[source] io::Error),
    /// It was unplugged, or it dropped us.
    #[error("the authenticator is gone")]
    Gone,
    /// It said nothing for too long.
    #[error("the authenticator does not answer: restart `latchkey up`")]
    Silent,
    /// It refused on the level of CTAPHID.
    #[error("the authenticator refused the message: {0}")]
    Refused(ErrorCode),
    /// It answered something that CTAPHID does not allow.
    #[error("the authenticator broke the protocol: {0}")]
    Broken(&'static str),
    /// The request is longer than CTAPHID can carry.
    #[error("a request holds at most {LONGEST_MESSAGE} bytes")]
    TooLong,
    /// [`Canceller::cancel`] was called before the request was sent.
    #[error("cancelled")]
    Cancelled,
    /// The operating system refused.
    #[error("the connection to the authenticator broke: {0}")]
    Io(#[source] io::Error),
}

/// One channel to an authenticator. Use one for each ceremony: once cancelled, it stays cancelled.
#[derive(Debug)]
pub struct HostChannel {
    socket: Socket,
    cid: Cid,
    capabilities: u8,
    cancelled: Arc<AtomicBool>,
}

/// Cancels from another thread whatever its [`HostChannel`] does, now and later.
#[derive(Debug)]
pub struct Canceller {
    socket: Socket,
    cid: Cid,
    cancelled: Arc<AtomicBool>,
}

impl HostChannel {
    /// Connects and allocates a channel.
    ///
    /// # Errors
    /// See [`enum@Error`].
    pub fn connect(path: &Path, rng: &mut dyn CryptoRng) -> Result<Self, Error> {
        let socket = Socket::new(Domain::UNIX, Type::SEQPACKET, None).map_err(Error::Io)?;
        socket.connect(&SockAddr::unix(path).map_err(Error::Io)?).map_err(Error::Absent)?;
        socket.set_read_timeout(Some(SILENCE)).map_err(Error::Io)?;
        socket.set_write_timeout(Some(SENDING)).map_err(Error::Io)?;
        let cancelled = Arc::default();
        let mut channel = Self { socket, cid: Cid::BROADCAST, capabilities: 0, cancelled };
        channel.initialize(rng)?;
        Ok(channel)
    }

    /// The capabilities that it gave; see [`crate::ctaphid::capabilities`].
    #[must_use]
    pub fn capabilities(&self) -> u8 {
        self.capabilities
    }

    /// A handle that cancels this channel's requests.
    ///
    /// # Errors
    /// [`Error::Io`] if the socket cannot be duplicated.
    pub fn canceller(&self) -> Result<Canceller, Error> {
        let socket = self.socket.try_clone().map_err(Error::Io)?;
        Ok(Canceller { socket, cid: self.cid, cancelled: Arc::clone(&self.cancelled) })
    }

    /// Sends a CTAP2 request (command byte and CBOR) and waits for its answer (status byte and CBOR), as long as
    /// keepalives come. A cancelled request is answered too: with the status `KEEPALIVE_CANCEL`.
    ///
    /// # Errors
    /// See [`enum@Error`].
    pub fn cbor(
        &mut self,
        request: &[u8],
        on_keepalive: &mut dyn FnMut(KeepaliveStatus),
    ) -> Result<Vec<u8>, Error> {
        if self.cancelled.load(Ordering::SeqCst) {
            return Err(Error::Cancelled);
        }
        self.send(Command::CBOR, request)?;
        // A cancel that fell between the packets was ignored by the authenticator; now it counts.
        if self.cancelled.load(Ordering::SeqCst) {
            self.send(Command::CANCEL, &[])?;
        }
        let answer = self.receive(Command::CBOR, on_keepalive)?;
        if answer.is_empty() { Err(Error::Broken("an answer without a status")) } else { Ok(answer) }
    }

    /// Sends bytes that the authenticator must send back.
    ///
    /// # Errors
    /// See [`enum@Error`].
    pub fn ping(&mut self, payload: &[u8]) -> Result<Vec<u8>, Error> {
        self.send(Command::PING, payload)?;
        self.receive(Command::PING, &mut |_| {})
    }

    fn initialize(&mut self, rng: &mut dyn CryptoRng) -> Result<(), Error> {
        let mut nonce = [0; 8];
        rng.fill_bytes(&mut nonce);
        self.send(Command::INIT, &nonce)?;
        let answer = self.receive(Command::INIT, &mut |_| {})?;
        let Some([echo @ .., c0, c1, c2, c3, _version, _major, _minor, _build, capabilities]) =
            answer.first_chunk::<17>()
        else {
            return Err(Error::Broken("an answer to INIT that is too short"));
        };
        if *echo != nonce {
            return Err(Error::Broken("an answer to another INIT"));
        }
        self.cid = Cid(u32::from_be_bytes([*c0, *c1, *c2, *c3]));
        self.capabilities = *capabilities;
        Ok(())
    }

    fn send(&mut self, command: Command, payload: &[u8]) -> Result<(), Error> {
        for report in reports(self.cid, command, payload).map_err(|_| Error::TooLong)? {
            write_report(&self.socket, &report)?;
        }
        Ok(())
    }

    /// Gathers the next message of this channel that is not a keepalive.
    fn receive(
        &mut self,
        wanted: Command,
        on_keepalive: &mut dyn FnMut(KeepaliveStatus),
    ) -> Result<Vec<u8>, Error> {
        let mut message: Option<Assembler> = None;
        loop {
            let frame = Frame::parse(&self.read_report()?);
            if frame.cid() != self.cid {
                continue;
            }
            match (frame, &mut message) {
                (Frame::Initialization { command: Command::KEEPALIVE, data, .. }, None) => {
                    on_keepalive(KeepaliveStatus(data.first().copied().unwrap_or(0)));
                }
                (Frame::Initialization { command: Command::ERROR, data, .. }, _) => {
                    return Err(Error::Refused(ErrorCode(data.first().copied().unwrap_or(0))));
                }
                (Frame::Initialization { command, length, data, .. }, None) if command == wanted => {
                    let started = Assembler::start(command, length, &data);
                    message = Some(started.map_err(|_| Error::Broken("an answer that is too long"))?);
                }
                (Frame::Continuation { sequence, data, .. }, Some(message)) => {
                    message.add(sequence, &data).map_err(|_| Error::Broken("a packet out of order"))?;
                }
                (Frame::Initialization { .. } | Frame::Continuation { .. }, _) => {
                    return Err(Error::Broken("an unexpected packet"));
                }
            }
            if let Some(complete) = message.take_if(|message| message.is_complete()) {
                return Ok(complete.into_payload());
            }
        }
    }

    fn read_report(&mut self) -> Result<[u8; REPORT], Error> {
        let mut report = [0; REPORT];
        loop {
            match (&self.socket).read(&mut report) {
                Ok(REPORT) => return Ok(report),
                Ok(0) => return Err(Error::Gone),
                Ok(_) => return Err(Error::Broken("a packet that is not a report")),
                Err(error) => retry(error)?,
            }
        }
    }
}

impl Canceller {
    /// Cancels the request under way, and every later one.
    ///
    /// # Errors
    /// [`Error::Gone`] or [`Error::Io`] if the authenticator can no longer be told.
    pub fn cancel(&self) -> Result<(), Error> {
        self.cancelled.store(true, Ordering::SeqCst);
        for report in reports(self.cid, Command::CANCEL, &[]).map_err(|_| Error::TooLong)? {
            write_report(&self.socket, &report)?;
        }
        Ok(())
    }
}

fn write_report(socket: &Socket, report: &[u8; REPORT]) -> Result<(), Error> {
    loop {
        let mut socket = socket;
        match socket.write(report) {
            Ok(REPORT) => return Ok(()),
            Ok(_) => return Err(Error::Broken("a report was cut")),
            Err(error) => retry(error)?,
        }
    }
}

/// Whether to try again.
fn retry(error: io::Error) -> Result<(), Error> {
    let is_one_of = |kinds: &[io::ErrorKind]| kinds.contains(&error.kind());
    if is_one_of(&[io::ErrorKind::Interrupted]) {
        Ok(())
    } else if is_one_of(&[io::ErrorKind::WouldBlock, io::ErrorKind::TimedOut]) {
        Err(Error::Silent)
    } else if is_one_of(&[io::ErrorKind::BrokenPipe, io::ErrorKind::ConnectionReset]) {
        Err(Error::Gone)
    } else {
        Err(Error::Io(error))
    }
}
