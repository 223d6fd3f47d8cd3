//! PIN resets: what happened, and who may.

use askama::Template;

use super::{AdminFrame, Pager};
use crate::pages::When;

/// The PIN resets of a tenant, and the rules for them. GET with the filter's fields; POST `…/pin-resets/rules` decides.
#[derive(Debug, Template)]
#[template(path = "admin/pin-resets.html")]
pub struct PinResetsPage {
    /// What surrounds it.
    pub frame: AdminFrame,
    /// Whether the tenant's policy allows any.
    pub enabled: bool,
    /// What is shown.
    pub filter: PinResetFilter,
    /// The events, newest first.
    pub rows: Vec<PinResetRow>,
    /// The pages before and after.
    pub pager: Pager,
    /// What was decided for users and groups.
    pub rules: Vec<ResetRuleRow>,
}

/// Which events are shown; empty means everything. The fields are the query's parameters.
#[derive(Clone, Debug, Default)]
pub struct PinResetFilter {
    /// Part of a user name.
    pub user: String,
    /// `released` or `refused`.
    pub result: String,
    /// The code of a refusal.
    pub code: String,
}

impl PinResetFilter {
    /// Whether anything is left out.
    #[must_use]
    pub fn is_set(&self) -> bool {
        [&self.user, &self.result, &self.code].iter().any(|value| !value.is_empty())
    }
}

/// A PIN reset that was released or refused.
#[derive(Debug)]
pub struct PinResetRow {
    /// When.
    pub time: When,
    /// Whose PIN, or why that is not known.
    pub user: String,
    /// On which device, or nothing.
    pub device: String,
    /// What was asked for, in words.
    pub purpose: &'static str,
    /// From where.
    pub address: String,
    /// The code of a refusal; `None`: it was released.
    pub code: Option<String>,
    /// The request's name.
    pub trace: String,
}

/// What was decided for a user or a group.
#[derive(Debug)]
pub struct ResetRuleRow {
    /// `user` or `group`.
    pub kind: &'static str,
    /// The user name, or the group's.
    pub name: String,
    /// Whether they may.
    pub allowed: bool,
}
