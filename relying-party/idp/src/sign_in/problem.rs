//! Why a sign-in does not go on: what the page says, and which code goes with it.

use crate::oauth::Refusal;
use crate::oauth::authorize::ReturnTo;
use crate::pages::Notice;
use crate::storage;

/// What the user can mend on the same page. The sentences are the same whether an account exists or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Problem {
    #[error("Type your user name, like name@organisation.example.")]
    NoName,
    #[error("The user name or password is wrong.")]
    Password,
    #[error("The user name or the Temporary Access Pass is wrong, or its time is over.")]
    Pass,
    #[error("There were too many wrong tries. Wait a moment, then try again.")]
    Locked,
    #[error("Your account is disabled. Ask your administrator.")]
    Disabled,
    #[error("Too many people are signing in. Try again in a moment.")]
    Busy,
    #[error("The code is wrong. Type the one that your app shows now.")]
    Code,
    #[error("This code was used before. Wait for the next one.")]
    CodeUsed,
    #[error("That passkey was not accepted here. Try another one, or another way.")]
    Passkey,
    #[error("No device waits for an answer with this code. Check it, or let the device show a new one.")]
    UserCode,
    #[error("The two passwords differ.")]
    PasswordsDiffer,
    #[error("This is the password that you have. Choose another one.")]
    SamePassword,
    #[error(
        "This link is wrong, was used, was opened in another browser, or its time is over. Ask for a new one."
    )]
    Invitation,
}

impl Problem {
    /// The AADSTS code.
    pub(super) const fn code(self) -> u32 {
        match self {
            Self::NoName => 900_144,
            Self::Password => 50_126,
            Self::Pass => 130_503,
            Self::Locked => 50_053,
            Self::Disabled => 50_057,
            Self::Busy => 90_055,
            Self::Code | Self::CodeUsed => 500_121,
            Self::Passkey => 135_010,
            Self::UserCode => 70_018,
            Self::PasswordsDiffer | Self::SamePassword => 120_002,
            Self::Invitation => 50_128,
        }
    }

    /// The HTTP status of the page that says it: programs too are told that they may try again later.
    pub(super) fn status(self) -> u16 {
        if self == Self::Busy { 503 } else { 200 }
    }

    pub(super) fn notice(self) -> Notice {
        Notice::error(self.to_string(), Some(self.code()))
    }
}

/// Why the sign-in ends.
#[derive(Debug)]
pub(super) enum Stop {
    /// The person is told, on a page of ours.
    Page(Refusal),
    /// The client is told, at its redirect URI.
    Client(Box<ReturnTo>, Refusal),
    /// The form is of another browser, of another site, old, or was sent before.
    Lost,
    /// The account has nothing that would be enough.
    NoMethod,
    /// The link of a first sign-in is not good any more.
    Invitation,
    /// A passkey cannot be made here, for the reason that this sentence says.
    NoPasskey(String),
    /// The user kept the other device out, on which this application runs.
    DeviceDenied(String),
}

impl From<storage::Error> for Stop {
    fn from(error: storage::Error) -> Self {
        Self::Page(error.into())
    }
}

/// A step that did not succeed: the same page again with a sentence, or the end.
#[derive(Debug)]
pub(super) enum Failed {
    Again(Problem),
    /// The same with a sentence of another part.
    Told(String),
    Stop(Stop),
}

impl From<Stop> for Failed {
    fn from(stop: Stop) -> Self {
        Self::Stop(stop)
    }
}

impl From<storage::Error> for Failed {
    fn from(error: storage::Error) -> Self {
        Self::Stop(error.into())
    }
}

impl From<Problem> for Failed {
    fn from(problem: Problem) -> Self {
        Self::Again(problem)
    }
}
