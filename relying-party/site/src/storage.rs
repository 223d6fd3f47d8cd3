//! What the site remembers, in SQLite. Each table is reached through the words of its domain.

mod challenges;
mod identities;
mod passkeys;
mod sessions;
mod users;

use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use sqlx::Row as _;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions};

use crate::clock::UnixTime;

pub(crate) use challenges::{Ceremony, Challenges, Pending, Taken};
pub(crate) use identities::Identities;
pub(crate) use passkeys::{Deletion, NewPasskey, Passkeys, StoredPasskey, Use};
pub(crate) use sessions::{
    Session, SessionId, SessionToken, Sessions, SignedIn, SignedInIdentity, SignedInUser,
};
pub(crate) use users::Users;

/// A statement that did not do what it was for.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("another user has this name")]
    NameTaken,
    #[error("this credential ID is registered already")]
    PasskeyExists,
    #[error("database: {0}")]
    Database(#[from] sqlx::Error),
    #[error("a stored record cannot be read: {0}")]
    Record(#[from] serde_json::Error),
}

/// Why the database cannot be opened. Each text says what to do.
#[derive(Debug, thiserror::Error)]
pub enum DatabaseError {
    /// The file cannot be made or opened.
    #[error("cannot open the database {}: {source}; check that its directory exists and is writable", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// SQLite refuses the file.
    #[error("{} is not a usable database: {source}; is it another program's file, or is the disk full?", path.display())]
    Sqlite {
        /// The file.
        path: PathBuf,
        /// What SQLite said.
        source: sqlx::Error,
    },
    /// The schema cannot be brought up to date.
    #[error("cannot bring {} up to date: {source}; was it used by a newer version?", path.display())]
    Migration {
        /// The file.
        path: PathBuf,
        /// What went wrong.
        source: sqlx::migrate::MigrateError,
    },
}

/// The open database.
pub(crate) struct Database {
    pool: SqlitePool,
}

impl Database {
    pub(crate) async fn open(path: &Path) -> Result<Self, DatabaseError> {
        // Made here rather than by SQLite, so that other users of the machine cannot read it for a moment.
        std::fs::OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(path)
            .map_err(|source| DatabaseError::File { path: path.to_owned(), source })?;
        let options = SqliteConnectOptions::new()
            .filename(path)
            .foreign_keys(true)
            .journal_mode(SqliteJournalMode::Wal)
            .busy_timeout(Duration::from_secs(5));
        let pool = SqlitePoolOptions::new()
            .max_connections(4)
            .acquire_timeout(Duration::from_secs(8))
            .connect_with(options)
            .await
            .map_err(|source| DatabaseError::Sqlite { path: path.to_owned(), source })?;
        sqlx::migrate!()
            .run(&pool)
            .await
            .map_err(|source| DatabaseError::Migration { path: path.to_owned(), source })?;
        Ok(Self { pool })
    }

    pub(crate) fn users(&self) -> Users<'_> {
        Users(&self.pool)
    }

    pub(crate) fn passkeys(&self) -> Passkeys<'_> {
        Passkeys(&self.pool)
    }

    pub(crate) fn sessions(&self) -> Sessions<'_> {
        Sessions(&self.pool)
    }

    pub(crate) fn identities(&self) -> Identities<'_> {
        Identities(&self.pool)
    }

    pub(crate) fn challenges(&self) -> Challenges<'_> {
        Challenges(&self.pool)
    }

    /// The site's key: `proposed` at the first start, the same ever after.
    pub(crate) async fn site_key(&self, proposed: [u8; 32]) -> Result<[u8; 32], Error> {
        sqlx::query("INSERT INTO site_keys (name, value) VALUES ('site', ?) ON CONFLICT DO NOTHING")
            .bind(proposed.as_slice())
            .execute(&self.pool)
            .await?;
        let row =
            sqlx::query("SELECT value FROM site_keys WHERE name = 'site'").fetch_one(&self.pool).await?;
        let value: Vec<u8> = row.try_get(0)?;
        value.try_into().map_err(|_| Error::Database(sqlx::Error::RowNotFound))
    }

    /// Forgets what has expired. Challenges stay an hour longer, so that a late answer hears "expired" and not "unknown".
    pub(crate) async fn purge(&self, now: UnixTime) -> Result<(), Error> {
        sqlx::query("DELETE FROM sessions WHERE expires_at <= ?")
            .bind(now.seconds())
            .execute(&self.pool)
            .await?;
        for answered_late in [
            "DELETE FROM challenges WHERE expires_at <= ?",
            "DELETE FROM identity_requests WHERE expires_at <= ?",
        ] {
            sqlx::query(answered_late).bind(now.seconds() - 3600).execute(&self.pool).await?;
        }
        Ok(())
    }

    pub(crate) async fn close(&self) {
        self.pool.close().await;
    }
}

/// Maps a broken UNIQUE constraint to `taken`.
fn unless_unique(error: sqlx::Error, taken: Error) -> Error {
    if error.as_database_error().is_some_and(sqlx::error::DatabaseError::is_unique_violation) {
        taken
    } else {
        Error::Database(error)
    }
}

#[cfg(test)]
mod tests;
