//! What is known about models of authenticators: the FIDO metadata, and the anchors that an operator trusts besides.

use std::sync::{Arc, PoisonError, RwLock};

use uuid::Uuid;

use crate::attestation::Anchor;
use crate::clock::UnixTime;
use crate::mds::{Authenticator, Blob, Status};
use crate::pages::When;
use crate::pages::admin::MetadataState;

/// The models that this provider knows of. The default knows none.
#[derive(Debug, Default)]
pub struct Models {
    own: Vec<Anchor>,
    metadata: RwLock<Option<Arc<Metadata>>>,
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

impl Models {
    /// Models with these anchors besides the metadata's.
    #[must_use]
    pub fn new(own: Vec<Anchor>) -> Self {
        Self { own, metadata: RwLock::default() }
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

    /// Uses these metadata from now on.
    pub fn replace_metadata(&self, blob: Blob, loaded_at: UnixTime) {
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
