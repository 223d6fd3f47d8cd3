//! Every reason for which the service says no, its stable code, HTTP status and sentence: one total table.

use std::time::Duration;

use super::Error;
use super::place::PlaceError;
use crate::devices::DeviceRefusal;
use crate::domain::DeviceId;
use crate::limits::Locked;
use crate::oauth::Refusal;
use crate::storage;

/// How long to wait when every place is taken.
const BUSY: Duration = Duration::from_secs(5);

/// Why a request was refused. Its `Display` is a sentence that says who must do what.
#[derive(Debug, thiserror::Error)]
pub enum ResetRefusal {
    /// The request, or a part of it, is not what it must be.
    #[error("{0} is missing or malformed.")]
    Malformed(&'static str),
    /// Nobody has this tenant.
    #[error("There is no such tenant.")]
    UnknownTenant,

    // Who asks.
    /// No token, or none that we made, or an expired one.
    #[error("The access token is missing, wrong or expired: sign in again.")]
    Token,
    /// The token was made for another service.
    #[error("The access token is for another service.")]
    TokenAudience,
    /// The token was made for another program.
    #[error("The access token was given to another application than the PIN reset.")]
    TokenClient,
    /// The sign-in behind the token was taken back.
    #[error("The sign-in was revoked: sign in again.")]
    TokenRevoked,
    /// One factor, or factors that are not fresh enough for `ngcmfa`.
    #[error("Sign in with two factors.")]
    NoMultifactor,
    /// The factors were proved too long ago.
    #[error("The sign-in is older than ten minutes: sign in again.")]
    StaleMultifactor,
    /// The sign-in was by the key whose PIN was forgotten.
    #[error("Sign in with another method than the PIN that is to be reset.")]
    HelloKey,
    /// The helpdesk's code is wrong, used, or too old.
    #[error("The helpdesk's code is wrong, used or expired: ask the helpdesk for another one.")]
    HelpdeskCode,
    /// The user's account is disabled.
    #[error("The account is disabled. An administrator can enable it.")]
    UserDisabled,
    /// A token's check did not come to an end.
    #[error("An error occurred in the service. Try again in a moment.")]
    Provider(Refusal),

    // What the device signed.
    /// The device is not believed.
    #[error("{0}")]
    Device(DeviceRefusal),
    /// The request was meant for another service.
    #[error("The device's request is for another address than this service's.")]
    RequestAudience,
    /// The token, the helpdesk's case or the registration is of another device.
    #[error("The sign-in or the helpdesk's case is for another device, or the device is another user's.")]
    OtherDevice,
    /// A token resets a PIN, a helpdesk's code sets the count back, and neither does the other's.
    #[error("This authorization does not allow what the device asks for.")]
    WrongPurpose,
    /// The nonce was used, is too old, or was never ours.
    #[error("The request's nonce is unknown, used or expired: get a new one and sign again.")]
    Nonce,
    /// The device signed for another envelope.
    #[error("The device's request is about another envelope than the one that came with it.")]
    OtherEnvelope,

    // The envelope.
    /// It names another tenant.
    #[error("The envelope is of another tenant.")]
    EnvelopeOfTenant,
    /// It names another user.
    #[error("The envelope is of another user.")]
    EnvelopeOfUser,
    /// It names another device.
    #[error("The envelope is of another device.")]
    EnvelopeOfDevice,
    /// The tenant does not let people reset their PINs.
    #[error(
        "Your organization does not allow a PIN reset that keeps your keys. An administrator can allow it."
    )]
    PolicyOff,
    /// A rule forbids it to this user.
    #[error("You may not reset your PIN here. An administrator can allow it.")]
    Forbidden,
    /// The service never had this key.
    #[error("The envelope was made for a key that this service does not have.")]
    UnknownKey,
    /// An administrator retired the key.
    #[error("The envelope was made for a key that was retired: it cannot be opened any more.")]
    RetiredKey,
    /// A point is not on the curve, or the point at infinity, or written in another way.
    #[error("{0} is not a point of P-256, uncompressed.")]
    Point(&'static str),
    /// The part does not open: it was changed, or taken out of another envelope.
    #[error(
        "The envelope does not open: it was changed, or made for another purpose, device, container or protector."
    )]
    NotOpened,

    // How often.
    /// The user had three in an hour.
    #[error("Too many PIN resets: try again in {} minutes.", minutes(*.0))]
    TooMany(Locked),
    /// The service had too many.
    #[error("Too many PIN resets at once: try again in a moment.")]
    Flood(Locked),
    /// Every place that works with keys is taken.
    #[error("The service is busy. Try again in a moment.")]
    Busy,
    /// The service, or something that it needs, does not work.
    #[error("An error occurred in the service. Try again in a moment.")]
    Unavailable(#[from] Error),
}

