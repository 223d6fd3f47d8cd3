//! What sign-ins gave to clients.

use serde::{Deserialize, Serialize};

use super::Error;
use super::database::{Gathered, Pool, Row, Value, values};
use super::users::{USER_COLUMNS, user, user_columns};
use crate::clock::UnixTime;
use crate::domain::{
    AskedClaims, Authentication, ClientId, GrantId, Scopes, SessionId, TenantId, User, UserId,
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

impl Grant {
    /// What a sign-in gives a client now: for no resource of its own, without an end of its own, bound to no key.
    #[must_use]
    pub fn new(
        id: GrantId,
        (tenant, client): (TenantId, ClientId),
        authentication: Authentication,
        scopes: Scopes,
        created_at: UnixTime,
    ) -> Self {
        Self {
            id,
            tenant,
            client,
            authentication,
            scopes,
            resource: None,
            ends_at: None,
            asked: AskedClaims::default(),
            key: None,
            created_at,
        }
    }
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

/// What sign-ins gave to clients.
pub struct Grants<'a>(pub(super) &'a Pool);

impl Grants<'_> {
    /// Stores a grant that has no code: of a device code or a password.
    pub async fn create(&self, grant: &Grant, expires_at: UnixTime) -> Result<(), Error> {
        self.0.write(INSERT, &columns(grant, expires_at)?).await.map(drop)
    }

    /// The grant and its user as they are now, if the grant still stands.
    pub async fn standing(&self, id: GrantId) -> Result<Option<(Grant, User)>, Error> {
        let Some(row) = self.0.gathered(&STANDING, values![id]).await? else { return Ok(None) };
        Ok(Some((grant(&row, 1 + USER_COLUMNS)?, user(&row, 1)?)))
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

/// The columns of a [`Grant`], of the table alias `g`, after others.
macro_rules! grant_columns {
    () => {
        ", g.id, g.tenant, g.client, g.record, g.created_at"
    };
}
pub(super) use grant_columns;
/// How many they are.
pub(super) const GRANT_COLUMNS: usize = 5;

/// Grants that were not revoked, with their users.
static STANDING: Gathered = Gathered {
    name: "standing grant",
    by_writer: false,
    sqlite: concat!(
        "WITH asked AS (SELECT key AS n, value ->> 0 AS id FROM json_each($1))
         SELECT json_group_array(json_array(a.n, ",
        user_columns!(),
        grant_columns!(),
        ")) FROM asked a CROSS JOIN grants g ON g.id = a.id JOIN users u ON u.id = g.user_id
         WHERE g.revoked_at IS NULL"
    ),
    postgres: concat!(
        "WITH asked AS (
            SELECT n - 1 AS n, e ->> 0 AS id FROM json_array_elements($1::json) WITH ORDINALITY AS j (e, n)
         ) SELECT a.n, found.* FROM asked a CROSS JOIN LATERAL (SELECT ",
        user_columns!(),
        grant_columns!(),
        " FROM grants g JOIN users u ON u.id = g.user_id
         WHERE g.id = a.id AND g.revoked_at IS NULL LIMIT 1) found"
    ),
};

pub(super) const INSERT: &str =
    "INSERT INTO grants (id, tenant, user_id, client, session, device, record, created_at, expires_at)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
pub(super) const REVOKE: &str = "UPDATE grants SET revoked_at = $2 WHERE id = $1 AND revoked_at IS NULL";
pub(super) const REVOKE_OF_DEVICE: &str =
    "UPDATE grants SET revoked_at = $2 WHERE device = $1 AND revoked_at IS NULL";

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
