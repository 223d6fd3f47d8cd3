//! The refresh tokens that renew grants: each is used once, and a second use takes back what its family gave.

use super::Error;
use super::database::{Gathered, Pool, Together, values};
use super::grants::{GRANT_COLUMNS, Grant, REVOKE, grant, grant_columns};
use super::users::{USER_COLUMNS, user, user_columns};
use crate::clock::UnixTime;
use crate::domain::{GrantId, OpaqueHash, User};

/// A refresh token as it is remembered, with its grant and the user as they are now.
#[derive(Clone, Debug)]
pub struct StoredRefreshToken {
    /// The grant.
    pub grant: Grant,
    /// The user.
    pub user: User,
    /// Whether the grant was revoked.
    pub revoked: bool,
    /// Whether the token was rotated already.
    pub used: bool,
    /// When it expires.
    pub expires_at: UnixTime,
}

/// What became of a refresh token that was presented.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rotation {
    /// It is used up, and its successor is stored.
    Next,
    /// It was used before: two hold it, so the whole family is revoked (RFC 9700 §4.14.2).
    Reused,
    /// Its grant was revoked.
    Revoked,
    /// Its time is over.
    Expired,
    /// We never made it, or it is long gone.
    Unknown,
}

/// Refresh tokens.
pub struct RefreshTokens<'a>(pub(super) &'a Pool);

impl RefreshTokens<'_> {
    /// Stores the first refresh token of a grant.
    pub async fn issue(
        &self,
        token: &OpaqueHash,
        grant: GrantId,
        expires_at: UnixTime,
        now: UnixTime,
    ) -> Result<(), Error> {
        self.0.gathered(&ISSUE, values![token, grant, now, expires_at]).await.map(drop)
    }

    /// The token with its grant and its user. It decides nothing: [`RefreshTokens::rotate`] does.
    pub async fn find(&self, token: &OpaqueHash) -> Result<Option<StoredRefreshToken>, Error> {
        let Some(row) = self.0.gathered(&FIND, values![token]).await? else { return Ok(None) };
        let of_token = 1 + USER_COLUMNS + GRANT_COLUMNS;
        Ok(Some(StoredRefreshToken {
            grant: grant(&row, 1 + USER_COLUMNS)?,
            user: user(&row, 1)?,
            revoked: row.optional_int(of_token)?.is_some(),
            used: row.optional_int(of_token + 1)?.is_some(),
            expires_at: row.time(of_token + 2)?,
        }))
    }

    /// Uses a token up and stores its successor, or finds out why not.
    pub async fn rotate(
        &self,
        old: &OpaqueHash,
        new: &OpaqueHash,
        expires_at: UnixTime,
        now: UnixTime,
    ) -> Result<Rotation, Error> {
        let values = values![old, new, now, expires_at];
        if self.0.gathered(&ROTATE, values).await?.is_some() {
            return Ok(Rotation::Next);
        }
        // Somebody else holds the grant right now, or the token is worth nothing.
        match self.0.together(ROTATE_WAITING, values).await? {
            Some(_) => Ok(Rotation::Next),
            None => self.refused(old, now).await,
        }
    }

    /// Why there was nothing to rotate; a second use revokes the family.
    async fn refused(&self, old: &OpaqueHash, now: UnixTime) -> Result<Rotation, Error> {
        const SQL: &str = "SELECT t.grant_id, t.used_at, g.revoked_at
             FROM refresh_tokens t JOIN grants g ON g.id = t.grant_id WHERE t.hash = $1";
        let Some(row) = self.0.row(SQL, values![old]).await? else { return Ok(Rotation::Unknown) };
        if row.optional_int(1)?.is_some() {
            let grant: GrantId = row.parse(0)?;
            self.0.write(REVOKE, values![grant, now]).await?;
            return Ok(Rotation::Reused);
        }
        Ok(if row.optional_int(2)?.is_some() { Rotation::Revoked } else { Rotation::Expired })
    }
}

/// First tokens of grants.
static ISSUE: Gathered = Gathered {
    name: "issue refresh token",
    by_writer: true,
    sqlite: "BEGIN IMMEDIATE;
        INSERT INTO refresh_tokens (hash, grant_id, issued_at, expires_at)
            SELECT unhex(value ->> 0), value ->> 1, value ->> 2, value ->> 3 FROM json_each($1);
        COMMIT",
    postgres: "INSERT INTO refresh_tokens (hash, grant_id, issued_at, expires_at)
        SELECT decode(e ->> 0, 'hex'), e ->> 1, (e ->> 2)::bigint, (e ->> 3)::bigint
        FROM json_array_elements($1::json) AS j (e)",
};

/// Tokens with their grants and users.
static FIND: Gathered = Gathered {
    name: "find refresh token",
    by_writer: true,
    sqlite: concat!(
        "WITH asked AS (SELECT key AS n, unhex(value ->> 0) AS hash FROM json_each($1))
         SELECT json_group_array(json_array(a.n, ",
        user_columns!(),
        grant_columns!(),
        ", g.revoked_at, t.used_at, t.expires_at)) FROM asked a CROSS JOIN refresh_tokens t ON t.hash = a.hash
         JOIN grants g ON g.id = t.grant_id JOIN users u ON u.id = g.user_id"
    ),
    postgres: concat!(
        "WITH asked AS (
            SELECT n - 1 AS n, decode(e ->> 0, 'hex') AS hash
            FROM json_array_elements($1::json) WITH ORDINALITY AS j (e, n)
         ) SELECT a.n, found.* FROM asked a CROSS JOIN LATERAL (SELECT ",
        user_columns!(),
        grant_columns!(),
        ", g.revoked_at, t.used_at, t.expires_at FROM refresh_tokens t JOIN grants g ON g.id = t.grant_id
         JOIN users u ON u.id = g.user_id WHERE t.hash = a.hash LIMIT 1) found"
    ),
};

/// A statement of SQLite over the calls that rotate tokens, each token once.
macro_rules! rotated {
    ($sql:literal) => {
        concat!(
            "WITH asked AS (
                SELECT min(key) AS n, unhex(value ->> 0) AS old, unhex(value ->> 1) AS new, value ->> 2 AS now,
                       value ->> 3 AS ends
                FROM json_each($1) GROUP BY old
             ) ",
            $sql
        )
    };
}

