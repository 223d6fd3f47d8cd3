//! The tables of one row: what a container has once.

use rusqlite::OptionalExtension;

use super::Store;
use crate::error::StorageError;

/// What a container has once, sealed to the device without a gesture; none before it is first written, or after a reset.
#[derive(Clone, Copy)]
pub(crate) enum Single {
    /// The large-blob array.
    LargeBlobs,
    /// The key of the installation.
    InstallationKey,
}

impl Single {
    /// Where it is sealed.
    pub const fn row(self) -> &'static [u8; 32] {
        match self {
            Self::LargeBlobs => b"latchkey's one large-blob array.",
            Self::InstallationKey => b"latchkey key of an installation.",
        }
    }

    /// What messages call it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::LargeBlobs => "large blobs",
            Self::InstallationKey => "key of this installation",
        }
    }
}

impl Store {
    /// The sealed text, if there is one.
    pub fn single(&self, single: Single) -> Result<Option<Vec<u8>>, StorageError> {
        let sql = match single {
            Single::LargeBlobs => "SELECT sealed FROM large_blobs",
            Single::InstallationKey => "SELECT sealed FROM installation_key",
        };
        let sealed = self.connection.query_row(sql, [], |row| row.get(0)).optional();
        sealed.map_err(|error| self.failed(&error))
    }

    /// Puts a sealed text in the place of the one before.
    pub fn set_single(&mut self, single: Single, sealed: &[u8]) -> Result<(), StorageError> {
        let sql = match single {
            Single::LargeBlobs => "INSERT OR REPLACE INTO large_blobs (row, sealed) VALUES (1, ?1)",
            Single::InstallationKey => "INSERT OR REPLACE INTO installation_key (row, sealed) VALUES (1, ?1)",
        };
        self.change(|change| change.execute(sql, [sealed]).map(drop))
    }
}
