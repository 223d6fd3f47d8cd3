//! Primary refresh tokens: what registered devices hold for their users.

use std::time::Duration;

use uuid::Uuid;

use super::database::{Pool, values};
use super::grants::{INSERT as INSERT_GRANT, columns, grant};
use super::sessions::INSERT as INSERT_SESSION;
use super::users::{USER_COLUMNS, user, user_columns};
use super::{BrowserSession, Error, Grant, sessions};
use crate::clock::UnixTime;
use crate::domain::{GrantId, OpaqueHash, User};

/// A grant stays for so long after its newest token, so that a late one is told that it has expired.
const AFTERGLOW: Duration = Duration::from_hours(24);

/// Primary refresh tokens.
pub struct PrimaryTokens<'a>(pub(super) &'a Pool);

/// A token that is to be stored.
#[derive(Clone, Debug)]
pub struct NewPrimaryToken {
    /// Its name; the session key is sealed for it.
    pub id: Uuid,
    /// Its hash.
    pub hash: OpaqueHash,
    /// The grant that it stands for.
    pub grant: GrantId,
    /// The enterprise key that signed in, if one did: without it the token is worth nothing.
    pub key_id: Option<[u8; 32]>,
    /// The session key, sealed.
    pub sealed: Vec<u8>,
    /// When the session key was made.
    pub key_made_at: UnixTime,
    /// When the token is made.
    pub issued_at: UnixTime,
    /// When it ends.
    pub expires_at: UnixTime,
}

/// A token as it is remembered, with its grant and the user as they are now.
#[derive(Clone, Debug)]
pub struct StoredPrimaryToken {
    /// The token.
    pub token: NewPrimaryToken,
    /// The sign-in: its `authentication` names the device.
    pub grant: Grant,
    /// The user.
    pub user: User,
    /// Whether the grant was revoked.
    pub revoked: bool,
}

impl PrimaryTokens<'_> {
    /// Stores the first token of a device's sign-in, with its grant and its session. The session has a cookie that nobody
    /// knows.
    pub async fn begin(
        &self,
        (grant, session): (&Grant, &BrowserSession),
        cookie: &OpaqueHash,
        token: &NewPrimaryToken,
    ) -> Result<(), Error> {
        let mut transaction = self.0.begin().await?;
        transaction.write(INSERT_SESSION, &sessions::columns(cookie, session)?).await?;
        transaction.write(INSERT_GRANT, &columns(grant, token.expires_at.plus(AFTERGLOW))?).await?;
        transaction.write(INSERT, &token_columns(token)).await?;
        transaction.commit().await
    }

    /// The token with its grant and user. It decides nothing.
    pub async fn find(&self, hash: &OpaqueHash) -> Result<Option<StoredPrimaryToken>, Error> {
        const SQL: &str = concat!(
            "SELECT ",
            user_columns!(),
            ", g.id, g.tenant, g.client, g.record, g.created_at, g.revoked_at,
               p.id, p.key_id, p.sealed, p.key_made_at, p.issued_at, p.expires_at
             FROM primary_tokens p JOIN grants g ON g.id = p.grant_id JOIN users u ON u.id = g.user_id
             WHERE p.hash = $1"
        );
        let Some(row) = self.0.row(SQL, values![hash]).await? else { return Ok(None) };
        let grant = grant(&row, USER_COLUMNS)?;
        let at = USER_COLUMNS + 6;
        let key_id = row.optional_blob(at + 1)?.map(<[u8; 32]>::try_from).transpose();
        let token = NewPrimaryToken {
            id: row.parse(at)?,
            hash: *hash,
            grant: grant.id,
            key_id: key_id.map_err(|_| Error::Damaged)?,
            sealed: row.blob(at + 2)?,
            key_made_at: row.time(at + 3)?,
            issued_at: row.time(at + 4)?,
            expires_at: row.time(at + 5)?,
        };
        let revoked = row.optional_int(USER_COLUMNS + 5)?.is_some();
        Ok(Some(StoredPrimaryToken { token, grant, user: user(&row, 0)?, revoked }))
    }

    /// Stores the successor of a token of the same grant; grant and session live on with it. Whether the grant still stood.
    pub async fn renew(&self, token: &NewPrimaryToken) -> Result<bool, Error> {
        let mut transaction = self.0.begin().await?;
        let sql = "UPDATE grants SET expires_at = $2 WHERE id = $1 AND revoked_at IS NULL";
        let standing = transaction.write(sql, values![token.grant, token.expires_at.plus(AFTERGLOW)]).await?;
        if standing == 0 {
            return Ok(false);
        }
        let sql = "UPDATE sessions SET expires_at = $2, seen_at = $3
                   WHERE id = (SELECT session FROM grants WHERE id = $1) AND ended_at IS NULL";
        transaction.write(sql, values![token.grant, token.expires_at, token.issued_at]).await?;
        transaction.write(INSERT, &token_columns(token)).await?;
        transaction.commit().await?;
        Ok(true)
    }

    /// A token was used: the ones before it end at `until` at the latest. Until then whoever missed the answer with the new
    /// one goes on with the old one.
    pub async fn supersede(&self, token: &NewPrimaryToken, until: UnixTime) -> Result<(), Error> {
        let sql = "UPDATE primary_tokens SET expires_at = $3 WHERE grant_id = $1 AND issued_at < $2 AND expires_at > $3";
        self.0.write(sql, values![token.grant, token.issued_at, until]).await.map(drop)
    }
}

const INSERT: &str =
    "INSERT INTO primary_tokens (id, hash, grant_id, key_id, sealed, key_made_at, issued_at, expires_at)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";

fn token_columns(token: &NewPrimaryToken) -> [super::database::Value; 8] {
    [
        token.id.to_string().into(),
        (&token.hash).into(),
        token.grant.into(),
        token.key_id.as_ref().map(<[u8; 32]>::as_slice).into(),
        token.sealed.as_slice().into(),
        token.key_made_at.into(),
        token.issued_at.into(),
        token.expires_at.into(),
    ]
}
