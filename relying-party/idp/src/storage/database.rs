//! One kind of connection over two databases. Both take the same SQL text; only migrations differ, and what must be done
//! in one round trip, for one call ([`Together`]) or for many ([`Gathered`]).

mod gathered;
mod together;
mod value;

use std::path::Path;
use std::str::FromStr as _;
use std::sync::Arc;
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions, PgRow};
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteRow, SqliteSynchronous,
};
use sqlx::{Connection as _, Row as _};

use super::{Error, OpenError};
use gathered::Waiting;

/// Connections that one process keeps.
const CONNECTIONS: u32 = 8;
const PATIENCE: Duration = Duration::from_secs(8);
/// A connection that was idle for longer is asked whether it still works before it is used; the server may have been
/// started again. Asking each time would double the round trips.
const TRUSTED: Duration = Duration::from_secs(2);

/// Every statement that is carried out often finds its rows by an index. Postgres plans it once for each connection, maybe
/// while the tables are empty, and that plan must be good when they are full.
const PLANS: [(&str, &str); 5] = [
    ("plan_cache_mode", "force_generic_plan"),
    ("enable_seqscan", "off"),
    ("enable_hashjoin", "off"),
    ("enable_mergejoin", "off"),
    // Where there is no index the planner's costs are no longer what they say.
    ("jit", "off"),
];

/// The database, for as many calls at once as there are.
#[derive(Clone, Debug)]
pub(super) struct Pool {
    connections: Connections,
    waiting: Arc<Waiting>,
}

/// The connections of a process.
#[derive(Clone, Debug)]
enum Connections {
    /// SQLite lets one writer in at a time, so there is one connection that writes, and nobody meets a busy database.
    Sqlite {
        readers: SqlitePool,
        writer: SqlitePool,
    },
    Postgres(PgPool),
}

/// A row of either database.
pub(super) enum Row {
    Sqlite(SqliteRow),
    Postgres(PgRow),
    /// One of many that came as one text.
    Json(Vec<serde_json::Value>),
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

use bound;
pub(super) use gathered::Gathered;
pub(super) use together::Together;
pub(super) use value::{Value, values};

impl Connections {
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
            // What a statement may have to take back needs no file.
            .pragma("temp_store", "MEMORY")
            // A page that changes often is copied from the log into the database less often: the log has 16 MiB.
            .pragma("wal_autocheckpoint", "4000")
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
        let options = PgConnectOptions::from_str(url).map_err(OpenError::Refused)?.options(PLANS);
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
}

impl Pool {
    pub(super) async fn open(url: &str) -> Result<Self, OpenError> {
        let connections = if url.starts_with("postgres://") || url.starts_with("postgresql://") {
            Connections::open_postgres(url).await?
        } else {
            let path = url.strip_prefix("sqlite:").ok_or(OpenError::Url)?;
            Connections::open_sqlite(Path::new(path.strip_prefix("//").unwrap_or(path))).await?
        };
        Ok(Self { connections, waiting: Arc::default() })
    }

    pub(super) async fn close(&self) {
        match &self.connections {
            Connections::Sqlite { readers, writer } => {
                readers.close().await;
                writer.close().await;
            }
            Connections::Postgres(pool) => pool.close().await,
        }
    }

    /// The rows that a SELECT finds.
    pub(super) async fn rows(&self, sql: &'static str, values: &[Value]) -> Result<Vec<Row>, Error> {
        Ok(match &self.connections {
            Connections::Sqlite { readers, .. } => {
                bound!(sql, values).fetch_all(readers).await?.into_iter().map(Row::Sqlite).collect()
            }
            Connections::Postgres(pool) => {
                bound!(sql, values).fetch_all(pool).await?.into_iter().map(Row::Postgres).collect()
            }
        })
    }

    /// The one row that a SELECT finds.
    pub(super) async fn row(&self, sql: &'static str, values: &[Value]) -> Result<Option<Row>, Error> {
        Ok(match &self.connections {
            Connections::Sqlite { readers, .. } => {
                bound!(sql, values).fetch_optional(readers).await?.map(Row::Sqlite)
            }
            Connections::Postgres(pool) => bound!(sql, values).fetch_optional(pool).await?.map(Row::Postgres),
        })
    }

    /// Changes rows; how many.
    pub(super) async fn write(&self, sql: &'static str, values: &[Value]) -> Result<u64, Error> {
        Ok(match &self.connections {
            Connections::Sqlite { writer, .. } => bound!(sql, values).execute(writer).await?.rows_affected(),
            Connections::Postgres(pool) => bound!(sql, values).execute(pool).await?.rows_affected(),
        })
    }

    /// Changes at most one row and returns it: `DELETE … RETURNING`, `UPDATE … RETURNING`. One statement, so of two at once
    /// one finds nothing, also when they come from two processes.
    pub(super) async fn take(&self, sql: &'static str, values: &[Value]) -> Result<Option<Row>, Error> {
        // fetch_all: SQLite carries out a statement only as far as its rows are read.
        Ok(match &self.connections {
            Connections::Sqlite { writer, .. } => {
                bound!(sql, values).fetch_all(writer).await?.into_iter().next().map(Row::Sqlite)
            }
            Connections::Postgres(pool) => bound!(sql, values).fetch_optional(pool).await?.map(Row::Postgres),
        })
    }

    pub(super) async fn begin(&self) -> Result<Transaction, Error> {
        Ok(match &self.connections {
            // Immediate: other processes may write too, and a transaction that begins as a reader cannot always become a
            // writer.
            Connections::Sqlite { writer, .. } => {
                Transaction::Sqlite(writer.begin_with("BEGIN IMMEDIATE").await?)
            }
            Connections::Postgres(pool) => Transaction::Postgres(pool.begin().await?),
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
            Row::Json(row) => value::read(row.get($index))?,
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
