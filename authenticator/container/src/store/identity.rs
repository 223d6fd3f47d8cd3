//! Who the container is: the one row of table `container`.

use rusqlite::{Transaction, params};

use super::Store;
use crate::error::StorageError;
use crate::stretch::StretchCost;
use crate::time::UnixTime;
use crate::tpm::SealedBlob;

/// What never changes about a container.
pub(crate) struct Identity {
    pub id: [u8; 16],
    pub created: UnixTime,
    pub stretch: StretchCost,
}

/// The row as it is written at creation.
pub(crate) struct StoredIdentity {
    pub identity: Identity,
    pub storage_root_name: Vec<u8>,
    pub lookup_key: SealedBlob,
    /// Only of a container whose passkeys may be of the presence class.
    pub presence_key: Option<SealedBlob>,
    pub generation: u64,
    /// Whether a destruction has begun.
    pub destroying: bool,
}

impl Store {
    pub fn identity(&self) -> Result<StoredIdentity, StorageError> {
        self.connection
            .query_row(
                "SELECT id, created, storage_root_name, lookup_key, stretch_memory_kib, stretch_passes,
                        generation, destroying, presence_key FROM container",
                [],
                |row| {
                    Ok(StoredIdentity {
                        identity: Identity {
                            id: row.get(0)?,
                            created: UnixTime(row.get::<_, i64>(1)?.cast_unsigned()),
                            stretch: StretchCost { memory_kib: row.get(4)?, passes: row.get(5)? },
                        },
                        storage_root_name: row.get(2)?,
                        lookup_key: SealedBlob(row.get(3)?),
                        generation: row.get::<_, i64>(6)?.cast_unsigned(),
                        destroying: row.get(7)?,
                        presence_key: row.get::<_, Option<Vec<u8>>>(8)?.map(SealedBlob),
                    })
                },
            )
            .map_err(|error| self.failed(&error))
    }

    /// The first step of a destruction; from here on it is only ever finished.
    pub fn begin_destruction(&mut self) -> Result<(), StorageError> {
        self.change(|change| change.execute("UPDATE container SET destroying = 1", []).map(drop))
    }
}

pub(super) fn insert(change: &Transaction<'_>, stored: &StoredIdentity) -> Result<(), rusqlite::Error> {
    let identity = &stored.identity;
    change
        .execute(
            "INSERT INTO container (row, id, created, storage_root_name, lookup_key, stretch_memory_kib,
                                    stretch_passes, generation, presence_key)
             VALUES (1, ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
            params![
                identity.id,
                identity.created.0.cast_signed(),
                stored.storage_root_name,
                stored.lookup_key.0,
                identity.stretch.memory_kib,
                identity.stretch.passes,
                stored.generation.cast_signed(),
                stored.presence_key.as_ref().map(|key| &key.0),
            ],
        )
        .map(drop)
}
