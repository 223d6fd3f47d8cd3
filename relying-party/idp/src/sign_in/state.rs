//! What a sign-in under way knows.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::own::Entry;
use super::set_up::SetUp;
use super::welcome::Welcome;
use crate::clock::UnixTime;
use crate::domain::{DeviceId, SessionId, UserId};
use crate::pages::WayKind;
use crate::strength::Proofs;

/// The record in storage. Nothing in it is a secret that signs anybody in.
#[derive(Debug, Serialize, Deserialize)]
#[allow(clippy::struct_excessive_bools, reason = "each is a fact of its own about a sign-in under way")]
pub(super) struct State {
    /// What it is for.
    #[serde(default)]
    pub(super) goal: Goal,
    /// The authorization request as it came: it is read and checked anew at each step.
    pub(super) request: String,
    /// Whether the client pushed it, rather than the browser.
    #[serde(default)]
    pub(super) from_push: bool,
    /// The path segment that it was sent to.
    pub(super) authority: String,
    /// Whether it is one of v1.0.
    pub(super) v1: bool,
    /// The name that was typed, or whose passkey answered.
    pub(super) user_name: Option<String>,
    /// The user whom the proofs are of. Without proofs there is none.
    pub(super) user: Option<UserId>,
    /// What was proved.
    pub(super) proofs: Proofs,
    /// The session that proofs were taken over from; it must still stand at each step.
    pub(super) session: Option<SessionId>,
    /// Whether anything was proved in this sign-in, so that a new session begins.
    pub(super) fresh: bool,
    /// Whether the account must be picked first.
    pub(super) pick: bool,
    /// Which way the user chose.
    pub(super) way: Way,
    /// The passkey challenge that the last page carried.
    pub(super) ceremony: Option<Ceremony>,
    /// Whether the user was asked for consent in this sign-in and gave it.
    pub(super) consented: bool,
    /// Whether something was added to the account in this sign-in, or put off: nothing else is offered.
    #[serde(default)]
    pub(super) offered: bool,
    /// What is being set up.
    #[serde(default)]
    pub(super) set_up: SetUp,
    /// Whether to stay signed in, once asked.
    pub(super) stay: Option<bool>,
    /// Whether a broker answers the pages, and no person.
    #[serde(default)]
    pub(super) by_broker: bool,
    /// The device that the browser proved.
    #[serde(default)]
    pub(super) device: Option<DeviceId>,
    /// Whether the proofs are those of the device's primary token: nobody showed them to a page.
    #[serde(default)]
    pub(super) by_token: bool,
    /// By which support finds it.
    pub(super) correlation: Uuid,
}

/// What a sign-in is for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Goal {
    /// A client's authorization request: it ends with a code.
    #[default]
    Client,
    /// A page of ours: it ends there.
    Own(Entry),
    /// A link for a first sign-in: it ends at a page of ours, once a way to sign in was set up.
    Welcome(Welcome),
    /// Another device, which shows a code: it ends with an answer to that device.
    Device(OtherDevice),
}

/// A device that waits for an answer.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct OtherDevice {
    /// What the page's field shows: a link's proposal, or what was typed before.
    pub(super) proposed: String,
    /// The code on its screen, once it was typed and found.
    pub(super) user_code: Option<String>,
    /// Whether the user said that it is theirs.
    pub(super) confirmed: bool,
}

/// A ceremony under way.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Ceremony {
    /// The WebAuthn library's state.
    pub(super) state: serde_json::Value,
    /// The text whose bytes are the challenge.
    pub(super) challenge: String,
    /// The credential IDs that may answer, base64url; none: any.
    pub(super) allowed: Vec<String>,
    /// When it began.
    pub(super) at: UnixTime,
}

/// The ways to prove who one is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Way {
    /// The usual one of the step: first the password, then the code.
    #[default]
    Usual,
    /// A passkey.
    Passkey,
    /// A Temporary Access Pass.
    AccessPass,
}

impl Way {
    /// What the form says.
    pub(super) fn parse(word: &str) -> Option<Self> {
        [
            (WayKind::Passkey, Self::Passkey),
            (WayKind::Password, Self::Usual),
            (WayKind::Code, Self::Usual),
            (WayKind::AccessPass, Self::AccessPass),
        ]
        .into_iter()
        .find_map(|(kind, way)| (kind.word() == word).then_some(way))
    }
}

impl State {
    /// The beginning.
    pub(super) fn new(request: String, authority: String, v1: bool, correlation: Uuid) -> Self {
        Self {
            goal: Goal::Client,
            request,
            from_push: false,
            authority,
            v1,
            user_name: None,
            user: None,
            proofs: Proofs::default(),
            session: None,
            fresh: false,
            pick: false,
            way: Way::default(),
            ceremony: None,
            consented: false,
            offered: false,
            set_up: SetUp::default(),
            stay: None,
            by_broker: false,
            device: None,
            by_token: false,
            correlation,
        }
    }

    /// The beginning of a sign-in that no client asked for.
    pub(super) fn ours(goal: Goal, correlation: Uuid) -> Self {
        Self { goal, ..Self::new(String::new(), String::new(), false, correlation) }
    }

    /// Another account: nothing that was proved counts for it.
    pub(super) fn forget_user(&mut self) {
        let mut goal = std::mem::take(&mut self.goal);
        if let Goal::Device(device) = &mut goal {
            device.confirmed = false;
        }
        let (request, authority) = (std::mem::take(&mut self.request), std::mem::take(&mut self.authority));
        // Whoever signs in, it is on this device.
        let device = self.device;
        *self = Self { goal, device, ..Self::new(request, authority, self.v1, self.correlation) };
    }

    /// Whether something that was begun on `device` can have come from the device that the browser proved.
    pub(super) fn may_be_of(&self, device: Option<DeviceId>) -> bool {
        device.is_none() || self.device.is_none() || device == self.device
    }

    /// Whether anything was proved.
    pub(super) fn proved(&self) -> bool {
        self.proofs.latest().is_some()
    }
}
