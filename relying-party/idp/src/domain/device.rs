//! Devices that were registered, and the keys that users have on them.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::{DeviceId, EnterpriseKeyId, Rsa1, TenantId, UserId};
use crate::clock::UnixTime;

/// A registered device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Device {
    /// Its name in tokens and in its certificate.
    pub id: DeviceId,
    /// The tenant.
    pub tenant: TenantId,
    /// Who registered it.
    pub owner: UserId,
    /// What its owner calls it.
    pub name: String,
    /// What it said about itself.
    pub system: DeviceSystem,
    /// Its certificate, DER: the only one that it can present.
    pub certificate: Vec<u8>,
    /// What session keys are sealed to.
    pub transport_key: Rsa1,
    /// What is known about where its keys are.
    pub attestation: DeviceAttestation,
    /// The TPM that was verified.
    pub tpm: Option<DeviceTpm>,
    /// Whether it may be used.
    pub enabled: bool,
    /// When it was registered.
    pub created_at: UnixTime,
    /// When it last proved possession of its key, to within a few minutes.
    pub last_seen_at: Option<UnixTime>,
}

impl Device {
    /// How the agent of a session begins that is a device's own, not a browser's.
    pub const AGENT: &str = "Device ";

    /// What its sessions have in the place of a browser's `User-Agent`.
    #[must_use]
    pub fn agent(&self) -> String {
        format!("{}{}", Self::AGENT, self.name)
    }
}

/// What a device says about itself. Nobody vouches for it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct DeviceSystem {
    /// `Linux`, `Windows`, …
    pub kind: String,
    /// The version of its operating system.
    pub version: String,
    /// How it belongs to the tenant.
    pub join: JoinType,
}

/// How a device belongs to a tenant (MS-DVRJ 2.2.2.1, `JoinType`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum JoinType {
    /// It is the tenant's: people sign in to it with the tenant's accounts.
    #[default]
    Joined,
    /// It is its user's, and has access to what the tenant offers.
    Registered,
}

impl JoinType {
    /// The number on the wire, if it is a kind that can be registered here.
    #[must_use]
    pub const fn from_number(number: u32) -> Option<Self> {
        match number {
            0 => Some(Self::Joined),
            4 => Some(Self::Registered),
            _ => None,
        }
    }

    /// What people read.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Joined => "joined",
            Self::Registered => "registered",
        }
    }
}

/// A TPM whose attestation key was activated through its endorsement key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceTpm {
    /// SHA-256 of the endorsement key's `TPMT_PUBLIC`.
    pub endorsement: [u8; 32],
    /// The attestation key, `TPMT_PUBLIC`.
    pub attestation_key: Vec<u8>,
}

/// What is known about where a private key is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeviceAttestation {
    /// Nothing: it may be in a file.
    #[default]
    None,
    /// In a TPM, or in something that behaves as one: nobody vouches for the endorsement key.
    Verified,
    /// In a TPM of a maker that the provider knows.
    Trusted,
}

impl DeviceAttestation {
    /// The word in the database and in the API.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Verified => "verified",
            Self::Trusted => "trusted",
        }
    }

    /// What people read.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::None => "Not attested",
            Self::Verified => "TPM verified",
            Self::Trusted => "TPM of a known maker",
        }
    }
}

impl fmt::Display for DeviceAttestation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// The word is none of an attestation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an attestation is one of none, verified, trusted")]
pub struct AttestationWordError;

impl FromStr for DeviceAttestation {
    type Err = AttestationWordError;

    fn from_str(text: &str) -> Result<Self, AttestationWordError> {
        let all = [Self::None, Self::Verified, Self::Trusted];
        all.into_iter().find(|attestation| attestation.word() == text).ok_or(AttestationWordError)
    }
}

/// The public key that a user signs in with on one device (MS-ADTS 2.2.20: usage NGC).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EnterpriseKey {
    /// The name that the device is told.
    pub id: EnterpriseKeyId,
    /// The key; its [`Rsa1::key_id`] is the name in assertions.
    pub key: Rsa1,
    /// The tenant.
    pub tenant: TenantId,
    /// Who signs in with it.
    pub user: UserId,
    /// The device that it belongs to: presented by another one it is worth nothing.
    pub device: DeviceId,
    /// Whether the user had shown two factors when it was registered.
    pub multifactor: bool,
    /// What is known about where its private part is.
    pub attestation: DeviceAttestation,
    /// When it was registered.
    pub created_at: UnixTime,
    /// When it last signed in.
    pub last_used_at: Option<UnixTime>,
}
