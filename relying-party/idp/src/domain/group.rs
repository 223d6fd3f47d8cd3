//! Groups of users.

use super::{GroupId, TenantId};
use crate::clock::UnixTime;

/// A group of users of one tenant, for rules that are about several of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// Its name in rules.
    pub id: GroupId,
    /// The tenant.
    pub tenant: TenantId,
    /// What administrators call it.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// When it was made.
    pub created_at: UnixTime,
}
