//! Why a message was refused.

use crate::Status;

/// A message, or a part of one, that does not have the form the specification gives it.
///
/// `status` is what an authenticator answers when the message was a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("malformed message ({status}): {what}")]
pub struct Malformed {
    /// The status byte that says so on the wire.
    pub status: Status,
    /// The part that is wrong, in plain words; never a value from the message.
    pub what: &'static str,
}

impl Malformed {
    /// A refusal with the status it has on the wire.
    #[must_use]
    pub const fn new(status: Status, what: &'static str) -> Self {
        Self { status, what }
    }

    pub(crate) const fn cbor(what: &'static str) -> Self {
        Self::new(Status::INVALID_CBOR, what)
    }

    pub(crate) const fn unexpected_type(what: &'static str) -> Self {
        Self::new(Status::CBOR_UNEXPECTED_TYPE, what)
    }

    pub(crate) const fn missing(what: &'static str) -> Self {
        Self::new(Status::MISSING_PARAMETER, what)
    }

    pub(crate) const fn length(what: &'static str) -> Self {
        Self::new(Status::INVALID_LENGTH, what)
    }

    pub(crate) const fn parameter(what: &'static str) -> Self {
        Self::new(Status::INVALID_PARAMETER, what)
    }
}

/// Why a response gives no result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ResponseError {
    /// The authenticator answered with a status other than success.
    #[error("the authenticator answered {0}")]
    Refused(Status),
    /// The authenticator's answer is not a response to this command.
    #[error(transparent)]
    Malformed(#[from] Malformed),
}
