//! The credProtect extension (CTAP 2.3 §12.1).

use ciborium::Value;
use latchkey_container::{Profile, Protection};

use crate::status::Failure;

/// A passkey's level, and whether the request asked for one.
pub(crate) struct CredProtect {
    level: Protection,
    requested: bool,
}

impl CredProtect {
    /// What the request asks for, otherwise the profile's default.
    pub(crate) fn chosen(requested: Option<u8>, profile: Profile) -> Result<Self, Failure> {
        let level = match (requested, profile) {
            (Some(level), _) => Protection::try_from(level).map_err(|_| Failure::BadParameter)?,
            (None, Profile::Hello) => Protection::Required,
            (None, Profile::SecurityKey) => Protection::Optional,
        };
        Ok(Self { level, requested: requested.is_some() })
    }

    pub(crate) const fn level(&self) -> Protection {
        self.level
    }

    /// An unsolicited output "MUST NOT" be returned.
    pub(crate) fn output(&self) -> Option<Value> {
        self.requested.then(|| u8::from(self.level).into())
    }
}
