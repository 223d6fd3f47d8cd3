//! What the verification of an attestation said, as the database keeps it and as administrators read it.

use std::fmt;
use std::str::FromStr;

use super::Format;
use crate::pages::admin::Trust;

const UNKNOWN_ROOT: &str = "unknown root ";

/// The result for one passkey. Only [`Outcome::Verified`] makes its AAGUID a fact.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// None was given.
    None,
    /// Signed by the passkey itself.
    SelfSigned,
    /// A chain to an anchor that is configured for this model.
    Verified(Format),
    /// A chain to somewhere else, in the format of this name.
    UnknownRoot(String),
}

/// The text is none that [`Outcome`] writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this is no result of an attestation")]
pub struct OutcomeError;

/// `none`, `self`, `verified packed`, `unknown root packed`.
impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => f.write_str("none"),
            Self::SelfSigned => f.write_str("self"),
            Self::Verified(format) => write!(f, "verified {}", format.word()),
            Self::UnknownRoot(format) => write!(f, "{UNKNOWN_ROOT}{format}"),
        }
    }
}

impl FromStr for Outcome {
    type Err = OutcomeError;

    fn from_str(text: &str) -> Result<Self, OutcomeError> {
        let verified = Format::ALL.into_iter().map(Self::Verified);
        if let Some(known) =
            [Self::None, Self::SelfSigned].into_iter().chain(verified).find(|known| known.to_string() == text)
        {
            return Ok(known);
        }
        let format = text.strip_prefix(UNKNOWN_ROOT).filter(|format| !format.is_empty());
        format.map(|format| Self::UnknownRoot(format.to_owned())).ok_or(OutcomeError)
    }
}

impl From<Outcome> for Trust {
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Outcome::None => Self::None,
            Outcome::SelfSigned => Self::SelfSigned,
            Outcome::Verified(format) => Self::Verified { format: format.word().to_owned() },
            Outcome::UnknownRoot(format) => Self::UnknownRoot { format },
        }
    }
}

#[cfg(test)]
mod tests;
