//! Packets (CTAP 2.3 §11.2.4).

use std::fmt;

use super::REPORT;

/// The channel of INIT.
pub const BROADCAST: u32 = 0xFFFF_FFFF;

/// A command of CTAPHID, without the bit that marks a first packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Command(pub u8);

impl Command {
    /// Echo.
    pub const PING: Self = Self(0x01);
    /// A U2F message.
    pub const MSG: Self = Self(0x03);
    /// Reserve the device.
    pub const LOCK: Self = Self(0x04);
    /// Ask for a channel.
    pub const INIT: Self = Self(0x06);
    /// Show yourself.
    pub const WINK: Self = Self(0x08);
    /// A CTAP2 message.
    pub const CBOR: Self = Self(0x10);
    /// Call a CTAP2 message off.
    pub const CANCEL: Self = Self(0x11);
    /// I am at it.
    pub const KEEPALIVE: Self = Self(0x3B);
    /// Something is wrong.
    pub const ERROR: Self = Self(0x3F);
}

impl fmt::Display for Command {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match *self {
            Self::PING => "PING",
            Self::MSG => "MSG",
            Self::LOCK => "LOCK",
            Self::INIT => "INIT",
            Self::WINK => "WINK",
            Self::CBOR => "CBOR",
            Self::CANCEL => "CANCEL",
            Self::KEEPALIVE => "KEEPALIVE",
            Self::ERROR => "ERROR",
            Self(other) => return write!(out, "CTAPHID command 0x{other:02x}"),
        };
        write!(out, "CTAPHID_{name}")
    }
}

/// The code in `CTAPHID_ERROR` (§11.2.9.1.6).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HidError(pub u8);

impl HidError {
    /// Unknown command.
    pub const INVALID_CMD: Self = Self(0x01);
    /// Wrong parameter.
    pub const INVALID_PAR: Self = Self(0x02);
    /// Wrong length.
    pub const INVALID_LEN: Self = Self(0x03);
    /// Wrong sequence number.
    pub const INVALID_SEQ: Self = Self(0x04);
    /// The message was not finished in time.
    pub const MSG_TIMEOUT: Self = Self(0x05);
    /// Another channel has the device.
    pub const CHANNEL_BUSY: Self = Self(0x06);
    /// No such channel.
    pub const INVALID_CHANNEL: Self = Self(0x0B);
}

impl fmt::Display for HidError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match *self {
            Self::INVALID_CMD => "ERR_INVALID_CMD",
            Self::INVALID_PAR => "ERR_INVALID_PAR",
            Self::INVALID_LEN => "ERR_INVALID_LEN",
            Self::INVALID_SEQ => "ERR_INVALID_SEQ",
            Self::MSG_TIMEOUT => "ERR_MSG_TIMEOUT",
            Self::CHANNEL_BUSY => "ERR_CHANNEL_BUSY",
            Self::INVALID_CHANNEL => "ERR_INVALID_CHANNEL",
            Self(_) => "ERR_?",
        };
        write!(out, "{name} (0x{:02x})", self.0)
    }
}

/// One packet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Frame {
    /// An initialization packet.
    First {
        /// The channel.
        cid: u32,
        /// The command.
        command: Command,
        /// The length of the whole message.
        length: u16,
        /// At most 57 bytes of it.
        data: Vec<u8>,
    },
    /// A continuation packet.
    Next {
        /// The channel.
        cid: u32,
        /// Counts from 0.
        sequence: u8,
        /// At most 59 bytes.
        data: Vec<u8>,
    },
}

impl Frame {
    /// An initialization packet; `length` is what it claims, right or wrong.
    pub fn first(cid: u32, command: Command, length: u16, data: &[u8]) -> Self {
        Self::First { cid, command, length, data: data.to_vec() }
    }

    /// A continuation packet.
    pub fn next(cid: u32, sequence: u8, data: &[u8]) -> Self {
        Self::Next { cid, sequence, data: data.to_vec() }
    }

    /// The packets of a message of at most [`super::LONGEST_MESSAGE`] bytes.
    pub fn of_message(cid: u32, command: Command, payload: &[u8]) -> Vec<Self> {
        let (start, rest) = payload.split_at(payload.len().min(57));
        let length = u16::try_from(payload.len()).unwrap_or(u16::MAX);
        let further =
            (0..=0x7F_u8).zip(rest.chunks(59)).map(|(sequence, data)| Self::next(cid, sequence, data));
        std::iter::once(Self::first(cid, command, length, start)).chain(further).collect()
    }

    /// The channel.
    pub fn cid(&self) -> u32 {
        match self {
            Self::First { cid, .. } | Self::Next { cid, .. } => *cid,
        }
    }

    /// The report, filled up with zeros.
    pub fn report(&self) -> [u8; REPORT] {
        let bytes = match self {
            Self::First { cid, command, length, data } => {
                [&cid.to_be_bytes(), [command.0 | 0x80].as_slice(), &length.to_be_bytes(), data].concat()
            }
            Self::Next { cid, sequence, data } => [&cid.to_be_bytes(), [*sequence].as_slice(), data].concat(),
        };
        let mut report = [0; REPORT];
        for (place, byte) in report.iter_mut().zip(bytes) {
            *place = byte;
        }
        report
    }

    /// The packet in a report; its data is cut to the length that a first packet says.
    pub fn parse(report: &[u8; REPORT]) -> Self {
        let [c0, c1, c2, c3, kind, rest @ ..] = report;
        let cid = u32::from_be_bytes([*c0, *c1, *c2, *c3]);
        if kind & 0x80 == 0 {
            return Self::next(cid, *kind, rest);
        }
        let [high, low, data @ ..] = rest;
        let length = u16::from_be_bytes([*high, *low]);
        let data = data.get(..usize::from(length)).unwrap_or(data);
        Self::first(cid, Command(kind & 0x7F), length, data)
    }
}
