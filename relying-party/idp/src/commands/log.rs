//! `latchkey-idp log`.

use std::error::Error;

use clap::{Args, Subcommand};
use latchkey_idp::administration::{Administrator, Refused};
use latchkey_idp::clock::UnixTime;
use latchkey_idp::domain::ClientId;
use latchkey_idp::graph::shown;
use latchkey_idp::storage::{LogCursor, SignInFilter};

use super::print::Printer;
use super::say;

#[derive(Debug, Subcommand)]
pub(crate) enum LogVerb {
    /// Who signed in, and who tried; the newest first
    SignIns(SignIns),
    /// What administrators and operators changed; the newest first
    Changes {
        /// At most so many
        #[arg(long, default_value_t = 100)]
        most: u32,
    },
}

#[derive(Debug, Args)]
pub(crate) struct SignIns {
    /// Of this user only: the user name or the user's ID
    #[arg(long)]
    user: Option<String>,
    /// To this application only
    #[arg(long)]
    app: Option<ClientId>,
    /// Failed ones only
    #[arg(long, conflicts_with = "succeeded")]
    failed: bool,
    /// Successful ones only
    #[arg(long)]
    succeeded: bool,
    /// Not earlier than this, such as 2026-01-31T12:00:00Z
    #[arg(long, value_parser = time)]
    since: Option<UnixTime>,
    /// At most so many
    #[arg(long, default_value_t = 100)]
    most: u32,
}

fn time(text: &str) -> Result<UnixTime, String> {
    let time: Result<jiff::Timestamp, _> = text.parse();
    time.map(|time| UnixTime::from_seconds(time.as_second())).map_err(|error| error.to_string())
}

pub(super) async fn run(
    operator: &Administrator<'_>,
    printer: &Printer,
    verb: &LogVerb,
) -> Result<(), Box<dyn Error>> {
    match verb {
        LogVerb::SignIns(options) => {
            let mut filter = SignInFilter {
                client: options.app,
                failed: options.failed,
                succeeded: options.succeeded,
                from: options.since,
                ..SignInFilter::default()
            };
            if let Some(name) = &options.user {
                user(operator, name, &mut filter).await.map_err(say)?;
            }
            let slice = operator.sign_ins(&filter, LogCursor::Newest, options.most).await.map_err(say)?;
            let rows: Vec<_> = slice.rows.iter().map(shown::sign_in).collect();
            let columns = [
                "createdDateTime",
                "userPrincipalName",
                "status/errorCode",
                "authenticationMethodsUsed",
                "ipAddress",
                "appId",
                "correlationId",
            ];
            printer.list(&rows, &columns);
        }
        LogVerb::Changes { most } => {
            let slice = operator.changes(LogCursor::Newest, *most).await.map_err(say)?;
            let rows: Vec<_> = slice.rows.iter().map(shown::change).collect();
            let columns = [
                "activityDateTime",
                "initiatedBy/id",
                "activityDisplayName",
                "targetResources",
                "additionalDetails",
            ];
            printer.list(&rows, &columns);
        }
    }
    Ok(())
}

/// A user's sign-ins; if nobody has the name, the tries in which it was typed.
async fn user(operator: &Administrator<'_>, name: &str, filter: &mut SignInFilter) -> Result<(), Refused> {
    if let Ok(id) = name.parse() {
        filter.user = Some(operator.find_user(id).await?.id);
        return Ok(());
    }
    match operator.user_named(name).await {
        Ok(user) => filter.user = Some(user.id),
        Err(Refused::NotFound(_)) => name.clone_into(&mut filter.name),
        Err(refused) => return Err(refused),
    }
    Ok(())
}
