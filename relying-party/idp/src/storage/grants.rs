//! What sign-ins gave to clients, and the refresh tokens that renew it.

use serde::{Deserialize, Serialize};

use super::Error;
use super::database::{Pool, Row, Together, Value, values};
use super::users::{USER_COLUMNS, user, user_columns};
use crate::clock::UnixTime;
use crate::domain::{
    AskedClaims, Authentication, ClientId, DeviceId, GrantId, OpaqueHash, Scopes, SessionId, TenantId, User,
    UserId,
};

/// What one sign-in of a user gave to one client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    /// The family of its refresh tokens.
    pub id: GrantId,
    /// The user's tenant.
    pub tenant: TenantId,
    /// The client.
    pub client: ClientId,
    /// The sign-in.
    pub authentication: Authentication,
    /// The scopes of the first request: what a refresh without `scope` gives again.
    pub scopes: Scopes,
    /// The resource of a v1.0 request, as written.
    pub resource: Option<String>,
    /// Set for clients without a server of their own: no refresh token of the grant outlives this.
    pub ends_at: Option<UnixTime>,
    /// What the client asked for by the names of claims.
    pub asked: AskedClaims,
    /// The thumbprint of the key that its refresh tokens are bound to (RFC 9449 §5): those of public clients.
    pub key: Option<String>,
    /// When it was given.
    pub created_at: UnixTime,
}

/// What SQL does not look into.
#[derive(Serialize, Deserialize)]
struct Record {
    authentication: Authentication,
    scopes: Scopes,
    resource: Option<String>,
    ends_at: Option<UnixTime>,
    #[serde(default)]
    asked: AskedClaims,
    #[serde(default)]
    key: Option<String>,
}

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

/// What sign-ins gave to clients.
pub struct Grants<'a>(pub(super) &'a Pool);

/// Refresh tokens.
pub struct RefreshTokens<'a>(pub(super) &'a Pool);

impl Grants<'_> {
    /// Stores a grant that has no code: of a device code or a password.
    pub async fn create(&self, grant: &Grant, expires_at: UnixTime) -> Result<(), Error> {
        self.0.write(insert_grant!(), &columns(grant, expires_at)?).await.map(drop)
    }

    /// The grant and its user as they are now, if the grant still stands.
    pub async fn standing(&self, id: GrantId) -> Result<Option<(Grant, User)>, Error> {
        let Some(row) = self.0.row(STANDING, values![id]).await? else { return Ok(None) };
        Ok(Some((grant(&row, USER_COLUMNS)?, user(&row, 0)?)))
    }

    /// Binds the grant's refresh tokens to its key.
    pub async fn bind(&self, grant: &Grant) -> Result<(), Error> {
        let sql = "UPDATE grants SET record = $2 WHERE id = $1";
        self.0.write(sql, values![grant.id, record(grant)?]).await.map(drop)
    }

    /// Which clients got something in a browser's session.
    pub async fn clients_of_session(&self, session: SessionId) -> Result<Vec<ClientId>, Error> {
        let sql = "SELECT DISTINCT client FROM grants WHERE session = $1 ORDER BY client";
        self.0.rows(sql, values![session]).await?.iter().map(|row| row.parse(0)).collect()
    }

    /// Whether the grant still stands.
    pub async fn stands(&self, id: GrantId) -> Result<bool, Error> {
        let row =
            self.0.row("SELECT 1 FROM grants WHERE id = $1 AND revoked_at IS NULL", values![id]).await?;
        Ok(row.is_some())
    }

    /// Revokes a grant and with it each of its tokens.
    pub async fn revoke(&self, id: GrantId, now: UnixTime) -> Result<(), Error> {
        self.0.write(REVOKE, values![id, now]).await.map(drop)
    }

    /// Revokes what was given in one browser session.
    pub async fn revoke_of_session(&self, session: SessionId, now: UnixTime) -> Result<u64, Error> {
        let sql = "UPDATE grants SET revoked_at = $2 WHERE session = $1 AND revoked_at IS NULL";
        self.0.write(sql, values![session, now]).await
    }

    /// Revokes what was given on one device.
    pub async fn revoke_of_device(&self, device: DeviceId, now: UnixTime) -> Result<u64, Error> {
        self.0.write(REVOKE_OF_DEVICE, values![device, now]).await
    }

    /// Revokes what a user gave to a client, or to all.
    pub async fn revoke_of_user(
        &self,
        user: UserId,
        client: Option<ClientId>,
        now: UnixTime,
    ) -> Result<u64, Error> {
        self.0
            .write(
                "UPDATE grants SET revoked_at = $3
                 WHERE user_id = $1 AND (client = $2 OR $2 IS NULL) AND revoked_at IS NULL",
                values![user, client, now],
            )
            .await
    }
}

