//! The words that the container and a biometric service have in common.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::secret::AuthValue;
use crate::tpm::Lifetime;

/// Biometric gestures in a row that may fail before only the PIN helps.
pub const MATCH_TRIES: u8 = 5;

/// A biometric gesture. Each has one protector, whatever number of fingers stands behind it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Biometric {
    /// A finger on a sensor.
    Fingerprint,
    /// A face before a camera.
    Face,
}

impl Biometric {
    /// All there are.
    pub const ALL: [Self; 2] = [Self::Fingerprint, Self::Face];

    /// What people and the database call it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Fingerprint => "fingerprint",
            Self::Face => "face",
        }
    }
}

/// Which template, of which sensor, of which user: a hash that says so and tells nothing of the template.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TemplateDigest(pub(crate) [u8; 32]);

impl TemplateDigest {
    /// The digest of a template as its sensor keeps it.
    #[must_use]
    pub fn of(user: &str, sensor: &str, kind: Biometric, template: &[u8]) -> Self {
        let mut hash = Sha256::new();
        hash.update(b"latchkey template 1");
        for part in [user.as_bytes(), sensor.as_bytes(), kind.name().as_bytes(), template] {
            // The length in front keeps what moves from one part into the next from meaning the same.
            hash.update(u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
            hash.update(part);
        }
        Self(hash.finalize().into())
    }
}

/// What a biometric service hands over when its sensor has recognised somebody.
#[derive(Debug)]
pub struct Recognised {
    /// By which gesture.
    pub kind: Biometric,
    /// By which template.
    pub template: TemplateDigest,
    /// The service's secret for this gesture, without which nothing opens.
    pub secret: AuthValue,
}

/// Where one biometric gesture stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BiometricState {
    /// The gesture.
    pub kind: Biometric,
    /// How many templates are enrolled.
    pub templates: u32,
    /// The protector there is, and how long it can last. `None`: the next PIN makes one, if the service is there.
    pub protector: Option<Lifetime>,
    /// Failures in a row that are left, of any biometric gesture; 0 when only the PIN helps.
    pub tries_left: u8,
}
