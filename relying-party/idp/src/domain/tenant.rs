//! Tenants, and what a request's first path segment says about them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{DevicePolicy, TenantId};
use crate::attestation::AttestationPolicy;
use crate::clock::UnixTime;
use crate::strength::Strength;

/// An organisation: its users, applications and policies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tenant {
    /// The GUID (`tid`).
    pub id: TenantId,
    /// The name that people read.
    pub name: String,
    /// Verified domains, lower case.
    pub domains: Vec<String>,
    /// What its administrators decided.
    pub policy: TenantPolicy,
    /// When it was made.
    pub created_at: UnixTime,
}

/// What a tenant allows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[allow(clippy::struct_excessive_bools, reason = "they are independent switches of an administrator")]
pub struct TenantPolicy {
    /// Whether clients may send a user's password (RFC 6749 §4.3). Off: it trains users to type it anywhere.
    pub password_grant: bool,
    /// Whether users may consent to what applications ask for.
    pub user_consent: bool,
    /// Whether whoever signs in with a password must have a second factor.
    pub second_factor: SecondFactor,
    /// Whether a sign-in with something weaker ends with the offer to make a passkey.
    pub offer_passkey: bool,
    /// Whether brokers that ask which credentials an account has learn whether it exists.
    pub reveal_accounts: bool,
    /// What a sign-in must prove at least, whatever the application asks for.
    pub strength: Strength,
    /// What authentication contexts (`c1`..`c99`) mean. Those that are not named mean multifactor.
    pub contexts: BTreeMap<String, Strength>,
    /// Which passkeys are accepted.
    pub passkeys: AttestationPolicy,
    /// The models that administrators listed, each with their note. They are a rule only while `passkeys` says so.
    pub models: BTreeMap<Uuid, String>,
    /// How many wrong passwords lock an account for the first time.
    pub lockout_threshold: u32,
    /// For how many seconds. Each further one locks for twice as long.
    pub lockout_seconds: u32,
    /// The longest life of a Temporary Access Pass, in minutes.
    pub pass_max_minutes: u32,
    /// What it decides about devices.
    pub devices: DevicePolicy,
    /// Whether users may reset a forgotten PIN without losing what it protects.
    pub enable_pin_recovery: bool,
    /// How devices protect what such a reset needs.
    pub pin_recovery_protocol: crate::pin_reset::Protocol,
    /// Whether messages under a session key must have a key of their own (`kdf_ver` 2). Off: some brokers know the first
    /// derivation only.
    pub require_kdf_v2: bool,
    /// Whether the assertion of an enterprise key must have the nonce of the device's request around it. Off: brokers fetch two.
    pub require_equal_nonce: bool,
}

/// What becomes of a user who signs in with a password and has no second factor.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SecondFactor {
    /// Nothing.
    #[default]
    Optional,
    /// An authenticator app is offered, and can be postponed.
    Offered,
    /// An authenticator app must be added before the sign-in goes on.
    Required,
}

impl TenantPolicy {
    /// What a sign-in must prove to satisfy an authentication context.
    #[must_use]
    pub fn context(&self, context: &str) -> Strength {
        self.contexts.get(context).copied().unwrap_or(Strength::Multifactor)
    }
}

impl Default for TenantPolicy {
    fn default() -> Self {
        Self {
            password_grant: false,
            user_consent: true,
            second_factor: SecondFactor::default(),
            offer_passkey: true,
            reveal_accounts: false,
            strength: Strength::SingleFactor,
            contexts: BTreeMap::new(),
            passkeys: AttestationPolicy::default(),
            models: BTreeMap::new(),
            lockout_threshold: 10,
            lockout_seconds: 60,
            pass_max_minutes: 8 * 60,
            devices: DevicePolicy::default(),
            enable_pin_recovery: false,
            pin_recovery_protocol: crate::pin_reset::Protocol::default(),
            require_kdf_v2: false,
            require_equal_nonce: false,
        }
    }
}

/// The first path segment of a request: for whom it is.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Authority {
    /// A tenant by its GUID.
    Tenant(TenantId),
    /// A tenant by a verified domain.
    Domain(String),
    /// Whoever signs in decides: `common`.
    Common,
    /// The same without personal accounts, of which there are none here: `organizations`.
    Organizations,
    /// Personal accounts: there are none.
    Consumers,
}

/// A segment that is no domain becomes one that nobody has (RFC 6761 §6.4). Segments are written into addresses again,
/// where `%2Fevil.example` would lead away.
fn domain(segment: String) -> String {
    let letter = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.');
    if segment.bytes().all(letter) { segment } else { "invalid".to_owned() }
}

impl Authority {
    /// Reads a path segment, in whichever case it is written.
    #[must_use]
    pub fn parse(segment: &str) -> Self {
        let segment = segment.to_ascii_lowercase();
        match segment.as_str() {
            "common" => Self::Common,
            "organizations" => Self::Organizations,
            "consumers" => Self::Consumers,
            _ => segment.parse().map_or_else(|_| Self::Domain(domain(segment)), Self::Tenant),
        }
    }

    /// The segment again, as metadata writes it.
    #[must_use]
    pub fn segment(&self) -> String {
        match self {
            Self::Tenant(id) => id.to_string(),
            Self::Domain(domain) => domain.clone(),
            Self::Common => "common".to_owned(),
            Self::Organizations => "organizations".to_owned(),
            Self::Consumers => "consumers".to_owned(),
        }
    }
}
