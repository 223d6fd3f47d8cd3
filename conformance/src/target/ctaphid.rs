//! CTAPHID (CTAP 2.3 §11.2), the host's side: whole messages for most cases, single frames for those about framing.

use std::io;
use std::time::{Duration, Instant};

use super::{Carrier, REPORT};

mod frame;

pub use frame::{BROADCAST, Command, Frame, HidError};

/// The longest message: one initialization packet and 128 continuation packets (§11.2.4).
pub const LONGEST_MESSAGE: usize = 57 + 128 * 59;

/// Without a report for so long the authenticator counts as dead. Keepalives come every 100 ms while it works.
const SILENCE: Duration = Duration::from_secs(10);
/// A user is waited for no longer than this.
const PATIENCE: Duration = Duration::from_mins(1);

/// What a keepalive says (§11.2.9.1.7).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Waiting {
    /// The authenticator works.
    Processing,
    /// It waits for the user.
    ForUser,
}

/// What to do while the authenticator is at work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flow {
    /// Go on waiting.
    Wait,
    /// Send CANCEL.
    Cancel,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The carrier failed.
    #[error("the authenticator is gone: {0}")]
    Io(#[from] io::Error),
    /// Nothing came.
    #[error("the authenticator sent nothing for {} s", SILENCE.as_secs())]
    Silent,
    /// Keepalives came, and nothing else.
    #[error("the authenticator did not finish within {} s", PATIENCE.as_secs())]
    Endless,
    /// `CTAPHID_ERROR`.
    #[error("CTAPHID_ERROR {0}")]
    Hid(HidError),
    /// Something came that CTAPHID does not know here.
    #[error("{0}")]
    Garbled(String),
}

/// A channel of an authenticator.
pub struct Channel {
    carrier: Box<dyn Carrier>,
    /// Its identifier.
    pub cid: u32,
}

impl Channel {
    /// Asks for a channel.
    ///
    /// # Errors
    /// When the authenticator gives none.
    pub fn open(carrier: Box<dyn Carrier>) -> Result<Self, Error> {
        let mut channel = Self { carrier, cid: BROADCAST };
        channel.cid = channel.init(BROADCAST)?.cid;
        Ok(channel)
    }

    /// INIT on `cid` (§11.2.9.1.3), with a nonce of its own; skips what belongs to other transactions.
    ///
    /// # Errors
    /// When no answer with the nonce comes.
    pub fn init(&mut self, cid: u32) -> Result<Greeting, Error> {
        let mut nonce = [0; 8];
        getrandom::fill(&mut nonce).map_err(io::Error::other)?;
        self.send(&Frame::first(cid, Command::INIT, 8, &nonce))?;
        let until = Instant::now() + SILENCE;
        while let Some(frame) = self.receive(until.saturating_duration_since(Instant::now()))? {
            match frame {
                Frame::First { command: Command::INIT, length, data, .. } if data.starts_with(&nonce) => {
                    return Greeting::parse(length, &data);
                }
                Frame::First { command: Command::ERROR, data, .. } if frame.cid() == cid => {
                    return Err(Error::Hid(HidError(data.first().copied().unwrap_or_default())));
                }
                Frame::First { .. } | Frame::Next { .. } => {}
            }
        }
        Err(Error::Silent)
    }

    /// Sends one frame.
    ///
    /// # Errors
    /// When the authenticator is gone.
    pub fn send(&mut self, frame: &Frame) -> Result<(), Error> {
        Ok(self.carrier.send(&frame.report())?)
    }

    /// The next frame, or none within `wait`.
    ///
    /// # Errors
    /// When the authenticator is gone.
    pub fn receive(&mut self, wait: Duration) -> Result<Option<Frame>, Error> {
        Ok(self.carrier.receive(wait)?.map(|report| Frame::parse(&report)))
    }

    /// Sends a message on this channel and waits for its answer; `waiting` hears of each keepalive.
    ///
    /// # Errors
    /// When the answer is an error of CTAPHID, or none comes.
    pub fn exchange(
        &mut self,
        command: Command,
        payload: &[u8],
        waiting: &mut dyn FnMut(Waiting) -> Flow,
    ) -> Result<Vec<u8>, Error> {
        for frame in Frame::of_message(self.cid, command, payload) {
            self.send(&frame)?;
        }
        let until = Instant::now() + PATIENCE;
        while Instant::now() < until {
            let (answered, data) = self.message(SILENCE)?.ok_or(Error::Silent)?;
            match answered {
                Command::KEEPALIVE => {
                    let status = if data == [2] { Waiting::ForUser } else { Waiting::Processing };
                    if waiting(status) == Flow::Cancel {
                        self.send(&Frame::first(self.cid, Command::CANCEL, 0, &[]))?;
                    }
                }
                Command::ERROR => {
                    return Err(Error::Hid(HidError(data.first().copied().unwrap_or_default())));
                }
                other if other == command => return Ok(data),
                other => return Err(Error::Garbled(format!("the answer to {command} is a {other}"))),
            }
        }
        Err(Error::Endless)
    }

    /// The next whole message on this channel, or none within `wait`.
    ///
    /// # Errors
    /// When it is broken off, or its frames are out of order.
    pub fn message(&mut self, wait: Duration) -> Result<Option<(Command, Vec<u8>)>, Error> {
        let until = Instant::now() + wait;
        loop {
            let Some(frame) = self.receive(until.saturating_duration_since(Instant::now()))? else {
                return Ok(None);
            };
            match frame {
                Frame::First { cid, command, length, data } if cid == self.cid => {
                    return self.gather(length, data).map(|payload| Some((command, payload)));
                }
                Frame::First { .. } | Frame::Next { .. } => {}
            }
        }
    }

    fn gather(&mut self, length: u16, mut payload: Vec<u8>) -> Result<Vec<u8>, Error> {
        let length = usize::from(length);
        let mut expected = 0_u8;
        while payload.len() < length {
            match self.receive(SILENCE)?.ok_or(Error::Silent)? {
                Frame::Next { cid, sequence, data } if cid == self.cid => {
                    if sequence != expected {
                        return Err(Error::Garbled(format!(
                            "packet {sequence} came where {expected} was due"
                        )));
                    }
                    expected = expected.wrapping_add(1);
                    payload.extend(data);
                }
                Frame::First { .. } | Frame::Next { .. } => {}
            }
        }
        payload.truncate(length);
        Ok(payload)
    }
}

/// The answer to INIT.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Greeting {
    /// The length that its packet says; 17 is right.
    pub length: u16,
    /// The channel that was given.
    pub cid: u32,
    /// The version of CTAPHID; 2 is right.
    pub protocol: u8,
    /// What the authenticator can do.
    pub capabilities: u8,
}

impl Greeting {
    /// `CTAPHID_WINK` is there.
    pub const WINK: u8 = 0x01;
    /// `CTAPHID_CBOR` is there.
    pub const CBOR: u8 = 0x04;
    /// `CTAPHID_MSG` is **not** there.
    pub const NMSG: u8 = 0x08;

    fn parse(length: u16, data: &[u8]) -> Result<Self, Error> {
        let whole: Option<&[u8; 17]> = data.first_chunk();
        let [_, _, _, _, _, _, _, _, c0, c1, c2, c3, protocol, _, _, _, capabilities] =
            *whole.ok_or_else(|| Error::Garbled("the answer to INIT is too short".to_owned()))?;
        Ok(Self { length, cid: u32::from_be_bytes([c0, c1, c2, c3]), protocol, capabilities })
    }
}

#[cfg(test)]
mod tests;
