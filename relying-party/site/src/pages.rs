//! One struct a page: what its template shows, and a `sample()` that tests render.

use askama::Template;
use jiff::Timestamp;
use url::Url;
use uuid::Uuid;

use crate::aaguid;
use crate::clock::UnixTime;
use crate::storage::{SignedInIdentity, StoredPasskey};

/// What surrounds every page.
#[derive(Debug, Default)]
pub(crate) struct Frame {
    /// The CSRF token of the session; empty when there is none, as on some error pages.
    pub(crate) csrf: String,
    /// The name of the signed-in user.
    pub(crate) user: Option<String>,
    /// What just happened.
    pub(crate) notice: Option<Notice>,
}

/// What a redirect says has happened. The sentences live here, so nothing of the URL reaches the page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Notice {
    Registered,
    Added,
    Renamed,
    Deleted,
    SignedOut,
    SignedOutHere,
    SignedOutEverywhere,
    SignInFirst,
    Confirmed,
}

impl Notice {
    pub(crate) fn parse(word: &str) -> Option<Self> {
        match word {
            "registered" => Some(Self::Registered),
            "added" => Some(Self::Added),
            "renamed" => Some(Self::Renamed),
            "deleted" => Some(Self::Deleted),
            "signed-out-here" => Some(Self::SignedOutHere),
            "signed-out-everywhere" => Some(Self::SignedOutEverywhere),
            "signed-out" => Some(Self::SignedOut),
            "sign-in-first" => Some(Self::SignInFirst),
            "confirmed" => Some(Self::Confirmed),
            _ => None,
        }
    }

    pub(crate) fn text(self) -> &'static str {
        match self {
            Self::Registered => "Welcome! Your account and its first passkey are ready.",
            Self::Added => "The passkey was added. You can sign in with it from now on.",
            Self::Renamed => "The passkey has its new name.",
            Self::Deleted => {
                "The passkey was removed from this account. You may delete it on your device as well."
            }
            Self::SignedOut => "You are signed out.",
            Self::SignedOutHere => {
                "You are signed out here. Latchkey ID could not be asked; sign out there too if others use this device."
            }
            Self::SignedOutEverywhere => "You are signed out here and at Latchkey ID.",
            Self::SignInFirst => "Sign in to see your account.",
            Self::Confirmed => "Thank you. You can change your account now.",
        }
    }

    pub(crate) fn kind(self) -> &'static str {
        match self {
            Self::Registered | Self::Added | Self::Renamed | Self::Deleted | Self::Confirmed => "success",
            Self::SignedOut | Self::SignedOutHere | Self::SignedOutEverywhere | Self::SignInFirst => "info",
        }
    }
}

/// Sign in.
#[derive(Debug, Template)]
#[template(path = "home.html")]
pub(crate) struct HomePage {
    pub(crate) frame: Frame,
    /// Whether accounts of an identity provider may sign in.
    pub(crate) identities: bool,
}

/// Make an account.
#[derive(Debug, Template)]
#[template(path = "register.html")]
pub(crate) struct RegisterPage {
    pub(crate) frame: Frame,
}

/// Use a passkey again before a change to the account.
#[derive(Debug, Template)]
#[template(path = "confirm.html")]
pub(crate) struct ConfirmPage {
    pub(crate) frame: Frame,
    pub(crate) user_name: String,
}

/// The passkeys of an account.
#[derive(Debug, Template)]
#[template(path = "account.html")]
pub(crate) struct AccountPage {
    pub(crate) frame: Frame,
    pub(crate) user_name: String,
    pub(crate) passkeys: Vec<PasskeyRow>,
}

/// The account page of an account that the identity provider keeps.
#[derive(Debug, Template)]
#[template(path = "identity.html")]
pub(crate) struct IdentityPage {
    pub(crate) frame: Frame,
    pub(crate) name: String,
    pub(crate) user_name: Option<String>,
    /// The host of the issuer.
    pub(crate) provider: String,
    pub(crate) since: When,
}

/// One passkey of the account page.
#[derive(Debug)]
pub(crate) struct PasskeyRow {
    pub(crate) id: i64,
    pub(crate) name: String,
    pub(crate) device: String,
    pub(crate) aaguid: String,
    pub(crate) backup: &'static str,
    pub(crate) created: When,
    pub(crate) last_used: Option<When>,
    pub(crate) counter_went_back: bool,
}

/// A time for machines and, without script, for people.
#[derive(Debug)]
pub(crate) struct When {
    pub(crate) machine: String,
    pub(crate) text: String,
}

/// Something went wrong.
#[derive(Debug, Template)]
#[template(path = "error.html")]
pub(crate) struct ErrorPage {
    pub(crate) frame: Frame,
    pub(crate) status: u16,
    pub(crate) code: &'static str,
    pub(crate) title: &'static str,
    pub(crate) message: String,
}

impl AccountPage {
    pub(crate) fn new(frame: Frame, user_name: String, passkeys: &[StoredPasskey]) -> Self {
        Self { frame, user_name, passkeys: passkeys.iter().map(PasskeyRow::new).collect() }
    }

    /// Whether the account has one passkey only, which cannot be deleted.
    fn one_passkey(&self) -> bool {
        self.passkeys.len() == 1
    }
}

impl IdentityPage {
    pub(crate) fn new(frame: Frame, identity: &SignedInIdentity) -> Self {
        let issuer = Url::parse(&identity.issuer).ok();
        let host = issuer.as_ref().and_then(|issuer| issuer.host_str()).unwrap_or_default();
        Self {
            frame,
            name: identity.name.clone(),
            user_name: identity.user_name.clone(),
            provider: host.to_owned(),
            since: When::new(identity.authenticated_at),
        }
    }
}

impl PasskeyRow {
    fn new(stored: &StoredPasskey) -> Self {
        let device = match aaguid::product(stored.aaguid) {
            Some(product) => product.to_owned(),
            None if stored.aaguid == [0; 16] => "Not stated".to_owned(),
            None => "Unknown model".to_owned(),
        };
        let backup = match (stored.backup_eligible, stored.backed_up) {
            (_, true) => "Backed up, available on several devices",
            (true, false) => "Can be backed up, but is not yet",
            (false, false) => "Stays on one device",
        };
        Self {
            id: stored.id,
            name: stored.name.clone(),
            device,
            aaguid: Uuid::from_bytes(stored.aaguid).to_string(),
            backup,
            created: When::new(stored.created),
            last_used: stored.last_used.map(When::new),
            counter_went_back: stored.counter_went_back,
        }
    }
}

impl When {
    fn new(time: UnixTime) -> Self {
        let time = Timestamp::from_second(time.seconds()).unwrap_or(Timestamp::UNIX_EPOCH);
        Self { machine: time.to_string(), text: time.strftime("%-d %B %Y, %H:%M UTC").to_string() }
    }
}

#[cfg(test)]
mod samples;
#[cfg(test)]
mod tests;
