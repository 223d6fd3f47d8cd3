//! Registered applications, who is assigned to them, and who consented to what.

use super::Error;
use super::database::{Pool, Row, Transaction, Value, values};
use crate::clock::UnixTime;
use crate::domain::{App, ClientId, Scopes, TenantId, UserId};

/// Client applications and APIs.
pub struct Apps<'a>(pub(super) &'a Pool);

/// Consents of users and administrators.
pub struct Consents<'a>(pub(super) &'a Pool);

impl Apps<'_> {
    /// Registers an application; [`Error::Taken`] if another has its identifier URI.
    pub async fn register(&self, app: &App) -> Result<(), Error> {
        let sql = "INSERT INTO apps (id, home, name, identifier_uri, record, created_at) VALUES ($1, $2, $3, $4, $5, $6)";
        let mut transaction = self.0.begin().await?;
        store(&mut transaction, sql, app).await?;
        transaction.commit().await
    }

    /// Registers a built-in application, as this version of the program knows it.
    pub async fn ensure(&self, app: &App) -> Result<(), Error> {
        self.0
            .write(
                "INSERT INTO apps (id, home, name, identifier_uri, record, created_at) VALUES ($1, $2, $3, $4, $5, $6)
                 ON CONFLICT (id) DO UPDATE SET name = $3, identifier_uri = $4, record = $5",
                &columns(app)?,
            )
            .await
            .map(drop)
    }

    /// Replaces a registration.
    pub async fn update(&self, app: &App) -> Result<(), Error> {
        let mut transaction = self.0.begin().await?;
        store(&mut transaction, UPDATE, app).await?;
        transaction.commit().await
    }

    /// Removes an application, with its grants and consents.
    pub async fn remove(&self, id: ClientId) -> Result<(), Error> {
        self.0.write("DELETE FROM apps WHERE id = $1", values![id]).await.map(drop)
    }

    /// The application with this client ID.
    pub async fn find(&self, id: ClientId) -> Result<Option<App>, Error> {
        let sql = "SELECT id, home, name, identifier_uri, record, created_at FROM apps WHERE id = $1";
        self.0.row(sql, values![id]).await?.map(|row| app(&row)).transpose()
    }

    /// The application with this App ID URI.
    pub async fn by_identifier_uri(&self, uri: &str) -> Result<Option<App>, Error> {
        let sql =
            "SELECT id, home, name, identifier_uri, record, created_at FROM apps WHERE identifier_uri = $1";
        self.0.row(sql, values![uri]).await?.map(|row| app(&row)).transpose()
    }

    /// Whether some application has a page without a server at this origin.
    pub async fn has_spa_at(&self, origin: &str) -> Result<bool, Error> {
        let sql = "SELECT 1 FROM spa_origins WHERE origin = $1 LIMIT 1";
        Ok(self.0.row(sql, values![origin]).await?.is_some())
    }

    /// The applications that a tenant registered, by name.
    pub async fn of_tenant(&self, tenant: TenantId) -> Result<Vec<App>, Error> {
        let sql = "SELECT id, home, name, identifier_uri, record, created_at FROM apps
                   WHERE home = $1 ORDER BY name, id";
        self.0.rows(sql, values![tenant]).await?.iter().map(app).collect()
    }

    /// Assigns a user or an application (`principal`) to `app`; an empty role gives access only.
    pub async fn assign(
        &self,
        tenant: TenantId,
        app: ClientId,
        principal: &str,
        role: &str,
    ) -> Result<(), Error> {
        self.0
            .write(
                "INSERT INTO assignments (tenant, app, principal, role) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING",
                values![tenant, app, principal, role],
            )
            .await
            .map(drop)
    }

    /// Takes an assignment back.
    pub async fn unassign(
        &self,
        tenant: TenantId,
        app: ClientId,
        principal: &str,
        role: &str,
    ) -> Result<(), Error> {
        self.0
            .write(
                "DELETE FROM assignments WHERE tenant = $1 AND app = $2 AND principal = $3 AND role = $4",
                values![tenant, app, principal, role],
            )
            .await
            .map(drop)
    }

    /// The roles of a principal in `app`; `None` if it is not assigned at all.
    pub async fn roles(
        &self,
        tenant: TenantId,
        app: ClientId,
        principal: &str,
    ) -> Result<Option<Vec<String>>, Error> {
        let rows = self
            .0
            .rows(
                "SELECT role FROM assignments WHERE tenant = $1 AND app = $2 AND principal = $3 ORDER BY role",
                values![tenant, app, principal],
            )
            .await?;
        if rows.is_empty() {
            return Ok(None);
        }
        let mut roles = rows.iter().map(|row| row.text(0)).collect::<Result<Vec<_>, _>>()?;
        roles.retain(|role| !role.is_empty());
        Ok(Some(roles))
    }
}

