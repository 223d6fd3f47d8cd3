//! Calls that meet share one statement.
//!
//! Whoever comes while a statement is under way waits for the next one, which serves all who wait: one round trip, one plan,
//! one commit. Nobody waits for company: who comes alone is served at once. What is confirmed was committed, as ever.

use std::collections::HashMap;
use std::mem;
use std::sync::{Mutex, PoisonError};

use tokio::sync::oneshot;

use super::together::transaction;
use super::value::json;
use super::{Connections, Error, Pool, Row, Value, bound};

/// No statement serves more calls than this.
const MOST: usize = 64;

/// One statement for any number of calls, in the words of each database.
///
/// `$1` is a JSON array, which holds for each call an array of its parameters, blobs as hexadecimal digits. The first column
/// of a row is the place of its call in the array, from 0. A call gets one row at most. SQLite answers with one text, a JSON
/// array of rows: its connections live on threads of their own, and each row would wake ours.
#[derive(Debug)]
pub(in crate::storage) struct Gathered {
    /// What it does: a name of its own.
    pub(in crate::storage) name: &'static str,
    /// Whether SQLite does it on the connection that writes: all that writes, and what is read to be written at once. The other
    /// connections begin with cold pages after each write.
    pub(in crate::storage) by_writer: bool,
    /// A SELECT; or statements in a row, from `BEGIN IMMEDIATE` to `COMMIT`.
    pub(in crate::storage) sqlite: &'static str,
    /// One statement. What it looks up for a call is a LATERAL subquery with a lock or a LIMIT, or a comparison with an array:
    /// then the planner, who thinks of a hundred calls, cannot prefer to read whole tables.
    pub(in crate::storage) postgres: &'static str,
}

type Answer = Result<Option<Row>, Error>;

/// A call that waits.
struct Call {
    /// An array of JSON.
    parameters: String,
    answer: oneshot::Sender<Answer>,
}

/// Who waits, by the statement that is under way for others.
#[derive(Default)]
pub(super) struct Waiting(Mutex<HashMap<&'static str, Vec<Call>>>);

impl Waiting {
    /// Lets a call wait; whether nobody is there yet who will serve it.
    fn join(&self, name: &'static str, call: Call) -> bool {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let unserved = !all.contains_key(name);
        all.entry(name).or_default().push(call);
        unserved
    }

    /// The calls that are served next. When there is none, nobody serves any more.
    fn next(&self, name: &'static str) -> Option<Vec<Call>> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let waiting = all.get_mut(name)?;
        if waiting.is_empty() {
            all.remove(name);
            return None;
        }
        let rest = waiting.split_off(waiting.len().min(MOST));
        Some(mem::replace(waiting, rest))
    }
}

impl std::fmt::Debug for Waiting {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Waiting(..)")
    }
}

/// Serves the calls of one statement until none waits.
struct Server {
    pool: Pool,
    statement: &'static Gathered,
    done: bool,
}

impl Server {
    async fn serve(mut self) {
        // Whoever is about to call may do so first.
        tokio::task::yield_now().await;
        while let Some(calls) = self.pool.waiting.next(self.statement.name) {
            self.carry_out(calls).await;
        }
        self.done = true;
    }

    async fn carry_out(&self, calls: Vec<Call>) {
        let answers = match self.answers(&calls).await {
            Ok(answers) => answers.into_iter().map(Ok).collect(),
            // What the database refused it undid: then each alone, so that none fails for another one's sake.
            Err(Error::Taken | Error::Database(sqlx::Error::Database(_))) if calls.len() > 1 => {
                self.one_by_one(&calls).await
            }
            // After any other failure nobody knows what was done.
            Err(error) => calls.iter().map(|_| Err(again(&error))).collect::<Vec<_>>(),
        };
        for (call, answer) in calls.into_iter().zip(answers) {
            // Who hung up wants no answer.
            let _ = call.answer.send(answer);
        }
    }

    async fn one_by_one(&self, calls: &[Call]) -> Vec<Answer> {
        let mut answers = Vec::with_capacity(calls.len());
        for call in calls {
            let answer = self.answers(std::slice::from_ref(call)).await;
            answers.push(answer.map(|answers| answers.into_iter().flatten().next()));
        }
        answers
    }

    async fn answers(&self, calls: &[Call]) -> Result<Vec<Option<Row>>, Error> {
        let all: Vec<_> = calls.iter().map(|call| call.parameters.as_str()).collect();
        let rows = self.pool.all_at_once(self.statement, &[format!("[{}]", all.join(",")).into()]).await?;
        let mut answers: Vec<_> = calls.iter().map(|_| None).collect();
        for row in rows {
            let place = usize::try_from(row.int(0)?).ok();
            *place.and_then(|place| answers.get_mut(place)).ok_or(Error::Damaged)? = Some(row);
        }
        Ok(answers)
    }
}

/// The rows in the text that SQLite answers with; none where it only writes.
fn rows(answer: Vec<Row>) -> Result<Vec<Row>, Error> {
    let Some(text) = answer.into_iter().next() else { return Ok(Vec::new()) };
    Ok(text.json::<Vec<_>>(0)?.into_iter().map(Row::Json).collect())
}

/// The same error for one more call.
fn again(error: &Error) -> Error {
    match error {
        Error::Taken => Error::Taken,
        Error::Damaged => Error::Damaged,
        Error::Database(error) => Error::Database(sqlx::Error::Protocol(error.to_string())),
    }
}

impl Drop for Server {
    /// However it ends, nobody is left waiting.
    fn drop(&mut self) {
        if !self.done {
            self.pool.waiting.0.lock().unwrap_or_else(PoisonError::into_inner).remove(self.statement.name);
        }
    }
}

impl Pool {
    async fn all_at_once(&self, statement: &Gathered, values: &[Value]) -> Result<Vec<Row>, Error> {
        Ok(match &self.connections {
            Connections::Postgres(pool) => {
                let rows = bound!(statement.postgres, values).fetch_all(pool).await?;
                rows.into_iter().map(Row::Postgres).collect()
            }
            Connections::Sqlite { writer, .. } if statement.by_writer => {
                rows(transaction(writer, statement.sqlite, values).await?)?
            }
            Connections::Sqlite { readers, .. } => {
                let read = bound!(statement.sqlite, values).fetch_all(readers).await?;
                rows(read.into_iter().map(Row::Sqlite).collect())?
            }
        })
    }

    /// The row of this call, by a statement that may serve others too.
    pub(in crate::storage) async fn gathered(
        &self,
        statement: &'static Gathered,
        values: &[Value],
    ) -> Answer {
        let (answer, answered) = oneshot::channel();
        let parameters = json(values);
        if self.waiting.join(statement.name, Call { parameters, answer }) {
            // A task of its own: it serves others too, and the one who began it may hang up.
            tokio::spawn(Server { pool: self.clone(), statement, done: false }.serve());
        }
        answered.await.map_err(|_| Error::Database(sqlx::Error::WorkerCrashed))?
    }
}
