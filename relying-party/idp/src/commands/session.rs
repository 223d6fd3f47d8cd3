//! `latchkey-idp session`.

use std::error::Error;

use clap::Subcommand;
use latchkey_idp::administration::Administrator;
use latchkey_idp::domain::SessionId;
use latchkey_idp::graph::shown;

use super::print::Printer;
use super::say;
use super::user::{Named, find};

#[derive(Debug, Subcommand)]
pub(crate) enum SessionVerb {
    /// Where a user is signed in
    List(Named),
    /// End a session, or every sign-in of the user
    Revoke {
        #[command(flatten)]
        user: Named,
        /// Its ID, as `session list` prints it; without one, every sign-in ends
        session: Option<SessionId>,
    },
}

pub(super) async fn run(
    operator: &Administrator<'_>,
    printer: &Printer,
    verb: &SessionVerb,
) -> Result<(), Box<dyn Error>> {
    match verb {
        SessionVerb::List(named) => {
            let user = find(operator, named).await?;
            let sessions = operator.sessions(user.id).await.map_err(say)?;
            let rows: Vec<_> = sessions.iter().map(|(session, apps)| shown::session(session, apps)).collect();
            printer
                .list(&rows, &["id", "createdDateTime", "ipAddress", "methods", "applications", "userAgent"]);
        }
        SessionVerb::Revoke { user, session } => {
            let user = find(operator, user).await?;
            match session {
                Some(session) => operator.revoke_session(user.id, *session).await.map_err(say)?,
                None => operator.revoke_sessions(user.id).await.map_err(say)?,
            }
            printer.done("Revoked.");
        }
    }
    Ok(())
}
