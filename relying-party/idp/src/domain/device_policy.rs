//! What a tenant decides about devices.

use serde::{Deserialize, Serialize};

use super::{DeviceAttestation, User};

/// Who may register devices and how they must look, and what they are told about Hello.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct DevicePolicy {
    /// Counts the changes, so that devices see that there was one.
    pub version: u64,
    /// Who may register devices.
    pub registration: Registrars,
    /// The most devices that a user may have.
    pub quota: u32,
    /// Whether a device is registered only by somebody who showed two factors.
    pub multifactor: bool,
    /// What must be known about where a device's keys are.
    pub attestation: RequiredAttestation,
    /// What devices are told.
    pub hello: HelloPolicy,
}

/// Who may register devices.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Registrars {
    /// Every user.
    #[default]
    Everyone,
    /// The tenant's administrators.
    Administrators,
    /// Nobody.
    Nobody,
}

/// What must be known about where a key is before it is registered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RequiredAttestation {
    /// Nothing. What is attested must be right all the same.
    #[default]
    Optional,
    /// That it is in a TPM, whoever made that.
    Verified,
    /// That it is in a TPM of a maker that the provider knows.
    Trusted,
}

/// Windows Hello for Business, as its policies are called there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[allow(clippy::struct_excessive_bools, reason = "they are independent switches of an administrator")]
pub struct HelloPolicy {
    /// Whether people sign in with a gesture (`UsePassportForWork`).
    pub enabled: bool,
    /// Whether people are not asked to set it up when they sign in to the device.
    pub without_prompt: bool,
    /// Whether the keys must be in a TPM (`RequireSecurityDevice`).
    pub requires_tpm: bool,
    /// What a PIN must look like.
    pub pin: PinPolicy,
    /// Whether a finger or a face will do.
    pub biometrics: bool,
    /// Whether that is so from the start of the device on, and not only after the first PIN.
    pub persistent_biometrics: bool,
    /// Pages of other providers that the PIN reset may open (`ConfigureWebSignInAllowedUrls`), as hosts.
    pub web_sign_in_hosts: Vec<String>,
}

/// What a PIN must look like (`PINComplexity`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct PinPolicy {
    /// The shortest.
    pub minimum: u32,
    /// The longest.
    pub maximum: u32,
    /// Capital letters.
    pub uppercase: CharacterRule,
    /// Small letters.
    pub lowercase: CharacterRule,
    /// What is neither letter nor digit.
    pub special: CharacterRule,
    /// Digits.
    pub digits: CharacterRule,
    /// How many former PINs may not be used again.
    pub history: u32,
    /// After how many days it must be changed; 0: never.
    pub expiration: u32,
}

/// Whether a PIN has characters of a kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CharacterRule {
    /// It may.
    #[default]
    Allowed,
    /// It must.
    Required,
    /// It must not.
    Forbidden,
}

impl DevicePolicy {
    /// Whether this user may register devices.
    #[must_use]
    pub fn admits(&self, user: &User) -> bool {
        match self.registration {
            Registrars::Everyone => true,
            Registrars::Administrators => user.administrator,
            Registrars::Nobody => false,
        }
    }
}

impl RequiredAttestation {
    /// Whether what is known about a key is enough.
    #[must_use]
    pub fn satisfied_by(self, attestation: DeviceAttestation) -> bool {
        attestation
            >= match self {
                Self::Optional => DeviceAttestation::None,
                Self::Verified => DeviceAttestation::Verified,
                Self::Trusted => DeviceAttestation::Trusted,
            }
    }
}

impl CharacterRule {
    /// The number in the policy's documents.
    #[must_use]
    pub const fn number(self) -> u8 {
        match self {
            Self::Allowed => 0,
            Self::Required => 1,
            Self::Forbidden => 2,
        }
    }
}

impl Default for DevicePolicy {
    fn default() -> Self {
        Self {
            version: 1,
            registration: Registrars::Everyone,
            quota: 20,
            multifactor: true,
            attestation: RequiredAttestation::Optional,
            hello: HelloPolicy::default(),
        }
    }
}

impl Default for HelloPolicy {
    fn default() -> Self {
        Self {
            enabled: true,
            without_prompt: false,
            requires_tpm: false,
            pin: PinPolicy::default(),
            biometrics: true,
            persistent_biometrics: false,
            web_sign_in_hosts: Vec::new(),
        }
    }
}

impl Default for PinPolicy {
    fn default() -> Self {
        Self {
            minimum: 6,
            maximum: 127,
            uppercase: CharacterRule::Allowed,
            lowercase: CharacterRule::Allowed,
            special: CharacterRule::Allowed,
            digits: CharacterRule::Required,
            history: 0,
            expiration: 0,
        }
    }
}
