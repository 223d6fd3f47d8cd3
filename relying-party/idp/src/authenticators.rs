//! Which models of authenticators, and makers of TPMs, an operator lets the provider know.

use std::error::Error;
use std::path::{Path, PathBuf};

use clap::Args;
use latchkey_idp::attestation::Anchor;
use latchkey_idp::devices::{EndorsementRoots, RootsError};
use latchkey_idp::mds::Trust;
use latchkey_idp::models::Models;
use uuid::Uuid;

use crate::Failure;

#[derive(Debug, Args)]
pub(crate) struct Authenticators {
    /// FIDO metadata (the MDS3 BLOB) to know authenticators by; read again when the file changes
    #[arg(long, value_name = "FILE", env = "LATCHKEY_IDP_FIDO_METADATA")]
    fido_metadata: Option<PathBuf>,
    /// Root that the metadata's signer must lead to, PEM [default: the one that ships with this program]
    #[arg(long, value_name = "FILE", env = "LATCHKEY_IDP_FIDO_METADATA_ROOT", requires = "fido_metadata")]
    fido_metadata_root: Option<PathBuf>,
    /// Folder with further makers' certificates, PEM, each file named after its model: AAGUID.pem
    #[arg(long, value_name = "FOLDER", env = "LATCHKEY_IDP_ATTESTATION_ANCHORS")]
    attestation_anchors: Option<PathBuf>,
    /// Folder with the root certificates of TPM makers, and those between, PEM: their TPMs are trusted
    #[arg(long, value_name = "FOLDER", env = "LATCHKEY_IDP_ENDORSEMENT_ROOTS")]
    endorsement_roots: Option<PathBuf>,
}

impl Authenticators {
    /// The makers of TPMs that the options name.
    pub(crate) fn endorsement_roots(&self) -> Result<EndorsementRoots, RootsError> {
        match &self.endorsement_roots {
            Some(folder) => EndorsementRoots::load(folder),
            None => Ok(EndorsementRoots::default()),
        }
    }

    /// What the options name. The metadata are not loaded yet.
    pub(crate) fn models(&self) -> Result<Models, Box<dyn Error>> {
        let own = match &self.attestation_anchors {
            Some(folder) => anchors(folder)?,
            None => Vec::new(),
        };
        let models = Models::new(own);
        let Some(file) = &self.fido_metadata else { return Ok(models) };
        let trust = match &self.fido_metadata_root {
            Some(root) => Trust::new(&text(root)?)?,
            None => Trust::fido_alliance(),
        };
        Ok(models.with_metadata(file.clone(), trust))
    }
}

fn anchors(folder: &Path) -> Result<Vec<Anchor>, Box<dyn Error>> {
    let unreadable = |error| Failure(format!("{} cannot be read: {error}", folder.display()));
    let mut anchors = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        if path.extension().is_none_or(|extension| extension != "pem") {
            continue;
        }
        let named =
            path.file_stem().and_then(|stem| stem.to_str()).and_then(|stem| Uuid::try_parse(stem).ok());
        let aaguid = named.ok_or_else(|| {
            Failure(format!("{} must be named after the AAGUID that it vouches for", path.display()))
        })?;
        let found = Anchor::from_pem(aaguid, &text(&path)?);
        anchors.extend(found.map_err(|error| Failure(format!("{}: {error}", path.display())))?);
    }
    Ok(anchors)
}

fn text(path: &Path) -> Result<String, Failure> {
    std::fs::read_to_string(path)
        .map_err(|error| Failure(format!("{} cannot be read: {error}", path.display())))
}
