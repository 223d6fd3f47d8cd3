//! Users.

use super::{TenantId, UserId};
use crate::clock::UnixTime;

/// A user of a tenant. The password's hash stays in storage and is asked for by those who verify it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// The object ID.
    pub id: UserId,
    /// The tenant.
    pub tenant: TenantId,
    /// The user principal name: `alice@example.org`.
    pub upn: String,
    /// The name that people read.
    pub display_name: String,
    /// First name.
    pub given_name: Option<String>,
    /// Last name.
    pub family_name: Option<String>,
    /// The mail address, when it differs from the UPN or is known to be one.
    pub email: Option<String>,
    /// Whether the user may sign in.
    pub enabled: bool,
    /// Whether the user looks after the tenant.
    pub administrator: bool,
    /// Sign-ins before this are no longer worth anything (`signInSessionsRevoked`, a changed password).
    pub sessions_valid_from: UnixTime,
    /// When the user was made.
    pub created_at: UnixTime,
}
