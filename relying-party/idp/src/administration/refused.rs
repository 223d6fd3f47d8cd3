//! Why something was not done, and the one table to HTTP status.

use crate::access_pass::OptionsError;
use crate::pin_reset;
use crate::sign_in::EnrolError;
use crate::storage;

/// Why something was not done. Its `Display` is a sentence for the administrator.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    /// Whoever asks may not look after this tenant.
    #[error("You are not an administrator of this tenant.")]
    NotAdministrator,
    /// Something about the whole installation.
    #[error("Only administrators of the first tenant may do this.")]
    NotHome,
    /// It is not there, or is another tenant's.
    #[error("There is no such {0} in this tenant.")]
    NotFound(&'static str),
    /// Another has it.
    #[error("This {0} is in use already: choose another one.")]
    Taken(&'static str),
    /// What was typed cannot be; the sentence says why.
    #[error("{0}")]
    Invalid(String),
    /// Nobody could look after the tenant any more.
    #[error("This is the tenant's only enabled administrator: make another one first.")]
    LastAdministrator,
    /// The only administrator could not sign in any more, or not as strongly.
    #[error("The tenant's only administrator signs in with this: add another method first.")]
    LastMethod,
    /// Two administrators are needed, and the user is none of them.
    #[error("You opened this case, or it is about you: another administrator must approve it.")]
    OwnCase,
    /// Two persons are needed; an application is none.
    #[error("A case of the helpdesk is opened and approved by administrators, not by an application.")]
    NotPerson,
    /// Devices are still given this key.
    #[error(
        "Devices are given this key: rotate the keys first, and retire it when devices have wrapped again."
    )]
    CurrentKey,
    /// The keys of the PIN reset service are not at hand here; whoever runs the provider must act.
    #[error("The keys of the PIN reset service cannot be used here: {0}.")]
    ResetKeys(pin_reset::Error),
    /// It comes with the provider, or another tenant registered it.
    #[error("This application was not registered by this tenant and cannot be changed here.")]
    NotYours,
    /// Too much to hash.
    #[error("The service is busy. Try again in a moment.")]
    Busy,
    /// The database.
    #[error("An error occurred in the service. Try again in a moment.")]
    Storage(storage::Error),
}

impl Refused {
    /// The HTTP status.
    #[must_use]
    pub const fn status(&self) -> u16 {
        match self {
            Self::Invalid(_) => 400,
            Self::NotAdministrator | Self::NotHome | Self::NotYours | Self::OwnCase | Self::NotPerson => 403,
            Self::NotFound(_) => 404,
            Self::Taken(_)
            | Self::LastAdministrator
            | Self::LastMethod
            | Self::CurrentKey
            | Self::ResetKeys(_) => 409,
            Self::Busy | Self::Storage(_) => 503,
        }
    }

    /// Tells the operator what the administrator is not told.
    pub fn report(&self) {
        if let Self::Storage(error) = self {
            tracing::error!(%error, "an administrator's request failed");
        } else if let Self::ResetKeys(error) = self {
            tracing::error!(%error, "the keys of the PIN reset service failed");
        }
    }
}

impl From<storage::Error> for Refused {
    fn from(error: storage::Error) -> Self {
        Self::Storage(error)
    }
}

impl From<pin_reset::Error> for Refused {
    fn from(error: pin_reset::Error) -> Self {
        match error {
            pin_reset::Error::Storage(error) => Self::Storage(error),
            pin_reset::Error::NoSuchKey => Self::NotFound("live key"),
            pin_reset::Error::CurrentKey => Self::CurrentKey,
            pin_reset::Error::Sealed(_)
            | pin_reset::Error::Anchor(_)
            | pin_reset::Error::Place(_)
            | pin_reset::Error::Damaged => Self::ResetKeys(error),
        }
    }
}

impl From<EnrolError> for Refused {
    fn from(error: EnrolError) -> Self {
        match error {
            EnrolError::Password(error) => Self::Invalid(format!("{error}.")),
            EnrolError::Pass(error) => error.into(),
            EnrolError::Busy => Self::Busy,
            EnrolError::Storage(error) => Self::Storage(error),
        }
    }
}

impl From<OptionsError> for Refused {
    fn from(error: OptionsError) -> Self {
        Self::Invalid(format!("{error}."))
    }
}

/// What the database says when a name is in use.
pub(super) fn taken(what: &'static str) -> impl Fn(storage::Error) -> Refused {
    move |error| match error {
        storage::Error::Taken => Refused::Taken(what),
        storage::Error::Database(_) | storage::Error::Damaged => Refused::Storage(error),
    }
}
