//! A device with a clock that the test moves, and its actions put in short words.

use std::time::Duration;

use latchkey_transports::ctaphid::{
    Action, Assembler, Cid, Command, Device, ErrorCode, Frame, LinkId, REPORT, TransactionId, reports,
};
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng;

pub const LINK: LinkId = LinkId(0);
pub const OTHER_LINK: LinkId = LinkId(1);

/// What the device did, with its reports joined to messages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Did {
    Say(LinkId, Cid, Command, Vec<u8>),
    Ask(TransactionId, Vec<u8>),
    Hand(TransactionId, Vec<u8>),
    GiveUp(TransactionId),
    Wink,
    CloseChannel,
}

pub struct Rig {
    pub device: Device,
    pub rng: ChaCha20Rng,
    pub now: Duration,
}

impl Rig {
    pub fn new() -> Self {
        Self { device: Device::new(), rng: ChaCha20Rng::seed_from_u64(1), now: Duration::from_secs(1000) }
    }

    /// A rig with one channel on [`LINK`].
    pub fn with_channel() -> (Self, Cid) {
        let mut rig = Self::new();
        let cid = rig.allocate(LINK);
        (rig, cid)
    }

    pub fn allocate(&mut self, link: LinkId) -> Cid {
        match &self.message(link, Cid::BROADCAST, Command::INIT, b"12345678")[..] {
            [.., Did::Say(_, Cid::BROADCAST, Command::INIT, answer)] => cid_in(answer),
            other => panic!("no answer to INIT: {other:?}"),
        }
    }

    pub fn message(&mut self, link: LinkId, cid: Cid, command: Command, payload: &[u8]) -> Vec<Did> {
        let mut did = Vec::new();
        for report in reports(cid, command, payload).unwrap() {
            did.extend(self.report(link, &report));
        }
        did
    }

    /// Only the first packets of a message.
    pub fn begin(
        &mut self,
        link: LinkId,
        cid: Cid,
        command: Command,
        payload: &[u8],
        packets: usize,
    ) -> Vec<Did> {
        let mut did = Vec::new();
        for report in reports(cid, command, payload).unwrap().iter().take(packets) {
            did.extend(self.report(link, report));
        }
        did
    }

    /// An initialization packet that says any length.
    pub fn claim(&mut self, link: LinkId, cid: Cid, command: Command, length: u16) -> Vec<Did> {
        let mut report = [0; REPORT];
        report[..4].copy_from_slice(&cid.0.to_be_bytes());
        report[4] = command.0 | 0x80;
        report[5..7].copy_from_slice(&length.to_be_bytes());
        self.report(link, &report)
    }

    pub fn continuation(&mut self, link: LinkId, cid: Cid, sequence: u8) -> Vec<Did> {
        let mut report = [7; REPORT];
        report[..4].copy_from_slice(&cid.0.to_be_bytes());
        report[4] = sequence;
        self.report(link, &report)
    }

    pub fn report(&mut self, link: LinkId, report: &[u8; REPORT]) -> Vec<Did> {
        joined(self.device.report(link, report, self.now, &mut self.rng))
    }

    /// Lets time pass.
    pub fn pass(&mut self, milliseconds: u64) -> Vec<Did> {
        self.now += Duration::from_millis(milliseconds);
        joined(self.device.tick(self.now))
    }

    pub fn respond(&mut self, transaction: TransactionId, payload: &[u8]) -> Vec<Did> {
        joined(self.device.respond(transaction, payload))
    }

    /// Puts a request to the device and returns its number.
    pub fn request(&mut self, link: LinkId, cid: Cid) -> TransactionId {
        match self.message(link, cid, Command::CBOR, &[4])[..] {
            [Did::Ask(transaction, _)] => transaction,
            ref other => panic!("the request was not taken: {other:?}"),
        }
    }
}

pub fn cid_in(init_answer: &[u8]) -> Cid {
    Cid(u32::from_be_bytes(init_answer[8..12].try_into().unwrap()))
}

pub fn error(link: LinkId, cid: Cid, code: ErrorCode) -> Vec<Did> {
    vec![Did::Say(link, cid, Command::ERROR, vec![code.0])]
}

pub fn joined(actions: Vec<Action>) -> Vec<Did> {
    let mut did = Vec::new();
    let mut message: Option<Assembler> = None;
    for action in actions {
        match action {
            Action::Send(link, report) => {
                let frame = Frame::parse(&report);
                let cid = frame.cid();
                match (frame, &mut message) {
                    (Frame::Initialization { command, length, data, .. }, None) => {
                        message = Some(Assembler::start(command, length, &data).unwrap());
                    }
                    (Frame::Continuation { sequence, data, .. }, Some(message)) => {
                        message.add(sequence, &data).unwrap();
                    }
                    (frame, _) => panic!("the device sent {frame:?} out of its order"),
                }
                if let Some(complete) = message.take_if(|message| message.is_complete()) {
                    did.push(Did::Say(link, cid, complete.command(), complete.into_payload()));
                }
            }
            Action::Cbor { transaction, request, .. } => did.push(Did::Ask(transaction, request)),
            Action::Message { transaction, message, .. } => did.push(Did::Hand(transaction, message)),
            Action::Cancel(transaction) => did.push(Did::GiveUp(transaction)),
            Action::Wink => did.push(Did::Wink),
            Action::ChannelClosed(_) => did.push(Did::CloseChannel),
        }
    }
    assert!(message.is_none(), "the device did not finish its message");
    did
}
