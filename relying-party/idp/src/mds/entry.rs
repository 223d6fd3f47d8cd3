//! One entry of a BLOB (MDS3 §3.1.1), and what its statuses mean.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use uuid::Uuid;

/// What the metadata say about one authenticator model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Authenticator {
    description: String,
    statuses: Vec<StatusReport>,
    attestation_roots: Vec<Vec<u8>>,
    readable: bool,
}

/// A status and since when it holds.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StatusReport {
    /// What happened.
    pub status: Status,
    /// Since when, an ISO 8601 date.
    pub effective_date: Option<String>,
    /// The authenticator version that it is about.
    pub authenticator_version: Option<u64>,
}

/// A word of MDS3 §3.1.4 (`AuthenticatorStatus`), or one of a later version.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct Status(String);

impl Status {
    /// Statuses with which an authenticator is not trusted any more.
    const REFUSED: [&'static str; 5] = [
        "REVOKED",
        "USER_VERIFICATION_BYPASS",
        "ATTESTATION_KEY_COMPROMISE",
        "USER_KEY_REMOTE_COMPROMISE",
        "USER_KEY_PHYSICAL_COMPROMISE",
    ];

    /// The word.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether an authenticator with this status is refused.
    #[must_use]
    pub fn is_refused(&self) -> bool {
        Self::REFUSED.contains(&self.0.as_str())
    }
}

impl Authenticator {
    /// Its name, for people.
    #[must_use]
    pub fn description(&self) -> &str {
        &self.description
    }

    /// All that was reported.
    #[must_use]
    pub fn statuses(&self) -> &[StatusReport] {
        &self.statuses
    }

    /// The certificates (DER) that its attestation chains end at.
    #[must_use]
    pub fn attestation_roots(&self) -> &[Vec<u8>] {
        &self.attestation_roots
    }

    /// The status because of which it is refused: any bad one, also when later reports say that an update exists, since
    /// nobody here sees whether this very device has the update.
    #[must_use]
    pub fn refused_status(&self) -> Option<&Status> {
        self.statuses.iter().map(|report| &report.status).find(|status| status.is_refused())
    }

    /// Whether the whole entry could be read.
    #[must_use]
    pub fn is_readable(&self) -> bool {
        self.readable
    }

    pub(super) fn unreadable() -> Self {
        Self {
            description: String::new(),
            statuses: Vec::new(),
            attestation_roots: Vec::new(),
            readable: false,
        }
    }

    pub(super) fn merge(&mut self, other: Self) {
        if self.description.is_empty() {
            self.description = other.description;
        }
        self.statuses.extend(other.statuses);
        self.attestation_roots.extend(other.attestation_roots);
        self.readable &= other.readable;
    }
}

pub(super) enum Parsed {
    Fido2(Uuid, Authenticator),
    /// A U2F or UAF authenticator, which is known by other means than an AAGUID.
    OtherProtocol,
    /// With the AAGUID, if at least that can be read.
    Unreadable(Option<Uuid>),
}

#[derive(Deserialize)]
struct Name {
    aaguid: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Entry {
    metadata_statement: Statement,
    status_reports: Vec<StatusReport>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Statement {
    description: String,
    aaguid: Option<String>,
    attestation_root_certificates: Vec<String>,
}

pub(super) fn parse(json: &str) -> Parsed {
    let Ok(Name { aaguid }) = serde_json::from_str(json) else { return Parsed::Unreadable(None) };
    let Some(aaguid) = aaguid else { return Parsed::OtherProtocol };
    let Some(aaguid) = guid(&aaguid) else { return Parsed::Unreadable(None) };
    match authenticator(json, aaguid) {
        Some(authenticator) => Parsed::Fido2(aaguid, authenticator),
        None => Parsed::Unreadable(Some(aaguid)),
    }
}

fn authenticator(json: &str, aaguid: Uuid) -> Option<Authenticator> {
    let Entry { metadata_statement: statement, status_reports: statuses } =
        serde_json::from_str(json).ok()?;
    // MDS3 §3.1.1: the statement's AAGUID is the entry's.
    if statement.aaguid.is_some_and(|inner| guid(&inner) != Some(aaguid)) {
        return None;
    }
    let roots = statement.attestation_root_certificates.iter();
    let attestation_roots = roots.map(|text| certificate(text)).collect::<Option<_>>()?;
    Some(Authenticator { description: statement.description, statuses, attestation_roots, readable: true })
}

/// Some statements have line breaks within.
fn certificate(text: &str) -> Option<Vec<u8>> {
    let text: String = text.chars().filter(|character| !character.is_ascii_whitespace()).collect();
    STANDARD.decode(text).ok()
}

fn guid(text: &str) -> Option<Uuid> {
    if text.len() == 36 { Uuid::try_parse(text).ok() } else { None }
}
