//! The CTAPHID device under any reports of three links, with any timing and any answers of the authenticator.
//!
//! An input is a row of events: a byte (bits 0-1 the link, bits 2-4 what happens, bits 5-7 how much time has passed) and
//! what belongs to it. A report may name the channel that its link was given last, whose number an input cannot know.

use std::collections::BTreeSet;
use std::time::Duration;

use latchkey_transports::ctaphid::{
    Action, Assembler, ChannelId, Cid, Command, Device, ErrorCode, Frame, LONGEST_MESSAGE, LinkId, REPORT,
    TransactionId,
};
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng;

use crate::input::Input;

/// Events of one input; more teach nothing.
const LONGEST_STREAM: usize = 600;

/// Any bytes.
///
/// # Panics
/// When the device breaks a rule of [`Driver`].
pub fn check(data: &[u8]) {
    let mut input = Input::new(data);
    let mut driver = Driver::new();
    for _ in 0..LONGEST_STREAM {
        let Some(event) = input.byte() else { return };
        driver.event(event, &mut input);
    }
}

/// A driver that keeps a record of what it was told, and expects of the device what the real one relies on.
struct Driver {
    device: Device,
    rng: ChaCha20Rng,
    now: Duration,
    /// The request under way, and whether it was cancelled.
    current: Option<(TransactionId, LinkId, bool)>,
    last: u64,
    given: [Cid; 4],
    closed: BTreeSet<ChannelId>,
}

impl Driver {
    fn new() -> Self {
        Self {
            device: Device::new(),
            rng: ChaCha20Rng::seed_from_u64(5),
            now: Duration::ZERO,
            current: None,
            last: 0,
            given: [Cid::BROADCAST; 4],
            closed: BTreeSet::new(),
        }
    }

    fn event(&mut self, event: u8, input: &mut Input<'_>) {
        let link = LinkId(u64::from(event & 3));
        self.now += [0, 1, 40, 99, 100, 499, 500, 10_000]
            .get(usize::from(event >> 5))
            .map_or(Duration::ZERO, |milliseconds| Duration::from_millis(*milliseconds));
        match event >> 2 & 7 {
            0 => self.tick(),
            1 => self.report(link, &padded(&[], input.take(REPORT))),
            2 => {
                let cid = self.own_channel(link);
                self.report(link, &padded(&cid.0.to_be_bytes(), input.take(REPORT - 4)));
            }
            // A short message on the link's own channel, in two bytes of input.
            3 => {
                let (Some(command), Some(length)) = (input.byte(), input.byte()) else { return };
                let [c0, c1, c2, c3] = self.own_channel(link).0.to_be_bytes();
                self.report(link, &padded(&[c0, c1, c2, c3, command | 0x80, 0, length], input.take(57)));
            }
            4 => self.respond(input),
            5 => {
                let actions = self.device.set_waiting_for_user(event & 1 == 1, self.now);
                self.obey(link, actions);
            }
            6 => self.close(link),
            _ => self.report(link, &padded(&[0xFF, 0xFF, 0xFF, 0xFF, 0x86, 0, 8], input.take(8))),
        }
    }

    fn own_channel(&self, link: LinkId) -> Cid {
        usize::try_from(link.0).ok().and_then(|at| self.given.get(at)).copied().unwrap_or(Cid::BROADCAST)
    }

    fn report(&mut self, link: LinkId, report: &[u8; REPORT]) {
        let actions = self.device.report(link, report, self.now, &mut self.rng);
        self.obey(link, actions);
    }

    fn tick(&mut self) {
        if let Some(deadline) = self.device.next_deadline() {
            self.now = self.now.max(deadline);
        }
        let actions = self.device.tick(self.now);
        self.obey(LinkId(0), actions);
        let next = self.device.next_deadline();
        assert!(next.is_none_or(|next| next > self.now), "what was due is done: else the loop would spin");
    }

