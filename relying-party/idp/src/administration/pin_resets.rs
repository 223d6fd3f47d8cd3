//! PIN resets: what happened, and who may.

use uuid::Uuid;

use super::logs::direction;
use super::{Administrator, Refused, Slice};
use crate::clock::UnixTime;
use crate::storage::{LogCursor, NamedResetEvent, ResetEventFilter, ResetRule, RuleFor};

impl Administrator<'_> {
    /// A page of the tenant's PIN resets, released and refused, newest first. The cursor names an entry by its time and ID.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn pin_resets(
        &self,
        filter: &ResetEventFilter,
        cursor: LogCursor<(UnixTime, Uuid)>,
        most: u32,
    ) -> Result<Slice<NamedResetEvent>, Refused> {
        let events = self.provider.database.reset_events();
        let rows = events.page_at(self.tenant, filter, cursor, most.saturating_add(1)).await?;
        Ok(Slice::cut(rows, most, direction(&cursor)))
    }

    /// Who may reset a PIN, as it was decided for users and groups.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn reset_rules(&self) -> Result<Vec<ResetRule>, Refused> {
        Ok(self.provider.database.reset_rules().all(self.tenant).await?)
    }

    /// Decides whether a user, or everyone in a group, may reset a PIN; `None` takes the decision back.
    ///
    /// # Errors
    /// When the tenant has no such user or group.
    pub async fn set_reset_rule(&self, principal: RuleFor, allowed: Option<bool>) -> Result<(), Refused> {
        let target = match principal {
            RuleFor::User(user) => self.find_user(user).await?.id.to_string(),
            RuleFor::Group(group) => self.group(&group.to_string()).await?.id.to_string(),
        };
        self.provider.database.reset_rules().set(self.tenant, principal, allowed).await?;
        let word = match allowed {
            Some(true) => "allow",
            Some(false) => "forbid",
            None => "none",
        };
        self.record("pin_reset.rule_changed", target, [("rule", word.to_owned())]).await
    }
}
