//! Why the container did not do it, and who must act.

use std::path::PathBuf;

use crate::pin::{PinOverdue, PinRefusal};
use crate::tpm::TpmError;

/// Everything that can go wrong at the container's boundary. [`Error::responsible`] says who must act.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The PIN was wrong; the device has counted the try.
    #[error("wrong PIN; {tries_left} tries left")]
    WrongPin {
        /// Tries that are left, at least one.
        tries_left: u8,
    },
    /// No try is left.
    #[error(
        "the PIN is blocked after too many wrong tries; where a PIN reset is set up (`latchkey status`), `latchkey pin reset` sets a new PIN and keeps every passkey; otherwise only a reset of the authenticator or `latchkey container destroy` helps, and both delete its passkeys"
    )]
    PinBlocked,
    /// A new PIN breaks a rule of an organisation or of this machine's administrator.
    #[error("{0}")]
    PinRefused(PinRefusal),
    /// The PIN is right and opens nothing before it is changed.
    #[error("your PIN must be changed first ({0}): `latchkey pin change`")]
    PinOverdue(PinOverdue),
    /// The container has no PIN yet.
    #[error("no PIN is set; set one with `latchkey pin set`")]
    NoPin,

    /// [`crate::Container::set_pin`] on a container that has a PIN.
    #[error("a PIN is set already; change it with `latchkey pin change`")]
    PinAlreadySet,
    /// The evidence of user verification is older than the last change of the PIN.
    #[error("the container was unlocked before its PIN changed; unlock it again")]
    Stale,
    /// A passkey that needs a gesture was to be made or used without one.
    #[error("this passkey needs your PIN or a biometric gesture")]
    GestureNeeded,
    /// No passkey with this credential ID.
    #[error("there is no such passkey")]
    UnknownPasskey,

    /// No compartment of this name.
    #[error("the container knows no such organisation; join it with `latchkey device join`")]
    UnknownCompartment,
    /// The compartment has no device keys.
    #[error("this device is not registered with the organisation; register it with `latchkey device join`")]
    NoDeviceKeys,
    /// The compartment has no enterprise key.
    #[error("there is no enterprise key for this organisation; make one with `latchkey device provision`")]
    NoEnterpriseKey,
    /// The compartment has no PIN reset protector.
    #[error(
        "no PIN reset is set up for this organisation; it is made at an unlocking with the PIN once the organisation's policy allows it, so a PIN that is forgotten now can only be given up with `latchkey pin reset --destructive`"
    )]
    NoRecoveryProtector,
    /// The PIN reset protector is another one than when the recovery was begun.
    #[error("the PIN reset was overtaken by an unlocking with the PIN; begin it again")]
    StaleRecovery,
    /// The PIN reset service's answer does not open what it should.
    #[error(
        "the PIN reset service gave a wrong answer, and nothing has been changed; begin again, and if it happens again tell your administrator that the service's answer does not fit this device"
    )]
    WrongRecoveryAnswer,
    /// A key of the PIN reset service is not one.
    #[error("the PIN reset service's key is not a point on P-256; tell your administrator")]
    BadRecoveryKey,

    /// No biometric gesture can open the container now.
    #[error(
        "the PIN is needed: no biometric gesture can open the container in this session, or too many failed"
    )]
    PinNeeded,
    /// The template was not enrolled with the PIN: another one was put in its place.
    #[error(
        "the recognised template is not one that was enrolled with the PIN: somebody exchanged it; use the PIN, then remove and enrol it again (`latchkey biometric`)"
    )]
    TemplateNotEnrolled,

    /// No container in this directory.
    #[error("there is no container in {}; make one with `latchkey container create`", .path.display())]
    Missing {
        /// The directory.
        path: PathBuf,
    },
    /// A container is there already.
    #[error("there is a container in {} already; remove it with `latchkey container destroy`, which deletes its passkeys", .path.display())]
    Exists {
        /// The directory.
        path: PathBuf,
    },
    /// Another process has the container open.
    #[error("the container in {} is in use by another process; stop the other `latchkey` first", .path.display())]
    InUse {
        /// The directory.
        path: PathBuf,
    },
    /// A TPM was asked for and there is none.
    #[error(
        "a TPM is required, and only the software provider is there; enable the TPM in the firmware, or name one with --tpm"
    )]
    TpmRequired,
    /// The container was made with another TPM, or its TPM has been cleared.
    #[error(
        "this container was made with another TPM, or this TPM has been cleared since: its passkeys cannot be opened here; start with the TPM it was made with, or give it up with `latchkey container destroy` and register again at each site"
    )]
    OtherTpm,
    /// The TPM no longer has the PIN index.
    #[error(
        "the TPM no longer has this container's PIN: somebody with the owner authorisation removed or replaced it, or this is an older copy of the container's files; where a PIN reset is set up (`latchkey status`), `latchkey pin reset` sets a new PIN and keeps every passkey; otherwise its passkeys cannot be opened any more: give it up with `latchkey container destroy` and register again at each site"
    )]
    PinLost,
    /// The TPM's place for the PIN is taken by something that this container did not make.
    #[error("{found}; if a container of yours still uses it, destroy that one first")]
    SlotTaken {
        /// What is there, where, and how to remove it.
        found: String,
    },
    /// The TPM is in dictionary-attack lockout.
    #[error(
        "the TPM is in dictionary-attack lockout, which all its users share; wait until it recovers, or clear it with the lockout authorisation (tpm2_dictionarylockout --clear-lockout)"
    )]
    TpmLockedOut,
    /// The TPM failed otherwise.
    #[error(transparent)]
    Tpm(TpmError),
    /// The PIN could not be stretched.
    #[error("cannot get {memory_kib} KiB of memory to check the PIN; free some memory and try again")]
    Memory {
        /// What Argon2id asked for.
        memory_kib: u32,
    },
    /// The files could not be read or written.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// The files were written by a later version of the program.
    #[error(
        "the container was last used by a newer latchkey (format {found}, this one knows {known}); install that version"
    )]
    TooNew {
        /// The format found.
        found: u32,
        /// The newest format known here.
        known: u32,
    },
    /// Something that is sealed does not open, or does not say what it should.
    #[error(
        "the container's {what} is damaged or was tampered with; restore its directory from a backup made with this TPM"
    )]
    Damaged {
        /// What is damaged.
        what: &'static str,
    },
}

