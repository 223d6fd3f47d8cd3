//! `latchkey-idp policy`.

use std::error::Error;

use clap::Subcommand;
use latchkey_idp::administration::Administrator;
use latchkey_idp::domain::TenantPolicy;

use super::print::Printer;
use super::{change_members, say};

#[derive(Debug, Subcommand)]
pub(crate) enum PolicyVerb {
    /// What the tenant allows
    Show,
    /// Change it: names as `policy show` prints them, `passkeys.required` for what is inside of another; values as JSON or
    /// as a word
    Change {
        /// Such as `second_factor=required`, or `passkeys.aaguids=[…]` with GUIDs in double quotes
        #[arg(required = true, value_name = "NAME=VALUE")]
        changes: Vec<String>,
    },
}

pub(super) async fn run(
    operator: &Administrator<'_>,
    printer: &Printer,
    verb: &PolicyVerb,
) -> Result<(), Box<dyn Error>> {
    match verb {
        PolicyVerb::Show => {
            let policy = operator.tenant().await.map_err(say)?.policy;
            printer.one(&serde_json::to_value(policy)?);
        }
        PolicyVerb::Change { changes } => {
            let change = |policy: &mut TenantPolicy| change_members(policy, "A policy", changes);
            operator.change_policy(change).await.map_err(say)?;
            printer.done("Changed.");
        }
    }
    Ok(())
}
