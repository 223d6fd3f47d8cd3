//! The device side: one state for all links.

use std::time::Duration;

use rand_core::CryptoRng;

use super::action::{Action, ChannelId, LinkId, TransactionId};
use super::channels::Channels;
use super::{
    Assembler, Cid, Command, ErrorCode, Frame, KeepaliveStatus, LONGEST_MESSAGE, REPORT, capabilities,
    reports,
};

/// How long the next packet of a message may take (CTAP 2.3 §11.2.5.1).
const PACKET_TIMEOUT: Duration = Duration::from_millis(500);
/// How often a keepalive is sent while a request is worked on (CTAP 2.3 §11.2.9.1.7).
const KEEPALIVE_PERIOD: Duration = Duration::from_millis(100);
/// The longest lock, in seconds (CTAP 2.3 §11.2.9.2.2).
const LONGEST_LOCK: u8 = 10;
/// The version of the CTAPHID protocol (CTAP 2.3 §11.2.9.1.3).
const PROTOCOL_VERSION: u8 = 2;
/// The length of the nonce in INIT.
const NONCE: usize = 8;

/// The CTAPHID device: one, shared by all links, with one transaction at a time (CTAP 2.3 §11.2.3).
#[derive(Debug, Default)]
pub struct Device {
    channels: Channels,
    transaction: Option<Transaction>,
    lock: Option<Lock>,
    waiting_for_user: bool,
    /// Whether MSG is offered.
    messages: bool,
    last_transaction: u64,
}

/// Where a packet came from, and where its answer goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Peer {
    link: LinkId,
    cid: Cid,
}

#[derive(Debug)]
struct Transaction {
    peer: Peer,
    channel: ChannelId,
    phase: Phase,
}

#[derive(Debug)]
enum Phase {
    Receiving { message: Assembler, deadline: Duration },
    Processing { id: TransactionId, command: Command, keepalive_at: Duration, cancelled: bool },
}

#[derive(Debug)]
struct Lock {
    peer: Peer,
    channel: ChannelId,
    until: Duration,
}

impl Device {
    /// A device with no channels.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether U2F messages are offered from now on: what INIT says (NMSG), and whether MSG is taken.
    pub const fn offer_messages(&mut self, offered: bool) {
        self.messages = offered;
    }

    /// A report came in over a link. `now` is the time since any fixed start; it must not go back.
    pub fn report(
        &mut self,
        link: LinkId,
        report: &[u8; REPORT],
        now: Duration,
        rng: &mut dyn CryptoRng,
    ) -> Vec<Action> {
        let mut actions = self.tick(now);
        match Frame::parse(report) {
            Frame::Initialization { cid, command: Command::INIT, length, data } => {
                self.initialize(Peer { link, cid }, length, &data, rng, &mut actions);
            }
            Frame::Initialization { cid, command, length, data } => {
                self.begin(Peer { link, cid }, command, length, &data, now, &mut actions);
            }
            Frame::Continuation { cid, sequence, data } => {
                self.go_on(Peer { link, cid }, sequence, &data, now, &mut actions);
            }
        }
        actions
    }

    /// Does what has become due: the timeout of a message, a keepalive, the end of a lock.
    pub fn tick(&mut self, now: Duration) -> Vec<Action> {
        let mut actions = Vec::new();
        if self.lock.as_ref().is_some_and(|lock| lock.until <= now) {
            self.lock = None;
        }
        let status = self.keepalive_status();
        match &mut self.transaction {
            Some(Transaction { peer, phase: Phase::Receiving { deadline, .. }, .. }) if *deadline <= now => {
                let peer = *peer;
                self.transaction = None;
                refuse(peer, ErrorCode::MSG_TIMEOUT, &mut actions);
            }
            Some(Transaction { peer, phase: Phase::Processing { keepalive_at, .. }, .. })
                if *keepalive_at <= now =>
            {
                *keepalive_at = now.saturating_add(KEEPALIVE_PERIOD);
                send(*peer, Command::KEEPALIVE, &[status.0], &mut actions);
            }
            Some(_) | None => {}
        }
        actions
    }

