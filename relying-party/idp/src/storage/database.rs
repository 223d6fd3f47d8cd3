//! One kind of connection over two databases. Both take the same SQL text; only migrations differ, and what must be done
//! in one round trip ([`Together`]).

mod together;

use std::path::Path;
use std::str::FromStr as _;
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions, PgRow};
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteRow, SqliteSynchronous,
};
use sqlx::{Connection as _, Row as _};

use super::{Error, OpenError};
use crate::domain::{
    ClientId, DeviceId, EnterpriseKeyId, GrantId, GroupId, OpaqueHash, SessionId, TenantId, UserId,
};

/// Connections that one process keeps.
const CONNECTIONS: u32 = 8;
const PATIENCE: Duration = Duration::from_secs(8);
/// A connection that was idle for longer is asked whether it still works before it is used; the server may have been
/// started again. Asking each time would double the round trips.
const TRUSTED: Duration = Duration::from_secs(2);

/// The connections of a process.
#[derive(Clone, Debug)]
pub(super) enum Pool {
    /// SQLite lets one writer in at a time, so there is one connection that writes, and nobody meets a busy database.
    Sqlite {
        readers: SqlitePool,
        writer: SqlitePool,
    },
    Postgres(PgPool),
}

/// A parameter of a statement. Postgres wants to know a NULL's type too.
#[derive(Clone, Debug)]
pub(super) enum Value {
    Int(Option<i64>),
    Text(Option<String>),
    Blob(Option<Vec<u8>>),
}

/// A row of either database.
pub(super) enum Row {
    Sqlite(SqliteRow),
    Postgres(PgRow),
}

