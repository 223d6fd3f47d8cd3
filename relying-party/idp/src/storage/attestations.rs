//! Attestations of devices under way: each challenge is answered once.

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::Error;
use super::database::{Pool, values};
use crate::clock::UnixTime;
use crate::domain::{OpaqueHash, UserId};

/// An attestation that was begun.
#[derive(Debug)]
pub struct PendingAttestation<T> {
    /// Whose device it is to be.
    pub user: UserId,
    /// What the answer is compared with.
    pub record: T,
}

/// Attestations under way.
pub struct Attestations<'a>(pub(super) &'a Pool);

impl Attestations<'_> {
    /// Remembers a challenge that we made.
    pub async fn begin<T: Serialize + Sync>(
        &self,
        challenge: &OpaqueHash,
        pending: &PendingAttestation<T>,
        expires_at: UnixTime,
    ) -> Result<(), Error> {
        let record = serde_json::to_string(&pending.record).map_err(|_| Error::Damaged)?;
        let sql =
            "INSERT INTO attestation_challenges (hash, user_id, record, expires_at) VALUES ($1, $2, $3, $4)";
        self.0.write(sql, values![challenge, pending.user, record, expires_at]).await.map(drop)
    }

    /// Takes a challenge, unless its time is over.
    pub async fn take<T: DeserializeOwned>(
        &self,
        challenge: &OpaqueHash,
        now: UnixTime,
    ) -> Result<Option<PendingAttestation<T>>, Error> {
        let sql = "DELETE FROM attestation_challenges WHERE hash = $1 RETURNING user_id, record, expires_at";
        let Some(row) = self.0.take(sql, values![challenge]).await? else { return Ok(None) };
        let pending = PendingAttestation { user: row.parse(0)?, record: row.json(1)? };
        Ok((row.time(2)? > now).then_some(pending))
    }
}
