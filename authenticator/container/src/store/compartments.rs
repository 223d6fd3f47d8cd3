//! Compartments and their sealed records.

use rusqlite::{OptionalExtension, Transaction, params};

use super::Store;
use crate::compartment::CompartmentId;
use crate::error::StorageError;
use crate::item::Item;
use crate::lookup::Tag;

/// A record to be written.
pub(crate) struct SealedItem<'a> {
    pub tag: Tag,
    pub item: Item<'a>,
    pub sealed: Vec<u8>,
}

impl Store {
    /// Adds a compartment with its first record.
    pub fn add_compartment(&mut self, id: CompartmentId, first: &SealedItem<'_>) -> Result<(), StorageError> {
        self.change(|change| {
            change.execute("INSERT INTO compartments (id) VALUES (?1)", [id.0])?;
            put(change, id, first)
        })
    }

    /// All compartments, oldest first.
    pub fn compartments(&self) -> Result<Vec<CompartmentId>, StorageError> {
        let read = || -> rusqlite::Result<Vec<CompartmentId>> {
            self.connection
                .prepare_cached("SELECT id FROM compartments ORDER BY sequence")?
                .query_map([], |row| row.get(0).map(CompartmentId))?
                .collect()
        };
        read().map_err(|error| self.failed(&error))
    }

    pub fn has_compartment(&self, id: CompartmentId) -> Result<bool, StorageError> {
        self.there("SELECT 1 FROM compartments WHERE id = ?1", [id.0])
    }

    /// Removes a compartment with all its records and its protector; whether there was one.
    pub fn remove_compartment(&mut self, id: CompartmentId) -> Result<bool, StorageError> {
        self.change(|change| change.execute("DELETE FROM compartments WHERE id = ?1", [id.0]))
            .map(|rows| rows == 1)
    }

    /// Writes records and takes others away, all in one.
    pub fn put_items(
        &mut self,
        id: CompartmentId,
        items: &[SealedItem<'_>],
        gone: &[Tag],
    ) -> Result<(), StorageError> {
        self.change(|change| {
            for tag in gone {
                change.execute("DELETE FROM compartment_records WHERE tag = ?1", [tag])?;
            }
            items.iter().try_for_each(|item| put(change, id, item))
        })
    }

    /// A sealed record.
    pub fn item(&self, tag: &Tag) -> Result<Option<Vec<u8>>, StorageError> {
        let read = || {
            self.connection
                .prepare_cached("SELECT sealed FROM compartment_records WHERE tag = ?1")?
                .query_row([tag], |row| row.get(0))
                .optional()
        };
        read().map_err(|error| self.failed(&error))
    }

    pub fn has_item(&self, tag: &Tag) -> Result<bool, StorageError> {
        self.there("SELECT 1 FROM compartment_records WHERE tag = ?1", [tag])
    }

    /// Removes every record of the kind of `item`.
    pub fn drop_items(&mut self, id: CompartmentId, item: Item<'_>) -> Result<(), StorageError> {
        self.change(|change| {
            change
                .execute(
                    "DELETE FROM compartment_records WHERE compartment = ?1 AND kind = ?2",
                    params![id.0, item.kind()],
                )
                .map(drop)
        })
    }

    fn there(&self, sql: &str, key: impl rusqlite::Params) -> Result<bool, StorageError> {
        let read = || self.connection.prepare_cached(sql)?.exists(key);
        read().map_err(|error| self.failed(&error))
    }
}

fn put(change: &Transaction<'_>, id: CompartmentId, record: &SealedItem<'_>) -> Result<(), rusqlite::Error> {
    change
        .prepare_cached(
            "INSERT OR REPLACE INTO compartment_records (tag, compartment, kind, class, sealed)
             VALUES (?1, ?2, ?3, ?4, ?5)",
        )?
        .execute(params![record.tag, id.0, record.item.kind(), record.item.class().name(), record.sealed])
        .map(drop)
}
