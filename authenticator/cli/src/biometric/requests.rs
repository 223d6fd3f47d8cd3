//! `latchkey biometric`, and what its answers say.

use latchkey_container::Biometric;
use serde::{Deserialize, Serialize};

use super::Template;
use crate::args::BiometricCommand;
use crate::control::Request;
use crate::control::caller::Caller;
use crate::failure::{Failure, FailureKind};
use crate::output::Output;
use crate::secret_input::SecretInput;
use crate::secret_text::SecretText;

/// What a command wants of the biometric service.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum BiometricRequest {
    /// Learn a finger or a face.
    Enrol {
        /// The PIN; without it the daemon asks for it.
        pin: Option<SecretText>,
        /// Which gesture.
        kind: Biometric,
        /// Which finger, or a name for people; empty for the usual one.
        label: String,
    },
    /// List what is enrolled.
    List {},
    /// Forget a finger or a face.
    Remove {
        /// The id that the list shows.
        id: String,
    },
}

/// A template without what the sensor compares with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TemplateReport {
    /// Names it for `latchkey biometric remove`.
    pub id: String,
    /// Which gesture.
    pub kind: Biometric,
    /// What people call it.
    pub label: String,
    /// The sensor.
    pub sensor: String,
}

impl From<&Template> for TemplateReport {
    fn from(template: &Template) -> Self {
        let Template { id, kind, sensor, label, .. } = template.clone();
        Self { id, kind, label, sensor }
    }
}

impl BiometricCommand {
    /// Carries the command out and prints what came of it.
    pub fn run(self, caller: &Caller, output: &Output) -> Result<(), Failure> {
        let request = match self {
            Self::Enrol { face, finger, from } => {
                // What cannot succeed fails before anybody types a PIN.
                caller.call(Request::Biometric(BiometricRequest::List {}))?;
                BiometricRequest::Enrol {
                    pin: SecretInput::open(from)?.existing("PIN").map(Some)?,
                    kind: if face { Biometric::Face } else { Biometric::Fingerprint },
                    label: finger.unwrap_or_default(),
                }
            }
            Self::List => BiometricRequest::List {},
            Self::Remove { id } => BiometricRequest::Remove { id },
        };
        output.answer(&caller.call(Request::Biometric(request))?);
        Ok(())
    }
}

/// The daemon was started without a sensor.
pub fn no_sensor() -> Failure {
    Failure::new(FailureKind::Refused, "the daemon uses no sensor: start it with --biometric fprintd")
}

/// Only the daemon has a sensor.
pub fn needs_daemon() -> Failure {
    let text = "fingers and faces are the daemon's business: start it with `latchkey up`";
    Failure::new(FailureKind::Refused, text)
}
