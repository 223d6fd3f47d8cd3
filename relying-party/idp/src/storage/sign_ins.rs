//! Sign-ins under way: what the pages between a request and its answer have found out so far.

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::Error;
use super::database::{Pool, values};
use crate::clock::UnixTime;
use crate::domain::OpaqueHash;

/// Sign-ins under way.
pub struct SignIns<'a>(pub(super) &'a Pool);

impl SignIns<'_> {
    /// Begins one: its name, the browser that it belongs to, and its first step.
    pub async fn begin<S: Serialize + Sync>(
        &self,
        (ctx, browser, step): (&OpaqueHash, &OpaqueHash, &OpaqueHash),
        state: &S,
        expires_at: UnixTime,
    ) -> Result<(), Error> {
        let record = serde_json::to_string(state).map_err(|_| Error::Damaged)?;
        self.0
            .write(
                "INSERT INTO sign_ins (ctx, browser, step, record, expires_at) VALUES ($1, $2, $3, $4, $5)",
                values![ctx, browser, step, record, expires_at],
            )
            .await
            .map(drop)
    }

    /// Takes a step: of two forms with one flow token, one gets the state.
    pub async fn take_step<S: DeserializeOwned>(
        &self,
        (ctx, browser, step): (&OpaqueHash, &OpaqueHash, &OpaqueHash),
        now: UnixTime,
    ) -> Result<Option<S>, Error> {
        let row = self
            .0
            .take(
                "UPDATE sign_ins SET step = NULL WHERE ctx = $1 AND browser = $2 AND step = $3 AND expires_at > $4
                 RETURNING record",
                values![ctx, browser, step, now],
            )
            .await?;
        row.map(|row| row.json(0)).transpose()
    }

    /// Takes whichever step it is at: the page is loaded again, and the one before it is worth nothing any more.
    pub async fn resume<S: DeserializeOwned>(
        &self,
        (ctx, browser): (&OpaqueHash, &OpaqueHash),
        now: UnixTime,
    ) -> Result<Option<S>, Error> {
        let row = self
            .0
            .take(
                "UPDATE sign_ins SET step = NULL WHERE ctx = $1 AND browser = $2 AND expires_at > $3
                 RETURNING record",
                values![ctx, browser, now],
            )
            .await?;
        row.map(|row| row.json(0)).transpose()
    }

    /// Keeps what the step found out, and which step comes next.
    pub async fn keep<S: Serialize + Sync>(
        &self,
        (ctx, step): (&OpaqueHash, &OpaqueHash),
        state: &S,
    ) -> Result<(), Error> {
        let record = serde_json::to_string(state).map_err(|_| Error::Damaged)?;
        self.0
            .write("UPDATE sign_ins SET step = $2, record = $3 WHERE ctx = $1", values![ctx, step, record])
            .await
            .map(drop)
    }

    /// Ends one.
    pub async fn end(&self, ctx: &OpaqueHash) -> Result<(), Error> {
        self.0.write("DELETE FROM sign_ins WHERE ctx = $1", values![ctx]).await.map(drop)
    }
}