impl RefreshTokens<'_> {
    /// Stores the first refresh token of a grant.
    pub async fn issue(
        &self,
        token: &OpaqueHash,
        grant: GrantId,
        expires_at: UnixTime,
        now: UnixTime,
    ) -> Result<(), Error> {
        self.0.write(INSERT_TOKEN, values![token, grant, now, expires_at]).await.map(drop)
    }

    /// The token with its grant and its user. It decides nothing: [`RefreshTokens::rotate`] does.
    pub async fn find(&self, token: &OpaqueHash) -> Result<Option<StoredRefreshToken>, Error> {
        const SQL: &str = concat!(
            "SELECT ",
            user_columns!(),
            ", g.id, g.tenant, g.client, g.record, g.created_at, g.revoked_at, t.used_at, t.expires_at
             FROM refresh_tokens t JOIN grants g ON g.id = t.grant_id JOIN users u ON u.id = g.user_id
             WHERE t.hash = $1"
        );
        let Some(row) = self.0.row(SQL, values![token]).await? else { return Ok(None) };
        Ok(Some(StoredRefreshToken {
            grant: grant(&row, USER_COLUMNS)?,
            user: user(&row, 0)?,
            revoked: row.optional_int(USER_COLUMNS + 5)?.is_some(),
            used: row.optional_int(USER_COLUMNS + 6)?.is_some(),
            expires_at: row.time(USER_COLUMNS + 7)?,
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
        match self.0.together(ROTATE, values![old, new, now, expires_at]).await? {
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

/// `$1` is used up, and `$2` follows it, unless the grant was revoked. The grant outlives its newest token: its end moves
/// a day further than that, so that of a day's rotations only the first one writes it.
const ROTATE: Together = Together {
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

macro_rules! insert_grant {
    () => {
        "INSERT INTO grants (id, tenant, user_id, client, session, device, record, created_at, expires_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)"
    };
}
pub(super) use insert_grant;

/// A grant that was not revoked, and its user.
const STANDING: &str = concat!(
    "SELECT ",
    user_columns!(),
    ", g.id, g.tenant, g.client, g.record, g.created_at
     FROM grants g JOIN users u ON u.id = g.user_id WHERE g.id = $1 AND g.revoked_at IS NULL"
);
pub(super) const REVOKE: &str = "UPDATE grants SET revoked_at = $2 WHERE id = $1 AND revoked_at IS NULL";
pub(super) const REVOKE_OF_DEVICE: &str =
    "UPDATE grants SET revoked_at = $2 WHERE device = $1 AND revoked_at IS NULL";
const INSERT_TOKEN: &str =
    "INSERT INTO refresh_tokens (hash, grant_id, issued_at, expires_at) VALUES ($1, $2, $3, $4)";

pub(super) fn columns(grant: &Grant, expires_at: UnixTime) -> Result<[Value; 9], Error> {
    Ok([
        grant.id.into(),
        grant.tenant.into(),
        grant.authentication.user.into(),
        grant.client.into(),
        grant.authentication.session.into(),
        grant.authentication.device.into(),
        record(grant)?.into(),
        grant.created_at.into(),
        expires_at.into(),
    ])
}

fn record(grant: &Grant) -> Result<String, Error> {
    let record = Record {
        authentication: grant.authentication.clone(),
        scopes: grant.scopes.clone(),
        resource: grant.resource.clone(),
        ends_at: grant.ends_at,
        asked: grant.asked.clone(),
        key: grant.key.clone(),
    };
    serde_json::to_string(&record).map_err(|_| Error::Damaged)
}

/// Reads `id, tenant, client, record, created_at`, which begin at column `at`.
pub(super) fn grant(row: &Row, at: usize) -> Result<Grant, Error> {
    let record: Record = row.json(at + 3)?;
    Ok(Grant {
        id: row.parse(at)?,
        tenant: row.parse(at + 1)?,
        client: row.parse(at + 2)?,
        authentication: record.authentication,
        scopes: record.scopes,
        resource: record.resource,
        ends_at: record.ends_at,
        asked: record.asked,
        key: record.key,
        created_at: row.time(at + 4)?,
    })
}
