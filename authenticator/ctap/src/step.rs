//! What goes in and out of the engine besides bytes: time, channels, prompts and answers.

use std::fmt;
use std::ops::RangeInclusive;
use std::time::Duration;

use latchkey_container::{PinHash, Recognised, UnixTime};
use rand_core::CryptoRng;

use crate::biometrics::{Capture, Captured};
use crate::engine::{Pending, RunId};

/// What the driver must do next.
#[must_use]
#[derive(Debug)]
pub enum Step {
    /// Send these bytes (a status byte, then CBOR) to the platform; the transaction is over.
    Respond(Vec<u8>),
    /// Put the prompt to the user, then hand the answer to
    /// [`Authenticator::resume`](crate::Authenticator::resume).
    Ask(Prompt, Suspended),
    /// Have the sensor capture one sample, then hand [`Answer::Captured`] to
    /// [`Authenticator::resume`](crate::Authenticator::resume).
    Capture(Capture, Suspended),
}

/// A transaction that waits for the user. Opaque, and finished at most once.
pub struct Suspended {
    pub(crate) channel: ChannelId,
    pub(crate) run: RunId,
    pub(crate) pending: Pending,
}

impl fmt::Debug for Suspended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Suspended").field("channel", &self.channel).finish_non_exhaustive()
    }
}

/// Time and randomness, which the engine does not have of its own.
pub struct Ambient<'a> {
    /// Monotonic time since the power-up of the authenticator.
    pub uptime: Duration,
    /// The time of day, for the creation date of passkeys.
    pub now: UnixTime,
    /// A cryptographically secure generator.
    pub rng: &'a mut dyn CryptoRng,
}

impl fmt::Debug for Ambient<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ambient")
            .field("uptime", &self.uptime)
            .field("now", &self.now.0)
            .finish_non_exhaustive()
    }
}

/// One CTAPHID channel of one link, unique across all carriers. State that spans commands is bound to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ChannelId(pub u64);

/// What the user is asked, and why. `Display` says it in plain words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prompt {
    /// What the answer permits.
    pub operation: Operation,
    /// The relying party that it is for.
    pub rp_id: Option<String>,
    /// The account that it is for, as the relying party names it.
    pub user: Option<String>,
    /// What the user must give.
    pub want: Want,
    /// What went wrong the last time.
    pub notice: Option<Notice>,
}

/// What an answer to a prompt permits: exactly one of these, once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    /// Make a passkey.
    Register,
    /// Sign in with a passkey.
    SignIn,
    /// Make a key for a site that U2F does not name.
    RegisterU2f,
    /// Sign in to such a site.
    SignInU2f,
    /// Let the application act for the user with several permissions at once.
    Verify,
    /// List and change passkeys.
    Manage,
    /// Delete one passkey.
    Delete,
    /// Tell the application that a passkey of this relying party is here already.
    Excluded,
    /// Choose this authenticator among several; permits nothing else.
    Select,
    /// Let the application enrol and remove fingers.
    ManageFingers,
    /// Enrol a finger.
    Enrol,
    /// Delete the PIN and all passkeys.
    Reset,
    /// Change how the authenticator works.
    Configure,
    /// List passkeys from now on, without asking again.
    KeepListing,
}

impl Operation {
    /// A name for machines, stable.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Register => "register",
            Self::SignIn => "sign-in",
            Self::RegisterU2f => "register-u2f",
            Self::SignInU2f => "sign-in-u2f",
            Self::Verify => "verify",
            Self::Manage => "manage",
            Self::Delete => "delete",
            Self::Excluded => "excluded",
            Self::Select => "select",
            Self::ManageFingers => "manage-fingers",
            Self::Enrol => "enrol",
            Self::Reset => "reset",
            Self::Configure => "configure",
            Self::KeepListing => "keep-listing",
        }
    }
}

/// What the user must give.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Want {
    /// A yes: evidence of user presence.
    Approval,
    /// A yes that nobody gives by accident, answered like [`Want::Approval`]: where a security key wants a touch of
    /// five seconds (longTouchForReset, CTAP 2.3 §6.6).
    Insistence,
    /// The PIN or a biometric gesture: built-in user verification, which is evidence of user presence too.
    Pin,
}

/// What went wrong the last time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Notice {
    /// The PIN was wrong.
    WrongPin {
        /// Tries before the PIN is blocked for good.
        tries_left: u8,
    },
    /// The biometric gesture opens nothing now.
    PinNeeded,
    /// The biometric service recognised somebody by a template that was never enrolled with the PIN.
    TemplateNotEnrolled,
}

