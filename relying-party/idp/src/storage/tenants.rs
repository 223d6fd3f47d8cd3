//! Tenants and their domains.

use super::Error;
use super::database::{Pool, Row, values};
use crate::domain::{Tenant, TenantId, TenantPolicy};

/// Tenants and their domains.
pub struct Tenants<'a>(pub(super) &'a Pool);

impl Tenants<'_> {
    /// Makes a tenant; [`Error::Taken`] if one of its domains belongs to another.
    pub async fn create(&self, tenant: &Tenant) -> Result<(), Error> {
        let mut transaction = self.0.begin().await?;
        let policy = serde_json::to_string(&tenant.policy).map_err(|_| Error::Damaged)?;
        transaction
            .write(
                "INSERT INTO tenants (id, name, policy, created_at, home)
                 VALUES ($1, $2, $3, $4, CASE WHEN EXISTS (SELECT id FROM tenants) THEN 0 ELSE 1 END)",
                values![tenant.id, tenant.name.as_str(), policy, tenant.created_at],
            )
            .await?;
        for domain in &tenant.domains {
            transaction
                .write(
                    "INSERT INTO tenant_domains (domain, tenant) VALUES ($1, $2)",
                    values![domain.to_ascii_lowercase(), tenant.id],
                )
                .await?;
        }
        transaction.commit().await
    }

    /// The tenant with this GUID.
    pub async fn find(&self, id: TenantId) -> Result<Option<Tenant>, Error> {
        let row =
            self.0.row("SELECT id, name, policy, created_at FROM tenants WHERE id = $1", values![id]).await?;
        match row {
            Some(row) => self.with_domains(&row).await.map(Some),
            None => Ok(None),
        }
    }

    /// The tenant to which this domain belongs.
    pub async fn by_domain(&self, domain: &str) -> Result<Option<Tenant>, Error> {
        let row = self
            .0
            .row(
                "SELECT id, name, policy, created_at FROM tenants
                 WHERE id = (SELECT tenant FROM tenant_domains WHERE domain = $1)",
                values![domain.to_ascii_lowercase()],
            )
            .await?;
        match row {
            Some(row) => self.with_domains(&row).await.map(Some),
            None => Ok(None),
        }
    }

    /// All tenants, by name.
    pub async fn all(&self) -> Result<Vec<Tenant>, Error> {
        let mut tenants = Vec::new();
        for row in
            self.0.rows("SELECT id, name, policy, created_at FROM tenants ORDER BY name, id", &[]).await?
        {
            tenants.push(self.with_domains(&row).await?);
        }
        Ok(tenants)
    }

    /// Decides anew what a tenant allows.
    pub async fn set_policy(&self, id: TenantId, policy: &TenantPolicy) -> Result<(), Error> {
        let policy = serde_json::to_string(policy).map_err(|_| Error::Damaged)?;
        self.0.write("UPDATE tenants SET policy = $2 WHERE id = $1", values![id, policy]).await.map(drop)
    }

    /// Changes what a tenant allows, as `change` says, which sees what it allows now. Two changes wait for each other, so
    /// that neither undoes the other. `None`: there is no such tenant.
    pub async fn change_policy<T: Send, E: From<Error>>(
        &self,
        id: TenantId,
        change: impl FnOnce(&mut TenantPolicy) -> Result<T, E> + Send,
    ) -> Result<Option<T>, E> {
        let mut transaction = self.0.begin().await?;
        transaction.lock(i64::from_be_bytes(*b"policies")).await?;
        let row = transaction.row("SELECT policy FROM tenants WHERE id = $1", values![id]).await?;
        let Some(row) = row else { return Ok(None) };
        let mut policy: TenantPolicy = row.json(0)?;
        let done = change(&mut policy)?;
        let policy = serde_json::to_string(&policy).map_err(|_| Error::Damaged)?;
        transaction.write("UPDATE tenants SET policy = $2 WHERE id = $1", values![id, policy]).await?;
        transaction.commit().await?;
        Ok(Some(done))
    }

    /// The tenant that was made first, whose administrators look after the installation.
    pub async fn home(&self) -> Result<Option<TenantId>, Error> {
        let row = self.0.row("SELECT id FROM tenants WHERE home = 1", &[]).await?;
        row.map(|row| row.parse(0)).transpose()
    }

    /// How many users and applications a tenant has.
    pub async fn counts(&self, id: TenantId) -> Result<(u64, u64), Error> {
        let sql = "SELECT (SELECT COUNT(*) FROM users WHERE tenant = $1), (SELECT COUNT(*) FROM apps WHERE home = $1)";
        let row = self.0.row(sql, values![id]).await?.ok_or(Error::Damaged)?;
        let number = |at| u64::try_from(row.int(at)?).map_err(|_| Error::Damaged);
        Ok((number(0)?, number(1)?))
    }

    async fn with_domains(&self, row: &Row) -> Result<Tenant, Error> {
        let id = row.parse(0)?;
        let domains = self
            .0
            .rows("SELECT domain FROM tenant_domains WHERE tenant = $1 ORDER BY domain", values![id])
            .await?
            .iter()
            .map(|row| row.text(0))
            .collect::<Result<_, _>>()?;
        Ok(Tenant { id, name: row.text(1)?, domains, policy: row.json(2)?, created_at: row.time(3)? })
    }
}
