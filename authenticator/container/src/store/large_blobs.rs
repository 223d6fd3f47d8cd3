//! The one row of table `large_blobs`.

use rusqlite::OptionalExtension;

use super::Store;
use crate::error::StorageError;

impl Store {
    /// The sealed array, if one was ever written.
    pub fn large_blobs(&self) -> Result<Option<Vec<u8>>, StorageError> {
        self.connection
            .query_row("SELECT sealed FROM large_blobs", [], |row| row.get(0))
            .optional()
            .map_err(|error| self.failed(&error))
    }

    /// Puts a sealed array in the place of the one before.
    pub fn set_large_blobs(&mut self, sealed: &[u8]) -> Result<(), StorageError> {
        self.change(|change| {
            change
                .execute("INSERT OR REPLACE INTO large_blobs (row, sealed) VALUES (1, ?1)", [sealed])
                .map(drop)
        })
    }
}
