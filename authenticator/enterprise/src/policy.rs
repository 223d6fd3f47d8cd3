//! What a tenant and this machine's administrator allow: read strictly, merged so that the strictest wins, and explained.
//!
//! Three layers: the tenant's document, which comes with the registration; `/etc/latchkey/policy.toml`; and the file that
//! `LATCHKEY_POLICY` names. No layer can loosen another one, so whoever sets the variable gains nothing.

mod document;
mod local;
mod merge;
mod range;
mod relying_parties;
mod settings;
mod tenant_id;

pub use document::{PinResetService, PolicyDocument};
pub use local::{LocalPolicy, SYSTEM_FILE, VARIABLE};
pub use merge::{Resolved, Setting, Source, resolve};
pub use range::{Bounded, RecoveryProtocol};
pub use relying_parties::RelyingParties;
pub use settings::{BiometricsSettings, ComplexitySettings, ExcludedDevices, Settings};
pub use tenant_id::{TenantIdError, tenant_id};

use std::path::PathBuf;

use latchkey_container::PinComplexity;

use crate::http::OriginError;
use crate::web_sign_in::AllowedUrls;

/// What counts: the outcome of all layers.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(clippy::struct_excessive_bools, reason = "they are independent switches of an administrator")]
pub struct Policy {
    /// Whether an enterprise key may be provisioned at all.
    pub use_passport_for_work: bool,
    /// Whether provisioning waits until somebody asks for it.
    pub disable_post_logon_provisioning: bool,
    /// Whether somebody in a remote session may provision: Windows lets nobody, and this setting is ours.
    pub provision_in_remote_session: bool,
    /// Whether a TPM is compulsory.
    pub require_security_device: bool,
    /// Whether the container gets a PIN reset protector.
    pub enable_pin_recovery: bool,
    /// Which kind of it.
    pub pin_recovery_protocol: RecoveryProtocol,
    /// What a new PIN must look like.
    pub pin: PinComplexity,
    /// Whether fingerprint or face may open the container.
    pub use_biometrics: bool,
    /// Whether they may do so after a restart, before the PIN was typed once.
    pub persistent_biometrics: bool,
    /// Minutes without use after which what `latchkey signin` opened closes; 0: at sign-out.
    pub session_idle_minutes: u32,
    /// Pages of others that a sign-in may lead to.
    pub allowed_urls: AllowedUrls,
    /// Relying parties that may learn which device this is.
    pub attestation_relying_parties: RelyingParties,
    /// Whether passkeys may have algorithms that some clients do not know (ML-DSA-44).
    pub post_quantum_algorithms: bool,
    /// Whether one certificate vouches for all passkeys of this installation, by which sites can tell that it is the same.
    pub attestation_certificate: bool,
}

/// A policy that cannot be read. Nothing is assumed in its place.
#[derive(Debug, thiserror::Error)]
pub enum PolicyError {
    /// The file is there, or was named, and cannot be read.
    #[error("the policy file {path} cannot be read ({problem}): its administrator must make it readable")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        problem: String,
    },
    /// The file is not as it should be.
    #[error("the policy file {path} is wrong: {problem}")]
    File {
        /// The file.
        path: PathBuf,
        /// What, and how to write it.
        problem: String,
    },
    /// The tenant's document is not as it should be.
    #[error("the tenant's policy cannot be used: {0}; tell the identity provider's administrator")]
    Document(String),
    /// The document is another tenant's.
    #[error("the policy is of tenant {found}, not of {expected}: nothing was taken from it")]
    OtherTenant {
        /// The tenant of this registration.
        expected: uuid::Uuid,
        /// The document's.
        found: uuid::Uuid,
    },
    /// The PIN reset service's address.
    #[error(
        "the tenant's PIN reset service has no usable address: {0}; tell the identity provider's administrator"
    )]
    PinResetUrl(#[source] OriginError),
}

#[cfg(test)]
mod tests;
