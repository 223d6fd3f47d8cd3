//! The total tables from what the flows say to what the command says.

use latchkey_enterprise::flows::FlowError;
use latchkey_enterprise::http::HttpError;
use latchkey_enterprise::keyring::Refusal;
use latchkey_enterprise::policy::PolicyError;
use latchkey_enterprise::web_sign_in::SignInError;

use crate::failure::{Failure, FailureKind};

impl From<FlowError> for Failure {
    fn from(error: FlowError) -> Self {
        match error {
            FlowError::Http(error) => error.into(),
            FlowError::Refusal(refusal) => refusal.into(),
            FlowError::Origin(_) | FlowError::SeveralTenants => {
                Self::new(FailureKind::Usage, error.to_string())
            }
            FlowError::Prerequisite(_) | FlowError::OnlyDestructive(_) | FlowError::ResetForbidden => {
                Self::new(FailureKind::Refused, error.to_string())
            }
        }
    }
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        let kind = match refusal {
            Refusal::Container(error) => return error.into(),
            Refusal::Relayed(error) => {
                return match error.downcast::<Self>() {
                    Ok(failure) => *failure,
                    Err(error) => Self::new(FailureKind::Refused, error.to_string()),
                };
            }
            Refusal::Locked | Refusal::NotJoined | Refusal::NotProvisioned | Refusal::NotSignedIn => {
                FailureKind::NotSignedIn
            }
            Refusal::ForeignCertificate(_) | Refusal::OtherAnchor | Refusal::Wire(_) => FailureKind::Provider,
            Refusal::Facts => FailureKind::Storage,
            Refusal::AlreadyJoined | Refusal::NoResetService | Refusal::NoRecovery | Refusal::Answer => {
                FailureKind::Refused
            }
        };
        Self::new(kind, refusal.to_string())
    }
}

impl From<HttpError> for Failure {
    fn from(error: HttpError) -> Self {
        let kind = match error {
            HttpError::Unreachable { .. } => FailureKind::Unreachable,
            HttpError::Ca => FailureKind::Usage,
            HttpError::Elsewhere { .. } | HttpError::Answer(_) | HttpError::Refused(_) => {
                FailureKind::Provider
            }
        };
        Self::new(kind, error.to_string())
    }
}

impl From<SignInError> for Failure {
    fn from(error: SignInError) -> Self {
        let kind = match error {
            SignInError::Http(error) => return error.into(),
            SignInError::OtherIssuer(_) | SignInError::IdToken(_) => FailureKind::Provider,
            SignInError::Blocked(_)
            | SignInError::Browser(_)
            | SignInError::Listen(_)
            | SignInError::Declined { .. }
            | SignInError::TooLate => FailureKind::Refused,
        };
        Self::new(kind, error.to_string())
    }
}

impl From<PolicyError> for Failure {
    fn from(error: PolicyError) -> Self {
        let kind = match error {
            PolicyError::Unreadable { .. } | PolicyError::File { .. } => FailureKind::Storage,
            PolicyError::Document(_) | PolicyError::OtherTenant { .. } | PolicyError::PinResetUrl(_) => {
                FailureKind::Provider
            }
        };
        Self::new(kind, error.to_string())
    }
}
