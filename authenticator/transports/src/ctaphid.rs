//! CTAPHID (CTAP 2.3 §11.2) as a state machine without I/O: reports go in, [`Action`]s come out.
//!
//! Where the specification leaves room, `conformance.md` 1.3 and 1.4 decide; the tests hold one row for each rule.

mod action;
mod channels;
mod device;
mod frame;

pub use action::{Action, ChannelId, LinkId, TransactionId};
pub use device::Device;
pub use frame::{Assembler, Broken, Frame, TooLong, reports};

/// The length of a report: always 64 bytes, and no leading report number on any carrier.
pub const REPORT: usize = 64;

/// The longest message: 57 bytes in the initialization packet and 59 in each of 128 continuations (CTAP 2.3 §11.2.4).
pub const LONGEST_MESSAGE: usize = 7609;

/// A channel number as it stands in a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Cid(pub u32);

impl Cid {
    /// Reserved; nobody may use it (CTAP 2.3 §11.2.3).
    pub const RESERVED: Self = Self(0);
    /// The channel on which a channel is asked for (CTAP 2.3 §11.2.3).
    pub const BROADCAST: Self = Self(0xFFFF_FFFF);
}

/// A CTAPHID command (CTAP 2.3 §11.2.9), without the bit that marks an initialization packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Command(pub u8);

impl Command {
    /// Echoes its payload.
    pub const PING: Self = Self(0x01);
    /// A U2F message.
    pub const MSG: Self = Self(0x03);
    /// Keeps the device to one channel for some seconds.
    pub const LOCK: Self = Self(0x04);
    /// Allocates a channel, or brings one back into step.
    pub const INIT: Self = Self(0x06);
    /// Shows which device it is.
    pub const WINK: Self = Self(0x08);
    /// A CTAP2 message.
    pub const CBOR: Self = Self(0x10);
    /// Gives up the CBOR command under way.
    pub const CANCEL: Self = Self(0x11);
    /// The device is still at work.
    pub const KEEPALIVE: Self = Self(0x3B);
    /// The device refuses; one byte says why.
    pub const ERROR: Self = Self(0x3F);
}

/// Why a device refuses, as one byte (CTAP 2.3 §11.2.9.1.6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ErrorCode(pub u8);

impl ErrorCode {
    /// The command is not known, or not offered.
    pub const INVALID_CMD: Self = Self(0x01);
    /// A parameter is out of its range.
    pub const INVALID_PAR: Self = Self(0x02);
    /// The byte count does not fit the command, or is more than a message can hold.
    pub const INVALID_LEN: Self = Self(0x03);
    /// A packet came out of its order.
    pub const INVALID_SEQ: Self = Self(0x04);
    /// The rest of a message did not come in time.
    pub const MSG_TIMEOUT: Self = Self(0x05);
    /// Another transaction, or a lock, holds the device.
    pub const CHANNEL_BUSY: Self = Self(0x06);
    /// The channel was not allocated, or may not carry this command.
    pub const INVALID_CHANNEL: Self = Self(0x0B);
    /// Something else went wrong.
    pub const OTHER: Self = Self(0x7F);
}

impl std::fmt::Display for ErrorCode {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let text = match *self {
            Self::INVALID_CMD => "it does not know the command",
            Self::INVALID_PAR => "a parameter is out of range",
            Self::INVALID_LEN => "the message has the wrong length",
            Self::INVALID_SEQ => "a packet came out of order",
            Self::MSG_TIMEOUT => "the message did not arrive in time",
            Self::CHANNEL_BUSY => "it is busy with another request",
            Self::INVALID_CHANNEL => "the channel is not allocated",
            Self(other) => return write!(formatter, "error {other:#04x}"),
        };
        formatter.write_str(text)
    }
}

/// What an answer to INIT says the device can do (CTAP 2.3 §11.2.9.1.3).
pub mod capabilities {
    /// It answers WINK.
    pub const WINK: u8 = 0x01;
    /// It answers CBOR.
    pub const CBOR: u8 = 0x04;
    /// It does not answer MSG.
    pub const NMSG: u8 = 0x08;
}

/// What a keepalive says (CTAP 2.3 §11.2.9.1.7).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeepaliveStatus(pub u8);

impl KeepaliveStatus {
    /// The authenticator works on the request.
    pub const PROCESSING: Self = Self(1);
    /// The authenticator waits for the user.
    pub const USER_PRESENCE_NEEDED: Self = Self(2);
}
