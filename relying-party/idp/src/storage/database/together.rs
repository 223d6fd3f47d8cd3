//! Statements that belong together, in one round trip.
//!
//! A transaction asks the database for each of its statements, and waits. Where the later ones need nothing but what the
//! earlier ones did, both databases can be told all at once, though not in the same words: SQLite takes statements in a
//! row, Postgres one statement with a WITH clause.

use sqlx::SqlitePool;

use super::{Connections, Error, Pool, Row, Value, bound};

/// One transaction in the words of each database. The parameters are the same; at most one row comes back.
#[derive(Clone, Copy, Debug)]
pub(in crate::storage) struct Together {
    /// Between `BEGIN IMMEDIATE` and `COMMIT`. `changes()` is how many rows the statement before changed.
    pub(in crate::storage) sqlite: &'static str,
    /// One statement. Its parts see the database as it was before, except for what they wait for.
    pub(in crate::storage) postgres: &'static str,
}

impl Pool {
    /// Carries them out: all of them or none.
    pub(in crate::storage) async fn together(
        &self,
        Together { sqlite, postgres }: Together,
        values: &[Value],
    ) -> Result<Option<Row>, Error> {
        let writer = match &self.connections {
            Connections::Postgres(pool) => {
                return Ok(bound!(postgres, values).fetch_optional(pool).await?.map(Row::Postgres));
            }
            Connections::Sqlite { writer, .. } => writer.clone(),
        };
        let values = values.to_vec();
        // A task of its own: a peer that hangs up must not leave half a transaction on the connection.
        let done = tokio::spawn(async move { transaction(&writer, sqlite, &values).await });
        let rows = done.await.map_err(|_| Error::Database(sqlx::Error::WorkerCrashed))??;
        Ok(rows.into_iter().next())
    }
}

/// Carries out statements from `BEGIN IMMEDIATE` to `COMMIT`, or none of them.
pub(super) async fn transaction(
    writer: &SqlitePool,
    sql: &'static str,
    values: &[Value],
) -> Result<Vec<Row>, Error> {
    let mut connection = writer.acquire().await?;
    let rows = bound!(sql, values).fetch_all(&mut *connection).await;
    if rows.is_err() {
        // There is nothing to roll back if it did not begin.
        let _ = sqlx::query("ROLLBACK").execute(&mut *connection).await;
    }
    Ok(rows?.into_iter().map(Row::Sqlite).collect())
}