impl Consents<'_> {
    /// Adds to what `user` (`None`: an administrator, for everyone) lets `client` do at `resource`.
    pub async fn give(
        &self,
        tenant: TenantId,
        user: Option<UserId>,
        (client, resource): (ClientId, ClientId),
        scopes: &Scopes,
        now: UnixTime,
    ) -> Result<(), Error> {
        let mut transaction = self.0.begin().await?;
        transaction.lock(i64::from_be_bytes(*b"consents")).await?;
        let user = user.map(|user| user.to_string()).unwrap_or_default();
        let before = transaction
            .row(
                "SELECT scopes FROM consents WHERE tenant = $1 AND user_id = $2 AND client = $3 AND resource = $4",
                values![tenant, user.as_str(), client, resource],
            )
            .await?;
        let before: Scopes = before.map(|row| row.json(0)).transpose()?.unwrap_or_default();
        let after = serde_json::to_string(&before.union(scopes)).map_err(|_| Error::Damaged)?;
        transaction
            .write(
                "INSERT INTO consents (tenant, user_id, client, resource, scopes, given_at)
                 VALUES ($1, $2, $3, $4, $5, $6)
                 ON CONFLICT (tenant, user_id, client, resource) DO UPDATE SET scopes = $5, given_at = $6",
                values![tenant, user, client, resource, after, now],
            )
            .await?;
        transaction.commit().await
    }

    /// What `client` may do at `resource` for `user`: what the user and what administrators consented to.
    pub async fn find(
        &self,
        tenant: TenantId,
        user: UserId,
        (client, resource): (ClientId, ClientId),
    ) -> Result<Scopes, Error> {
        let rows = self
            .0
            .rows(
                "SELECT scopes FROM consents
                 WHERE tenant = $1 AND user_id IN ($2, '') AND client = $3 AND resource = $4",
                values![tenant, user, client, resource],
            )
            .await?;
        let mut all = Scopes::default();
        for row in &rows {
            all = all.union(&row.json(0)?);
        }
        Ok(all)
    }

    /// Takes back what a user (`None`: an administrator) let a client do.
    pub async fn withdraw(
        &self,
        tenant: TenantId,
        user: Option<UserId>,
        client: ClientId,
    ) -> Result<(), Error> {
        let user = user.map(|user| user.to_string()).unwrap_or_default();
        self.0
            .write(
                "DELETE FROM consents WHERE tenant = $1 AND user_id = $2 AND client = $3",
                values![tenant, user, client],
            )
            .await
            .map(drop)
    }
}

pub(super) const UPDATE: &str =
    "UPDATE apps SET home = $2, name = $3, identifier_uri = $4, record = $5, created_at = $6 WHERE id = $1";

/// Writes an application with `sql`, and the origins of its pages beside it.
pub(super) async fn store(transaction: &mut Transaction, sql: &'static str, app: &App) -> Result<(), Error> {
    transaction.write(sql, &columns(app)?).await?;
    transaction.write("DELETE FROM spa_origins WHERE app = $1", values![app.id]).await?;
    for origin in app.spa_origins() {
        let sql = "INSERT INTO spa_origins (origin, app) VALUES ($1, $2)";
        transaction.write(sql, values![origin, app.id]).await?;
    }
    Ok(())
}

fn columns(app: &App) -> Result<[Value; 6], Error> {
    Ok([
        app.id.into(),
        app.home.into(),
        app.name.as_str().into(),
        app.identifier_uri.as_deref().into(),
        serde_json::to_string(&app.registration).map_err(|_| Error::Damaged)?.into(),
        app.created_at.into(),
    ])
}

pub(super) fn app(row: &Row) -> Result<App, Error> {
    Ok(App {
        id: row.parse(0)?,
        home: row.optional_parse(1)?,
        name: row.text(2)?,
        identifier_uri: row.optional_text(3)?,
        registration: row.json(4)?,
        created_at: row.time(5)?,
    })
}