/// What the user, or the transport, answered to a prompt.
#[derive(Debug)]
pub enum Answer {
    /// Yes.
    Approved,
    /// The PIN, hashed where it was typed.
    Pin(PinHash),
    /// The biometric service has recognised the user.
    Recognised(Box<Recognised>),
    /// What came of a capture.
    Captured(Captured),
    /// No.
    Denied,
    /// The platform cancelled the transaction (`CTAPHID_CANCEL`).
    Cancelled,
    /// Nobody answered in time.
    TimedOut,
}

impl Prompt {
    /// Whether a biometric gesture does in the place of the PIN. Not for enrolling: a finger must not let in another.
    #[must_use]
    pub fn takes_gestures(&self) -> bool {
        self.want == Want::Pin && self.operation != Operation::ManageFingers
    }
}

impl fmt::Display for Prompt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (sentence, user, relying_party) = match self.operation {
            Operation::Register => ("Register a passkey", "", "at"),
            Operation::SignIn => ("Sign in", "", "to"),
            Operation::RegisterU2f => ("Register a key by U2F, which does not tell the site", "", "at"),
            Operation::SignInU2f => ("Sign in by U2F, which does not tell the site", "", "to"),
            Operation::Verify => ("Let an application use your passkeys", "", "for"),
            Operation::Manage => ("List and change your passkeys", "", "for"),
            Operation::Delete => ("Delete the passkey", "of", "at"),
            Operation::Excluded => ("Tell the site that you already have a passkey", "", "at"),
            Operation::Select => ("Use this authenticator", "", "at"),
            Operation::ManageFingers => {
                ("Let an application enrol and remove fingerprints, which open all your passkeys", "", "for")
            }
            Operation::Enrol => ("Enrol a fingerprint: then touch the sensor until it is learnt", "", "at"),
            Operation::Reset => {
                ("Reset this authenticator: delete the PIN and every passkey, for good", "", "at")
            }
            Operation::Configure => ("Let an application change how this authenticator works", "", "for"),
            Operation::KeepListing => (
                "Let an application list your passkeys from now on, without asking again, until you change the PIN",
                "",
                "for",
            ),
        };
        f.write_str(sentence)?;
        let shown = self.user.as_deref().map(Shown);
        if let (false, Some(name)) = (user.is_empty(), &shown) {
            write!(f, " {user} {name}")?;
        }
        if let Some(rp_id) = &self.rp_id {
            write!(f, " {relying_party} {}", Shown(rp_id))?;
        }
        if let (true, Some(name)) = (user.is_empty(), &shown) {
            write!(f, " as {name}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::WrongPin { tries_left: 1 } => f.write_str("Wrong PIN. 1 try left."),
            Self::WrongPin { tries_left } => write!(f, "Wrong PIN. {tries_left} tries left."),
            Self::PinNeeded => f.write_str("The gesture was not accepted. Type the PIN."),
            Self::TemplateNotEnrolled => f.write_str(
                "The sensor knows a template that was not enrolled with your PIN: somebody exchanged it. Type the PIN.",
            ),
        }
    }
}

/// Foreign text in a prompt: a site chooses it, so it must not be able to hide or forge the words around it.
struct Shown<'a>(&'a str);

/// Longer than any name that a person reads; an RP ID is cut at its front, because its end names the owner.
const SHOWN_CHARACTERS: usize = 64;

/// Characters that reorder their neighbours or cannot be seen: soft hyphen, zero-width and bidirectional
/// controls, tags.
const DECEPTIVE: [RangeInclusive<char>; 7] = [
    '\u{AD}'..='\u{AD}',
    '\u{61C}'..='\u{61C}',
    '\u{200B}'..='\u{200F}',
    '\u{2028}'..='\u{202E}',
    '\u{2060}'..='\u{206F}',
    '\u{FEFF}'..='\u{FEFF}',
    '\u{E0000}'..='\u{E007F}',
];

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = self.0.chars().count();
        if count > SHOWN_CHARACTERS {
            f.write_str("…")?;
        }
        for character in self.0.chars().skip(count.saturating_sub(SHOWN_CHARACTERS)) {
            let deceptive =
                character.is_control() || DECEPTIVE.iter().any(|range| range.contains(&character));
            write!(f, "{}", if deceptive { '\u{FFFD}' } else { character })?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
