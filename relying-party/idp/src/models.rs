//! What is known about models of authenticators: the FIDO metadata, and the anchors that an operator trusts besides.
//!
//! The metadata file is verified when the program starts, which refuses to run with one that does not verify: a policy that
//! names models would otherwise quietly accept nobody, or a compromised model. While the program runs, a file that is changed
//! is read again; a bad one is reported and the one in use stays. A file that is overdue is used on, and shown as stale: it
//! still names the models that were unsafe when it was signed, and people must be able to sign in on the day after.

mod file;

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use uuid::Uuid;

use crate::attestation::Anchor;
use crate::clock::UnixTime;
use crate::mds::{Authenticator, Blob, BlobError, Freshness, Status, Trust};
use crate::pages::When;
use crate::pages::admin::MetadataState;
use crate::storage::{self, Database};
use file::{Changed, Watched};

/// Under which name the highest number is kept that was ever accepted, here or by another process.
const HIGH_MARK: &str = "fido-metadata";

/// The models that this provider knows of. The default knows none.
#[derive(Default)]
pub struct Models {
    own: Vec<Anchor>,
    source: Option<Arc<Source>>,
    metadata: RwLock<Option<Arc<Metadata>>>,
}

/// Where metadata come from, and whose signature they must bear.
struct Source {
    file: Mutex<Watched>,
    trust: Trust,
}

/// FIDO metadata in use.
#[derive(Debug)]
pub struct Metadata {
    /// The verified BLOB.
    pub blob: Blob,
    /// When it was loaded.
    pub loaded_at: UnixTime,
}

/// What people may read about a model.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Model {
    /// Its name, in the metadata or as an anchor calls it.
    pub name: Option<String>,
    /// The status in the metadata because of which it is refused.
    pub warning: Option<String>,
}

/// Why metadata are not used.
#[derive(Debug, thiserror::Error)]
pub enum MetadataError {
    /// The file cannot be read.
    #[error("the FIDO metadata file {} cannot be read: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// It is not as it must be.
    #[error(transparent)]
    Blob(#[from] BlobError),
    /// The database, which keeps the highest number.
    #[error(transparent)]
    Storage(#[from] storage::Error),
    /// The thread that verifies it ended.
    #[error("the verification of the FIDO metadata was stopped")]
    Stopped,
}

impl Models {
    /// Models with these anchors besides the metadata's.
    #[must_use]
    pub fn new(own: Vec<Anchor>) -> Self {
        Self { own, source: None, metadata: RwLock::default() }
    }

    /// With metadata from a file, which [`Models::load`] reads.
    #[must_use]
    pub fn with_metadata(mut self, path: PathBuf, trust: Trust) -> Self {
        self.source = Some(Arc::new(Source { file: Mutex::new(Watched::new(path)), trust }));
        self
    }

    /// Reads the metadata file, if there is one that changed since it was last looked at. Whether new metadata are in use.
    ///
    /// # Errors
    /// When it cannot be read, does not verify, or is older than what was accepted before; what is in use stays.
    pub async fn load(&self, database: &Database, now: UnixTime) -> Result<bool, MetadataError> {
        let Some(source) = self.source.clone() else { return Ok(false) };
        let held = database.high_marks().find(HIGH_MARK).await?.and_then(|held| u64::try_from(held).ok());
        // Megabytes are read and parsed: not on a thread that answers requests.
        let read = tokio::task::spawn_blocking(move || source.read(held, now)).await;
        let Some(blob) = read.map_err(|_| MetadataError::Stopped)?? else { return Ok(false) };
        let number = i64::try_from(blob.number()).map_err(|_| BlobError::Payload)?;
        if !database.high_marks().raise(HIGH_MARK, number).await? {
            // Another process accepted a newer one in between.
            return Err(BlobError::Rollback { number: blob.number(), held: blob.number() }.into());
        }
        if blob.next_update() < now {
            tracing::warn!("the FIDO metadata are overdue: download the current file");
        }
        tracing::info!(number, models = blob.len(), skipped = blob.skipped(), "FIDO metadata are in use");
        self.replace_metadata(blob, now);
        Ok(true)
    }

    /// The operator's own anchors.
    #[must_use]
    pub fn own(&self) -> &[Anchor] {
        &self.own
    }

    /// The metadata in use, if any are.
    #[must_use]
    pub fn metadata(&self) -> Option<Arc<Metadata>> {
        self.metadata.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn replace_metadata(&self, blob: Blob, loaded_at: UnixTime) {
        let metadata = Some(Arc::new(Metadata { blob, loaded_at }));
        *self.metadata.write().unwrap_or_else(PoisonError::into_inner) = metadata;
    }

    /// What people may read about the model with this AAGUID.
    #[must_use]
    pub fn model(&self, aaguid: Uuid) -> Model {
        let metadata = self.metadata();
        let known = metadata.as_ref().and_then(|metadata| metadata.blob.authenticator(aaguid));
        let described = known.map(Authenticator::description).filter(|name| !name.is_empty());
        let own = || self.own.iter().find(|anchor| anchor.aaguid == aaguid);
        Model {
            name: described.or_else(|| own().map(|anchor| anchor.description.as_str())).map(str::to_owned),
            warning: known.and_then(Authenticator::refused_status).map(Status::as_str).map(str::to_owned),
        }
    }

    /// The metadata in use, as administrators see them.
    #[must_use]
    pub fn metadata_state(&self, now: UnixTime) -> Option<MetadataState> {
        let metadata = self.metadata()?;
        let blob = &metadata.blob;
        Some(MetadataState {
            number: blob.number(),
            entries: u64::try_from(blob.len()).unwrap_or(u64::MAX),
            next_update: When::at(blob.next_update()).text,
            stale: blob.next_update() < now,
            loaded: When::at(metadata.loaded_at),
        })
    }
}

impl Source {
    /// `None`: the file is as it was.
    fn read(&self, held: Option<u64>, now: UnixTime) -> Result<Option<Blob>, MetadataError> {
        let changed = self.file.lock().unwrap_or_else(PoisonError::into_inner).read();
        let Changed::To(text) = changed? else { return Ok(None) };
        Ok(Some(Blob::verify(&text, &self.trust, Freshness::AnyAge, held, now)?))
    }
}

#[cfg(test)]
mod tests;