    /// When [`Device::tick`] is due next.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Duration> {
        self.transaction.as_ref().map(|transaction| match transaction.phase {
            Phase::Receiving { deadline, .. } => deadline,
            Phase::Processing { keepalive_at, .. } => keepalive_at,
        })
    }

    /// The authenticator's answer to a request. An answer to a request that is no longer under way is dropped.
    pub fn respond(&mut self, transaction: TransactionId, payload: &[u8]) -> Vec<Action> {
        let mut actions = Vec::new();
        let Some(Transaction { peer, phase: Phase::Processing { id, command, .. }, .. }) = &self.transaction
        else {
            return actions;
        };
        if *id != transaction {
            return actions;
        }
        if payload.len() > LONGEST_MESSAGE {
            refuse(*peer, ErrorCode::OTHER, &mut actions);
        } else {
            send(*peer, *command, payload, &mut actions);
        }
        self.transaction = None;
        self.waiting_for_user = false;
        actions
    }

    /// Whether the authenticator waits for the user in the request under way. A change is told at once, as
    /// CTAP 2.3 §11.2.9.1.7 asks.
    pub fn set_waiting_for_user(&mut self, waiting: bool, now: Duration) -> Vec<Action> {
        let changed = self.waiting_for_user != waiting;
        self.waiting_for_user = waiting;
        if let Some(Transaction { phase: Phase::Processing { keepalive_at, .. }, .. }) = &mut self.transaction
            && changed
        {
            *keepalive_at = now;
        }
        self.tick(now)
    }

    /// The request under way, and its channel.
    #[must_use]
    pub fn processing(&self) -> Option<(TransactionId, ChannelId)> {
        match &self.transaction {
            Some(Transaction { channel, phase: Phase::Processing { id, .. }, .. }) => Some((*id, *channel)),
            Some(Transaction { phase: Phase::Receiving { .. }, .. }) | None => None,
        }
    }

    /// A link is gone: its channels are free, its request is given up, its lock is released.
    pub fn close_link(&mut self, link: LinkId) -> Vec<Action> {
        let mut actions = Vec::new();
        if self.transaction.as_ref().is_some_and(|transaction| transaction.peer.link == link) {
            self.abort(&mut actions);
        }
        if self.lock.as_ref().is_some_and(|lock| lock.peer.link == link) {
            self.lock = None;
        }
        actions.extend(self.channels.close(link).into_iter().map(|entry| Action::ChannelClosed(entry.id)));
        actions
    }

    /// INIT (CTAP 2.3 §11.2.9.1.3): the one command that is answered during another channel's transaction.
    fn initialize(
        &mut self,
        peer: Peer,
        length: u16,
        data: &[u8],
        rng: &mut dyn CryptoRng,
        actions: &mut Vec<Action>,
    ) {
        if peer.cid == Cid::RESERVED {
            return refuse(peer, ErrorCode::INVALID_CHANNEL, actions);
        }
        let (Some(nonce), NONCE) = (data.first_chunk::<NONCE>(), usize::from(length)) else {
            return refuse(peer, ErrorCode::INVALID_LEN, actions);
        };
        if self.lock.as_ref().is_some_and(|lock| lock.peer != peer) {
            return refuse(peer, ErrorCode::CHANNEL_BUSY, actions);
        }
        let cid = if peer.cid == Cid::BROADCAST { self.channels.fresh(rng) } else { peer.cid };
        if self.channels.touch(peer.link, cid).is_some() {
            // Back into step: whatever the channel was doing is over.
            if self.transaction.as_ref().is_some_and(|transaction| transaction.peer == peer) {
                self.abort(actions);
            }
        } else if self.channels.is_taken(cid) {
            // Another link's channel: to bring it into step is not this link's business.
            return refuse(peer, ErrorCode::INVALID_CHANNEL, actions);
        } else {
            let held = self.transaction.iter().map(|transaction| transaction.channel);
            let keep: Vec<ChannelId> = held.chain(self.lock.iter().map(|lock| lock.channel)).collect();
            let evicted = self.channels.allocate(peer.link, cid, &keep);
            actions.extend(evicted.map(|entry| Action::ChannelClosed(entry.id)));
        }
        let refused = if self.messages { 0 } else { capabilities::NMSG };
        let answer = [
            nonce.as_slice(),
            &cid.0.to_be_bytes(),
            &[PROTOCOL_VERSION, 0, 0, 0, capabilities::WINK | capabilities::CBOR | refused],
        ];
        send(peer, Command::INIT, &answer.concat(), actions);
    }

    /// The first packet of any other message.
    fn begin(
        &mut self,
        peer: Peer,
        command: Command,
        length: u16,
        data: &[u8],
        now: Duration,
        actions: &mut Vec<Action>,
    ) {
        // CID 0 and broadcast are never allocated, so this covers them.
        let Some(entry) = self.channels.touch(peer.link, peer.cid) else {
            return refuse(peer, ErrorCode::INVALID_CHANNEL, actions);
        };
        if command == Command::CANCEL {
            return self.cancel(peer, actions);
        }
        if self.lock.as_ref().is_some_and(|lock| lock.peer != peer) {
            return refuse(peer, ErrorCode::CHANNEL_BUSY, actions);
        }
        if let Some(transaction) = &self.transaction {
            let error = match transaction.phase {
                Phase::Receiving { .. } if transaction.peer == peer => {
                    self.transaction = None;
                    ErrorCode::INVALID_SEQ
                }
                Phase::Receiving { .. } | Phase::Processing { .. } => ErrorCode::CHANNEL_BUSY,
            };
            return refuse(peer, error, actions);
        }
        if let Err(error) = admit(command, length, self.messages) {
            return refuse(peer, error, actions);
        }
        let Ok(message) = Assembler::start(command, length, data) else {
            return refuse(peer, ErrorCode::INVALID_LEN, actions);
        };
        if message.is_complete() {
            return self.complete(peer, entry.id, message, now, actions);
        }
        let deadline = now.saturating_add(PACKET_TIMEOUT);
        self.transaction =
            Some(Transaction { peer, channel: entry.id, phase: Phase::Receiving { message, deadline } });
    }

    /// A continuation packet. One that belongs to no message is ignored (CTAP 2.3 §11.2.5.4).
    fn go_on(&mut self, peer: Peer, sequence: u8, data: &[u8], now: Duration, actions: &mut Vec<Action>) {
        match self.transaction.take() {
            Some(Transaction { peer: owner, channel, phase: Phase::Receiving { mut message, .. } })
                if owner == peer =>
            {
                if message.add(sequence, data).is_err() {
                    return refuse(peer, ErrorCode::INVALID_SEQ, actions);
                }
                if message.is_complete() {
                    return self.complete(peer, channel, message, now, actions);
                }
                let deadline = now.saturating_add(PACKET_TIMEOUT);
                let phase = Phase::Receiving { message, deadline };
                self.transaction = Some(Transaction { peer, channel, phase });
            }
            other => self.transaction = other,
        }
    }

    /// A whole message is here, of a command that [`admit`] knows.
    fn complete(
        &mut self,
        peer: Peer,
        channel: ChannelId,
        message: Assembler,
        now: Duration,
        actions: &mut Vec<Action>,
    ) {
        let command = message.command();
        let payload = message.into_payload();
        match command {
            Command::PING => send(peer, command, &payload, actions),
            Command::WINK => {
                send(peer, command, &[], actions);
                actions.push(Action::Wink);
            }
            Command::LOCK => self.lock(peer, channel, payload.first().copied().unwrap_or(0), now, actions),
            Command::CBOR | Command::MSG => {
                self.last_transaction = self.last_transaction.saturating_add(1);
                let id = TransactionId(self.last_transaction);
                let keepalive_at = now.saturating_add(KEEPALIVE_PERIOD);
                let phase = Phase::Processing { id, command, keepalive_at, cancelled: false };
                self.waiting_for_user = false;
                self.transaction = Some(Transaction { peer, channel, phase });
                actions.push(Action::handed(command, id, channel, payload));
            }
            Command(_) => refuse(peer, ErrorCode::INVALID_CMD, actions),
        }
    }

    /// LOCK (CTAP 2.3 §11.2.9.2.2).
    fn lock(
        &mut self,
        peer: Peer,
        channel: ChannelId,
        seconds: u8,
        now: Duration,
        actions: &mut Vec<Action>,
    ) {
        if seconds > LONGEST_LOCK {
            return refuse(peer, ErrorCode::INVALID_PAR, actions);
        }
        let until = now.saturating_add(Duration::from_secs(seconds.into()));
        self.lock = (seconds > 0).then_some(Lock { peer, channel, until });
        send(peer, Command::LOCK, &[], actions);
    }

    /// CANCEL (CTAP 2.3 §11.2.9.1.5): never answered itself, and without effect unless the same channel has a CBOR
    /// request under way.
    fn cancel(&mut self, peer: Peer, actions: &mut Vec<Action>) {
        if let Some(Transaction {
            peer: owner,
            phase: Phase::Processing { id, command: Command::CBOR, cancelled, .. },
            ..
        }) = &mut self.transaction
            && *owner == peer
            && !*cancelled
        {
            *cancelled = true;
            actions.push(Action::Cancel(*id));
        }
    }

    /// Drops the transaction; a request that the authenticator already has is given up.
    fn abort(&mut self, actions: &mut Vec<Action>) {
        self.waiting_for_user = false;
        if let Some(Transaction { phase: Phase::Processing { id, cancelled: false, .. }, .. }) =
            self.transaction.take()
        {
            actions.push(Action::Cancel(id));
        }
    }

    fn keepalive_status(&self) -> KeepaliveStatus {
        if self.waiting_for_user {
            KeepaliveStatus::USER_PRESENCE_NEEDED
        } else {
            KeepaliveStatus::PROCESSING
        }
    }
}

/// Whether a command is offered and may have this length. Told from the first packet, so that nothing is gathered that
/// would be refused.
fn admit(command: Command, length: u16, messages: bool) -> Result<(), ErrorCode> {
    let fits = match command {
        Command::PING => true,
        Command::CBOR => length > 0,
        Command::MSG if messages => length > 0,
        Command::WINK => length == 0,
        Command::LOCK => length == 1,
        Command(_) => return Err(ErrorCode::INVALID_CMD),
    };
    if fits && usize::from(length) <= LONGEST_MESSAGE { Ok(()) } else { Err(ErrorCode::INVALID_LEN) }
}

fn refuse(peer: Peer, error: ErrorCode, actions: &mut Vec<Action>) {
    send(peer, Command::ERROR, &[error.0], actions);
}

fn send(peer: Peer, command: Command, payload: &[u8], actions: &mut Vec<Action>) {
    // All payloads here are short, were received, or were measured by `respond`.
    for report in reports(peer.cid, command, payload).unwrap_or_default() {
        actions.push(Action::Send(peer.link, report));
    }
}
