//! The control protocol: one JSON line for each request and each answer, over `control.sock` or within the process.

pub mod caller;
pub mod commands;
pub mod execute;
pub mod report;

use latchkey_container::{PinHash, Profile, Recognised};
use latchkey_enterprise::keyring;
use latchkey_enterprise::wire::recovery::SealedSecret;
use serde::{Deserialize, Serialize};

use crate::biometric::requests::{BiometricRequest, TemplateReport};
use crate::failure::Failure;
use crate::secret_text::SecretText;
use report::{Destroyed, PasskeyReport, StatusReport};

/// No request or answer line is longer.
pub const LONGEST_LINE: u64 = 4 * 1024 * 1024;

/// What a command wants. Externally tagged, because serde would buffer the members of any other form, secrets
/// included, in memory that nobody wipes.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Request {
    /// Where the container stands.
    Status {},
    /// Create an empty container.
    Create {
        /// Refuse without a TPM.
        require_tpm: bool,
        /// What it is for.
        profile: Profile,
    },
    /// Destroy the container that has this id.
    Destroy {
        /// The id that the user was shown.
        id: String,
    },
    /// Delete the files of a container that can never be opened again, because its TPM is gone or cleared.
    Discard {},
    /// Set the first PIN.
    SetPin {
        /// The PIN.
        new: SecretText,
    },
    /// Change the PIN.
    ChangePin {
        /// The PIN so far.
        old: SecretText,
        /// The PIN from now on.
        new: SecretText,
    },
    /// List all passkeys.
    ListPasskeys {
        /// The PIN; without it the daemon asks for it.
        pin: Option<SecretText>,
    },
    /// Delete one passkey.
    DeletePasskey {
        /// The PIN; without it the daemon asks for it.
        pin: Option<SecretText>,
        /// The passkey's id or enough of its beginning.
        id: String,
    },
    /// Label one passkey.
    RenamePasskey {
        /// The PIN; without it the daemon asks for it.
        pin: Option<SecretText>,
        /// The passkey's id or enough of its beginning.
        id: String,
        /// The label.
        label: String,
    },
    /// Change what one passkey's account is called; what is left out is removed.
    SetAccount {
        /// The PIN; without it the daemon asks for it.
        pin: Option<SecretText>,
        /// The passkey's id or enough of its beginning.
        id: String,
        /// The user name.
        name: Option<String>,
        /// The name to show.
        display_name: Option<String>,
    },
    /// Open the container for the identity provider's commands, until the user signs out.
    OpenSession {
        /// The PIN; without it the daemon asks for it.
        pin: Option<SecretText>,
    },
    /// Something for an identity provider.
    Enterprise(keyring::Request),
    /// Set a new PIN in the place of a forgotten one.
    ResetPin {
        /// The PIN.
        new: SecretText,
        /// What the PIN reset service answered to the request that was built last.
        answer: SealedSecret,
    },
    /// Clear the count of wrong PINs.
    RearmPin {
        /// What the PIN reset service answered to the request that was built last.
        answer: SealedSecret,
    },
    /// Delete the PIN with every passkey and enterprise key; the container and its registrations stay.
    DeleteKeys {},
    /// Something about fingers and faces.
    Biometric(BiometricRequest),
    /// Let the user choose among accounts, through the daemon's prompt.
    Choose {
        /// Where the user signs in.
        rp_id: String,
        /// What each account is called.
        choices: Vec<String>,
    },
}

impl Request {
    /// What the daemon must ask first, because the request wants a PIN and brings none.
    pub const fn unanswered(&self) -> Option<&'static str> {
        match self {
            Self::ListPasskeys { pin: None } => Some("Show the list of your passkeys"),
            Self::DeletePasskey { pin: None, .. } => Some("Delete a passkey"),
            Self::RenamePasskey { pin: None, .. } => Some("Rename a passkey"),
            Self::SetAccount { pin: None, .. } => Some("Change what a passkey's account is called"),
            Self::OpenSession { pin: None } => Some("Sign in at your identity provider"),
            Self::ListPasskeys { pin: Some(_) }
            | Self::DeletePasskey { pin: Some(_), .. }
            | Self::RenamePasskey { pin: Some(_), .. }
            | Self::SetAccount { pin: Some(_), .. }
            | Self::OpenSession { pin: Some(_) }
            | Self::Enterprise(_)
            | Self::ResetPin { .. }
            | Self::RearmPin { .. }
            | Self::DeleteKeys {}
            | Self::Biometric(_)
            | Self::Status {}
            | Self::Create { .. }
            | Self::Destroy { .. }
            | Self::Discard {}
            | Self::SetPin { .. }
            | Self::ChangePin { .. }
            | Self::Choose { .. } => None,
        }
    }
}

/// What the daemon's prompt got from the user, where a request brings no PIN.
#[derive(Debug)]
pub enum Evidence {
    /// The PIN.
    Pin(PinHash),
    /// Whom the sensor recognised.
    Recognised(Recognised),
}

/// What came of it.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// Where the container stands.
    Status(StatusReport),
    /// The new container.
    Created(StatusReport),
    /// The container is gone.
    Destroyed(Destroyed),
    /// What happened to the PIN.
    Pin(PinOutcome),
    /// All passkeys.
    Passkeys(Vec<PasskeyReport>),
    /// The passkey that is gone.
    Deleted(PasskeyReport),
    /// The passkey with its new label.
    Renamed(PasskeyReport),
    /// The container is open for the identity provider's commands.
    SessionOpened,
    /// What came of something for an identity provider.
    Enterprise(keyring::Answer),
    /// PIN, passkeys and enterprise keys are gone.
    KeysDeleted,
    /// What to do next; another answer follows.
    Progress(String),
    /// What can open the container from now on.
    Enrolled(TemplateReport),
    /// All that is enrolled.
    Biometrics(Vec<TemplateReport>),
    /// What opens nothing any more.
    Forgotten(TemplateReport),
    /// The index of the account that the user chose.
    Chosen(usize),
    /// It was not done.
    Error(Failure),
}

/// What happened to the PIN.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PinOutcome {
    /// The first PIN is set.
    Set,
    /// The PIN is another one now.
    Changed,
    /// The PIN is another one now, without the old one.
    Reset,
    /// The count of wrong PINs is cleared.
    Rearmed,
}

impl Answer {
    /// The answer, or the failure it carries.
    pub fn into_result(self) -> Result<Self, Failure> {
        match self {
            Self::Error(failure) => Err(failure),
            done @ (Self::Status(_)
            | Self::Created(_)
            | Self::Destroyed(_)
            | Self::Pin(_)
            | Self::Passkeys(_)
            | Self::Deleted(_)
            | Self::Renamed(_)
            | Self::SessionOpened
            | Self::Enterprise(_)
            | Self::KeysDeleted
            | Self::Progress(_)
            | Self::Enrolled(_)
            | Self::Biometrics(_)
            | Self::Forgotten(_)
            | Self::Chosen(_)) => Ok(done),
        }
    }
}

impl From<Result<Self, Failure>> for Answer {
    fn from(result: Result<Self, Failure>) -> Self {
        result.unwrap_or_else(Self::Error)
    }
}

#[cfg(test)]
mod tests;
