//! What is known about a provider while the container is locked. It lies in the container, readable on this device only.

use base64::prelude::{BASE64_STANDARD, Engine as _};
use latchkey_container::UnixTime;
use serde::{Deserialize, Serialize};

use super::Refusal;
use crate::policy::{PinResetService, PolicyDocument};
use crate::wire::WireError;

/// One tenant of one provider, and what this device is there.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Facts {
    /// Where it is.
    pub provider: Provider,
    /// Who joined the device.
    pub user: User,
    /// What the device is there; nothing while a join is under way.
    pub device: Option<Device>,
    /// What the tenant asks for, as of the last refresh.
    pub policy: Option<PolicyDocument>,
    /// The certificate (DER in base64) that the PIN reset service's keys must chain to: the first that a policy named.
    pub reset_anchor: Option<String>,
    /// Until when the PIN reset service's key that was taken last is good, in seconds since 1970.
    #[serde(default)]
    pub reset_key_until: Option<u64>,
    /// The registered enterprise key.
    pub key: Option<RegisteredKey>,
    /// When the primary refresh token was got, and until when it is good.
    pub prt: Option<PrtTimes>,
    /// Why the last try to get one, or a newer one, failed; nothing once one succeeded.
    #[serde(default)]
    pub prt_attempt: Option<PrtAttempt>,
}

/// An identity provider.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Provider {
    /// Its origin, such as `https://id.example.org`.
    pub url: String,
    /// PEM certificates of its CA, pinned at the join; without them the system's CAs count.
    pub ca: Option<String>,
    /// The tenant's ID, a GUID in lower case.
    pub tenant: String,
}

/// A user of the tenant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct User {
    /// The user name, such as `ann@example.org`.
    pub upn: String,
    /// The object ID, a GUID in lower case.
    pub object: String,
    /// The name to show.
    pub name: String,
}

/// This device at the provider.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Device {
    /// The device ID, a GUID in lower case.
    pub id: String,
    /// The device certificate, DER in base64.
    pub certificate: String,
    /// The attestation key's certificate, DER in base64, where the TPM was attested.
    pub attestation_certificate: Option<String>,
    /// When it joined, in seconds since 1970.
    pub joined: u64,
}

/// An enterprise key as the provider knows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RegisteredKey {
    /// The provider's name for it.
    pub kid: String,
    /// When it was registered, in seconds since 1970.
    pub registered: u64,
}

/// The times of a primary refresh token, in seconds since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct PrtTimes {
    /// When it was got or renewed.
    pub updated: u64,
    /// When it ends.
    pub expires: u64,
}

/// A try to get a primary refresh token that failed, as the status report tells it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PrtAttempt {
    /// When, in seconds since 1970.
    pub at: u64,
    /// Where.
    pub endpoint: String,
    /// The provider's HTTP status; none when it could not be reached.
    pub status: Option<u16>,
    /// The provider's stable word, such as `invalid_grant`.
    pub error: String,
    /// In words.
    pub description: String,
    /// By which an administrator finds the request in the provider's log.
    pub correlation: Option<String>,
}

impl PrtTimes {
    /// How long a primary refresh token is used before it is renewed, in seconds.
    pub const RENEWED_AFTER: u64 = 4 * 60 * 60;

    /// Whether it can still be used.
    #[must_use]
    pub const fn is_good(self, now: UnixTime) -> bool {
        now.0 < self.expires
    }

    /// Whether it is time for a new one.
    #[must_use]
    pub const fn is_due(self, now: UnixTime) -> bool {
        now.0.saturating_sub(self.updated) >= Self::RENEWED_AFTER
    }
}

impl Facts {
    /// Reads the facts of a compartment.
    ///
    /// # Errors
    /// [`Refusal::Facts`] when they are not in this form.
    pub fn read(bytes: &[u8]) -> Result<Self, Refusal> {
        serde_json::from_slice(bytes).map_err(|_| Refusal::Facts)
    }

    pub(super) fn bytes(&self) -> Result<Vec<u8>, Refusal> {
        serde_json::to_vec(self).map_err(|_| Refusal::Facts)
    }

    /// What the device is there.
    ///
    /// # Errors
    /// [`Refusal::NotJoined`].
    pub fn device(&self) -> Result<&Device, Refusal> {
        self.device.as_ref().ok_or(Refusal::NotJoined)
    }

    /// The tenant's PIN reset service, as its policy names it.
    ///
    /// # Errors
    /// [`Refusal::NoResetService`].
    pub fn reset_service(&self) -> Result<&PinResetService, Refusal> {
        self.policy.as_ref().and_then(PolicyDocument::pin_reset).ok_or(Refusal::NoResetService)
    }

    /// Takes a policy. The anchor of the PIN reset service stays what it was: who could exchange it on the way, with a
    /// certificate that TLS believes, would get the next protector sealed to a key of their own.
    pub(super) fn take_policy(&mut self, policy: PolicyDocument) -> Result<(), Refusal> {
        if policy.tenant().to_string() != self.provider.tenant {
            return Err(WireError::Unverified("a policy").into());
        }
        if let Some(service) = policy.pin_reset() {
            let anchor = BASE64_STANDARD.encode(&service.anchor);
            if self.reset_anchor.as_ref().is_some_and(|pinned| *pinned != anchor) {
                return Err(Refusal::OtherAnchor);
            }
            self.reset_anchor = Some(anchor);
        }
        self.policy = Some(policy);
        Ok(())
    }
}

impl Device {
    pub(super) fn certificate(&self) -> Result<Vec<u8>, Refusal> {
        BASE64_STANDARD.decode(&self.certificate).map_err(|_| Refusal::Facts)
    }
}
