//! `latchkey-idp group`.

use std::error::Error;

use clap::Subcommand;
use latchkey_idp::administration::Administrator;
use latchkey_idp::graph::shown;
use serde_json::json;

use super::print::Printer;
use super::say;
use super::user::{Named, find};

#[derive(Debug, Subcommand)]
pub(crate) enum GroupVerb {
    /// Groups of users, by name
    List,
    /// Make a group
    Add {
        /// What it is called
        name: String,
        /// What it is for
        #[arg(long, default_value = "")]
        description: String,
    },
    /// Delete a group, and what was decided for it
    Delete {
        /// Its name or ID
        group: String,
    },
    /// Who is in a group
    Members {
        /// Its name or ID
        group: String,
    },
    /// Put a user into a group
    Join {
        /// Its name or ID
        group: String,
        #[command(flatten)]
        user: Named,
    },
    /// Take a user out of a group
    Leave {
        /// Its name or ID
        group: String,
        #[command(flatten)]
        user: Named,
    },
}

pub(super) async fn run(
    operator: &Administrator<'_>,
    printer: &Printer,
    verb: &GroupVerb,
) -> Result<(), Box<dyn Error>> {
    match verb {
        GroupVerb::List => {
            let groups = operator.groups().await.map_err(say)?;
            let rows: Vec<_> = groups.iter().map(|(group, members)| shown::group(group, *members)).collect();
            printer.list(&rows, &["id", "displayName", "members", "description"]);
        }
        GroupVerb::Add { name, description } => {
            let id = operator.create_group(name, description).await.map_err(say)?;
            printer.one(&json!({ "id": id }));
        }
        GroupVerb::Delete { group } => {
            let group = operator.group(group).await.map_err(say)?;
            operator.delete_group(&group).await.map_err(say)?;
            printer.done("Deleted.");
        }
        GroupVerb::Members { group } => {
            let group = operator.group(group).await.map_err(say)?;
            let members = operator.group_members(&group).await.map_err(say)?;
            let rows: Vec<_> = members.iter().map(|(user, name)| shown::member(*user, name)).collect();
            printer.list(&rows, &["id", "userPrincipalName"]);
        }
        GroupVerb::Join { group, user } | GroupVerb::Leave { group, user } => {
            let group = operator.group(group).await.map_err(say)?;
            let user = find(operator, user).await?;
            let member = matches!(verb, GroupVerb::Join { .. });
            operator.set_member(&group, user.id, member).await.map_err(say)?;
            printer.done(if member { "Joined." } else { "Left." });
        }
    }
    Ok(())
}
