//! The administrators' pages. Addresses: `/admin/tenants`, and `/admin/{tenant}/…` for what belongs to a tenant. Forms carry
//! `csrf`; what changes something is always a POST to the address that the form names.

mod apps;
pub mod device_rules;
mod devices;
mod groups;
mod helpdesk;
mod logs;
mod pin_resets;
mod policies;
mod reset_keys;
mod tenants;
mod users;

pub use apps::{
    AppPage, AppRow, AppSettings, AppsPage, AssignmentRow, CertificateRow, ConsentRow, NewAppPage, ScopeRow,
    SecretRow,
};
pub use device_rules::DeviceRules;
pub use devices::{DeviceKeyRow, DevicePage, DeviceRow, DevicesPage};
pub use groups::{GroupPage, GroupRow, GroupsPage, MemberRow};
pub use helpdesk::{CaseRow, HelpdeskPage};
pub use logs::{AuditPage, AuditRow, ChainState, Pager, SignInFilter, SignInLogPage, SignInRow};
pub use pin_resets::{PinResetFilter, PinResetRow, PinResetsPage, ResetRuleRow};
pub use policies::{
    AaguidRow, AppStrength, FormatRow, MetadataState, PoliciesPage, Strength, Switch, second_factor,
};
pub use reset_keys::{ResetKeyRow, ResetKeysPage};
pub use tenants::{TenantRow, TenantsPage};
pub use users::{
    AppMethod, IssuedPass, PassMethod, PasskeyMethod, PasswordMethod, SessionRow, Trust, UserKeyRow,
    UserPage, UserRow, UsersPage,
};

use super::frame::{Csrf, Notice, initial};
use super::policy::Policy;

/// What surrounds every administrator's page.
#[derive(Debug, Default)]
pub struct AdminFrame {
    /// The tenant that the page is about; only the list of tenants has none.
    pub tenant: Option<TenantName>,
    /// Who is signed in.
    pub admin: String,
    /// The CSRF token of the session.
    pub csrf: Csrf,
    /// What just happened.
    pub notice: Option<Notice>,
}

/// A tenant as the navigation names it.
#[derive(Clone, Debug)]
pub struct TenantName {
    /// Its ID.
    pub id: String,
    /// Its display name.
    pub name: String,
}

impl AdminFrame {
    /// Where the tenant's pages are.
    #[must_use]
    pub fn base(&self) -> String {
        self.tenant.as_ref().map_or_else(|| "/admin".to_owned(), |tenant| format!("/admin/{}", tenant.id))
    }

    /// The headers' half of every administrator's page.
    #[must_use]
    pub fn policy(&self) -> Policy {
        Policy::new()
    }

    /// The letter in the administrator's circle.
    #[must_use]
    pub fn initial(&self) -> String {
        initial(&self.admin)
    }
}
