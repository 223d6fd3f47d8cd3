//! Authorization codes: each is redeemed once, and a second try takes back what the first one gave.

use serde::{Deserialize, Serialize};

use super::Error;
use super::database::{Gathered, Pool, values};
use super::grants::{GRANT_COLUMNS, Grant, REVOKE, columns, grant, grant_columns};
use super::logs::{self, SignIn};
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
    /// Stores a code and its grant, and notes the sign-in. `grant_expires_at` is when the grant may be forgotten.
    pub async fn issue(
        &self,
        hash: &OpaqueHash,
        code: &IssuedCode,
        grant: &Grant,
        (expires_at, grant_expires_at): (UnixTime, UnixTime),
        sign_in: &SignIn,
    ) -> Result<(), Error> {
        let record = serde_json::to_string(code).map_err(|_| Error::Damaged)?;
        let mut all = Vec::from(columns(grant, grant_expires_at)?);
        all.extend([hash.into(), record.into(), expires_at.into()]);
        all.extend(logs::columns(sign_in));
        self.0.gathered(&ISSUE, &all).await.map(drop)
    }

    /// Redeems a code. Whatever is wrong with the rest of the request, the code is used up: it can be tried once.
    pub async fn redeem(&self, hash: &OpaqueHash, now: UnixTime) -> Result<Redemption, Error> {
        let Some(row) = self.0.gathered(&REDEEM, values![hash, now]).await? else {
            return self.refused(hash, now).await;
        };
        let of_grant = 1 + USER_COLUMNS;
        // The grant may have been revoked before.
        if row.optional_text(of_grant)?.is_none() {
            return Ok(Redemption::Expired);
        }
        Ok(Redemption::First {
            grant: Box::new(grant(&row, of_grant)?),
            code: row.json(of_grant + GRANT_COLUMNS)?,
            user: Box::new(user(&row, 1)?),
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

/// The tries at codes, in SQLite; of two tries with one code the first.
macro_rules! redeemed {
    () => {
        "WITH asked AS (
            SELECT min(key) AS n, unhex(value ->> 0) AS hash, value ->> 1 AS now FROM json_each($1) GROUP BY hash
         ) "
    };
}

/// Grants, each with its code and its line in the log of sign-ins.
static ISSUE: Gathered = Gathered {
    name: "issue code",
    by_writer: true,
    sqlite: "BEGIN IMMEDIATE;
        INSERT INTO grants (id, tenant, user_id, client, session, device, record, created_at, expires_at)
            SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5, value ->> 6, value ->> 7,
                   value ->> 8
            FROM json_each($1);
        INSERT INTO codes (hash, grant_id, record, expires_at)
            SELECT unhex(value ->> 9), value ->> 0, value ->> 10, value ->> 11 FROM json_each($1);
        INSERT INTO sign_in_log
                (id, at, tenant, user_id, upn, client, address, agent, methods, error, correlation)
            SELECT value ->> 12, value ->> 13, value ->> 14, value ->> 15, value ->> 16, value ->> 17, value ->> 18,
                   value ->> 19, value ->> 20, value ->> 21, value ->> 22
            FROM json_each($1);
        COMMIT",
    postgres: "WITH asked AS (SELECT e FROM json_array_elements($1::json) AS j (e)), made AS (
            INSERT INTO grants (id, tenant, user_id, client, session, device, record, created_at, expires_at)
            SELECT e ->> 0, e ->> 1, e ->> 2, e ->> 3, e ->> 4, e ->> 5, e ->> 6, (e ->> 7)::bigint, (e ->> 8)::bigint
            FROM asked
        ), noted AS (
            INSERT INTO sign_in_log
                (id, at, tenant, user_id, upn, client, address, agent, methods, error, correlation)
            SELECT e ->> 12, (e ->> 13)::bigint, e ->> 14, e ->> 15, e ->> 16, e ->> 17, e ->> 18, e ->> 19, e ->> 20,
                   (e ->> 21)::bigint, e ->> 22
            FROM asked
        )
        INSERT INTO codes (hash, grant_id, record, expires_at)
            SELECT decode(e ->> 9, 'hex'), e ->> 0, e ->> 10, (e ->> 11)::bigint FROM asked",
};

/// Codes are used up, and their grants are read before a second try takes them back. Of two tries at once one finds nothing.
static REDEEM: Gathered = Gathered {
    name: "redeem code",
    by_writer: true,
    sqlite: concat!(
        "BEGIN IMMEDIATE; ",
        redeemed!(),
        "SELECT json_group_array(json_array(a.n, ",
        user_columns!(),
        grant_columns!(),
        ", c.record)) FROM asked a CROSS JOIN codes c ON c.hash = a.hash
         LEFT JOIN grants g ON g.id = c.grant_id AND g.revoked_at IS NULL
         LEFT JOIN users u ON u.id = g.user_id
         WHERE c.used_at IS NULL AND c.expires_at > a.now; ",
        redeemed!(),
        "UPDATE codes SET used_at = a.now FROM asked a
         WHERE codes.hash = a.hash AND used_at IS NULL AND expires_at > a.now;
         COMMIT"
    ),
    postgres: concat!(
        "WITH asked AS (
            SELECT DISTINCT ON (e ->> 0) n - 1 AS n, decode(e ->> 0, 'hex') AS hash, (e ->> 1)::bigint AS now
            FROM json_array_elements($1::json) WITH ORDINALITY AS j (e, n)
         ), used AS (
            UPDATE codes c SET used_at = (SELECT max(now) FROM asked)
            WHERE hash = ANY (ARRAY(SELECT hash FROM asked)) AND used_at IS NULL
                AND expires_at > (SELECT a.now FROM asked a WHERE a.hash = c.hash)
            RETURNING hash, grant_id, record
         )
         SELECT a.n, found.*, used.record FROM asked a JOIN used ON used.hash = a.hash LEFT JOIN LATERAL (SELECT ",
        user_columns!(),
        grant_columns!(),
        " FROM grants g JOIN users u ON u.id = g.user_id
         WHERE g.id = used.grant_id AND g.revoked_at IS NULL LIMIT 1) found ON TRUE"
    ),
};
