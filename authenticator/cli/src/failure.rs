//! Why a command did not do it, and the one table from there to the exit code.

use std::fmt;

use latchkey_container::Error as ContainerError;
use latchkey_ctap::PinRefused;
use serde::{Deserialize, Serialize};

/// What kind of trouble; the same words go over the control socket, into `--json` and to the exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FailureKind {
    /// The user or a rule said no, or the command could not do it for a reason without a kind of its own.
    Refused,
    /// The command was given wrongly.
    Usage,
    /// There is no container.
    NoContainer,
    /// The PIN is wrong.
    WrongPin,
    /// No try is left, or the TPM is locked out.
    PinBlocked,
    /// The TPM does not answer as it should.
    Tpm,
    /// The disk does not take or give what it should.
    Storage,
    /// Another program holds the container.
    InUse,
    /// Something comes first: join, provision, or sign in.
    NotSignedIn,
    /// The identity provider says no, or something that must not be believed.
    Provider,
    /// The identity provider cannot be reached.
    Unreachable,
}

impl FailureKind {
    /// The total table of exit codes.
    pub const fn exit_code(self) -> u8 {
        match self {
            Self::Refused => 1,
            Self::Usage => 2,
            Self::NoContainer => 3,
            Self::WrongPin => 4,
            Self::PinBlocked => 5,
            Self::Tpm => 6,
            Self::Storage => 7,
            Self::InUse => 8,
            Self::NotSignedIn => 9,
            Self::Provider => 10,
            Self::Unreachable => 11,
        }
    }
}

/// Kind, text for people that says what to do, and the tries left where the PIN was wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// What kind of trouble.
    pub kind: FailureKind,
    /// What happened and what to do.
    pub message: String,
    /// Tries left after a wrong PIN.
    pub tries_left: Option<u8>,
}

impl Failure {
    /// A failure that has nothing to do with tries.
    pub fn new(kind: FailureKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), tries_left: None }
    }

    /// A file, socket or process that does not work.
    pub fn io(what: impl fmt::Display, error: &std::io::Error) -> Self {
        Self::new(FailureKind::Storage, format!("{what}: {error}"))
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Failure {}

impl From<PinRefused> for Failure {
    fn from(refused: PinRefused) -> Self {
        match refused {
            PinRefused::Container(error) => error.into(),
            PinRefused::NeedsPowerUp => Self::new(FailureKind::PinBlocked, refused.to_string()),
        }
    }
}

/// The total table of what the container's errors are for the one who typed the command.
impl From<ContainerError> for Failure {
    fn from(error: ContainerError) -> Self {
        let (kind, tries_left) = match &error {
            ContainerError::WrongPin { tries_left } => (FailureKind::WrongPin, Some(*tries_left)),
            ContainerError::PinBlocked => (FailureKind::PinBlocked, Some(0)),
            ContainerError::TpmLockedOut => (FailureKind::PinBlocked, None),
            ContainerError::PinRefused(_)
            | ContainerError::PinOverdue(_)
            | ContainerError::NoPin
            | ContainerError::PinAlreadySet
            | ContainerError::Stale
            | ContainerError::GestureNeeded
            | ContainerError::UnknownPasskey
            | ContainerError::UnknownCompartment
            | ContainerError::NoDeviceKeys
            | ContainerError::NoEnterpriseKey
            | ContainerError::NoRecoveryProtector
            | ContainerError::PinNeeded
            | ContainerError::TemplateNotEnrolled
            | ContainerError::StaleRecovery
            | ContainerError::WrongRecoveryAnswer
            | ContainerError::BadRecoveryKey
            | ContainerError::Exists { .. }
            | ContainerError::Memory { .. } => (FailureKind::Refused, None),
            ContainerError::Missing { .. } => (FailureKind::NoContainer, None),
            ContainerError::InUse { .. } => (FailureKind::InUse, None),
            ContainerError::TpmRequired
            | ContainerError::OtherTpm
            | ContainerError::PinLost
            | ContainerError::SlotTaken { .. }
            | ContainerError::Tpm(_) => (FailureKind::Tpm, None),
            ContainerError::Storage(_) | ContainerError::TooNew { .. } | ContainerError::Damaged { .. } => {
                (FailureKind::Storage, None)
            }
        };
        Self { kind, message: error.to_string(), tries_left }
    }
}
