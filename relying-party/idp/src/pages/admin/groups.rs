//! Groups of users: the list, and one group with its members.

use askama::Template;

use super::AdminFrame;
use crate::pages::When;

/// The groups of a tenant. POST `…/groups` with `name`, `description`.
#[derive(Debug, Template)]
#[template(path = "admin/groups.html")]
pub struct GroupsPage {
    /// What surrounds it.
    pub frame: AdminFrame,
    /// The groups, by name.
    pub groups: Vec<GroupRow>,
    /// What was typed before.
    pub name: String,
    /// What was typed before.
    pub description: String,
}

/// A group.
#[derive(Debug)]
pub struct GroupRow {
    /// Its ID.
    pub id: String,
    /// What it is called.
    pub name: String,
    /// What it is for, or nothing.
    pub description: String,
    /// How many members it has.
    pub members: i64,
    /// Whether a rule lets its members reset a PIN; `None`: there is no rule.
    pub resets: Option<bool>,
}

/// One group. POSTs, all below `…/groups/{id}`: `/members` with `user_name`; `/members/{user}/delete`; `/delete`.
#[derive(Debug, Template)]
#[template(path = "admin/group.html")]
pub struct GroupPage {
    /// What surrounds it.
    pub frame: AdminFrame,
    /// Which it is.
    pub group: GroupRow,
    /// When it was made.
    pub created: When,
    /// Who is in it.
    pub members: Vec<MemberRow>,
    /// What was typed before.
    pub user_name: String,
}

impl GroupPage {
    fn url(&self) -> String {
        format!("{}/groups/{}", self.frame.base(), self.group.id)
    }
}

/// A member of a group.
#[derive(Debug)]
pub struct MemberRow {
    /// The object ID.
    pub id: String,
    /// The user name.
    pub user_name: String,
}
