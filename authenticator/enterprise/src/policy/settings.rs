//! What one layer says. Each setting may be unset; keys are those of the `PassportForWork` policies.

use latchkey_container::CharacterRule;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::range::{Bounded, RecoveryProtocol};
use super::relying_parties::RelyingParties;
use crate::web_sign_in::AllowedUrls;

/// The settings of one layer.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Settings {
    /// Whether an enterprise key may be provisioned at all.
    pub use_passport_for_work: Option<bool>,
    /// Whether provisioning waits until somebody asks for it.
    pub disable_post_logon_provisioning: Option<bool>,
    /// Whether somebody in a remote session may provision.
    pub provision_in_remote_session: Option<bool>,
    /// Whether a TPM is compulsory.
    pub require_security_device: Option<bool>,
    /// Devices that do not count as such.
    pub exclude_security_devices: ExcludedDevices,
    /// Whether the container gets a PIN reset protector.
    pub enable_pin_recovery: Option<bool>,
    /// Which kind of it.
    pub pin_recovery_protocol: Option<RecoveryProtocol>,
    /// What a new PIN must look like.
    #[serde(rename = "PINComplexity")]
    pub pin_complexity: ComplexitySettings,
    /// Fingerprint and face.
    pub biometrics: BiometricsSettings,
    /// Minutes without use after which what `latchkey signin` opened closes; unset: at sign-out.
    pub session_idle_minutes: Option<Bounded<1, 1440>>,
    /// Pages of others that a sign-in may lead to.
    pub configure_web_sign_in_allowed_urls: Option<AllowedUrls>,
    /// Relying parties that may learn which device this is: those on every list. Windows has no such setting.
    pub attestation_relying_parties: Option<RelyingParties>,
    /// Whether passkeys may have algorithms that some clients do not know. Windows has no such setting.
    pub post_quantum_algorithms: Option<bool>,
    /// Whether one certificate vouches for all passkeys of this installation. Windows has no such setting.
    pub attestation_certificate: Option<bool>,
}

/// `ExcludeSecurityDevices`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct ExcludedDevices {
    /// TPM 1.2, which this program never uses, whatever is said.
    #[serde(rename = "TPM12")]
    pub tpm12: Option<bool>,
}

/// `PINComplexity`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct ComplexitySettings {
    /// The least characters.
    #[serde(rename = "MinimumPINLength")]
    pub minimum_length: Option<Bounded<4, 127>>,
    /// The most characters.
    #[serde(rename = "MaximumPINLength")]
    pub maximum_length: Option<Bounded<4, 127>>,
    /// Capital letters.
    pub uppercase_letters: Option<CharacterRule>,
    /// Small letters.
    pub lowercase_letters: Option<CharacterRule>,
    /// What is neither letter nor digit.
    pub special_characters: Option<CharacterRule>,
    /// 0 to 9.
    pub digits: Option<CharacterRule>,
    /// How many PINs back none may come again.
    pub history: Option<Bounded<0, 50>>,
    /// Days after which a PIN must be changed; 0: never.
    pub expiration: Option<Bounded<0, 730>>,
}

/// `Biometrics`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct BiometricsSettings {
    /// Whether fingerprint or face may open the container.
    pub use_biometrics: Option<bool>,
    /// Whether they may do so after a restart, before the PIN was typed once.
    pub persistent: Option<bool>,
}

impl Settings {
    /// The keys of `layer` that are none of ours, such as `PINComplexity.MinimumLength`.
    pub(super) fn unknown(layer: &Map<String, Value>) -> Vec<String> {
        let mut unknown = Vec::new();
        if let Ok(Value::Object(known)) = serde_json::to_value(Self::default()) {
            strangers(layer, &known, "", &mut unknown);
        }
        unknown
    }
}

fn strangers(layer: &Map<String, Value>, known: &Map<String, Value>, above: &str, found: &mut Vec<String>) {
    for (key, value) in layer {
        match (known.get(key), value) {
            (None, _) => found.push(format!("{above}{key}")),
            (Some(Value::Object(known)), Value::Object(inner)) => {
                strangers(inner, known, &format!("{above}{key}."), found);
            }
            (Some(_), _) => {}
        }
    }
}
