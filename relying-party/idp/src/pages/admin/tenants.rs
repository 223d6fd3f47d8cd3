//! The tenants of this provider.

use askama::Template;

use super::{AdminFrame, IssuedPass};
use crate::pages::When;

/// The tenants that the administrator may see, and a form for a new one. POST `/admin/tenants` with `name`, `domain`, `admin`.
#[derive(Debug, Template)]
#[template(path = "admin/tenants.html")]
pub struct TenantsPage {
    /// What surrounds it.
    pub frame: AdminFrame,
    /// The tenants.
    pub tenants: Vec<TenantRow>,
    /// Whether this administrator may make one.
    pub may_create: bool,
    /// The link of a new tenant's administrator; shown once.
    pub issued: Option<IssuedPass>,
}

/// A tenant of the list.
#[derive(Debug)]
pub struct TenantRow {
    /// Its ID.
    pub id: String,
    /// Whether this administrator looks after it.
    pub yours: bool,
    /// Its display name.
    pub name: String,
    /// Its verified domains.
    pub domains: Vec<String>,
    /// How many users it has.
    pub users: u64,
    /// How many applications it has.
    pub apps: u64,
    /// When it was made.
    pub created: When,
}
