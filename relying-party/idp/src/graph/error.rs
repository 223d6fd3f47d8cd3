//! Why a request of the API is not carried out, and the one table to Graph's code and HTTP status.

use crate::administration::Refused;
use crate::oauth::Refusal;
use crate::passkeys::PasskeyRefused;
use crate::storage;

/// Why a request is not carried out. Its `Display` is the message.
#[derive(Debug, thiserror::Error)]
pub enum GraphError {
    /// The token.
    #[error("{0}")]
    Token(Refusal),
    /// The caller may not do this, wherever the thing is.
    #[error("Insufficient privileges to complete the operation.")]
    Forbidden,
    /// The user's sign-in is too old or too weak for this.
    #[error("Sign in again with two factors: this needs a proof that is not older than ten minutes.")]
    NotFresh,
    /// There is no such address.
    #[error("Resource not found for the segment.")]
    NoSegment,
    /// There is one, but not with this method.
    #[error("The method is not allowed here.")]
    Method,
    /// It is not there, or is another tenant's.
    #[error(
        "Resource '{0}' does not exist or one of its queried reference-property objects are not present."
    )]
    NotFound(String),
    /// The request is wrong.
    #[error("{0}")]
    BadRequest(String),
    /// The query asks for more than there is.
    #[error("{0}")]
    Unsupported(&'static str),
    /// The core says no.
    #[error("{0}")]
    Refused(Refused),
    /// A passkey is not registered.
    #[error("{0}")]
    Passkey(PasskeyRefused),
}

/// One row of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GraphRow {
    /// The word for programs.
    pub code: &'static str,
    /// The HTTP status.
    pub status: u16,
}

impl GraphError {
    /// The table.
    #[must_use]
    pub fn row(&self) -> GraphRow {
        let (code, status) = match self {
            Self::Token(refusal) => match refusal.row().status {
                401 => ("InvalidAuthenticationToken", 401),
                429 => ("TooManyRequests", 429),
                500.. => ("serviceNotAvailable", 503),
                _ => ("Authorization_RequestDenied", 403),
            },
            Self::Forbidden => ("Authorization_RequestDenied", 403),
            Self::NotFresh => ("Authentication_MFARequired", 403),
            Self::NoSegment => ("BadRequest", 404),
            Self::Method => ("Request_BadRequest", 405),
            Self::NotFound(_) => ("Request_ResourceNotFound", 404),
            Self::BadRequest(_) => ("Request_BadRequest", 400),
            Self::Unsupported(_) => ("Request_UnsupportedQuery", 400),
            Self::Refused(refused) => match refused {
                Refused::Invalid(_) => ("Request_BadRequest", 400),
                Refused::NotAdministrator | Refused::NotHome | Refused::NotYours => {
                    ("Authorization_RequestDenied", 403)
                }
                Refused::OwnCase => ("Authorization_OwnCase", 403),
                Refused::NotPerson => ("Authorization_NotPerson", 403),
                Refused::NotFound(_) => ("Request_ResourceNotFound", 404),
                Refused::Taken(_) => ("ObjectConflict", 409),
                Refused::LastAdministrator
                | Refused::LastMethod
                | Refused::CurrentKey
                | Refused::ResetKeys(_) => ("Request_Conflict", 409),
                Refused::Busy => ("TooManyRequests", 429),
                Refused::Storage(_) => ("serviceNotAvailable", 503),
            },
            Self::Passkey(refused) => match refused {
                PasskeyRefused::NoRelyingParty
                | PasskeyRefused::TooMany
                | PasskeyRefused::Anchors(_)
                | PasskeyRefused::Duplicate => ("Request_Conflict", 409),
                PasskeyRefused::Ceremony
                | PasskeyRefused::Answer(_)
                | PasskeyRefused::NotVerified
                | PasskeyRefused::NotDiscoverable
                | PasskeyRefused::Invalid(_)
                | PasskeyRefused::Policy(_)
                | PasskeyRefused::Name => ("Request_BadRequest", 400),
                PasskeyRefused::Library(_) | PasskeyRefused::Storage(_) => ("serviceNotAvailable", 503),
            },
        };
        GraphRow { code, status }
    }

    /// What the core says about the thing that the caller named `id`.
    pub(super) fn about(refused: Refused, id: &str) -> Self {
        if matches!(refused, Refused::NotFound(_)) { Self::missing(id) } else { refused.into() }
    }

    /// There is nothing of this name, or it is another tenant's. The name comes back without what could be markup.
    pub(super) fn missing(id: &str) -> Self {
        let allowed = |letter: &char| letter.is_ascii_graphic() && !"<>\"'&".contains(*letter);
        Self::NotFound(id.chars().filter(allowed).take(120).collect())
    }

    /// After how many seconds the request may be sent again, if waiting helps.
    #[must_use]
    pub fn retry_after(&self) -> Option<u64> {
        match (self, self.row().status) {
            (Self::Token(refusal), _) => refusal.retry_after(),
            (_, 429 | 503) => Some(5),
            _ => None,
        }
    }

    /// Tells the operator what the caller is not told.
    pub fn report(&self) {
        match self {
            Self::Token(refusal) => refusal.report(),
            Self::Refused(refused) => refused.report(),
            Self::Passkey(error) if self.row().status >= 500 => tracing::error!(?error, "a request failed"),
            Self::Passkey(_)
            | Self::Forbidden
            | Self::NotFresh
            | Self::NoSegment
            | Self::Method
            | Self::NotFound(_)
            | Self::BadRequest(_)
            | Self::Unsupported(_) => {}
        }
    }
}

impl From<Refusal> for GraphError {
    fn from(refusal: Refusal) -> Self {
        Self::Token(refusal)
    }
}

impl From<Refused> for GraphError {
    fn from(refused: Refused) -> Self {
        Self::Refused(refused)
    }
}

impl From<PasskeyRefused> for GraphError {
    fn from(refused: PasskeyRefused) -> Self {
        Self::Passkey(refused)
    }
}

impl From<storage::Error> for GraphError {
    fn from(error: storage::Error) -> Self {
        Self::Refused(Refused::Storage(error))
    }
}
