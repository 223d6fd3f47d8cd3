//! `latchkey-idp tenant`.

use std::error::Error;

use clap::Subcommand;
use latchkey_idp::administration::Administrator;
use latchkey_idp::graph::shown;
use serde_json::json;

use super::print::Printer;
use super::say;

#[derive(Debug, Subcommand)]
pub(crate) enum TenantVerb {
    /// All tenants
    List,
    /// The tenant
    Show,
    /// Make a tenant and its first administrator, and print the link of their first sign-in
    Add {
        /// The name that people read
        name: String,
        /// A domain of the tenant, such as example.org
        #[arg(long)]
        domain: String,
        /// User name of the first administrator, in that domain
        #[arg(long, default_value = "admin")]
        admin: String,
    },
}

pub(super) async fn run(
    operator: &Administrator<'_>,
    printer: &Printer,
    verb: &TenantVerb,
) -> Result<(), Box<dyn Error>> {
    match verb {
        TenantVerb::List => {
            let rows: Vec<_> =
                operator.tenants().await.map_err(say)?.iter().map(shown::tenant_summary).collect();
            printer.list(&rows, &["id", "displayName", "domains", "users", "applications"]);
        }
        TenantVerb::Show => printer.one(&shown::tenant(&operator.tenant().await.map_err(say)?)),
        TenantVerb::Add { name, domain, admin } => {
            let (id, invited) = operator.create_tenant(name, domain, admin).await.map_err(say)?;
            printer.one(&json!({
                "id": id, "administrator": invited.user_name, "invitation": invited.link.expose(),
            }));
        }
    }
    Ok(())
}
