//! What the answers say about the container, as they are sent and as `--json` prints them.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use latchkey_container::{
    Biometric, BiometricState, CredentialId, KeyAlgorithm, Lifetime, Lockout, Passkey, PasskeyAlgorithm,
    PasskeyExtensions, Profile, SealedAlgorithm, Settings, Status, TpmClass,
};
use serde::{Deserialize, Serialize};

use crate::hardening::Memory;

/// Where the container stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatusReport {
    /// The id of the container.
    pub id: String,
    /// What it is for.
    pub profile: Profile,
    /// What kind of device protects it.
    pub class: Class,
    /// Manufacturer and model of the device.
    pub description: String,
    /// When it was created, in seconds since 1970.
    pub created: u64,
    /// The count of tries, if a PIN is set.
    pub pin: Option<PinReport>,
    /// Whether the TPM lost the PIN: somebody removed or replaced it there.
    pub pin_lost: bool,
    /// Why the PIN must be changed before it opens anything, as far as that is known while locked.
    pub pin_overdue: Option<String>,
    /// Whether the daemon's memory can reach a disk.
    pub memory: Option<Memory>,
    /// PIN indices of earlier PINs that could not be removed from the TPM yet.
    pub leftover_slots: usize,
    /// How many passkeys it holds.
    pub passkeys: u32,
    /// The dictionary-attack state of the device, if it has one.
    pub lockout: Option<LockoutReport>,
    /// The shortest PIN that it accepts, in characters.
    pub minimum_pin_length: u8,
    /// What management programs have set.
    pub settings: Settings,
    /// Whether an application may list the passkeys without asking, until the PIN changes.
    pub listed_without_gesture: bool,
    /// Raised by every change that makes older tokens stale.
    pub generation: u64,
    /// The gestures that do instead of the PIN.
    pub biometrics: Vec<BiometricReport>,
    /// Cost of a PIN try: memory in KiB.
    pub stretch_memory_kib: u32,
    /// Cost of a PIN try: passes over that memory.
    pub stretch_passes: u32,
}

impl From<Status> for StatusReport {
    fn from(status: Status) -> Self {
        Self {
            id: format!("{:032x}", u128::from_be_bytes(status.id)),
            profile: status.profile,
            class: status.class.into(),
            description: status.description,
            created: status.created.0,
            pin: status.pin.map(|pin| PinReport { tries_left: pin.tries_left, limit: pin.limit }),
            pin_lost: status.pin_lost,
            pin_overdue: None,
            memory: None,
            leftover_slots: status.leftover_slots,
            passkeys: status.passkeys,
            lockout: status.lockout.map(LockoutReport::from),
            minimum_pin_length: status.minimum_pin_length,
            settings: status.settings,
            listed_without_gesture: status.listed_without_gesture,
            generation: status.generation,
            biometrics: status.biometrics.iter().map(BiometricReport::from).collect(),
            stretch_memory_kib: status.stretch.memory_kib,
            stretch_passes: status.stretch.passes,
        }
    }
}

impl StatusReport {
    /// The gestures that open the container now.
    pub fn ready_gestures(&self) -> Vec<Biometric> {
        let ready = |report: &&BiometricReport| report.opens != Opens::AfterPin;
        self.biometrics.iter().filter(ready).map(|report| report.kind).collect()
    }
}

/// One biometric gesture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct BiometricReport {
    /// The gesture.
    pub kind: Biometric,
    /// How many templates are enrolled for it.
    pub templates: u32,
    /// How long it opens the container.
    pub opens: Opens,
    /// Failures in a row until only the PIN helps.
    pub tries_left: u8,
}

/// How long a gesture opens the container.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Opens {
    /// Not now: the PIN comes first.
    AfterPin,
    /// In this session of the daemon.
    Session,
    /// Always: the policy has it so, and no PIN is needed after a restart.
    Always,
}

impl Opens {
    /// One line for people.
    pub const fn in_words(self) -> &'static str {
        match self {
            Self::AfterPin => "waits for the PIN",
            Self::Session => "opens in this session, until the daemon or the machine restarts",
            Self::Always => "PERSISTENT by policy: opens without the PIN, also after a restart",
        }
    }
}

impl From<&BiometricState> for BiometricReport {
    fn from(state: &BiometricState) -> Self {
        let BiometricState { kind, templates, protector, tries_left } = *state;
        let opens = match protector {
            _ if tries_left == 0 => Opens::AfterPin,
            None => Opens::AfterPin,
            Some(Lifetime::Boot) => Opens::Session,
            Some(Lifetime::Persistent) => Opens::Always,
        };
        Self { kind, templates, opens, tries_left }
    }
}

