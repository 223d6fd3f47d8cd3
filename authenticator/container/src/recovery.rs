//! The PIN reset protector: one more copy of the authentication key, which the PIN reset service and this device can
//! open together, and neither of them alone.
//!
//! Two secrets, made and forgotten when the protector is made, are recovered by the service only:
//!
//! * `recover` opens the copy: an object of this device, whose authorisation value and whose payload's encryption both
//!   come from that secret;
//! * `administer` opens the authorisation value of the administrative key, which sets the count of wrong PINs to zero
//!   and can neither unseal nor sign.
//!
//! `envelope` is what the service is shown, `hpke_p256` and `blind_p256` are the two protocols by which it recovers a
//! secret, `protector` is what stays here.

use serde::{Deserialize, Serialize};

use crate::compartment::CompartmentId;
use crate::time::UnixTime;

mod blind_p256;
mod envelope;
mod hpke_p256;
mod pending;
mod protector;
#[cfg(test)]
mod tests;

pub use pending::PendingRecovery;
pub(crate) use protector::{Details, make, object_auth};

/// An uncompressed point on P-256 (SEC 1 §2.3.3).
pub type Point = [u8; 65];

/// A PIN reset service, by the keys that it published and the caller has checked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum RecoveryService {
    /// The service decrypts the secrets (HPKE, RFC 9180).
    Hpke {
        /// Names the key.
        kid: String,
        /// Its encryption key.
        #[serde(with = "serde_bytes")]
        key: Point,
        /// Whom the secrets are for.
        binding: Binding,
    },
    /// The service multiplies blinded points and never learns the secrets.
    Blind {
        /// Names the key.
        kid: String,
        /// Its point for the secret that recovers.
        #[serde(with = "serde_bytes")]
        recover: Point,
        /// Its point for the secret that administers.
        #[serde(with = "serde_bytes")]
        administer: Point,
        /// Whom the secrets are for.
        binding: Binding,
    },
}

/// Whom a protector is for: GUIDs in lower case. The container adds its compartment and the protector's version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Binding {
    /// The tenant.
    pub tenant: String,
    /// The user.
    pub user: String,
    /// The device.
    pub device: String,
}

/// How a service recovers a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RecoveryProtocol {
    /// [`RecoveryService::Hpke`].
    Hpke,
    /// [`RecoveryService::Blind`].
    Blind,
}

/// Which of the two secrets is to be recovered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RecoveryPurpose {
    /// To set a new PIN.
    Recover,
    /// To set the count of wrong PINs to zero.
    Administer,
}

/// How a forgotten PIN can be reset.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecoveryState {
    /// Whether a PIN reset protector is wanted.
    pub wanted: bool,
    /// The protector there is.
    pub present: Option<RecoveryProtector>,
    /// Whether what there is is what is wanted. If not, the next unlocking by PIN makes it so; still not after one, the
    /// device or the disk refused.
    pub fits: bool,
}

/// What can be told about a PIN reset protector.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecoveryProtector {
    /// The service's key.
    pub kid: String,
    /// How the service recovers a secret.
    pub protocol: RecoveryProtocol,
    /// Grows with each protector of this compartment.
    pub protector_version: u64,
    /// When it was made.
    pub created: UnixTime,
}

/// What is sent to the service, inside a request that the device key signs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecoveryRequest {
    /// The envelope: base64url of JSON.
    pub protected_secret: String,
    /// The ephemeral key that the answer is to be encrypted to.
    pub response_key: Point,
    /// The blinded point, with [`RecoveryProtocol::Blind`].
    pub blinded: Option<Point>,
}

/// What the service answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecoveryAnswer {
    /// The encapsulated key (65 bytes) and the ciphertext.
    pub sealed: Vec<u8>,
    /// SHA-256 of the signed request that it answers.
    pub request_hash: [u8; 32],
}

impl RecoveryService {
    /// The name of its key.
    #[must_use]
    pub fn kid(&self) -> &str {
        match self {
            Self::Hpke { kid, .. } | Self::Blind { kid, .. } => kid,
        }
    }

    /// Whom the secrets are for.
    #[must_use]
    pub const fn binding(&self) -> &Binding {
        match self {
            Self::Hpke { binding, .. } | Self::Blind { binding, .. } => binding,
        }
    }

    /// How it recovers a secret.
    #[must_use]
    pub const fn protocol(&self) -> RecoveryProtocol {
        match self {
            Self::Hpke { .. } => RecoveryProtocol::Hpke,
            Self::Blind { .. } => RecoveryProtocol::Blind,
        }
    }

    /// Whether every point is one.
    pub(crate) fn is_sound(&self) -> bool {
        RecoveryPurpose::BOTH
            .into_iter()
            .all(|purpose| p256::PublicKey::from_sec1_bytes(self.point(purpose)).is_ok())
    }

    /// The point that protects the secret of this purpose.
    const fn point(&self, purpose: RecoveryPurpose) -> &Point {
        match (self, purpose) {
            (Self::Hpke { key, .. }, _) => key,
            (Self::Blind { recover, .. }, RecoveryPurpose::Recover) => recover,
            (Self::Blind { administer, .. }, RecoveryPurpose::Administer) => administer,
        }
    }
}

impl RecoveryProtocol {
    /// Its name on the wire.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Hpke => "hpke-p256",
            Self::Blind => "blind-p256",
        }
    }
}

impl RecoveryPurpose {
    const BOTH: [Self; 2] = [Self::Recover, Self::Administer];

    /// Its name on the wire.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Recover => "recover",
            Self::Administer => "administer",
        }
    }
}

/// Everything that an envelope says in clear, and that the secrets are bound to.
#[derive(Clone, Copy)]
struct Heading<'a> {
    service: &'a RecoveryService,
    compartment: CompartmentId,
    version: u64,
    created: UnixTime,
}
