//! Who may reset a PIN, as administrators decided for users and groups.

use super::Error;
use super::database::{Pool, Row, values};
use crate::domain::{GroupId, TenantId, UserId};

/// For whom a rule is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RuleFor {
    /// One user.
    User(UserId),
    /// Everyone in a group.
    Group(GroupId),
}

/// A rule, with the name of whom it is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResetRule {
    /// For whom.
    pub principal: RuleFor,
    /// Their name: the user name, or the group's.
    pub name: String,
    /// Whether they may.
    pub allowed: bool,
}

/// The rules that are about one user.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RulesOf {
    /// The user's own.
    pub user: Option<bool>,
    /// Whether all rules of the user's groups allow it; `None`: there is none.
    pub groups: Option<bool>,
}

/// Who may reset a PIN.
pub struct ResetRules<'a>(pub(super) &'a Pool);

impl ResetRules<'_> {
    /// The rules about one user.
    pub async fn of_user(&self, user: UserId) -> Result<RulesOf, Error> {
        let row = self
            .0
            .row(
                "SELECT (SELECT allowed FROM reset_rules WHERE user_id = $1),
                        (SELECT MIN(r.allowed) FROM reset_rules r JOIN group_members m ON m.group_id = r.group_id
                         WHERE m.user_id = $1)",
                values![user],
            )
            .await?
            .ok_or(Error::Damaged)?;
        let flag = |at| Ok::<_, Error>(row.optional_int(at)?.map(|allowed| allowed != 0));
        Ok(RulesOf { user: flag(0)?, groups: flag(1)? })
    }

    /// All rules of a tenant, by name.
    pub async fn all(&self, tenant: TenantId) -> Result<Vec<ResetRule>, Error> {
        let rows = self
            .0
            .rows(
                "SELECT r.user_id, r.group_id, COALESCE(u.upn, g.name, ''), r.allowed FROM reset_rules r
                 LEFT JOIN users u ON u.id = r.user_id LEFT JOIN user_groups g ON g.id = r.group_id
                 WHERE r.tenant = $1 ORDER BY 3, 1, 2",
                values![tenant],
            )
            .await?;
        rows.iter().map(rule).collect()
    }

    /// Decides for a user or a group; `None` takes the rule away.
    pub async fn set(
        &self,
        tenant: TenantId,
        principal: RuleFor,
        allowed: Option<bool>,
    ) -> Result<(), Error> {
        let (user, group) = match principal {
            RuleFor::User(user) => (Some(user), None),
            RuleFor::Group(group) => (None, Some(group)),
        };
        let mut transaction = self.0.begin().await?;
        transaction
            .write("DELETE FROM reset_rules WHERE user_id = $1 OR group_id = $2", values![user, group])
            .await?;
        if let Some(allowed) = allowed {
            transaction
                .write(
                    "INSERT INTO reset_rules (tenant, user_id, group_id, allowed) VALUES ($1, $2, $3, $4)",
                    values![tenant, user, group, allowed],
                )
                .await?;
        }
        transaction.commit().await
    }
}

fn rule(row: &Row) -> Result<ResetRule, Error> {
    let principal = match (row.optional_parse(0)?, row.optional_parse(1)?) {
        (Some(user), None) => RuleFor::User(user),
        (None, Some(group)) => RuleFor::Group(group),
        (Some(_), Some(_)) | (None, None) => return Err(Error::Damaged),
    };
    Ok(ResetRule { principal, name: row.text(2)?, allowed: row.flag(3)? })
}
