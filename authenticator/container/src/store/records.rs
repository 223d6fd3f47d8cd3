//! The records of user keys, found by their tags. A tag also tells the domain, because each domain hashes under
//! labels of its own.

use rusqlite::types::{FromSql, FromSqlError, FromSqlResult, ValueRef};
use rusqlite::{OptionalExtension, params};

use super::Store;
use super::settings::put_listing;
use crate::access::PasskeyClass;
use crate::error::StorageError;
use crate::lookup::Tag;

/// The tags that a record is found by.
pub(crate) struct RecordTags {
    pub id: Tag,
    pub scope: Tag,
    pub account: Tag,
}

/// A record as it lies in the database.
pub(crate) struct StoredRecord {
    pub tag: Tag,
    pub class: PasskeyClass,
    pub sealed: Vec<u8>,
}

impl Store {
    /// Adds a passkey whose first `reserved_count` signature counts are handed out from memory. A discoverable one
    /// takes the place of the account's older one in the same transaction (CTAP 2.3 §6.1.2). With it goes its listing, where
    /// somebody may see that.
    pub fn insert(
        &mut self,
        tags: &RecordTags,
        class: PasskeyClass,
        discoverable: bool,
        reserved_count: u32,
        sealed: &[u8],
        listing: Option<&[u8]>,
    ) -> Result<(), StorageError> {
        self.change(|change| {
            if discoverable {
                change
                    .prepare_cached("DELETE FROM user_keys WHERE account_tag = ?1 AND discoverable = 1")?
                    .execute([tags.account])?;
            }
            change
                .prepare_cached(
                    "INSERT INTO user_keys (domain, class, id_tag, scope_tag, account_tag, discoverable,
                                            reserved_count, sealed)
                     VALUES ('passkey', ?1, ?2, ?3, ?4, ?5, ?6, ?7)",
                )?
                .execute(params![
                    class.name(),
                    tags.id,
                    tags.scope,
                    tags.account,
                    discoverable,
                    reserved_count,
                    sealed
                ])?;
            listing.map_or(Ok(()), |listing| put_listing(change, &tags.id, listing))
        })
    }

    /// Hands the sealed record to `open` where it lies, so that it is copied once.
    pub fn record<T>(
        &self,
        id: &Tag,
        open: impl FnOnce(PasskeyClass, &[u8]) -> T,
    ) -> Result<Option<T>, StorageError> {
        let read = || {
            self.connection
                .prepare_cached("SELECT class, sealed FROM user_keys WHERE id_tag = ?1")?
                .query_row([id], |row| Ok(open(row.get(0)?, row.get_ref(1)?.as_blob()?)))
                .optional()
        };
        read().map_err(|error| self.failed(&error))
    }

    /// The discoverable records of a relying party, newest first.
    pub fn records_of(&self, scope: &Tag) -> Result<Vec<StoredRecord>, StorageError> {
        self.list(
            "SELECT id_tag, class, sealed FROM user_keys
             WHERE scope_tag = ?1 AND discoverable = 1 ORDER BY sequence DESC",
            [scope],
        )
    }

    /// Every record of a passkey, newest first.
    pub fn records(&self) -> Result<Vec<StoredRecord>, StorageError> {
        self.list(
            "SELECT id_tag, class, sealed FROM user_keys WHERE domain = 'passkey' ORDER BY sequence DESC",
            [],
        )
    }

    /// Whether there is such a record, as far as its tags tell.
    pub fn knows(&self, id: &Tag, scope: &Tag) -> Result<bool, StorageError> {
        let read = || {
            self.connection
                .prepare_cached("SELECT 1 FROM user_keys WHERE id_tag = ?1 AND scope_tag = ?2")?
                .exists([id, scope])
        };
        read().map_err(|error| self.failed(&error))
    }

    pub fn count(&self) -> Result<u32, StorageError> {
        self.number("SELECT count(*) FROM user_keys WHERE domain = 'passkey'")
    }

    pub fn discoverable_count(&self) -> Result<u32, StorageError> {
        self.number("SELECT count(*) FROM user_keys WHERE discoverable = 1 AND domain = 'passkey'")
    }

    /// Puts a newly sealed text, and listing, in the place of the old one; whether there was one.
    pub fn replace(&mut self, id: &Tag, sealed: &[u8], listing: Option<&[u8]>) -> Result<bool, StorageError> {
        self.change(|change| {
            let rows = change
                .prepare_cached("UPDATE user_keys SET sealed = ?2 WHERE id_tag = ?1")?
                .execute(params![id, sealed])?;
            if let (1, Some(listing)) = (rows, listing) {
                put_listing(change, id, listing)?;
            }
            Ok(rows == 1)
        })
    }

    /// Deletes a record; whether there was one.
    pub fn delete(&mut self, id: &Tag) -> Result<bool, StorageError> {
        self.change(|change| change.prepare_cached("DELETE FROM user_keys WHERE id_tag = ?1")?.execute([id]))
            .map(|rows| rows == 1)
    }

    /// Reserves `ahead` more signature counts; the highest one reserved now. The commit is checked before any of
    /// them is handed out. A count above 32 bits is an error and rolls back: it must not wrap.
    pub fn reserve_counts(&mut self, id: &Tag, ahead: u32) -> Result<Option<u32>, StorageError> {
        self.change(|change| {
            change
                .prepare_cached(
                    "UPDATE user_keys SET reserved_count = reserved_count + ?2
                     WHERE id_tag = ?1 RETURNING reserved_count",
                )?
                .query_row(params![id, ahead], |row| row.get(0))
                .optional()
        })
    }

    fn list(&self, sql: &str, tags: impl rusqlite::Params) -> Result<Vec<StoredRecord>, StorageError> {
        let read = || -> rusqlite::Result<Vec<StoredRecord>> {
            self.connection
                .prepare_cached(sql)?
                .query_map(tags, |row| {
                    Ok(StoredRecord { tag: row.get(0)?, class: row.get(1)?, sealed: row.get(2)? })
                })?
                .collect()
        };
        read().map_err(|error| self.failed(&error))
    }

    fn number(&self, sql: &str) -> Result<u32, StorageError> {
        let read = || self.connection.prepare_cached(sql)?.query_row([], |row| row.get(0));
        read().map_err(|error| self.failed(&error))
    }
}

impl FromSql for PasskeyClass {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        let name = value.as_str()?;
        [Self::Verified, Self::Presence]
            .into_iter()
            .find(|class| class.name() == name)
            .ok_or(FromSqlError::InvalidType)
    }
}
