//! Tenants: who sees which, and how another one is made.

use super::refused::taken;
use super::{Actor, Administrator, Invited, Refused, bounded};
use crate::domain::{Opaque, Tenant, TenantId};
use crate::provider::{FoundError, INVITATION};

/// A tenant of the list.
#[derive(Clone, Debug)]
pub struct TenantSummary {
    /// The tenant.
    pub tenant: Tenant,
    /// How many users it has.
    pub users: u64,
    /// How many applications it registered.
    pub apps: u64,
}

impl Administrator<'_> {
    /// Whether this one may see all tenants, make others, and change the keys that all use: administrators of the first tenant, and the operator.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn looks_after_tenants(&self) -> Result<bool, Refused> {
        match self.actor {
            Actor::Operator => Ok(true),
            Actor::User(_) | Actor::Application(_) => {
                Ok(self.provider.database.tenants().home().await? == Some(self.tenant))
            }
        }
    }

    /// The tenants that this one may see, by name.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn tenants(&self) -> Result<Vec<TenantSummary>, Refused> {
        let all = if self.looks_after_tenants().await? {
            self.provider.database.tenants().all().await?
        } else {
            vec![self.tenant().await?]
        };
        let mut summaries = Vec::new();
        for tenant in all {
            let (users, apps) = self.provider.database.tenants().counts(tenant.id).await?;
            summaries.push(TenantSummary { tenant, users, apps });
        }
        Ok(summaries)
    }

    /// Makes a tenant and its first administrator, `user@domain`, who signs in with the link.
    ///
    /// # Errors
    /// When this one may not, the domain is none or is in use.
    pub async fn create_tenant(
        &self,
        name: &str,
        domain: &str,
        user: &str,
    ) -> Result<(TenantId, Invited), Refused> {
        if !self.looks_after_tenants().await? {
            return Err(Refused::NotHome);
        }
        let name = bounded("The name", name, 128)?;
        let domain = bounded("The domain", domain, 253)?.to_ascii_lowercase();
        let user = super::users::local_part(user)?;
        let upn = format!("{user}@{domain}");
        let made = self.provider.found_tenant(name, &domain, &upn).await;
        let (id, link) = made.map_err(|error| match error {
            FoundError::Taken => Refused::Taken("domain"),
            FoundError::Domain => Refused::Invalid("The domain must look like example.org.".to_owned()),
            FoundError::NoTenant => Refused::NotFound("tenant"),
            FoundError::Certificate => Refused::Invalid("The certificate cannot be used.".to_owned()),
            FoundError::Storage(error) => taken("domain")(error),
        })?;
        self.record("tenant.created", id, [("name", name.to_owned()), ("domain", domain)]).await?;
        let expires_at = self.now().plus(INVITATION);
        Ok((id, Invited { user_name: upn, link: Opaque::presented(&link), expires_at }))
    }
}
