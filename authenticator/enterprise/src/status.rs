//! What `dsregcmd /status` says of this device: every line computed from what the container, the policy and the provider
//! say at that moment.
//!
//! The layout is that of the Windows tool of this name, so that scripts which read it go on working: sections between
//! rules, labels right-aligned in 26 columns. What there is no such thing of on this system is `NO`, or left out where the
//! tool leaves it out: domains, certificate trust, on-premises tickets.

mod can_reset;
mod certificate;
mod dsregcmd;
mod gather;

pub use can_reset::{CanReset, ResetFacts, Verdict, can_reset};
pub use certificate::{Certificate, CertificateError};
pub use gather::Seen;

use std::fmt;

use latchkey_container::UnixTime;

use crate::http::Origin;
use crate::keyring::PrtAttempt;

/// Everything that the report says.
#[derive(Debug, Clone)]
pub struct Report {
    /// The device at its provider, if it is joined to one.
    pub registration: Option<Registration>,
    /// The user's enterprise key.
    pub user: UserState,
    /// The user's tokens.
    pub sso: SsoState,
    /// What was tried on the way.
    pub diagnostics: Option<Diagnostics>,
    /// What provisioning wants. Left out once there is an enterprise key.
    pub prerequisites: Option<PrerequisiteCheck>,
}

/// A device and its tenant.
#[derive(Debug, Clone)]
pub struct Registration {
    /// The device ID, a GUID.
    pub device: String,
    /// The device certificate.
    pub certificate: Certificate,
    /// The compartment of the container.
    pub compartment: String,
    /// Whether a TPM holds the device key.
    pub tpm: bool,
    /// What the provider says of the device.
    pub standing: Standing,
    /// The tenant's name.
    pub tenant_name: String,
    /// The tenant's ID, a GUID.
    pub tenant: String,
    /// The provider.
    pub provider: Origin,
}

/// What a provider says of a device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// It knows it.
    Good,
    /// It does not, or does not want to any more.
    Gone,
    /// It was not asked, or did not answer.
    Unknown,
}

/// What there is for the user.
#[derive(Debug, Clone)]
pub struct UserState {
    /// The provider's name for the enterprise key, where there is one.
    pub key: Option<String>,
    /// How a forgotten PIN can be reset.
    pub can_reset: Verdict,
    /// Whether there is a second registration.
    pub other_registrations: bool,
}

/// Tokens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SsoState {
    /// When the primary refresh token was got, and when it ends; `None`: the user is not signed in.
    pub token: Option<(UnixTime, UnixTime)>,
    /// Why the last try to get one, or a newer one, failed, and whose try it was.
    pub failure: Option<(PrtAttempt, String)>,
}

/// What was tried.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostics {
    /// Whether the device key signs.
    pub key_signs: bool,
}

/// The lines of the prerequisite check.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(clippy::struct_excessive_bools, reason = "each is a line of the report")]
pub struct PrerequisiteCheck {
    /// `IsDeviceJoined`.
    pub joined: bool,
    /// `PolicyEnabled`.
    pub policy: bool,
    /// `PostLogonEnabled`.
    pub post_logon: bool,
    /// `DeviceEligible`.
    pub eligible: bool,
    /// `SessionIsNotRemote`.
    pub local: bool,
    /// Whether a remote session will do.
    pub remotely: bool,
}

impl PrerequisiteCheck {
    /// Whether provisioning begins by itself.
    #[must_use]
    pub const fn will_provision(&self) -> bool {
        self.joined && self.policy && self.post_logon && self.eligible && (self.local || self.remotely)
    }
}

/// The report as text; with `verbose` also why.
#[derive(Debug, Clone, Copy)]
pub struct Page<'a> {
    /// What it says.
    pub report: &'a Report,
    /// Whether reasons are given.
    pub verbose: bool,
}

impl fmt::Display for Page<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        dsregcmd::write(f, self.report, self.verbose)
    }
}

#[cfg(test)]
mod tests;
