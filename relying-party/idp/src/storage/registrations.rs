//! What administrators see of applications and change about them.

use super::Error;
use super::apps::{Apps, Consents, UPDATE, app, store};
use super::database::values;
use crate::clock::UnixTime;
use crate::domain::{App, ClientId, Scopes, TenantId, UserId};

/// Who is assigned to an application, and in which role.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assignment {
    /// The ID of a user or an application.
    pub principal: String,
    /// Its user name, or the application's name, if it is still there.
    pub name: Option<String>,
    /// The role; empty: access only.
    pub role: String,
}

/// A consent as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GivenConsent {
    /// Who gave it; `None`: an administrator, for everyone.
    pub user: Option<UserId>,
    /// The name of that user.
    pub upn: Option<String>,
    /// The API that it is about.
    pub resource: String,
    /// What the client may do there.
    pub scopes: Scopes,
    /// When it was given.
    pub given_at: UnixTime,
}

impl Apps<'_> {
    /// Changes an application as `change` says, which sees it as it is now. Two changes wait for each other, so that
    /// neither brings back what the other removed. `None`: there is no such application.
    pub async fn change<T: Send, E: From<Error>>(
        &self,
        id: ClientId,
        change: impl FnOnce(&mut App) -> Result<T, E> + Send,
    ) -> Result<Option<T>, E> {
        let mut transaction = self.0.begin().await?;
        transaction.lock(i64::from_be_bytes(*b"appregis")).await?;
        let sql = "SELECT id, home, name, identifier_uri, record, created_at FROM apps WHERE id = $1";
        let Some(row) = transaction.row(sql, values![id]).await? else { return Ok(None) };
        let mut changed = app(&row)?;
        let done = change(&mut changed)?;
        store(&mut transaction, UPDATE, &changed).await?;
        transaction.commit().await?;
        Ok(Some(done))
    }

    /// The applications that a tenant's administrators look after: its own, the built-in ones, and those of others that
    /// its people use.
    pub async fn seen_by(&self, tenant: TenantId) -> Result<Vec<App>, Error> {
        let sql = "SELECT id, home, name, identifier_uri, record, created_at FROM apps
                   WHERE home = $1 OR home IS NULL OR id IN (SELECT client FROM consents WHERE tenant = $1)
                      OR id IN (SELECT app FROM assignments WHERE tenant = $1)
                   ORDER BY CASE WHEN home = $1 THEN 0 ELSE 1 END, name, id";
        self.0.rows(sql, values![tenant]).await?.iter().map(app).collect()
    }

    /// Who is assigned to an application in a tenant.
    pub async fn assignments(&self, tenant: TenantId, app: ClientId) -> Result<Vec<Assignment>, Error> {
        let sql = "SELECT s.principal, COALESCE(u.upn, a.name), s.role FROM assignments s
                   LEFT JOIN users u ON u.id = s.principal LEFT JOIN apps a ON a.id = s.principal
                   WHERE s.tenant = $1 AND s.app = $2 ORDER BY 2, s.principal, s.role";
        let rows = self.0.rows(sql, values![tenant, app]).await?;
        rows.iter()
            .map(|row| {
                Ok(Assignment { principal: row.text(0)?, name: row.optional_text(1)?, role: row.text(2)? })
            })
            .collect()
    }

    /// Takes a role back from everyone who has it, in all tenants.
    pub async fn unassign_role(&self, app: ClientId, role: &str) -> Result<(), Error> {
        let sql = "DELETE FROM assignments WHERE app = $1 AND role = $2";
        self.0.write(sql, values![app, role]).await.map(drop)
    }

    /// Removes an application, with its grants and consents and with the roles that it was assigned elsewhere.
    pub async fn remove_whole(&self, id: ClientId) -> Result<(), Error> {
        let mut transaction = self.0.begin().await?;
        transaction.write("DELETE FROM assignments WHERE principal = $1", values![id]).await?;
        transaction.write("DELETE FROM apps WHERE id = $1", values![id]).await?;
        transaction.commit().await
    }
}

impl Consents<'_> {
    /// What users and administrators of a tenant let a client do, latest first.
    pub async fn of_client(&self, tenant: TenantId, client: ClientId) -> Result<Vec<GivenConsent>, Error> {
        let sql = "SELECT c.user_id, u.upn, a.name, c.scopes, c.given_at FROM consents c
                   JOIN apps a ON a.id = c.resource LEFT JOIN users u ON u.id = c.user_id
                   WHERE c.tenant = $1 AND c.client = $2 ORDER BY c.given_at DESC, c.user_id, a.name";
        let rows = self.0.rows(sql, values![tenant, client]).await?;
        rows.iter()
            .map(|row| {
                let user = row.text(0)?;
                let user = if user.is_empty() { None } else { Some(row.parse(0)?) };
                Ok(GivenConsent {
                    user,
                    upn: row.optional_text(1)?,
                    resource: row.text(2)?,
                    scopes: row.json(3)?,
                    given_at: row.time(4)?,
                })
            })
            .collect()
    }
}
