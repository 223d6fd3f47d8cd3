//! Why a command fails, and the one table from reasons to CTAP status bytes (CTAP 2.3 §8.2).

use latchkey_container::{Error as ContainerError, StorageError, StorageProblem};
use latchkey_protocol::{Malformed, Status};

use crate::biometrics::ServiceError;

/// Why a command fails. The peer learns only the status; two reasons may share one on purpose.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    #[error(transparent)]
    Malformed(#[from] Malformed),
    #[error("the subcommand is not implemented")]
    UnknownSubCommand,
    #[error("a mandatory parameter is missing")]
    MissingParameter,
    #[error("a parameter has a value that makes no sense")]
    BadParameter,
    #[error("the PIN/UV auth protocol is not supported")]
    UnsupportedProtocol,
    #[error("a list is longer than getInfo allows")]
    ListTooLong,
    #[error("none of the algorithms is supported")]
    UnsupportedAlgorithm,
    #[error("the option's value is not possible")]
    InvalidOption,
    #[error("the option is not supported")]
    UnsupportedOption,
    #[error("a pinUvAuthToken is needed")]
    TokenRequired,
    #[error("the pinUvAuthParam, the token or its permissions do not fit")]
    TokenRefused,
    #[error("the permission is not supported")]
    PermissionUnsupported,
    #[error("a PIN is set already")]
    PinAlreadySet,
    #[error("no PIN is set")]
    PinNotSet,
    #[error("the PIN is wrong; {tries_left} tries left")]
    PinMismatch { tries_left: u8 },
    /// The answer to a zero-length pinUvAuthParam: `PIN_INVALID` tells an old platform that there is a PIN to
    /// ask for.
    #[error("a PIN is set")]
    PinIsSet,
    /// getPinToken calls it a wrong one (§6.5.5.7.1 step 11), the newer subcommands a violation of the policy.
    #[error("the PIN must be changed first")]
    PinMustChange,
    #[error("too many wrong PINs since power-up")]
    PinBlockedUntilPowerUp,
    #[error("the PIN is blocked for good")]
    PinBlocked,
    #[error("the new PIN does not satisfy the policy")]
    PinPolicy,
    #[error("built-in user verification is not configured")]
    GestureNotConfigured,
    #[error("built-in user verification is blocked")]
    GestureBlocked,
    #[error("the gesture was not recognised")]
    GestureInvalid,
    #[error("no matching passkey")]
    NoCredentials,
    #[error("a passkey of the exclude list is here")]
    Excluded,
    #[error("no room for another passkey")]
    StoreFull,
    #[error("a fragment is longer than maxMsgSize − 64")]
    FragmentTooLong,
    #[error("the large-blob array is longer than getInfo allows")]
    ArrayTooLong,
    #[error("no fragment is expected at this place")]
    WrongFragment,
    #[error("the large-blob array does not end in its own hash")]
    BrokenArray,
    #[error("the user declined")]
    Denied,
    #[error("the user did not answer in time")]
    TimedOut,
    #[error("the platform cancelled")]
    Cancelled,
    #[error("there is nothing to continue on this channel")]
    NothingPending,
    #[error("reset is possible only shortly after power-up")]
    ResetWindowClosed,
    #[error("there is no sensor for fingers")]
    NoSensor,
    #[error("no such finger is enrolled")]
    NoEnrolment,
    #[error("as many fingers are enrolled as the sensor can know")]
    FingerprintsFull,
    #[error("the name is longer than getFingerprintSensorInfo allows")]
    NameTooLong,
    #[error("the sensor gave up")]
    SensorFailed,
    #[error(transparent)]
    BiometricService(#[from] ServiceError),
    #[error("a certificate cannot be written: {0}")]
    Certificate(#[from] x509_cert::builder::Error),
    #[error(transparent)]
    Container(#[from] ContainerError),
}

impl Failure {
    /// The table. It has no `_`: a new reason must say what its status is.
    pub(crate) fn status(&self) -> Status {
        match self {
            Self::Malformed(malformed) => malformed.status,
            Self::UnknownSubCommand => Status::INVALID_SUBCOMMAND,
            Self::MissingParameter => Status::MISSING_PARAMETER,
            Self::BadParameter | Self::UnsupportedProtocol => Status::INVALID_PARAMETER,
            Self::ListTooLong => Status::LIMIT_EXCEEDED,
            Self::UnsupportedAlgorithm => Status::UNSUPPORTED_ALGORITHM,
            // NoEnrolment: §6.7.6 to §6.7.8.
            Self::InvalidOption | Self::NoEnrolment => Status::INVALID_OPTION,
            Self::UnsupportedOption => Status::UNSUPPORTED_OPTION,
            Self::TokenRequired => Status::PUAT_REQUIRED,
            // setPIN with a PIN set: §6.5.5.5 step 3.
            Self::TokenRefused | Self::PinAlreadySet => Status::PIN_AUTH_INVALID,
            Self::PermissionUnsupported => Status::UNAUTHORIZED_PERMISSION,
            Self::PinNotSet => Status::PIN_NOT_SET,
            Self::PinMismatch { .. } | Self::PinIsSet | Self::PinMustChange => Status::PIN_INVALID,
            Self::PinBlockedUntilPowerUp => Status::PIN_AUTH_BLOCKED,
            Self::PinBlocked => Status::PIN_BLOCKED,
            Self::PinPolicy => Status::PIN_POLICY_VIOLATION,
            Self::GestureBlocked => Status::UV_BLOCKED,
            Self::GestureInvalid => Status::UV_INVALID,
            Self::NoCredentials => Status::NO_CREDENTIALS,
            Self::Excluded => Status::CREDENTIAL_EXCLUDED,
            Self::StoreFull => Status::KEY_STORE_FULL,
            Self::FragmentTooLong | Self::NameTooLong => Status::INVALID_LENGTH,
            Self::ArrayTooLong => Status::LARGE_BLOB_STORAGE_FULL,
            Self::WrongFragment => Status::INVALID_SEQ,
            Self::BrokenArray => Status::INTEGRITY_FAILURE,
            Self::Denied => Status::OPERATION_DENIED,
            Self::TimedOut => Status::USER_ACTION_TIMEOUT,
            Self::Cancelled => Status::KEEPALIVE_CANCEL,
            Self::GestureNotConfigured | Self::NothingPending | Self::ResetWindowClosed => {
                Status::NOT_ALLOWED
            }
            // Without a sensor the command does not exist (§6.7.1).
            Self::NoSensor => Status::INVALID_COMMAND,
            Self::FingerprintsFull => Status::FP_DATABASE_FULL,
            Self::SensorFailed | Self::BiometricService(_) | Self::Certificate(_) => Status::OTHER,
            Self::Container(error) => container_status(error),
        }
    }
}

/// What the container's refusals are on the wire. What only the operator of the machine can mend is OTHER:
/// the peer can do nothing about it, and the daemon logs the reason.
const fn container_status(error: &ContainerError) -> Status {
    match error {
        ContainerError::WrongPin { .. } => Status::PIN_INVALID,
        // PinLost: somebody removed the PIN from the TPM, and as after too many wrong tries only a reset
        // helps.
        ContainerError::PinBlocked | ContainerError::PinLost => Status::PIN_BLOCKED,
        ContainerError::NoPin => Status::PIN_NOT_SET,
        ContainerError::PinRefused(_) | ContainerError::PinOverdue(_) => Status::PIN_POLICY_VIOLATION,
        // Stale: the PIN changed behind the token's back, and "all existing pinUvAuthTokens are invalidated"
        // (§6.5.5.6).
        ContainerError::PinAlreadySet | ContainerError::Stale => Status::PIN_AUTH_INVALID,
        ContainerError::GestureNeeded => Status::PUAT_REQUIRED,
        ContainerError::UnknownPasskey => Status::NO_CREDENTIALS,
        // The dictionary-attack lockout of the TPM passes: what CTAP calls "a power cycle is needed" comes
        // closest.
        ContainerError::TpmLockedOut => Status::PIN_AUTH_BLOCKED,
        ContainerError::Storage(StorageError { problem: StorageProblem::Full, .. }) => Status::KEY_STORE_FULL,
        ContainerError::Storage(StorageError {
            problem: StorageProblem::ReadOnly | StorageProblem::Damaged | StorageProblem::Other(_),
            ..
        })
        // Compartments and recovery are no part of CTAP.
        | ContainerError::UnknownCompartment
        | ContainerError::NoDeviceKeys
        | ContainerError::NoEnterpriseKey
        | ContainerError::NoRecoveryProtector
        | ContainerError::PinNeeded
        | ContainerError::TemplateNotEnrolled
        | ContainerError::StaleRecovery
        | ContainerError::WrongRecoveryAnswer
        | ContainerError::BadRecoveryKey
        | ContainerError::Missing { .. }
        | ContainerError::Exists { .. }
        | ContainerError::InUse { .. }
        | ContainerError::TpmRequired
        | ContainerError::OtherTpm
        | ContainerError::SlotTaken { .. }
        | ContainerError::Tpm(_)
        | ContainerError::Memory { .. }
        | ContainerError::TooNew { .. }
        | ContainerError::Damaged { .. } => Status::OTHER,
    }
}

#[cfg(test)]
mod tests;
