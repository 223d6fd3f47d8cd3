//! Authorization codes: each is redeemed once, and a second try takes back what the first one gave.

use serde::{Deserialize, Serialize};

use super::Error;
use super::database::{Pool, Together, values};
use super::grants::{Grant, REVOKE, columns, grant, insert_grant};
use super::users::{USER_COLUMNS, user, user_columns};
use crate::clock::UnixTime;
use crate::domain::{GrantId, OpaqueHash, User};

/// What a code remembers of the request that it answers, beside the grant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IssuedCode {
    /// The redirect URI that the code was sent to; the token request must name it (RFC 6749 §4.1.3).
    pub redirect_uri: String,
    /// The PKCE challenge, S256 (RFC 7636).
    pub challenge: Option<String>,
    /// For the ID token.
    pub nonce: Option<String>,
    /// Whether the redirect URI is a page's without a server.
    pub spa: bool,
    /// The thumbprint of the key that must redeem it (`dpop_jkt`, RFC 9449 §10).
    #[serde(default)]
    pub key: Option<String>,
}

/// What became of a code that was presented.
#[derive(Debug)]
pub enum Redemption {
    /// Its first use.
    First {
        /// The grant.
        grant: Box<Grant>,
        /// The request.
        code: IssuedCode,
        /// The user as they are now.
        user: Box<User>,
    },
    /// It was used before; the grant is revoked (RFC 6749 §4.1.2).
    Again,
    /// Its time is over, or its grant was revoked.
    Expired,
    /// We never made it, or it is long gone.
    Unknown,
}

/// Authorization codes.
pub struct Codes<'a>(pub(super) &'a Pool);

impl Codes<'_> {
    /// Stores a code and its grant. `grant_expires_at` is when the grant may be forgotten.
    pub async fn issue(
        &self,
        hash: &OpaqueHash,
        code: &IssuedCode,
        grant: &Grant,
        (expires_at, grant_expires_at): (UnixTime, UnixTime),
    ) -> Result<(), Error> {
        let record = serde_json::to_string(code).map_err(|_| Error::Damaged)?;
        let [id, tenant, user, client, session, device, of_grant, created_at, expires] =
            columns(grant, grant_expires_at)?;
        let code = [hash.into(), record.into(), expires_at.into()];
        let [hash, record, expires_at] = code;
        let all = [
            id, tenant, user, client, session, device, of_grant, created_at, expires, hash, record,
            expires_at,
        ];
        self.0.together(ISSUE, &all).await.map(drop)
    }

    /// Redeems a code. Whatever is wrong with the rest of the request, the code is used up: it can be tried once.
    pub async fn redeem(&self, hash: &OpaqueHash, now: UnixTime) -> Result<Redemption, Error> {
        let Some(row) = self.0.together(REDEEM, values![hash, now]).await? else {
            return self.refused(hash, now).await;
        };
        // The grant may have been revoked before.
        if row.optional_text(USER_COLUMNS)?.is_none() {
            return Ok(Redemption::Expired);
        }
        Ok(Redemption::First {
            grant: Box::new(grant(&row, USER_COLUMNS)?),
            code: row.json(USER_COLUMNS + 5)?,
            user: Box::new(user(&row, 0)?),
        })
    }

    async fn refused(&self, hash: &OpaqueHash, now: UnixTime) -> Result<Redemption, Error> {
        let row = self.0.row("SELECT grant_id, used_at FROM codes WHERE hash = $1", values![hash]).await?;
        let Some(row) = row else { return Ok(Redemption::Unknown) };
        if row.optional_int(1)?.is_none() {
            return Ok(Redemption::Expired);
        }
        let grant: GrantId = row.parse(0)?;
        self.0.write(REVOKE, values![grant, now]).await?;
        Ok(Redemption::Again)
    }
}

/// The grant `$1` to `$9` and its code `$10` to `$12`.
const ISSUE: Together = Together {
    sqlite: concat!(
        "BEGIN IMMEDIATE; ",
        insert_grant!(),
        "; INSERT INTO codes (hash, grant_id, record, expires_at) VALUES ($10, $1, $11, $12); COMMIT"
    ),
    postgres: concat!(
        "WITH made AS (",
        insert_grant!(),
        ") INSERT INTO codes (hash, grant_id, record, expires_at) VALUES ($10, $1, $11, $12)"
    ),
};

/// The code `$1` is used up, and its grant is read before a second try, which waits, takes it back.
const REDEEM: Together = Together {
    sqlite: concat!(
        "BEGIN IMMEDIATE;
         UPDATE codes SET used_at = $2 WHERE hash = $1 AND used_at IS NULL AND expires_at > $2;
         SELECT ",
        user_columns!(),
        ", g.id, g.tenant, g.client, g.record, g.created_at, c.record
         FROM codes c LEFT JOIN grants g ON g.id = c.grant_id AND g.revoked_at IS NULL
         LEFT JOIN users u ON u.id = g.user_id WHERE c.hash = $1 AND changes() = 1;
         COMMIT"
    ),
    postgres: concat!(
        "WITH used AS (
            UPDATE codes SET used_at = $2 WHERE hash = $1 AND used_at IS NULL AND expires_at > $2
                RETURNING grant_id, record
         )
         SELECT ",
        user_columns!(),
        ", g.id, g.tenant, g.client, g.record, g.created_at, used.record
         FROM used LEFT JOIN grants g ON g.id = used.grant_id AND g.revoked_at IS NULL
         LEFT JOIN users u ON u.id = g.user_id"
    ),
};
