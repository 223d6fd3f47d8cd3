//! Why a server refuses. "It was refused" is not enough: a server that crashes refuses everything.

use std::collections::BTreeMap;
use std::path::Path;

/// A reason, in the words of the standard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// Something is missing, of a wrong type, or not encoded as it must be.
    Malformed,
    /// `id`, `rawId` and the credential ID in authenticator data differ.
    Id,
    /// `type` in client data.
    Type,
    /// `challenge` in client data.
    Challenge,
    /// `origin` in client data.
    Origin,
    /// The ceremony ran inside another origin's page.
    CrossOrigin,
    /// The RP ID hash.
    RpId,
    /// UP is clear.
    Presence,
    /// UV is clear.
    Verification,
    /// The public key, or its algorithm.
    Key,
    /// The attestation statement format is not known.
    Format,
    /// The attestation statement is not what its format says.
    Statement,
    /// The attestation statement and the credential do not belong together.
    Mismatch,
    /// The attestation certificate does not meet its requirements.
    Certificate,
    /// A signature does not verify.
    Signature,
    /// The signature counter went back.
    Counter,
    /// The credential is nobody's, or another user's.
    Credential,
    /// The credential is registered already.
    Duplicate,
    /// The user name is taken.
    Name,
}

impl Reason {
    /// Its name in a file of codes.
    pub fn name(self) -> &'static str {
        match self {
            Self::Malformed => "malformed",
            Self::Id => "id",
            Self::Type => "type",
            Self::Challenge => "challenge",
            Self::Origin => "origin",
            Self::CrossOrigin => "cross-origin",
            Self::RpId => "rp-id",
            Self::Presence => "presence",
            Self::Verification => "verification",
            Self::Key => "key",
            Self::Format => "format",
            Self::Statement => "statement",
            Self::Mismatch => "mismatch",
            Self::Certificate => "certificate",
            Self::Signature => "signature",
            Self::Counter => "counter",
            Self::Credential => "credential",
            Self::Duplicate => "duplicate",
            Self::Name => "name",
        }
    }
}

/// Which codes of a server mean which reason. Without any, every code may mean everything.
#[derive(Debug, Clone, Default)]
pub struct Codes(BTreeMap<String, Vec<String>>);

impl Codes {
    /// Reads a file.
    ///
    /// # Errors
    /// A sentence on what is wrong with it.
    pub fn read(path: &Path) -> Result<Self, String> {
        let text = std::fs::read_to_string(path)
            .map_err(|error| format!("cannot read {}: {error}", path.display()))?;
        toml::from_str(&text).map(Self).map_err(|error| format!("{}: {error}", path.display()))
    }

    /// Whether a code may mean one of these reasons.
    pub fn mean(&self, code: &str, reasons: &[Reason]) -> bool {
        let listed = |reason: &Reason| {
            self.0.get(reason.name()).is_some_and(|codes| codes.iter().any(|known| known == code))
        };
        self.0.is_empty() || reasons.iter().any(listed)
    }
}
