//! Who may reset a PIN. The tenant must let people do it at all; then the more specific rule wins: the user's own, else those of
//! the user's groups, of which one that forbids is stronger than any that allows. Without a rule the user may.

use super::Error;
use crate::domain::{Tenant, UserId};
use crate::provider::Provider;
use crate::storage::RulesOf;

/// Whether the user may.
///
/// # Errors
/// When the database does not answer.
pub async fn allowed(provider: &Provider, tenant: &Tenant, user: UserId) -> Result<bool, Error> {
    if !tenant.policy.enable_pin_recovery {
        return Ok(false);
    }
    Ok(decide(provider.database.reset_rules().of_user(user).await?))
}

/// The rules for one user, weighed.
#[must_use]
pub const fn decide(rules: RulesOf) -> bool {
    match rules {
        RulesOf { user: Some(allowed), .. } => allowed,
        RulesOf { user: None, groups: Some(all_allow) } => all_allow,
        RulesOf { user: None, groups: None } => true,
    }
}
