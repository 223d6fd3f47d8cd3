//! The one row of table `installation_key`.

use rusqlite::OptionalExtension;

use super::Store;
use crate::error::StorageError;

impl Store {
    /// The sealed key, if there is one.
    pub fn installation_key(&self) -> Result<Option<Vec<u8>>, StorageError> {
        self.connection
            .query_row("SELECT sealed FROM installation_key", [], |row| row.get(0))
            .optional()
            .map_err(|error| self.failed(&error))
    }

    /// Puts a sealed key in the place of the one before.
    pub fn set_installation_key(&mut self, sealed: &[u8]) -> Result<(), StorageError> {
        self.change(|change| {
            change
                .execute("INSERT OR REPLACE INTO installation_key (row, sealed) VALUES (1, ?1)", [sealed])
                .map(drop)
        })
    }
}
