//! The database: one transaction per change, and nothing in it that is worth copying.

use std::path::{Path, PathBuf};

use rusqlite::{Connection, OpenFlags, Transaction, TransactionBehavior};

use crate::error::{Error, StorageError};

mod biometrics;
mod compartments;
mod identity;
mod pins;
mod records;
mod recovery;
mod settings;
mod single;
#[cfg(test)]
mod tests;

pub(crate) use compartments::SealedItem;
pub(crate) use identity::{Identity, StoredIdentity};
#[cfg(test)]
use pins::AbandonedSlot;
pub(crate) use pins::{PinProtector, SealedAdmin};
pub(crate) use records::{RecordTags, StoredRecord};
pub(crate) use recovery::ResetProtector;
pub(crate) use settings::SealedListing;
pub(crate) use single::Single;

/// Each migration once, in order; a merged one is never edited.
const MIGRATIONS: [&str; 9] = [
    include_str!("../migrations/0001_container.sql"),
    include_str!("../migrations/0002_owners_of_slots.sql"),
    include_str!("../migrations/0003_compartments.sql"),
    include_str!("../migrations/0004_biometrics.sql"),
    include_str!("../migrations/0005_age_of_pins.sql"),
    include_str!("../migrations/0006_settings.sql"),
    include_str!("../migrations/0007_large_blobs.sql"),
    include_str!("../migrations/0008_presence.sql"),
    include_str!("../migrations/0009_installation_key.sql"),
];

/// An open database of a container.
pub(crate) struct Store {
    connection: Connection,
    path: PathBuf,
}

/// What a database file turned out to be.
pub(crate) enum Opened {
    /// A container's.
    Container(Store),
    /// One whose creation was interrupted before anything was in it.
    Unborn,
}

impl Store {
    /// Opens the database in `path` and brings it to the newest format.
    pub fn open(path: &Path) -> Result<Opened, Error> {
        let mut store = Self::connect(path)?;
        let found = store.version()?;
        let known = newest();
        if found > known {
            return Err(Error::TooNew { found, known });
        }
        if found == 0 {
            return Ok(Opened::Unborn);
        }
        store.change(|change| migrate(change, found))?;
        Ok(Opened::Container(store))
    }

    /// Fills the empty database in `path`, in one transaction: it holds a container or nothing.
    pub fn create(path: &Path, identity: &StoredIdentity) -> Result<Self, Error> {
        let mut store = Self::connect(path)?;
        store.change(|change| {
            migrate(change, 0)?;
            identity::insert(change, identity)
        })?;
        Ok(store)
    }

    fn connect(path: &Path) -> Result<Self, StorageError> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
            | OpenFlags::SQLITE_OPEN_NO_MUTEX
            | OpenFlags::SQLITE_OPEN_NOFOLLOW;
        let failed = |error| StorageError::database(path, &error);
        let connection = Connection::open_with_flags(path, flags).map_err(failed)?;
        // The exclusive mode comes first: the directory is locked anyway, and so the log needs neither shared
        // memory nor a file lock for each statement. The log is synced at each commit (FULL), and deleted records
        // are overwritten.
        connection
            .execute_batch(
                "PRAGMA locking_mode = EXCLUSIVE;
                 PRAGMA journal_mode = WAL;
                 PRAGMA synchronous = FULL;
                 PRAGMA foreign_keys = ON;
                 PRAGMA secure_delete = ON;
                 PRAGMA trusted_schema = OFF;
                 PRAGMA temp_store = MEMORY;
                 PRAGMA cache_size = -4096;",
            )
            .map_err(failed)?;
        connection.set_prepared_statement_cache_capacity(32);
        let store = Self { connection, path: path.to_owned() };
        if store.connection.is_readonly("main").map_err(failed)? {
            return Err(StorageError {
                path: path.to_owned(),
                problem: crate::error::StorageProblem::ReadOnly,
            });
        }
        Ok(store)
    }

    fn version(&self) -> Result<u32, StorageError> {
        self.connection
            .query_row("PRAGMA user_version", [], |row| row.get(0))
            .map_err(|error| self.failed(&error))
    }

    /// Settles a commit that failed: its frames in the log, which a restart might take for committed, are overwritten
    /// by this one. It must write a page, and `SQLite` skips an `UPDATE` that changes no byte; the format's version is
    /// always written.
    pub fn settle(&mut self) -> Result<(), StorageError> {
        self.change(|change| change.pragma_update(None, "user_version", newest()))
    }

    /// Moves the log into the database and empties it, so that what was replaced is gone from the disk. A failure
    /// changes nothing that anybody can see, and the next checkpoint makes up for it.
    pub fn checkpoint(&self) {
        drop(self.connection.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)"));
    }

    /// One transaction: all of `work` or nothing.
    fn change<T>(
        &mut self,
        work: impl FnOnce(&Transaction<'_>) -> Result<T, rusqlite::Error>,
    ) -> Result<T, StorageError> {
        let path = &self.path;
        let changed = (|| {
            let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let value = work(&transaction)?;
            transaction.commit()?;
            Ok(value)
        })();
        changed.map_err(|error| StorageError::database(path, &error))
    }

    fn failed(&self, error: &rusqlite::Error) -> StorageError {
        StorageError::database(&self.path, error)
    }
}

fn newest() -> u32 {
    u32::try_from(MIGRATIONS.len()).unwrap_or(u32::MAX)
}

/// Runs the migrations after `from`.
fn migrate(change: &Transaction<'_>, from: u32) -> Result<(), rusqlite::Error> {
    for (version, migration) in (1_u32..).zip(MIGRATIONS) {
        if version > from {
            change.execute_batch(migration)?;
            change.pragma_update(None, "user_version", version)?;
        }
    }
    Ok(())
}