/// A transaction on either database; dropped, it is rolled back.
pub(super) enum Transaction {
    Sqlite(sqlx::Transaction<'static, sqlx::Sqlite>),
    Postgres(sqlx::Transaction<'static, sqlx::Postgres>),
}

/// Binds each value to a query of whichever database.
macro_rules! bound {
    ($sql:expr, $values:expr) => {{
        let mut query = sqlx::query($sql);
        for value in $values {
            query = match value {
                Value::Int(value) => query.bind(*value),
                Value::Text(value) => query.bind(value.clone()),
                Value::Blob(value) => query.bind(value.clone()),
            };
        }
        query
    }};
}

/// The parameters of a statement.
macro_rules! values {
    ($($value:expr),* $(,)?) => { &[$($crate::storage::database::Value::from($value)),*] };
}
use bound;
pub(super) use together::Together;
pub(super) use values;

impl Pool {
    pub(super) async fn open(url: &str) -> Result<Self, OpenError> {
        if url.starts_with("postgres://") || url.starts_with("postgresql://") {
            return Self::open_postgres(url).await;
        }
        match url.strip_prefix("sqlite:") {
            Some(path) => Self::open_sqlite(Path::new(path.strip_prefix("//").unwrap_or(path))).await,
            None => Err(OpenError::Url),
        }
    }

    async fn open_sqlite(path: &Path) -> Result<Self, OpenError> {
        use std::os::unix::fs::OpenOptionsExt as _;
        // Made here rather than by SQLite, so that other users of the machine cannot read it for a moment.
        std::fs::OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(path)
            .map_err(|source| OpenError::File { path: path.to_owned(), source })?;
        let options = SqliteConnectOptions::new()
            .filename(path)
            .foreign_keys(true)
            .journal_mode(SqliteJournalMode::Wal)
            // With a write-ahead log a killed process loses nothing. Only a machine that loses power may forget the last
            // moments, and then the database is as it was a moment earlier: whole.
            .synchronous(SqliteSynchronous::Normal)
            .busy_timeout(Duration::from_secs(5));
        let pool =
            // A file does not go away, so connections to it need not be tested.
            |connections| {
                let options = SqlitePoolOptions::new().max_connections(connections);
                options.acquire_timeout(PATIENCE).test_before_acquire(false)
            };
        let writer = pool(1).connect_with(options.clone()).await.map_err(OpenError::Refused)?;
        sqlx::migrate!("migrations/sqlite").run(&writer).await.map_err(OpenError::Migration)?;
        let readers = pool(CONNECTIONS).connect_with(options).await.map_err(OpenError::Refused)?;
        Ok(Self::Sqlite { readers, writer })
    }

    async fn open_postgres(url: &str) -> Result<Self, OpenError> {
        let options = PgConnectOptions::from_str(url).map_err(OpenError::Refused)?;
        let pool = PgPoolOptions::new()
            .max_connections(CONNECTIONS)
            .acquire_timeout(PATIENCE)
            .test_before_acquire(false)
            .before_acquire(|connection, met| {
                Box::pin(async move { Ok(met.idle_for < TRUSTED || connection.ping().await.is_ok()) })
            })
            .connect_with(options)
            .await
            .map_err(OpenError::Refused)?;
        sqlx::migrate!("migrations/postgres").run(&pool).await.map_err(OpenError::Migration)?;
        Ok(Self::Postgres(pool))
    }

    pub(super) async fn close(&self) {
        match self {
            Self::Sqlite { readers, writer } => {
                readers.close().await;
                writer.close().await;
            }
            Self::Postgres(pool) => pool.close().await,
        }
    }

    /// The rows that a SELECT finds.
    pub(super) async fn rows(&self, sql: &'static str, values: &[Value]) -> Result<Vec<Row>, Error> {
        Ok(match self {
            Self::Sqlite { readers, .. } => {
                bound!(sql, values).fetch_all(readers).await?.into_iter().map(Row::Sqlite).collect()
            }
            Self::Postgres(pool) => {
                bound!(sql, values).fetch_all(pool).await?.into_iter().map(Row::Postgres).collect()
            }
        })
    }

    /// The one row that a SELECT finds.
    pub(super) async fn row(&self, sql: &'static str, values: &[Value]) -> Result<Option<Row>, Error> {
        Ok(match self {
            Self::Sqlite { readers, .. } => {
                bound!(sql, values).fetch_optional(readers).await?.map(Row::Sqlite)
            }
            Self::Postgres(pool) => bound!(sql, values).fetch_optional(pool).await?.map(Row::Postgres),
        })
    }

    /// Changes rows; how many.
    pub(super) async fn write(&self, sql: &'static str, values: &[Value]) -> Result<u64, Error> {
        Ok(match self {
            Self::Sqlite { writer, .. } => bound!(sql, values).execute(writer).await?.rows_affected(),
            Self::Postgres(pool) => bound!(sql, values).execute(pool).await?.rows_affected(),
        })
    }

    /// Changes at most one row and returns it: `DELETE … RETURNING`, `UPDATE … RETURNING`. One statement, so of two at once
    /// one finds nothing, also when they come from two processes.
    pub(super) async fn take(&self, sql: &'static str, values: &[Value]) -> Result<Option<Row>, Error> {
        // fetch_all: SQLite carries out a statement only as far as its rows are read.
        Ok(match self {
            Self::Sqlite { writer, .. } => {
                bound!(sql, values).fetch_all(writer).await?.into_iter().next().map(Row::Sqlite)
            }
            Self::Postgres(pool) => bound!(sql, values).fetch_optional(pool).await?.map(Row::Postgres),
        })
    }

    pub(super) async fn begin(&self) -> Result<Transaction, Error> {
        Ok(match self {
            // Immediate: other processes may write too, and a transaction that begins as a reader cannot always become a
            // writer.
            Self::Sqlite { writer, .. } => Transaction::Sqlite(writer.begin_with("BEGIN IMMEDIATE").await?),
            Self::Postgres(pool) => Transaction::Postgres(pool.begin().await?),
        })
    }
}

impl Transaction {
    pub(super) async fn row(&mut self, sql: &'static str, values: &[Value]) -> Result<Option<Row>, Error> {
        Ok(match self {
            Self::Sqlite(transaction) => {
                let rows = bound!(sql, values).fetch_all(&mut **transaction).await?;
                rows.into_iter().next().map(Row::Sqlite)
            }
            Self::Postgres(transaction) => {
                bound!(sql, values).fetch_optional(&mut **transaction).await?.map(Row::Postgres)
            }
        })
    }

    pub(super) async fn write(&mut self, sql: &'static str, values: &[Value]) -> Result<u64, Error> {
        Ok(match self {
            Self::Sqlite(transaction) => {
                bound!(sql, values).execute(&mut **transaction).await?.rows_affected()
            }
            Self::Postgres(transaction) => {
                bound!(sql, values).execute(&mut **transaction).await?.rows_affected()
            }
        })
    }

    /// Holds back other transactions that lock the same name, until this one ends. In SQLite all writers wait anyway.
    pub(super) async fn lock(&mut self, name: i64) -> Result<(), Error> {
        if let Self::Postgres(transaction) = self {
            sqlx::query("SELECT pg_advisory_xact_lock($1)").bind(name).execute(&mut **transaction).await?;
        }
        Ok(())
    }

    pub(super) async fn commit(self) -> Result<(), Error> {
        match self {
            Self::Sqlite(transaction) => transaction.commit().await?,
            Self::Postgres(transaction) => transaction.commit().await?,
        }
        Ok(())
    }
}

/// Reads a column of whichever row.
macro_rules! column {
    ($row:expr, $index:expr) => {
        Ok(match $row {
            Row::Sqlite(row) => row.try_get($index)?,
            Row::Postgres(row) => row.try_get($index)?,
        })
    };
}

impl Row {
    pub(super) fn int(&self, index: usize) -> Result<i64, Error> {
        column!(self, index)
    }

    pub(super) fn optional_int(&self, index: usize) -> Result<Option<i64>, Error> {
        column!(self, index)
    }

    pub(super) fn flag(&self, index: usize) -> Result<bool, Error> {
        Ok(self.int(index)? != 0)
    }

    pub(super) fn text(&self, index: usize) -> Result<String, Error> {
        column!(self, index)
    }

    pub(super) fn optional_text(&self, index: usize) -> Result<Option<String>, Error> {
        column!(self, index)
    }

    pub(super) fn blob(&self, index: usize) -> Result<Vec<u8>, Error> {
        column!(self, index)
    }

    pub(super) fn optional_blob(&self, index: usize) -> Result<Option<Vec<u8>>, Error> {
        column!(self, index)
    }

    pub(super) fn time(&self, index: usize) -> Result<crate::clock::UnixTime, Error> {
        Ok(crate::clock::UnixTime::from_seconds(self.int(index)?))
    }

    pub(super) fn optional_time(&self, index: usize) -> Result<Option<crate::clock::UnixTime>, Error> {
        Ok(self.optional_int(index)?.map(crate::clock::UnixTime::from_seconds))
    }

    /// An identifier, or any other word that is kept as text.
    pub(super) fn parse<T: std::str::FromStr>(&self, index: usize) -> Result<T, Error> {
        self.text(index)?.parse().map_err(|_| Error::Damaged)
    }

    pub(super) fn optional_parse<T: std::str::FromStr>(&self, index: usize) -> Result<Option<T>, Error> {
        self.optional_text(index)?.map(|text| text.parse().map_err(|_| Error::Damaged)).transpose()
    }

    pub(super) fn json<T: serde::de::DeserializeOwned>(&self, index: usize) -> Result<T, Error> {
        serde_json::from_str(&self.text(index)?).map_err(|_| Error::Damaged)
    }
}

impl From<i64> for Value {
    fn from(value: i64) -> Self {
        Self::Int(Some(value))
    }
}

impl From<u32> for Value {
    fn from(value: u32) -> Self {
        Self::Int(Some(value.into()))
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Int(Some(value.into()))
    }
}

impl From<crate::clock::UnixTime> for Value {
    fn from(value: crate::clock::UnixTime) -> Self {
        Self::Int(Some(value.seconds()))
    }
}

impl From<Option<crate::clock::UnixTime>> for Value {
    fn from(value: Option<crate::clock::UnixTime>) -> Self {
        Self::Int(value.map(crate::clock::UnixTime::seconds))
    }
}

impl From<&str> for Value {
    fn from(value: &str) -> Self {
        Self::Text(Some(value.to_owned()))
    }
}

impl From<String> for Value {
    fn from(value: String) -> Self {
        Self::Text(Some(value))
    }
}

impl From<Option<&str>> for Value {
    fn from(value: Option<&str>) -> Self {
        Self::Text(value.map(str::to_owned))
    }
}

impl From<&[u8]> for Value {
    fn from(value: &[u8]) -> Self {
        Self::Blob(Some(value.to_vec()))
    }
}

impl From<Option<&[u8]>> for Value {
    fn from(value: Option<&[u8]>) -> Self {
        Self::Blob(value.map(<[u8]>::to_vec))
    }
}

impl From<&OpaqueHash> for Value {
    fn from(value: &OpaqueHash) -> Self {
        Self::Blob(Some(value.as_bytes().to_vec()))
    }
}

macro_rules! identifiers {
    ($($name:ident),*) => {$(
        impl From<$name> for Value {
            fn from(value: $name) -> Self {
                Self::Text(Some(value.to_string()))
            }
        }

        impl From<Option<$name>> for Value {
            fn from(value: Option<$name>) -> Self {
                Self::Text(value.map(|value| value.to_string()))
            }
        }
    )*};
}

identifiers!(TenantId, UserId, ClientId, SessionId, GrantId, DeviceId, EnterpriseKeyId, GroupId);