/// `$1` is used up, and `$2` follows it, unless the grant was revoked. The grant outlives its newest token: its end moves
/// a day further than that, so that of a day's rotations only the first one writes it.
const ROTATE_WAITING: Together = Together {
    sqlite: "BEGIN IMMEDIATE;
        UPDATE refresh_tokens SET used_at = $3 WHERE hash = $1 AND used_at IS NULL AND expires_at > $3
            AND EXISTS (SELECT 1 FROM grants g WHERE g.id = grant_id AND g.revoked_at IS NULL);
        INSERT INTO refresh_tokens (hash, grant_id, issued_at, expires_at)
            SELECT $2, grant_id, $3, $4 FROM refresh_tokens WHERE hash = $1 AND changes() = 1 RETURNING 1;
        UPDATE grants SET expires_at = $4 + 86400
            WHERE id = (SELECT grant_id FROM refresh_tokens WHERE hash = $2) AND expires_at < $4;
        COMMIT",
    // The lock waits for a revocation or another rotation that is under way, and then the condition is looked at again.
    postgres: "WITH standing AS (
            SELECT g.id FROM grants g JOIN refresh_tokens t ON t.grant_id = g.id
            WHERE t.hash = $1 AND g.revoked_at IS NULL FOR UPDATE OF g
        ), used AS (
            UPDATE refresh_tokens SET used_at = $3 WHERE hash = $1 AND used_at IS NULL AND expires_at > $3
                AND grant_id IN (SELECT id FROM standing) RETURNING grant_id
        ), renewed AS (
            UPDATE grants SET expires_at = $4 + 86400 WHERE id IN (SELECT grant_id FROM used) AND expires_at < $4
        )
        INSERT INTO refresh_tokens (hash, grant_id, issued_at, expires_at)
            SELECT $2, grant_id, $3, $4 FROM used RETURNING 1",
};

/// The same for each call; but no call waits for another, or for another process: it then finds nothing to rotate. Of two calls
/// with one token one at most rotates it.
static ROTATE: Gathered = Gathered {
    name: "rotate",
    by_writer: true,
    // Whose successor was made is used up: in between nobody else writes.
    sqlite: concat!(
        "BEGIN IMMEDIATE; ",
        rotated!("INSERT INTO refresh_tokens (hash, grant_id, issued_at, expires_at)
            SELECT a.new, t.grant_id, a.now, a.ends FROM asked a CROSS JOIN refresh_tokens t ON t.hash = a.old
            JOIN grants g ON g.id = t.grant_id
            WHERE t.used_at IS NULL AND t.expires_at > a.now AND g.revoked_at IS NULL; "),
        rotated!("UPDATE refresh_tokens SET used_at = a.now FROM asked a
            WHERE hash = a.old AND EXISTS (SELECT 1 FROM refresh_tokens made WHERE made.hash = a.new); "),
        rotated!("UPDATE grants SET expires_at = a.ends + 86400
            FROM asked a CROSS JOIN refresh_tokens made ON made.hash = a.new
            WHERE id = made.grant_id AND grants.expires_at < a.ends; "),
        rotated!(
            "SELECT json_group_array(json_array(a.n)) FROM asked a CROSS JOIN refresh_tokens made ON made.hash = a.new; "
        ),
        "COMMIT"
    ),
    // Subqueries and arrays leave the planner one way only: from the calls to their rows, by the keys.
    postgres: "WITH asked AS (
            SELECT DISTINCT ON (e ->> 0) n - 1 AS n, decode(e ->> 0, 'hex') AS old, decode(e ->> 1, 'hex') AS new,
                   (e ->> 2)::bigint AS now, (e ->> 3)::bigint AS ends
            FROM json_array_elements($1::json) WITH ORDINALITY AS j (e, n)
        ), standing AS (
            SELECT a.n, a.old, a.new, a.now, a.ends, g.id, g.expires_at FROM asked a CROSS JOIN LATERAL (
                SELECT g.id, g.expires_at FROM refresh_tokens t JOIN grants g ON g.id = t.grant_id
                WHERE t.hash = a.old AND t.expires_at > a.now AND g.revoked_at IS NULL FOR UPDATE OF g SKIP LOCKED
            ) g
        ), used AS (
            UPDATE refresh_tokens SET used_at = (SELECT max(now) FROM standing)
            WHERE hash = ANY (ARRAY(SELECT old FROM standing)) AND used_at IS NULL RETURNING hash
        ), next AS (
            SELECT s.* FROM standing s JOIN used ON used.hash = s.old
        ), renewed AS (
            UPDATE grants g SET expires_at = (SELECT max(ends) + 86400 FROM next WHERE next.id = g.id)
            WHERE id = ANY (ARRAY(SELECT id FROM next WHERE expires_at < ends))
        ), made AS (
            INSERT INTO refresh_tokens (hash, grant_id, issued_at, expires_at) SELECT new, id, now, ends FROM next
        )
        SELECT n FROM next",
};
