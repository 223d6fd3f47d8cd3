//! Messages to reports and back. Both sides of CTAPHID use it.

use super::{Cid, Command, LONGEST_MESSAGE, REPORT};

/// Payload bytes in an initialization packet.
const INITIAL: usize = REPORT - 7;
/// Payload bytes in a continuation packet.
const CONTINUED: usize = REPORT - 5;

/// One report, taken apart (CTAP 2.3 §11.2.4). Every 64 bytes are one of the two.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Frame {
    /// The first packet of a message.
    Initialization {
        /// The channel.
        cid: Cid,
        /// What the message is.
        command: Command,
        /// How long the whole message claims to be.
        length: u16,
        /// The first bytes, padded.
        data: [u8; INITIAL],
    },
    /// A further packet of a message.
    Continuation {
        /// The channel.
        cid: Cid,
        /// Counts from 0.
        sequence: u8,
        /// Further bytes, padded.
        data: [u8; CONTINUED],
    },
}

impl Frame {
    /// Takes a report apart.
    #[must_use]
    pub fn parse(report: &[u8; REPORT]) -> Self {
        // Irrefutable array patterns: no index that could be wrong.
        let [c0, c1, c2, c3, kind, rest @ ..] = *report;
        let cid = Cid(u32::from_be_bytes([c0, c1, c2, c3]));
        if kind & 0x80 == 0 {
            return Self::Continuation { cid, sequence: kind, data: rest };
        }
        let [high, low, data @ ..] = rest;
        let length = u16::from_be_bytes([high, low]);
        Self::Initialization { cid, command: Command(kind & 0x7F), length, data }
    }

    /// The channel it belongs to.
    #[must_use]
    pub fn cid(&self) -> Cid {
        match self {
            Self::Initialization { cid, .. } | Self::Continuation { cid, .. } => *cid,
        }
    }
}

/// The message does not fit into the packets that CTAPHID has numbers for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a CTAPHID message holds at most {LONGEST_MESSAGE} bytes; send a shorter one")]
pub struct TooLong;

/// Cuts a message into reports.
///
/// # Errors
/// [`TooLong`] above [`LONGEST_MESSAGE`] bytes.
pub fn reports(cid: Cid, command: Command, payload: &[u8]) -> Result<Vec<[u8; REPORT]>, TooLong> {
    if payload.len() > LONGEST_MESSAGE {
        return Err(TooLong);
    }
    let length = u16::try_from(payload.len()).map_err(|_| TooLong)?;
    let (first, rest) = payload.split_at_checked(INITIAL).unwrap_or((payload, &[]));
    let [c0, c1, c2, c3] = cid.0.to_be_bytes();
    let [high, low] = length.to_be_bytes();
    let mut cut = vec![padded(&[c0, c1, c2, c3, command.0 | 0x80, high, low], first)];
    for (sequence, chunk) in (0_u8..0x80).zip(rest.chunks(CONTINUED)) {
        cut.push(padded(&[c0, c1, c2, c3, sequence], chunk));
    }
    Ok(cut)
}

/// Header and data, filled up with zero bytes.
fn padded(header: &[u8], data: &[u8]) -> [u8; REPORT] {
    let mut report = [0; REPORT];
    for (place, byte) in report.iter_mut().zip(header.iter().chain(data)) {
        *place = *byte;
    }
    report
}

/// A message that is coming in.
#[derive(Debug)]
pub struct Assembler {
    command: Command,
    length: usize,
    payload: Vec<u8>,
    next: u8,
}

/// A continuation packet that is not the next one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a packet of the message came out of order")]
pub struct Broken;

impl Assembler {
    /// Starts with the parts of an initialization packet.
    ///
    /// # Errors
    /// [`TooLong`] if it claims more than [`LONGEST_MESSAGE`] bytes, so that memory is bounded before it is taken.
    pub fn start(command: Command, length: u16, data: &[u8]) -> Result<Self, TooLong> {
        let length = usize::from(length);
        if length > LONGEST_MESSAGE {
            return Err(TooLong);
        }
        let mut assembler = Self { command, length, payload: Vec::with_capacity(length), next: 0 };
        assembler.take(data);
        Ok(assembler)
    }

    /// Adds a continuation packet.
    ///
    /// # Errors
    /// [`Broken`] if it is not the next one.
    pub fn add(&mut self, sequence: u8, data: &[u8]) -> Result<(), Broken> {
        if sequence != self.next || self.is_complete() {
            return Err(Broken);
        }
        self.next = self.next.saturating_add(1);
        self.take(data);
        Ok(())
    }

    /// Whether the whole message is here.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.payload.len() >= self.length
    }

    /// What the message is.
    #[must_use]
    pub fn command(&self) -> Command {
        self.command
    }

    /// The message as far as it is here.
    #[must_use]
    pub fn into_payload(self) -> Vec<u8> {
        self.payload
    }

    fn take(&mut self, data: &[u8]) {
        let missing = self.length.saturating_sub(self.payload.len());
        self.payload.extend(data.iter().take(missing));
    }
}