/// Who must act on an [`Error`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Responsible {
    /// The user at the prompt.
    User,
    /// The code that called.
    Caller,
    /// Whoever looks after the machine.
    Operator,
}

impl Error {
    /// Who must act.
    #[must_use]
    pub const fn responsible(&self) -> Responsible {
        match self {
            Self::WrongPin { .. }
            | Self::PinBlocked
            | Self::PinRefused(_)
            | Self::PinOverdue(_)
            | Self::NoPin
            | Self::NoDeviceKeys
            | Self::NoEnterpriseKey
            | Self::NoRecoveryProtector
            | Self::GestureNeeded
            | Self::PinNeeded
            | Self::TemplateNotEnrolled => Responsible::User,
            Self::PinAlreadySet
            | Self::Stale
            | Self::UnknownPasskey
            | Self::UnknownCompartment
            | Self::StaleRecovery => Responsible::Caller,
            Self::Missing { .. }
            | Self::Exists { .. }
            | Self::InUse { .. }
            | Self::TpmRequired
            | Self::OtherTpm
            | Self::PinLost
            | Self::WrongRecoveryAnswer
            | Self::BadRecoveryKey
            | Self::SlotTaken { .. }
            | Self::TpmLockedOut
            | Self::Tpm(_)
            | Self::Memory { .. }
            | Self::Storage(_)
            | Self::TooNew { .. }
            | Self::Damaged { .. } => Responsible::Operator,
        }
    }
}

/// The one place where a device's answer gets its meaning. A wrong PIN is not seen here: [`TpmError::WrongAuth`]
/// while unsealing is handled where the tries are counted, so here it means that our own value does not fit.
impl From<TpmError> for Error {
    fn from(error: TpmError) -> Self {
        match error {
            TpmError::WrongAuth => Self::Damaged { what: "stored authorisation value" },
            TpmError::PinExhausted => Self::PinBlocked,
            TpmError::LockedOut => Self::TpmLockedOut,
            TpmError::ForeignBlob => Self::OtherTpm,
            TpmError::SlotTaken(found) => Self::SlotTaken { found },
            TpmError::Storage(error) => Self::Storage(error),
            TpmError::SlotEmpty => Self::PinLost,
            TpmError::OwnerAuth
            | TpmError::EndorsementAuth
            | TpmError::NoAttestation
            | TpmError::BadCiphertext
            | TpmError::Unreachable(_)
            | TpmError::Unexpected(_) => Self::Tpm(error),
        }
    }
}

/// A file could not be read or written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{problem} ({})", .path.display())]
pub struct StorageError {
    /// The file or directory.
    pub path: PathBuf,
    /// What is wrong with it.
    pub problem: StorageProblem,
}

/// What is wrong with a file, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StorageProblem {
    /// Read-only medium, or permission denied.
    #[error("cannot write: it is read-only for this user; make it writable, or mount it read-write")]
    ReadOnly,
    /// No space left.
    #[error("the disk is full: free some space and try again; nothing was changed")]
    Full,
    /// Not what belongs in the file.
    #[error("the file is damaged; restore its directory from a backup made with this TPM")]
    Damaged,
    /// Anything else that the system reports.
    #[error("the file cannot be used: {0}")]
    Other(String),
}

impl StorageError {
    /// An error of the file system.
    #[must_use]
    pub fn io(path: impl Into<PathBuf>, error: &std::io::Error) -> Self {
        use std::io::ErrorKind;
        let kind = error.kind();
        let problem = if kind == ErrorKind::ReadOnlyFilesystem || kind == ErrorKind::PermissionDenied {
            StorageProblem::ReadOnly
        } else if kind == ErrorKind::StorageFull || kind == ErrorKind::QuotaExceeded {
            StorageProblem::Full
        } else {
            StorageProblem::Other(error.to_string())
        };
        Self { path: path.into(), problem }
    }

    /// An error of the database.
    pub(crate) fn database(path: impl Into<PathBuf>, error: &rusqlite::Error) -> Self {
        use rusqlite::ErrorCode;
        let is = |codes: &[ErrorCode]| error.sqlite_error_code().is_some_and(|code| codes.contains(&code));
        let problem = if is(&[ErrorCode::ReadOnly, ErrorCode::CannotOpen, ErrorCode::PermissionDenied]) {
            StorageProblem::ReadOnly
        } else if is(&[ErrorCode::DiskFull]) {
            StorageProblem::Full
        } else if is(&[ErrorCode::DatabaseCorrupt, ErrorCode::NotADatabase]) {
            StorageProblem::Damaged
        } else {
            StorageProblem::Other(error.to_string())
        };
        Self { path: path.into(), problem }
    }
}
