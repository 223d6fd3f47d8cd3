//! Links with which a user without any way to sign in gets the first one.

use std::time::Duration;

use super::Error;
use super::database::{Pool, values};
use crate::clock::UnixTime;
use crate::domain::{OpaqueHash, UserId};

/// Whoever claimed a link and has stored nothing after this long never will: the process was killed.
const CLAIM: Duration = Duration::from_mins(1);

/// Links for first sign-ins.
pub struct Invitations<'a>(pub(super) &'a Pool);

impl Invitations<'_> {
    /// Makes a link.
    pub async fn add(&self, user: UserId, link: &OpaqueHash, expires_at: UnixTime) -> Result<(), Error> {
        self.0
            .write(
                "INSERT INTO invitations (hash, user_id, expires_at) VALUES ($1, $2, $3)",
                values![link, user, expires_at],
            )
            .await
            .map(drop)
    }

    /// Opens a link: whose it is. The first browser that does so keeps it; for every other one it is not there any more.
    pub async fn open(
        &self,
        link: &OpaqueHash,
        browser: &OpaqueHash,
        now: UnixTime,
    ) -> Result<Option<UserId>, Error> {
        let row = self
            .0
            .take(
                "UPDATE invitations SET browser = $2 WHERE hash = $1 AND expires_at > $3 AND (browser IS NULL OR browser = $2)
                 RETURNING user_id",
                values![link, browser, now],
            )
            .await?;
        row.map(|row| row.parse(0)).transpose()
    }

    /// Claims a link before something is stored by it: of any number at once one may. Whether this one.
    pub async fn claim(&self, link: &OpaqueHash, browser: &OpaqueHash, now: UnixTime) -> Result<bool, Error> {
        let claimed = self
            .0
            .write(
                "UPDATE invitations SET claimed_at = $3 WHERE hash = $1 AND browser = $2 AND expires_at > $3
                 AND (claimed_at IS NULL OR claimed_at <= $4)",
                values![link, browser, now, now.minus(CLAIM)],
            )
            .await?;
        Ok(claimed > 0)
    }

    /// Gives a claimed link back: nothing was stored.
    pub async fn release(&self, link: &OpaqueHash) -> Result<(), Error> {
        let sql = "UPDATE invitations SET claimed_at = NULL WHERE hash = $1";
        self.0.write(sql, values![link]).await.map(drop)
    }

    /// Ends a link.
    pub async fn end(&self, link: &OpaqueHash) -> Result<(), Error> {
        self.0.write("DELETE FROM invitations WHERE hash = $1", values![link]).await.map(drop)
    }
}
