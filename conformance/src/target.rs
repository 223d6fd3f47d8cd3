//! The authenticator under test, and the way to it.

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::{Duration, Instant};

mod ctaphid;
mod hidraw;
mod socket;

pub use ctaphid::{
    BROADCAST, Channel, Command, Error, Flow, Frame, Greeting, HidError, LONGEST_MESSAGE, Waiting,
};

/// The length of a CTAPHID report, in bytes.
pub const REPORT: usize = 64;

/// Moves reports to and from an authenticator.
pub trait Carrier {
    /// Sends one report.
    ///
    /// # Errors
    /// When the authenticator is gone.
    fn send(&mut self, report: &[u8; REPORT]) -> io::Result<()>;

    /// The next report, or none if none comes within `wait`.
    ///
    /// # Errors
    /// When the authenticator is gone.
    fn receive(&mut self, wait: Duration) -> io::Result<Option<[u8; REPORT]>>;
}

/// Where the authenticator is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// A device file of the kernel.
    Hidraw(PathBuf),
    /// The only FIDO device that the kernel knows.
    OnlyHid,
    /// A `SOCK_SEQPACKET` socket, one report per packet.
    Unix(PathBuf),
    /// A UDP port of this machine, one report per datagram.
    Udp(u16),
}

impl Target {
    /// Opens the way to the authenticator.
    ///
    /// # Errors
    /// When there is none, or more than one to choose from.
    pub fn open(&self) -> io::Result<Box<dyn Carrier>> {
        Ok(match self {
            Self::Hidraw(path) => Box::new(hidraw::Hidraw::open(path)?),
            Self::OnlyHid => Box::new(hidraw::Hidraw::open(&hidraw::only()?)?),
            Self::Unix(path) => Box::new(socket::Socket::unix(path)?),
            Self::Udp(port) => Box::new(socket::Socket::udp(*port)?),
        })
    }

    /// Opens the way as soon as the authenticator is there: after a power cycle it may take a moment.
    ///
    /// # Errors
    /// As [`Target::open`], when it is not there after `patience`.
    pub fn open_within(&self, patience: Duration) -> io::Result<Box<dyn Carrier>> {
        let until = Instant::now() + patience;
        loop {
            match self.open() {
                Err(_) if Instant::now() < until => std::thread::sleep(Duration::from_millis(20)),
                outcome => return outcome,
            }
        }
    }
}

impl FromStr for Target {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once(':') {
            None if text == "hid" => Ok(Self::OnlyHid),
            Some(("hidraw", path)) if !path.is_empty() => Ok(Self::Hidraw(path.into())),
            Some(("unix", path)) if !path.is_empty() => Ok(Self::Unix(path.into())),
            Some(("udp", port)) => {
                port.parse().map(Self::Udp).map_err(|_| format!("{port:?} is no UDP port"))
            }
            _ => Err("a target is hid, hidraw:/dev/hidrawN, unix:PATH or udp:PORT".to_owned()),
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Hidraw(path) => write!(out, "hidraw:{}", path.display()),
            Self::OnlyHid => out.write_str("hid"),
            Self::Unix(path) => write!(out, "unix:{}", path.display()),
            Self::Udp(port) => write!(out, "udp:{port}"),
        }
    }
}

/// Whether something can be read within `wait`.
fn readable(file: &impl std::os::fd::AsFd, wait: Duration) -> io::Result<bool> {
    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    let timeout = Timespec::try_from(wait).map_err(io::Error::other)?;
    let mut polled = [PollFd::new(file, PollFlags::IN)];
    Ok(poll(&mut polled, Some(&timeout))? > 0)
}
