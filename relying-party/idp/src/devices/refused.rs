//! Why the registration service says no, and the one table to words and HTTP status.

use super::attestation::AttestationFault;
use super::{AuthorityError, DeviceRefusal};
use crate::domain::{DeviceId, TenantId};
use crate::oauth::Refusal;
use crate::{pin_reset, storage};

/// Why a request to the device registration service was not carried out. Its `Display` says what to do.
#[derive(Debug, thiserror::Error)]
pub enum RegistrationRefusal {
    /// The access token.
    #[error("The access token is not good for the device registration service: {0}")]
    Token(Refusal),
    /// The tenant of the request is not there.
    #[error("There is no such tenant.")]
    Tenant,
    /// The request is not what the protocol says.
    #[error("The request is malformed: {0}.")]
    Malformed(&'static str),
    /// The tenant does not let this user register devices.
    #[error("The organisation does not let you register devices. An administrator can change that.")]
    NotAllowed,
    /// One factor only.
    #[error("Two factors are needed: sign in again with a passkey, or with your password and a code.")]
    Multifactor,
    /// Two factors, too long ago.
    #[error("Two factors must have been shown within the last ten minutes: sign in again.")]
    Stale,
    /// As many devices as the tenant allows.
    #[error("You have as many devices as your organisation allows ({0}): remove one first.")]
    Quota(u32),
    /// Who asks does not hold the key.
    #[error("The certificate request is not signed by the key that it is for.")]
    Possession,
    /// A key that cannot be used.
    #[error("The {0} must be an RSA key of 2048 to 4096 bits.")]
    Key(&'static str),
    /// The key is somebody else's.
    #[error("This key is registered already, for another user or device: make a new one.")]
    KeyTaken,
    /// A nonce that is unknown, used or too old.
    #[error("The nonce was used before, is too old, or was never given: ask for a new one.")]
    Nonce,
    /// Signed for something else.
    #[error("The device's request was signed for something else.")]
    Purpose,
    /// The attestation does not hold.
    #[error("The attestation does not hold: {0}.")]
    Attestation(AttestationFault),
    /// The tenant wants more to be known about the keys.
    #[error("The organisation wants the keys to be in a TPM that it can verify: {0}.")]
    AttestationRequired(&'static str),
    /// The tenant has switched Hello off.
    #[error("The organisation does not let you sign in with a gesture. An administrator can change that.")]
    HelloDisabled,
    /// Nothing says which device it is about.
    #[error("Neither the access token nor the request says which device it is: sign in on the device.")]
    NoDevice,
    /// Token and request, or request and path, name two devices.
    #[error("The request is about another device than the one that sent it.")]
    OtherDevice,
    /// The device is not believed.
    #[error("{0}")]
    Device(DeviceRefusal),
    /// There is no such device.
    #[error("There is no such device.")]
    NotFound,

    /// We could not.
    #[error("An error occurred in the service. Try again in a moment.")]
    Storage(storage::Error),
    /// We could not.
    #[error("An error occurred in the service. Try again in a moment.")]
    Authority(AuthorityError),
    /// We could not.
    #[error("An error occurred in the service. Try again in a moment.")]
    PinReset(pin_reset::Error),
}

/// One row of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RegistrationRow {
    /// A stable word for programs and logs.
    pub code: &'static str,
    /// The kind (MS-DVRJ 2.2.2.3, `ErrorType`).
    pub kind: &'static str,
    /// The HTTP status.
    pub status: u16,
}

impl RegistrationRefusal {
    /// The table.
    #[must_use]
    pub const fn row(&self) -> RegistrationRow {
        let (code, kind, status) = match self {
            Self::Token(_) => ("invalid_token", "AuthenticationError", 401),
            Self::Tenant => ("tenant_not_found", "DirectoryError", 404),
            Self::Malformed(_) => ("invalid_request", "InvalidRequest", 400),
            Self::NotAllowed => ("registration_not_allowed", "AuthorizationError", 403),
            Self::Multifactor => ("multifactor_required", "AuthorizationError", 403),
            Self::Stale => ("multifactor_stale", "AuthorizationError", 403),
            Self::Quota(_) => ("device_quota_exceeded", "DeviceQuotaExceeded", 403),
            Self::Possession => ("possession_not_proven", "InvalidRequest", 400),
            Self::Key(_) => ("invalid_key", "InvalidRequest", 400),
            Self::KeyTaken => ("key_in_use", "DirectoryError", 409),
            Self::Nonce => ("invalid_nonce", "InvalidRequest", 400),
            Self::Purpose => ("invalid_audience", "InvalidRequest", 400),
            Self::Attestation(fault) => (fault.word(), "AttestationError", 400),
            Self::AttestationRequired(_) => ("attestation_required", "AttestationError", 403),
            Self::HelloDisabled => ("hello_disabled", "AuthorizationError", 403),
            Self::NoDevice => ("device_missing", "DeviceNotFound", 400),
            Self::OtherDevice => ("other_device", "AuthorizationError", 403),
            Self::Device(refusal) => (refusal.word(), "DeviceAuthenticationError", 401),
            Self::NotFound => ("device_not_found", "DeviceNotFound", 404),
            Self::Storage(_) | Self::Authority(_) | Self::PinReset(_) => {
                ("service_error", "ServiceError", 503)
            }
        };
        RegistrationRow { code, kind, status }
    }

    /// The device that proved to be itself and is not let in all the same, for logs.
    #[must_use]
    pub const fn device(&self) -> Option<(TenantId, DeviceId)> {
        if let Self::Device(refusal) = self { refusal.device() } else { None }
    }

    /// Tells the operator what the peer is not told.
    pub fn report(&self) {
        if self.row().status >= 500 {
            tracing::error!(error = ?self, "a request to the registration service failed");
        }
    }
}

impl From<storage::Error> for RegistrationRefusal {
    fn from(error: storage::Error) -> Self {
        Self::Storage(error)
    }
}

impl From<AuthorityError> for RegistrationRefusal {
    fn from(error: AuthorityError) -> Self {
        if let AuthorityError::Storage(error) = error { Self::Storage(error) } else { Self::Authority(error) }
    }
}

impl From<pin_reset::Error> for RegistrationRefusal {
    fn from(error: pin_reset::Error) -> Self {
        Self::PinReset(error)
    }
}

impl From<DeviceRefusal> for RegistrationRefusal {
    fn from(refusal: DeviceRefusal) -> Self {
        if let DeviceRefusal::Storage(error) = refusal { Self::Storage(error) } else { Self::Device(refusal) }
    }
}

impl From<Refusal> for RegistrationRefusal {
    fn from(refusal: Refusal) -> Self {
        if let Refusal::Storage(error) = refusal { Self::Storage(error) } else { Self::Token(refusal) }
    }
}

impl From<AttestationFault> for RegistrationRefusal {
    fn from(fault: AttestationFault) -> Self {
        Self::Attestation(fault)
    }
}
