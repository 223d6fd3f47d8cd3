//! Everything that administrators can do, without HTTP: the pages, the Graph-shaped API and the program's commands are
//! three doors to it.
//!
//! [`Administrator`] is the proof that somebody may: it is made in one place, for one tenant, and each change is one of
//! its methods, which writes one event to the audit log. Whatever belongs to another tenant is not there.

mod applications;
mod credentials;
mod devices;
mod groups;
mod helpdesk;
mod logs;
mod methods;
mod pin_resets;
mod policies;
mod refused;
mod reset_keys;
mod slice;
mod tenants;
mod uris;
mod users;

pub use applications::{NewRegistration, Platform, Principal};
pub use devices::DeviceDetails;
pub use logs::{ActivityEntry, AuditState};
pub use methods::{IssuedPass, Methods, check_password};
pub use policies::{PASS_MINUTES, check_policy};
pub use refused::Refused;
pub use reset_keys::{ResetKey, ResetKeys};
pub use slice::Slice;
pub use tenants::TenantSummary;
pub use users::{Invited, Names, NewAccount};

use std::collections::BTreeMap;
use std::fmt;

use crate::audit_chain::Event;
use crate::clock::UnixTime;
use crate::domain::{App, Authority, ClientId, Tenant, TenantId, User, UserId};
use crate::provider::Provider;

/// Who acts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Actor {
    /// A person.
    User(UserId),
    /// An application with a role for it.
    Application(ClientId),
    /// Whoever runs the program on the machine.
    Operator,
}

impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::User(id) => id.fmt(f),
            Self::Application(id) => write!(f, "app:{id}"),
            Self::Operator => f.write_str("operator"),
        }
    }
}

/// Somebody who may look after one tenant, and does so now.
#[derive(Clone, Copy)]
pub struct Administrator<'a> {
    provider: &'a Provider,
    tenant: TenantId,
    actor: Actor,
}

impl<'a> Administrator<'a> {
    /// A user who is an administrator of this very tenant. How the user signed in is for the caller to judge.
    ///
    /// # Errors
    /// When the user is none, is disabled, or belongs to another tenant.
    pub fn user(provider: &'a Provider, user: &User, tenant: TenantId) -> Result<Self, Refused> {
        if !user.enabled || !user.administrator || user.tenant != tenant {
            return Err(Refused::NotAdministrator);
        }
        Ok(Self { provider, tenant, actor: Actor::User(user.id) })
    }

    /// An application whose token has a role for what it is about to do, in the tenant of the token. Which role is enough
    /// is for the caller to judge.
    ///
    /// # Errors
    /// When the tenant does not know the application.
    pub fn application(provider: &'a Provider, app: &App, tenant: TenantId) -> Result<Self, Refused> {
        if !app.known_to(tenant) {
            return Err(Refused::NotAdministrator);
        }
        Ok(Self { provider, tenant, actor: Actor::Application(app.id) })
    }

    /// Whoever runs the program on the machine, for a tenant by its ID or one of its domains.
    ///
    /// # Errors
    /// When there is no such tenant.
    pub async fn operator(provider: &'a Provider, tenant: &str) -> Result<Self, Refused> {
        let found = provider.tenant(&Authority::parse(tenant)).await?;
        let tenant = found.ok_or(Refused::NotFound("tenant"))?.id;
        Ok(Self { provider, tenant, actor: Actor::Operator })
    }

    /// Whoever runs the program on the machine, for the only tenant there is.
    ///
    /// # Errors
    /// When there is none, or more than one.
    pub async fn operator_of_only_tenant(provider: &'a Provider) -> Result<Self, Refused> {
        let all = provider.database.tenants().all().await?;
        match all.as_slice() {
            [only] => Ok(Self { provider, tenant: only.id, actor: Actor::Operator }),
            [] => Err(Refused::NotFound("tenant")),
            _ => Err(Refused::Invalid("There are several tenants: name one with --tenant.".to_owned())),
        }
    }

    /// Whoever runs the program on the machine, for what all tenants use: it is in the log of the tenant that was made first.
    ///
    /// # Errors
    /// When there is no tenant.
    pub async fn operator_of_installation(provider: &'a Provider) -> Result<Self, Refused> {
        let home = provider.database.tenants().home().await?;
        Ok(Self { provider, tenant: home.ok_or(Refused::NotFound("tenant"))?, actor: Actor::Operator })
    }

    /// Who acts.
    #[must_use]
    pub const fn actor(&self) -> Actor {
        self.actor
    }

    /// The tenant that it is about, as it is now.
    ///
    /// # Errors
    /// When it is gone.
    pub async fn tenant(&self) -> Result<Tenant, Refused> {
        let found = self.provider.database.tenants().find(self.tenant).await?;
        found.ok_or(Refused::NotFound("tenant"))
    }

    fn now(&self) -> UnixTime {
        self.provider.now()
    }

    /// Writes one event, after the change that it is about; what was remembered of tenants and applications is read again.
    async fn record<const N: usize>(
        &self,
        action: &str,
        target: impl fmt::Display,
        detail: [(&str, String); N],
    ) -> Result<(), Refused> {
        self.provider.forget();
        let detail: BTreeMap<_, _> =
            detail.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        let event = Event {
            at: self.now(),
            tenant: Some(self.tenant.guid()),
            actor: self.actor.to_string(),
            action: action.to_owned(),
            target: target.to_string(),
            detail,
        };
        Ok(self.provider.audit(&event).await?)
    }
}

impl fmt::Debug for Administrator<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Administrator({} in {})", self.actor, self.tenant)
    }
}

/// A text that people typed: without the spaces around it, not empty, not long, and without control characters.
fn bounded<'a>(what: &'static str, text: &'a str, most: usize) -> Result<&'a str, Refused> {
    let text = text.trim();
    if text.is_empty() {
        return Err(Refused::Invalid(format!("{what} is missing.")));
    }
    if text.chars().count() > most {
        return Err(Refused::Invalid(format!("{what} is too long: use at most {most} characters.")));
    }
    if text.chars().any(char::is_control) {
        return Err(Refused::Invalid(format!("{what} has characters that cannot be typed.")));
    }
    Ok(text)
}
