//! The tenant's policy, as the device registration service hands it out.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize, Serializer};
use serde_json::Value;
use uuid::Uuid;

use super::PolicyError;
use super::settings::Settings;
use super::tenant_id::tenant_id;
use crate::http::Origin;

/// A tenant's policy. Stored as it came, so that a newer version of this program can read more in it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Value")]
pub struct PolicyDocument {
    raw: Value,
    tenant: Uuid,
    tenant_name: String,
    version: u64,
    settings: Settings,
    pin_reset: Option<PinResetService>,
    unknown: Vec<String>,
}

/// The tenant's PIN reset service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PinResetService {
    /// Where it is.
    pub origin: Origin,
    /// The certificate (DER) that the chains of its keys must end at; pinned from now on.
    pub anchor: Vec<u8>,
    /// Whether this user may use it.
    pub allowed: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Head {
    tenant_id: String,
    tenant_name: String,
    version: u64,
    #[serde(rename = "PinReset", default)]
    pin_reset: Option<WrittenService>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct WrittenService {
    url: String,
    anchor: String,
    allowed: bool,
}

/// The keys of the document that are no settings.
const HEAD: [&str; 4] = ["tenantId", "tenantName", "version", "PinReset"];

impl PolicyDocument {
    /// Reads the document that the provider gave for `tenant`.
    ///
    /// # Errors
    /// When a key that we know has a wrong value, or it is another tenant's.
    pub fn of_tenant(raw: Value, tenant: Uuid) -> Result<Self, PolicyError> {
        let document = Self::try_from(raw)?;
        if document.tenant != tenant {
            return Err(PolicyError::OtherTenant { expected: tenant, found: document.tenant });
        }
        Ok(document)
    }

    /// The tenant.
    #[must_use]
    pub const fn tenant(&self) -> Uuid {
        self.tenant
    }

    /// Its name, for people.
    #[must_use]
    pub fn tenant_name(&self) -> &str {
        &self.tenant_name
    }

    /// Grows with each change.
    #[must_use]
    pub const fn version(&self) -> u64 {
        self.version
    }

    /// What it says.
    #[must_use]
    pub const fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The PIN reset service, if the tenant has one.
    #[must_use]
    pub const fn pin_reset(&self) -> Option<&PinResetService> {
        self.pin_reset.as_ref()
    }

    /// Keys that this version of the program does not know, and so does not carry out.
    #[must_use]
    pub fn unknown(&self) -> &[String] {
        &self.unknown
    }
}

impl TryFrom<Value> for PolicyDocument {
    type Error = PolicyError;

    fn try_from(raw: Value) -> Result<Self, PolicyError> {
        let wrong = |error: serde_json::Error| PolicyError::Document(error.to_string());
        let head = Head::deserialize(&raw).map_err(wrong)?;
        let settings = Settings::deserialize(&raw).map_err(wrong)?;
        let mut unknown = raw.as_object().map(Settings::unknown).unwrap_or_default();
        unknown.retain(|key| !HEAD.contains(&key.as_str()));
        Ok(Self {
            tenant: tenant_id(&head.tenant_id).map_err(|error| PolicyError::Document(error.to_string()))?,
            tenant_name: head.tenant_name,
            version: head.version,
            pin_reset: head.pin_reset.map(PinResetService::try_from).transpose()?,
            settings,
            unknown,
            raw,
        })
    }
}

impl TryFrom<WrittenService> for PinResetService {
    type Error = PolicyError;

    fn try_from(written: WrittenService) -> Result<Self, PolicyError> {
        let anchor = STANDARD.decode(&written.anchor).ok().filter(|der| !der.is_empty());
        let no_anchor = || PolicyError::Document("PinReset.Anchor is no base64 certificate".to_owned());
        Ok(Self {
            origin: Origin::parse(&written.url).map_err(PolicyError::PinResetUrl)?,
            anchor: anchor.ok_or_else(no_anchor)?,
            allowed: written.allowed,
        })
    }
}

impl Serialize for PolicyDocument {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.raw.serialize(serializer)
    }
}
