//! What the random platform and its user do.

use latchkey_protocol::client_pin::Permissions;
use proptest::prelude::*;
use proptest::sample::select;

/// Relying parties, by number.
pub const RPS: [&str; 2] = ["one.example", "two.example"];
/// Accounts, by number.
pub const USERS: [&str; 3] = ["alice", "bob", "carol"];
/// PINs that are ever set, by number.
pub const PINS: [&str; 2] = ["123456", "abcdef"];

/// What somebody types where a PIN is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Guess {
    Right,
    Wrong,
}

/// The token that a request is proved with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which {
    /// The one that was issued last.
    Newest,
    /// The one before.
    Older,
    /// The newest, with a MAC that is one bit off.
    Damaged,
}

/// What a request brings, and what the user does about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Evidence {
    /// A pinUvAuthParam; if the user is asked they say yes, or no.
    Token { which: Which, touch: bool },
    /// Nothing: the user types these PINs at our own prompt, then gives up.
    Gesture(Vec<Guess>),
}

/// One step. Numbers name relying parties, accounts, PINs and channels.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    TokenByPin {
        guess: Guess,
        permissions: Permissions,
        rp: Option<usize>,
        consent: bool,
    },
    TokenByGesture {
        guesses: Vec<Guess>,
        permissions: Permissions,
        rp: Option<usize>,
    },
    Make {
        rp: usize,
        user: usize,
        discoverable: bool,
        evidence: Evidence,
    },
    Get {
        rp: usize,
        silent: bool,
        channel: u64,
        evidence: Evidence,
    },
    Next {
        channel: u64,
    },
    /// getCredsMetadata.
    Count {
        which: Which,
    },
    /// Deletes one of the passkeys that were ever made.
    Delete {
        passkey: usize,
        which: Which,
        touch: bool,
    },
    SetPin {
        new: usize,
    },
    ChangePin {
        old: Guess,
        new: usize,
    },
    Select {
        touch: bool,
    },
    Reset {
        touch: bool,
    },
    Pass {
        seconds: u64,
    },
    PowerCycle,
}

fn guess() -> impl Strategy<Value = Guess> {
    prop_oneof![4 => Just(Guess::Right), 1 => Just(Guess::Wrong)]
}

fn guesses() -> impl Strategy<Value = Vec<Guess>> {
    proptest::collection::vec(guess(), 0..4)
}

fn which() -> impl Strategy<Value = Which> {
    prop_oneof![8 => Just(Which::Newest), 1 => Just(Which::Older), 1 => Just(Which::Damaged)]
}

fn touch() -> impl Strategy<Value = bool> {
    prop_oneof![4 => Just(true), 1 => Just(false)]
}

fn evidence() -> impl Strategy<Value = Evidence> {
    prop_oneof![
        3 => (which(), touch()).prop_map(|(which, touch)| Evidence::Token { which, touch }),
        1 => guesses().prop_map(Evidence::Gesture),
    ]
}

fn permissions() -> impl Strategy<Value = Permissions> {
    (1..8_u8).prop_map(Permissions)
}

fn rp() -> impl Strategy<Value = usize> {
    0..RPS.len()
}

fn some_rp() -> impl Strategy<Value = Option<usize>> {
    prop_oneof![4 => rp().prop_map(Some), 1 => Just(None)]
}

/// Any step; what leads somewhere more often than what ends everything.
pub fn command() -> impl Strategy<Value = Command> {
    let channel = || 1..3_u64;
    prop_oneof![
        8 => (guess(), permissions(), some_rp(), touch()).prop_map(|(guess, permissions, rp, consent)| {
            Command::TokenByPin { guess, permissions, rp, consent }
        }),
        4 => (guesses(), permissions(), some_rp())
            .prop_map(|(guesses, permissions, rp)| Command::TokenByGesture { guesses, permissions, rp }),
        10 => (rp(), 0..USERS.len(), any::<bool>(), evidence()).prop_map(
            |(rp, user, discoverable, evidence)| Command::Make { rp, user, discoverable, evidence }
        ),
        10 => (rp(), any::<bool>(), channel(), evidence())
            .prop_map(|(rp, silent, channel, evidence)| Command::Get { rp, silent, channel, evidence }),
        6 => channel().prop_map(|channel| Command::Next { channel }),
        3 => which().prop_map(|which| Command::Count { which }),
        3 => (0..8_usize, which(), touch())
            .prop_map(|(passkey, which, touch)| Command::Delete { passkey, which, touch }),
        2 => (0..PINS.len()).prop_map(|new| Command::SetPin { new }),
        1 => (guess(), 0..PINS.len()).prop_map(|(old, new)| Command::ChangePin { old, new }),
        1 => touch().prop_map(|touch| Command::Select { touch }),
        1 => touch().prop_map(|touch| Command::Reset { touch }),
        4 => select(vec![1, 9, 11, 29, 31, 299, 601]).prop_map(|seconds| Command::Pass { seconds }),
        1 => Just(Command::PowerCycle),
    ]
}
