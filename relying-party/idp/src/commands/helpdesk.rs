//! `latchkey-idp helpdesk`.

use std::error::Error;

use clap::Subcommand;
use latchkey_idp::administration::Administrator;
use latchkey_idp::graph::shown;
use latchkey_idp::provider::Provider;
use serde_json::json;
use uuid::Uuid;

use super::print::Printer;
use super::say;
use super::user::{Named, find};

#[derive(Debug, Subcommand)]
pub(crate) enum HelpdeskVerb {
    /// Cases, newest first
    List {
        /// At most so many
        #[arg(long, default_value_t = 100)]
        most: u32,
    },
    /// Ask that the count of wrong PINs of a user's device be set to zero; an administrator approves it
    Open {
        #[command(flatten)]
        user: Named,
        /// The device's name or ID
        #[arg(long)]
        device: String,
        /// Why
        #[arg(long)]
        reason: String,
    },
    /// Approve a case that an administrator opened, and print the code that is read out to the user: good once, for an hour
    Approve {
        /// The case's ID
        case: Uuid,
    },
    /// Turn a case down
    Decline {
        /// The case's ID
        case: Uuid,
    },
}

pub(super) async fn run(
    provider: &Provider,
    operator: &Administrator<'_>,
    printer: &Printer,
    verb: &HelpdeskVerb,
) -> Result<(), Box<dyn Error>> {
    match verb {
        HelpdeskVerb::List { most } => {
            let cases = operator.helpdesk_cases(*most).await.map_err(say)?;
            let rows: Vec<_> =
                cases.iter().map(|named| shown::helpdesk_case(named, provider.time())).collect();
            let columns = [
                "id",
                "createdDateTime",
                "status",
                "userPrincipalName",
                "deviceDisplayName",
                "openedBy",
                "reason",
            ];
            printer.list(&rows, &columns);
        }
        HelpdeskVerb::Open { user, device, reason } => {
            let user = find(operator, user).await?;
            let device = operator.device_of(user.id, device).await.map_err(say)?;
            let id = operator.open_case(user.id, device, reason).await.map_err(say)?;
            printer.one(&json!({ "id": id }));
        }
        HelpdeskVerb::Approve { case } => {
            let code = operator.approve_case(*case).await.map_err(say)?;
            printer.one(&json!({ "code": code.expose() }));
        }
        HelpdeskVerb::Decline { case } => {
            operator.decline_case(*case).await.map_err(say)?;
            printer.done("Declined.");
        }
    }
    Ok(())
}
