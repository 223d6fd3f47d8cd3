//! What a ceremony fails with: a `DOMException` by name, and the one table from CTAP statuses to those names.

use std::fmt;

use latchkey_protocol::{ResponseError, Status};

use crate::TransactError;

/// The names that WebAuthn Level 3 lets `create()` and `get()` fail with (§5.1.3, §5.1.4; Web IDL §2.8.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ErrorName {
    /// The page, the browser or the user called the ceremony off while it ran.
    AbortError,
    /// The authenticator cannot do what the relying party insists on.
    ConstraintError,
    /// The authenticator already holds one of the excluded credentials.
    InvalidStateError,
    /// The user refused, time ran out, or nothing here fits; deliberately the same for all (§14.5.1).
    NotAllowedError,
    /// No algorithm, or an extension input, that can be served.
    NotSupportedError,
    /// The origin may not use WebAuthn, or not this RP ID.
    SecurityError,
    /// A string in the options does not have the form its extension asks for.
    SyntaxError,
    /// The options are not options.
    TypeError,
    /// Anything else.
    UnknownError,
}

impl ErrorName {
    /// The name as pages see it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AbortError => "AbortError",
            Self::ConstraintError => "ConstraintError",
            Self::InvalidStateError => "InvalidStateError",
            Self::NotAllowedError => "NotAllowedError",
            Self::NotSupportedError => "NotSupportedError",
            Self::SecurityError => "SecurityError",
            Self::SyntaxError => "SyntaxError",
            Self::TypeError => "TypeError",
            Self::UnknownError => "UnknownError",
        }
    }
}

impl fmt::Display for ErrorName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Why a ceremony gave no credential. The message is for the person at the keyboard and never holds a secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{name}: {message}")]
pub struct DomException {
    /// What the page sees.
    pub name: ErrorName,
    /// What happened and, where something can be done, what to do.
    pub message: String,
}

impl DomException {
    /// An exception of that name.
    pub fn new(name: ErrorName, message: impl Into<String>) -> Self {
        Self { name, message: message.into() }
    }

    pub(crate) fn not_allowed(message: impl Into<String>) -> Self {
        Self::new(ErrorName::NotAllowedError, message)
    }

    pub(crate) fn security(message: impl Into<String>) -> Self {
        Self::new(ErrorName::SecurityError, message)
    }

    pub(crate) fn wrong_type(message: impl Into<String>) -> Self {
        Self::new(ErrorName::TypeError, message)
    }

    pub(crate) fn unknown(message: impl Into<String>) -> Self {
        Self::new(ErrorName::UnknownError, message)
    }
}

impl From<TransactError> for DomException {
    fn from(error: TransactError) -> Self {
        let name = match error {
            TransactError::Cancelled => ErrorName::AbortError,
            // Time running out looks like a refusal: the page must not learn which it was (§14.5.1).
            TransactError::TimedOut => ErrorName::NotAllowedError,
            TransactError::Unreachable(_) => ErrorName::UnknownError,
        };
        Self::new(name, error.to_string())
    }
}

impl From<Status> for DomException {
    fn from(status: Status) -> Self {
        let (name, message) = outcome(status);
        Self::new(name, format!("{message} ({status})."))
    }
}

impl From<ResponseError> for DomException {
    fn from(error: ResponseError) -> Self {
        match error {
            ResponseError::Refused(status) => status.into(),
            ResponseError::Malformed(malformed) => {
                Self::unknown(format!("The authenticator's answer makes no sense: {}.", malformed.what))
            }
        }
    }
}

/// The table: every status of CTAP 2.3 §8.2, and what it means for the ceremony. Statuses are open numbers, so the
/// last row is for those that the specification does not name; [`Status::ALL`] is tested against the rows above it.
fn outcome(status: Status) -> (ErrorName, &'static str) {
    use ErrorName::{
        AbortError, ConstraintError, InvalidStateError, NotAllowedError, NotSupportedError, UnknownError,
    };
    match status {
        Status::CREDENTIAL_EXCLUDED => {
            (InvalidStateError, "This authenticator already holds a passkey for this account")
        }
        Status::UNSUPPORTED_ALGORITHM => {
            (NotSupportedError, "The authenticator supports none of the requested algorithms")
        }
        Status::KEEPALIVE_CANCEL => (AbortError, "The request was cancelled"),
        Status::OPERATION_DENIED => (NotAllowedError, "The user refused"),
        Status::USER_ACTION_TIMEOUT | Status::ACTION_TIMEOUT | Status::TIMEOUT => {
            (NotAllowedError, "Nobody answered the authenticator's question in time")
        }
        Status::NO_CREDENTIALS => {
            (NotAllowedError, "The authenticator holds no fitting passkey for this site")
        }
        Status::PIN_INVALID | Status::UV_INVALID => {
            (NotAllowedError, "User verification failed: that was not the PIN")
        }
        Status::PIN_BLOCKED => (
            NotAllowedError,
            "The PIN is blocked after too many wrong tries; only resetting the authenticator helps, which deletes its passkeys",
        ),
        Status::PIN_AUTH_BLOCKED | Status::UV_BLOCKED => {
            (NotAllowedError, "Too many wrong PINs in a row; restart Latchkey and try again")
        }
        Status::PIN_NOT_SET => (NotAllowedError, "No PIN is set; run `latchkey pin set`"),
        Status::PIN_POLICY_VIOLATION => {
            (NotAllowedError, "The PIN must be changed first; run `latchkey pin change`")
        }
        Status::PIN_AUTH_INVALID
        | Status::PUAT_REQUIRED
        | Status::UNAUTHORIZED_PERMISSION
        | Status::UP_REQUIRED
        | Status::NOT_ALLOWED => (NotAllowedError, "The authenticator does not allow this"),
        Status::KEY_STORE_FULL => {
            (ConstraintError, "The authenticator has no room for another passkey; delete one")
        }
        Status::UNSUPPORTED_OPTION => {
            (ConstraintError, "The authenticator lacks an option that the site requires")
        }
        Status::LIMIT_EXCEEDED | Status::REQUEST_TOO_LARGE => {
            (UnknownError, "The request is larger than the authenticator takes")
        }
        Status::OK
        | Status::INVALID_COMMAND
        | Status::INVALID_PARAMETER
        | Status::INVALID_LENGTH
        | Status::INVALID_SEQ
        | Status::CHANNEL_BUSY
        | Status::LOCK_REQUIRED
        | Status::INVALID_CHANNEL
        | Status::CBOR_UNEXPECTED_TYPE
        | Status::INVALID_CBOR
        | Status::MISSING_PARAMETER
        | Status::FP_DATABASE_FULL
        | Status::LARGE_BLOB_STORAGE_FULL
        | Status::PROCESSING
        | Status::INVALID_CREDENTIAL
        | Status::USER_ACTION_PENDING
        | Status::OPERATION_PENDING
        | Status::NO_OPERATIONS
        | Status::INVALID_OPTION
        | Status::INTEGRITY_FAILURE
        | Status::INVALID_SUBCOMMAND
        | Status::OTHER
        | Status::SPEC_LAST
        | Status::EXTENSION_FIRST
        | Status::EXTENSION_LAST
        | Status::VENDOR_FIRST
        | Status::VENDOR_LAST => (UnknownError, "The authenticator failed"),
        Status(_) => (UnknownError, "The authenticator answered with a status that CTAP does not name"),
    }
}

#[cfg(test)]
mod tests;
