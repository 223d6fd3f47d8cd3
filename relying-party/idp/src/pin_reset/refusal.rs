//! Every reason for which the service says no, its stable code, HTTP status and sentence: one total table.

use std::time::Duration;

use super::Error;
use crate::storage;

/// Why a request was refused. Its `Display` is a sentence that says who must do what.
#[derive(Debug, thiserror::Error)]
pub enum ResetRefusal {
    /// The request, or a part of it, is not what it must be.
    #[error("{0} is missing or malformed.")]
    Malformed(&'static str),
    /// Nobody has this tenant.
    #[error("There is no such tenant.")]
    UnknownTenant,
    /// The service, or something that it needs, does not work.
    #[error("An error occurred in the service. Try again in a moment.")]
    Unavailable(#[from] Error),
}

/// One line of the table.
struct Row {
    code: &'static str,
    status: u16,
}

impl ResetRefusal {
    const fn row(&self) -> Row {
        let (code, status) = match self {
            Self::Malformed(_) => ("malformed_request", 400),
            Self::UnknownTenant => ("tenant_unknown", 400),
            Self::Unavailable(_) => ("unavailable", 503),
        };
        Row { code, status }
    }

    /// The word that stands for it in answers, in events and in the audit log. It never changes.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        self.row().code
    }

    /// The HTTP status.
    #[must_use]
    pub const fn status(&self) -> u16 {
        self.row().status
    }

    /// When to try again.
    #[must_use]
    pub const fn retry_after(&self) -> Option<Duration> {
        None
    }

    /// Tells the operator what the device is not told.
    pub fn report(&self) {
        if let Self::Unavailable(error) = self {
            tracing::error!(%error, "the PIN reset service could not answer");
        }
    }
}

impl From<storage::Error> for ResetRefusal {
    fn from(error: storage::Error) -> Self {
        Self::Unavailable(error.into())
    }
}
