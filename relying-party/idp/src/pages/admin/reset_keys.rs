//! The keys of the PIN reset service.

use askama::Template;

use super::AdminFrame;
use crate::pages::When;
use crate::pin_reset::keys::State;

/// The keys of the PIN reset service. POST `…/pin-resets/keys/rotate`; `…/pin-resets/keys/retire` with `kid`.
#[derive(Debug, Template)]
#[template(path = "admin/reset-keys.html")]
pub struct ResetKeysPage {
    /// What surrounds it.
    pub frame: AdminFrame,
    /// The SHA-256 of the anchor's certificate, hexadecimal.
    pub anchor: String,
    /// The keys, the newest first.
    pub keys: Vec<ResetKeyRow>,
    /// Whether whoever looks at them may change them.
    pub changeable: bool,
}

/// A key.
#[derive(Debug)]
pub struct ResetKeyRow {
    /// Its name in envelopes.
    pub kid: String,
    /// The protocol it is for.
    pub protocol: &'static str,
    /// Where its private half is, in words.
    pub place: String,
    /// When it was made.
    pub created: When,
    /// When it last released something to a device of the tenant.
    pub last_release: Option<When>,
    /// What it is used for now.
    pub state: State,
}

impl ResetKeyRow {
    fn retired(&self) -> Option<When> {
        match self.state {
            State::Current | State::Old => None,
            State::Retired(at) => Some(When::at(at)),
        }
    }

    fn is_old(&self) -> bool {
        self.state == State::Old
    }
}
