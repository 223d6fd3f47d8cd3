//! `latchkey-idp reset`: who may reset a PIN, and who did.

use std::error::Error;

use clap::{Args, Subcommand};
use latchkey_idp::administration::Administrator;
use latchkey_idp::graph::shown;
use latchkey_idp::storage::{LogCursor, ResetEventFilter, RuleFor};

use super::print::Printer;
use super::say;

#[derive(Debug, Subcommand)]
pub(crate) enum ResetVerb {
    /// PIN resets that were released or refused, newest first
    List {
        /// Only those of users in whose names this occurs
        #[arg(long, default_value = "")]
        user: String,
        /// Only those with this code
        #[arg(long, default_value = "")]
        code: String,
        /// Only those that were refused
        #[arg(long, conflicts_with = "released")]
        refused: bool,
        /// Only those that were released
        #[arg(long)]
        released: bool,
        /// At most so many
        #[arg(long, default_value_t = 100)]
        most: u32,
    },
    /// What was decided for users and groups
    Rules,
    /// Let a user, or everyone in a group, reset a PIN
    Allow(Principal),
    /// Let a user, or everyone in a group, reset no PIN; a user's own rule counts more than a group's
    Forbid(Principal),
    /// Take a decision back
    Undecide(Principal),
}

#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub(crate) struct Principal {
    /// The user name or the user's ID
    #[arg(long)]
    user: Option<String>,
    /// The group's name or ID
    #[arg(long)]
    group: Option<String>,
}

pub(super) async fn run(
    operator: &Administrator<'_>,
    printer: &Printer,
    verb: &ResetVerb,
) -> Result<(), Box<dyn Error>> {
    match verb {
        ResetVerb::List { user, code, refused, released, most } => {
            let filter = ResetEventFilter {
                name: user.clone(),
                user: None,
                device: None,
                code: code.clone(),
                refused: *refused,
                released: *released,
            };
            let slice = operator.pin_resets(&filter, LogCursor::Newest, *most).await.map_err(say)?;
            let rows: Vec<_> = slice.rows.iter().map(shown::pin_reset).collect();
            let columns = [
                "activityDateTime",
                "userPrincipalName",
                "deviceDisplayName",
                "purpose",
                "result",
                "ipAddress",
            ];
            printer.list(&rows, &columns);
        }
        ResetVerb::Rules => {
            let rules = operator.reset_rules().await.map_err(say)?;
            let rows: Vec<_> = rules.iter().map(shown::reset_rule).collect();
            printer.list(&rows, &["type", "name", "rule", "id"]);
        }
        ResetVerb::Allow(principal) => decide(operator, printer, principal, Some(true)).await?,
        ResetVerb::Forbid(principal) => decide(operator, printer, principal, Some(false)).await?,
        ResetVerb::Undecide(principal) => decide(operator, printer, principal, None).await?,
    }
    Ok(())
}

async fn decide(
    operator: &Administrator<'_>,
    printer: &Printer,
    principal: &Principal,
    allowed: Option<bool>,
) -> Result<(), Box<dyn Error>> {
    let principal = if let Some(group) = &principal.group {
        RuleFor::Group(operator.group(group).await.map_err(say)?.id)
    } else {
        let name = principal.user.as_deref().unwrap_or_default();
        RuleFor::User(super::user::by_name(operator, name).await?.id)
    };
    operator.set_reset_rule(principal, allowed).await.map_err(say)?;
    printer.done("Decided.");
    Ok(())
}
