//! How and when a user proved who they are.

use serde::{Deserialize, Serialize};

use super::{DeviceId, SessionId, UserId};
use crate::clock::UnixTime;
use crate::strength::FRESH;

/// One authentication method reference (RFC 8176, with the Entra-style additions).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Amr {
    /// A password.
    Pwd,
    /// A key of a user: an asymmetric proof.
    Rsa,
    /// A FIDO2 credential.
    Fido,
    /// A one-time password (TOTP).
    Otp,
    /// A Temporary Access Pass.
    Tap,
    /// A key in hardware.
    Hwk,
    /// More than one factor.
    Mfa,
    /// More than one factor, so recently that a key may be registered.
    NgcMfa,
}

impl Amr {
    /// The word in tokens.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Pwd => "pwd",
            Self::Rsa => "rsa",
            Self::Fido => "fido",
            Self::Otp => "otp",
            Self::Tap => "tap",
            Self::Hwk => "hwk",
            Self::Mfa => "mfa",
            Self::NgcMfa => "ngcmfa",
        }
    }
}

/// One sign-in of one user: what codes, refresh tokens and sessions carry along.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Authentication {
    /// The user.
    pub user: UserId,
    /// The browser's session; `None` when no browser was there (password grant).
    pub session: Option<SessionId>,
    /// When the user last proved who they are.
    pub at: UnixTime,
    /// How.
    pub methods: Vec<Amr>,
    /// The device that was presented.
    pub device: Option<DeviceId>,
    /// Authentication contexts that are satisfied (`acrs`: `c1`..`c99`).
    #[serde(default)]
    pub contexts: Vec<String>,
}

impl Authentication {
    /// The `amr` values, with spaces between them: as the log of sign-ins has them.
    #[must_use]
    pub fn method_words(&self) -> String {
        let words: Vec<_> = self.methods.iter().map(|method| method.word()).collect();
        words.join(" ")
    }

    /// This sign-in as it is at `now`: factors do not stay fresh ([`Amr::NgcMfa`]).
    #[must_use]
    pub fn as_of(&self, now: UnixTime) -> Self {
        let fresh = self.at <= now && now.since(self.at) <= FRESH;
        let mut authentication = self.clone();
        authentication.methods.retain(|method| fresh || *method != Amr::NgcMfa);
        authentication
    }
}
