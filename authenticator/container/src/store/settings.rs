//! The sealed records of what is set, and the listings that the holder of the persistent token may see.

use rusqlite::{OptionalExtension, Transaction, params};

use super::Store;
use crate::error::StorageError;
use crate::lookup::Tag;

const KEPT: &str = "kept";
const OF_THIS_PIN: &str = "of this PIN";

/// A listing as it lies in the database.
pub(crate) struct SealedListing {
    pub tag: Tag,
    pub sealed: Vec<u8>,
}

impl Store {
    /// What is kept until a reset.
    pub fn kept_settings(&self) -> Result<Option<Vec<u8>>, StorageError> {
        self.setting(KEPT)
    }

    /// What is kept until the PIN changes.
    pub fn settings_of_this_pin(&self) -> Result<Option<Vec<u8>>, StorageError> {
        self.setting(OF_THIS_PIN)
    }

    /// Writes the record that lasts and, where there is a new one, the record of this PIN with its listings.
    pub fn put_settings(
        &mut self,
        kept: &[u8],
        of_this_pin: Option<(&[u8], &[SealedListing])>,
    ) -> Result<(), StorageError> {
        self.change(|change| {
            put(change, KEPT, kept)?;
            let Some((sealed, listings)) = of_this_pin else { return Ok(()) };
            forget_settings_of_this_pin(change)?;
            put(change, OF_THIS_PIN, sealed)?;
            listings.iter().try_for_each(|listing| put_listing(change, &listing.tag, &listing.sealed))
        })
    }

    /// The listings, newest passkey first.
    pub fn listings(&self) -> Result<Vec<SealedListing>, StorageError> {
        let read = || -> rusqlite::Result<Vec<SealedListing>> {
            self.connection
                .prepare_cached(
                    "SELECT listings.id_tag, listings.sealed FROM listings
                     JOIN user_keys ON user_keys.id_tag = listings.id_tag ORDER BY sequence DESC",
                )?
                .query_map([], |row| Ok(SealedListing { tag: row.get(0)?, sealed: row.get(1)? }))?
                .collect()
        };
        read().map_err(|error| self.failed(&error))
    }

    /// How often what is discoverable has changed.
    pub fn discoverable_changes(&self) -> Result<u64, StorageError> {
        self.connection
            .query_row("SELECT discoverable_changes FROM container", [], |row| row.get::<_, i64>(0))
            .map(i64::cast_unsigned)
            .map_err(|error| self.failed(&error))
    }

    fn setting(&self, name: &str) -> Result<Option<Vec<u8>>, StorageError> {
        self.connection
            .query_row("SELECT sealed FROM settings WHERE name = ?1", [name], |row| row.get(0))
            .optional()
            .map_err(|error| self.failed(&error))
    }
}

/// Part of every change of PIN: what was demanded of the old one is done, what was granted with it is over.
pub(super) fn forget_settings_of_this_pin(change: &Transaction<'_>) -> Result<(), rusqlite::Error> {
    change.execute("DELETE FROM settings WHERE name = ?1", [OF_THIS_PIN])?;
    change.execute("DELETE FROM listings", []).map(drop)
}

/// Part of a reset.
pub(super) fn forget_settings(change: &Transaction<'_>) -> Result<(), rusqlite::Error> {
    forget_settings_of_this_pin(change)?;
    change.execute("DELETE FROM settings", []).map(drop)
}

/// Part of every change of a passkey while there is a persistent token.
pub(super) fn put_listing(change: &Transaction<'_>, id: &Tag, sealed: &[u8]) -> Result<(), rusqlite::Error> {
    change
        .prepare_cached("INSERT OR REPLACE INTO listings (id_tag, sealed) VALUES (?1, ?2)")?
        .execute(params![id, sealed])
        .map(drop)
}

fn put(change: &Transaction<'_>, name: &str, sealed: &[u8]) -> Result<(), rusqlite::Error> {
    change
        .execute("INSERT OR REPLACE INTO settings (name, sealed) VALUES (?1, ?2)", params![name, sealed])
        .map(drop)
}
