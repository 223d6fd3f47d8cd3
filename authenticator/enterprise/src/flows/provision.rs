//! The enterprise key: what must be there first, and its registration.

use super::{FlowError, Site};
use crate::keyring::Request;
use crate::secret::Secret;
use crate::wire::key::Registered;

/// What provisioning wants first. Named like the lines of the prerequisite check in the status report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Prerequisite {
    /// `PolicyEnabled`.
    #[error("your organisation's policy does not provision enterprise keys (PolicyEnabled: NO)")]
    PolicyEnabled,
    /// `DeviceEligible`.
    #[error(
        "your organisation's policy wants a TPM, and this container has none (DeviceEligible: NO): start the daemon with one"
    )]
    DeviceEligible,
    /// `SessionIsNotRemote`.
    #[error(
        "an enterprise key is made at the machine itself, not in a remote session (SessionIsNotRemote: NO): run `latchkey device provision` there, or have the machine's administrator set ProvisionInRemoteSession in its policy file"
    )]
    SessionIsNotRemote,
}

/// What the machine can say about itself.
#[derive(Debug, Clone, Copy)]
pub struct Surroundings {
    /// Whether a TPM protects the container.
    pub has_tpm: bool,
    /// Whether the person sits elsewhere.
    pub is_remote: bool,
}

impl Site<'_> {
    /// Checks what can be known before anybody signs in or chooses a PIN. That the sign-in is fresh and strong enough is
    /// the provider's to say, and it does.
    ///
    /// # Errors
    /// The first [`Prerequisite`] that is missing.
    pub fn check_prerequisites(&self, surroundings: Surroundings) -> Result<(), FlowError> {
        let policy = self.policy();
        if !policy.use_passport_for_work {
            return Err(Prerequisite::PolicyEnabled.into());
        }
        if policy.require_security_device && !surroundings.has_tpm {
            return Err(Prerequisite::DeviceEligible.into());
        }
        if surroundings.is_remote && !policy.provision_in_remote_session {
            return Err(Prerequisite::SessionIsNotRemote.into());
        }
        Ok(())
    }

    /// Makes the enterprise key, registers it with a token of a fresh sign-in, and takes it into use. The container must
    /// be open.
    ///
    /// # Errors
    /// [`FlowError`]; an older key stays in use, and the next try registers the same new one.
    pub async fn provision(&mut self, token: &Secret) -> Result<(), FlowError> {
        let (url, audience) = self.registration_endpoint("key/", "1.0");
        let nonce = self.registration_nonce().await?;
        let at = self.name();
        let body = self.build(Request::BuildKey { at, nonce, audience })?;
        let registered: Registered = self.http.post_json(&url, Some(token.expose()), &body).await?.read()?;
        let at = self.name();
        self.tell(Request::FinishKey { at, registered })
    }
}
