//! The page on which people look after their own ways to sign in. Forms carry `csrf`; what changes something is a POST to the
//! address that the form names.

use askama::Template;

use super::frame::{Account, Csrf, Frame, When};

/// A user's own ways to sign in, and where they are signed in.
#[derive(Debug, Template)]
#[template(path = "security.html")]
pub struct SecurityPage {
    /// What surrounds it.
    pub frame: Frame,
    /// Who it is.
    pub account: Account,
    /// The CSRF token of the session.
    pub csrf: Csrf,
    /// Passkeys, the oldest first.
    pub passkeys: Vec<OwnMethod>,
    /// Whether more can be made at this address.
    pub may_make_passkeys: bool,
    /// Whether there is a password.
    pub password: bool,
    /// Authenticator apps, the oldest first.
    pub apps: Vec<OwnMethod>,
    /// Devices, the oldest first.
    pub devices: Vec<OwnDevice>,
    /// PIN resets of the last months, the newest first.
    pub pin_resets: Vec<OwnPinReset>,
    /// Sessions, the newest first.
    pub sessions: Vec<OwnSession>,
}

/// A passkey or an authenticator app.
#[derive(Clone, Debug)]
pub struct OwnMethod {
    /// Its ID.
    pub id: String,
    /// What the user calls it.
    pub name: String,
    /// When it was added.
    pub created: When,
    /// When it last signed in.
    pub last_used: Option<When>,
}

/// A device that the user registered.
#[derive(Clone, Debug)]
pub struct OwnDevice {
    /// Its ID.
    pub id: String,
    /// What the user calls it.
    pub name: String,
    /// When it was registered.
    pub registered: When,
    /// When it last proved possession of its key.
    pub last_seen: Option<When>,
    /// Whether it may be used.
    pub enabled: bool,
}

/// A PIN reset that the service released to one of the user's devices.
#[derive(Clone, Debug)]
pub struct OwnPinReset {
    /// What the user calls the device.
    pub device: String,
    /// When it was.
    pub time: When,
    /// The address that it was asked from.
    pub address: String,
    /// Whether only the count of wrong PINs was set back, with the helpdesk's code.
    pub tries_only: bool,
}

/// A browser in which the user is signed in.
#[derive(Clone, Debug)]
pub struct OwnSession {
    /// Its ID.
    pub id: String,
    /// The browser, as far as it says.
    pub client: String,
    /// The address that it was begun from.
    pub address: String,
    /// When it began.
    pub started: When,
    /// When it was last used.
    pub last_used: When,
    /// Whether it is this one.
    pub current: bool,
}
