//! Authorization requests that clients pushed (RFC 9126): each is used once.

use super::Error;
use super::database::{Pool, values};
use crate::clock::UnixTime;
use crate::domain::{ClientId, OpaqueHash};

/// Pushed authorization requests.
pub struct PushedRequests<'a>(pub(super) &'a Pool);

impl PushedRequests<'_> {
    /// Keeps a request of `client`, as a form.
    pub async fn push(
        &self,
        request_uri: &OpaqueHash,
        client: ClientId,
        form: &str,
        expires_at: UnixTime,
    ) -> Result<(), Error> {
        self.0
            .write(
                "INSERT INTO pushed_requests (hash, client, record, expires_at) VALUES ($1, $2, $3, $4)",
                values![request_uri, client, form, expires_at],
            )
            .await
            .map(drop)
    }

    /// Takes the request of this client: of several attempts one gets it. Another client's attempt leaves it.
    pub async fn take(
        &self,
        request_uri: &OpaqueHash,
        client: ClientId,
        now: UnixTime,
    ) -> Result<Option<String>, Error> {
        let row = self
            .0
            .take(
                "DELETE FROM pushed_requests WHERE hash = $1 AND client = $2 RETURNING record, expires_at",
                values![request_uri, client],
            )
            .await?;
        match row {
            Some(row) if row.time(1)? > now => Ok(Some(row.text(0)?)),
            Some(_) | None => Ok(None),
        }
    }
}