/// What kind of device protects the container.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Class {
    /// A TPM of the machine.
    Hardware,
    /// A TPM emulated below or beside the machine.
    Virtual,
    /// No TPM.
    Software,
}

impl Class {
    /// One line for people, which does not claim more than the class gives.
    pub const fn in_words(self) -> &'static str {
        match self {
            Self::Hardware => "TPM: keys cannot leave it, and it counts the PIN tries",
            Self::Virtual => "virtual TPM: as safe as the host that runs it",
            Self::Software => {
                "no TPM: keys are protected in software only, the count of PIN tries is advisory"
            }
        }
    }
}

impl From<TpmClass> for Class {
    fn from(class: TpmClass) -> Self {
        match class {
            TpmClass::Hardware => Self::Hardware,
            TpmClass::Virtual => Self::Virtual,
            TpmClass::Software => Self::Software,
        }
    }
}

/// The count of PIN tries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct PinReport {
    /// Tries left before the PIN is blocked.
    pub tries_left: u8,
    /// Tries after a right PIN.
    pub limit: u8,
}

/// The dictionary-attack state that all users of the TPM share.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct LockoutReport {
    /// Whether the TPM refuses now.
    pub locked: bool,
    /// Failures counted.
    pub failures: u32,
    /// Failures at which it locks.
    pub limit: u32,
    /// Seconds after which one failure is forgotten.
    pub recovery_seconds: u32,
}

impl From<Lockout> for LockoutReport {
    fn from(lockout: Lockout) -> Self {
        let Lockout { locked, failures, limit, recovery_seconds } = lockout;
        Self { locked, failures, limit, recovery_seconds }
    }
}

/// The container that is gone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Destroyed {
    /// Its id; unknown when it could not be opened any more.
    pub id: Option<String>,
    /// How many passkeys went with it; unknown when it could not be opened any more.
    pub passkeys: Option<u32>,
}

/// One passkey.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PasskeyReport {
    /// The credential id in base64url.
    pub id: String,
    /// The relying party; empty of a key that was registered by U2F, which does not tell.
    pub rp_id: String,
    /// Whose account it opens there.
    pub user: UserReport,
    /// `ES256` or `RS256`.
    pub algorithm: String,
    /// Whether sign-in works without typing the user name.
    pub discoverable: bool,
    /// The credProtect level, 1 to 3 (CTAP 2.3 §12.1).
    pub protection: u8,
    /// When it was registered, in seconds since 1970.
    pub created: u64,
    /// The user's own label.
    pub label: Option<String>,
    /// What extensions keep with it: "prf", "credBlob", "largeBlob", "payment".
    pub extensions: Vec<String>,
}

/// The account at the relying party.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserReport {
    /// The user handle in base64url.
    pub handle: String,
    /// The user name.
    pub name: Option<String>,
    /// The name to show.
    pub display_name: Option<String>,
}

impl From<&Passkey> for PasskeyReport {
    fn from(passkey: &Passkey) -> Self {
        Self {
            id: id_text(&passkey.id),
            rp_id: passkey.rp_id.clone(),
            user: UserReport {
                handle: URL_SAFE_NO_PAD.encode(&passkey.user.handle),
                name: passkey.user.name.clone(),
                display_name: passkey.user.display_name.clone(),
            },
            algorithm: match passkey.algorithm {
                PasskeyAlgorithm::DeviceBound(KeyAlgorithm::Es256) => "ES256",
                PasskeyAlgorithm::DeviceBound(KeyAlgorithm::Es384) => "ES384",
                PasskeyAlgorithm::DeviceBound(KeyAlgorithm::Rs256) => "RS256",
                PasskeyAlgorithm::Sealed(SealedAlgorithm::Ed25519) => "EdDSA",
                PasskeyAlgorithm::Sealed(SealedAlgorithm::MlDsa44) => "ML-DSA-44",
            }
            .to_owned(),
            discoverable: passkey.discoverable,
            protection: u8::from(passkey.protection),
            created: passkey.created.0,
            label: passkey.label.clone(),
            extensions: extensions(&passkey.extensions),
        }
    }
}

/// As WebAuthn calls them.
fn extensions(kept: &PasskeyExtensions) -> Vec<String> {
    [
        ("prf", kept.hmac_secret),
        ("credBlob", kept.cred_blob.is_some()),
        ("largeBlob", kept.large_blob_key),
        ("payment", kept.third_party_payment),
    ]
    .into_iter()
    .filter(|(_, there)| *there)
    .map(|(name, _)| name.to_owned())
    .collect()
}

/// A credential id as people see and type it.
pub fn id_text(id: &CredentialId) -> String {
    URL_SAFE_NO_PAD.encode(&id.0)
}
