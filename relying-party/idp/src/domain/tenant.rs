//! Tenants, and what a request's first path segment says about them.

use serde::{Deserialize, Serialize};

use super::TenantId;
use crate::clock::UnixTime;

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
pub struct TenantPolicy {
    /// Whether clients may send a user's password (RFC 6749 §4.3). Off: it trains users to type it anywhere.
    pub password_grant: bool,
    /// Whether users may consent to what applications ask for.
    pub user_consent: bool,
}

impl Default for TenantPolicy {
    fn default() -> Self {
        Self { password_grant: false, user_consent: true }
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

impl Authority {
    /// Reads a path segment, in whichever case it is written.
    #[must_use]
    pub fn parse(segment: &str) -> Self {
        let segment = segment.to_ascii_lowercase();
        match segment.as_str() {
            "common" => Self::Common,
            "organizations" => Self::Organizations,
            "consumers" => Self::Consumers,
            _ => segment.parse().map_or(Self::Domain(segment), Self::Tenant),
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