    fn respond(&mut self, input: &mut Input<'_>) {
        let Some(length) = input.byte() else { return };
        let Some((transaction, link, _)) = self.current else { return };
        let payload = vec![length; usize::from(length) * 30];
        let abandoned = self.device.processing().is_none_or(|(id, _)| id != transaction);
        let actions = self.device.respond(transaction, &payload);
        self.current = None;
        if abandoned {
            assert!(actions.is_empty(), "an answer that nobody waits for goes nowhere");
            return;
        }
        assert!(self.device.processing().is_none(), "an answer ends its request");
        let reports: Vec<[u8; REPORT]> = actions.iter().filter_map(|action| sent(action, link)).collect();
        assert_eq!(reports.len(), actions.len(), "an answer goes to whoever asked");
        let (command, arrived) = assembled(&reports);
        if payload.len() > LONGEST_MESSAGE {
            assert_eq!((command, arrived), (Command::ERROR, vec![ErrorCode::OTHER.0]), "it does not fit");
        } else {
            assert_eq!(command, Command::CBOR);
            assert!(arrived == payload, "an answer arrives whole");
        }
    }

    fn close(&mut self, link: LinkId) {
        let actions = self.device.close_link(link);
        assert!(
            actions.iter().all(|action| sent(action, link).is_none()),
            "a link that is gone gets nothing"
        );
        self.obey(link, actions);
        if let Some(at) = usize::try_from(link.0).ok().and_then(|at| self.given.get_mut(at)) {
            *at = Cid::BROADCAST;
        }
    }

    fn obey(&mut self, link: LinkId, actions: Vec<Action>) {
        for action in actions {
            match action {
                Action::Send(to, report) => self.sent(to, &report),
                Action::Cbor { transaction, channel, request }
                | Action::Message { transaction, channel, message: request } => {
                    assert!((1..=LONGEST_MESSAGE).contains(&request.len()), "a request has a command");
                    assert!(transaction.0 > self.last, "a transaction's number is never used again");
                    assert_eq!(self.device.processing(), Some((transaction, channel)));
                    // The engine may still be at one that was given up; the driver waits for it to end.
                    let free = self.current.is_none_or(|(_, _, cancelled)| cancelled);
                    assert!(free, "one request at a time");
                    self.last = transaction.0;
                    self.current = Some((transaction, link, false));
                }
                Action::Cancel(cancelled) => match &mut self.current {
                    Some((transaction, _, given_up)) if *transaction == cancelled => {
                        assert!(!*given_up, "a request is cancelled once");
                        *given_up = true;
                    }
                    Some(_) | None => panic!("{cancelled:?} is not under way"),
                },
                Action::Wink => {}
                Action::ChannelClosed(channel) => {
                    assert!(self.closed.insert(channel), "a channel closes once");
                }
            }
        }
    }

    /// Learns the channel that INIT gave.
    fn sent(&mut self, to: LinkId, report: &[u8; REPORT]) {
        if let Frame::Initialization { cid: Cid::BROADCAST, command: Command::INIT, data, .. } =
            Frame::parse(report)
            && let Some(at) = usize::try_from(to.0).ok().and_then(|at| self.given.get_mut(at))
            && let Some(cid) = data.get(8..12).and_then(|cid| cid.try_into().ok())
        {
            *at = Cid(u32::from_be_bytes(cid));
        }
    }
}

/// The report, if the action sends one to this link.
fn sent(action: &Action, link: LinkId) -> Option<[u8; REPORT]> {
    if let Action::Send(to, report) = action { (*to == link).then_some(*report) } else { None }
}

fn padded(header: &[u8], data: &[u8]) -> [u8; REPORT] {
    let mut report = [0; REPORT];
    for (place, byte) in report.iter_mut().zip(header.iter().chain(data)) {
        *place = *byte;
    }
    report
}

fn assembled(reports: &[[u8; REPORT]]) -> (Command, Vec<u8>) {
    let mut frames = reports.iter().map(Frame::parse);
    let Some(Frame::Initialization { command, length, data, .. }) = frames.next() else {
        panic!("a message begins with an initialization packet")
    };
    let mut message = Assembler::start(command, length, &data).expect("it fits");
    for frame in frames {
        let Frame::Continuation { sequence, data, .. } = frame else { panic!("one message") };
        message.add(sequence, &data).expect("in order");
    }
    assert!(message.is_complete());
    (command, message.into_payload())
}