fn minutes(locked: Locked) -> u64 {
    locked.retry_after.as_secs().div_ceil(60)
}

impl ResetRefusal {
    /// Code and status.
    const fn row(&self) -> (&'static str, u16) {
        match self {
            Self::Malformed(_) => ("malformed_request", 400),
            Self::UnknownTenant => ("tenant_unknown", 400),
            Self::Token => ("token_invalid", 401),
            Self::TokenAudience => ("token_audience", 401),
            Self::TokenRevoked => ("token_revoked", 401),
            Self::TokenClient => ("token_client", 403),
            Self::NoMultifactor => ("mfa_required", 403),
            Self::StaleMultifactor => ("mfa_stale", 403),
            Self::HelloKey => ("hello_key_not_allowed", 403),
            Self::HelpdeskCode => ("helpdesk_code_invalid", 401),
            Self::UserDisabled => ("user_disabled", 403),
            Self::Device(refusal) => device(refusal),
            Self::RequestAudience => ("request_audience", 400),
            Self::OtherDevice => ("device_mismatch", 403),
            Self::WrongPurpose => ("purpose_not_allowed", 403),
            Self::Nonce => ("nonce_invalid", 400),
            Self::OtherEnvelope => ("envelope_not_signed", 400),
            Self::EnvelopeOfTenant => ("envelope_tenant", 403),
            Self::EnvelopeOfUser => ("envelope_user", 403),
            Self::EnvelopeOfDevice => ("envelope_device", 403),
            Self::PolicyOff => ("policy_disabled", 403),
            Self::Forbidden => ("user_forbidden", 403),
            Self::UnknownKey => ("key_unknown", 400),
            Self::RetiredKey => ("key_retired", 403),
            Self::Point(_) => ("point_invalid", 400),
            Self::NotOpened => ("envelope_not_opened", 400),
            Self::TooMany(_) => ("rate_limited", 429),
            Self::Flood(_) => ("flood", 429),
            Self::Busy => ("busy", 503),
            Self::Provider(_) | Self::Unavailable(_) => ("unavailable", 503),
        }
    }

    /// The word that stands for it in answers, in events and in the audit log. It never changes.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        self.row().0
    }

    /// The HTTP status.
    #[must_use]
    pub const fn status(&self) -> u16 {
        self.row().1
    }

    /// When to try again.
    #[must_use]
    pub const fn retry_after(&self) -> Option<Duration> {
        if let Self::TooMany(locked) | Self::Flood(locked) = self {
            return Some(locked.retry_after);
        }
        if matches!(self, Self::Busy) { Some(BUSY) } else { None }
    }

    /// The device that proved to be itself and is not let in all the same, for logs.
    pub(super) fn device(&self) -> Option<DeviceId> {
        if let Self::Device(refusal) = self { refusal.device().map(|(_, device)| device) } else { None }
    }

    /// Tells the operator what the device is not told.
    pub fn report(&self) {
        if let Self::Unavailable(error) = self {
            tracing::error!(%error, "the PIN reset service could not answer");
        }
        if let Self::Provider(refusal) = self {
            refusal.report();
        }
    }
}

/// The lines of the table that are about devices.
const fn device(refusal: &DeviceRefusal) -> (&'static str, u16) {
    match refusal {
        DeviceRefusal::Malformed(_) => ("request_malformed", 400),
        DeviceRefusal::Certificate => ("device_certificate", 403),
        DeviceRefusal::Expired => ("device_certificate_expired", 403),
        DeviceRefusal::Signature => ("request_signature", 403),
        DeviceRefusal::Unknown => ("device_unknown", 403),
        DeviceRefusal::Disabled(..) | DeviceRefusal::KeyDeviceDisabled => ("device_disabled", 403),
        DeviceRefusal::Storage(_) => ("unavailable", 503),
    }
}

impl From<storage::Error> for ResetRefusal {
    fn from(error: storage::Error) -> Self {
        Self::Unavailable(error.into())
    }
}

impl From<PlaceError> for ResetRefusal {
    fn from(error: PlaceError) -> Self {
        Self::Unavailable(error.into())
    }
}

impl From<DeviceRefusal> for ResetRefusal {
    fn from(refusal: DeviceRefusal) -> Self {
        if let DeviceRefusal::Storage(error) = refusal { error.into() } else { Self::Device(refusal) }
    }
}
