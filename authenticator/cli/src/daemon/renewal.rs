//! Primary refresh tokens are renewed before anybody waits for it, while their user is signed in.
//!
//! The daemon is without a network. So when a token is due it runs `latchkey renew`, as a person could, which asks it over
//! the control socket for a finished request. Between two tries the task sleeps until the next one is due, or until a
//! command may have changed that.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use latchkey_container::UnixTime;
use latchkey_enterprise::keyring::{self, View};
use tokio::process::Command;
use tokio::sync::Notify;
use tokio::time::sleep;

use super::engine::{Job, Jobs, answer};
use crate::clock;
use crate::control::{Answer, Request};
use crate::failure::FailureKind;
use crate::paths::Paths;

/// The longest sleep, in seconds: a machine that was suspended, or whose clock was set, is noticed.
const LONGEST: u64 = 60 * 60;
/// The first pause after a try that failed, in seconds; each further one doubles it, up to the longest.
const FIRST_PAUSE: u64 = 60;
const LONGEST_PAUSE: u64 = 30 * 60;

/// When each tenant's token is tried next.
struct Schedule {
    /// Seconds after which a token is due.
    after: u64,
    /// By tenant: what came of the last tries.
    tries: BTreeMap<String, Tries>,
}

/// Tries for one token, which a newer one makes pointless.
struct Tries {
    /// The token: when it was got.
    updated: u64,
    failed: u32,
    /// Not before, in seconds since 1970; `None`: only a new sign-in helps.
    next: Option<u64>,
}

/// A token to renew.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Due {
    /// When, in seconds since 1970.
    at: u64,
    tenant: String,
    updated: u64,
}

/// What a try came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Renewed,
    /// The provider could not be reached or said no, which may be its bad day: it may work later.
    Failed,
    /// Nobody is signed in there any more.
    SignedOut,
}

impl Schedule {
    /// The first token that is due.
    fn first(&self, views: &[View]) -> Option<Due> {
        views.iter().filter_map(|view| self.due(view)).min_by_key(|due| due.at)
    }

    fn due(&self, view: &View) -> Option<Due> {
        let times = view.facts.prt.filter(|_| view.open)?;
        let tenant = view.facts.provider.tenant.clone();
        let due = times.updated.saturating_add(self.after);
        let at = match self.tries.get(&tenant).filter(|tries| tries.updated == times.updated) {
            None => due,
            Some(tries) => due.max(tries.next?),
        };
        (at < times.expires).then_some(Due { at, tenant, updated: times.updated })
    }

    /// Remembers what came of a try. One that succeeded counts too: whatever keeps a token from getting newer must not
    /// make this spin.
    fn learn(&mut self, tried: Due, outcome: Outcome, now: UnixTime) {
        let Due { tenant, updated, .. } = tried;
        let before = self.tries.get(&tenant).filter(|tries| tries.updated == updated);
        let failed = before.map_or(0, |tries| tries.failed.saturating_add(1));
        let pause =
            FIRST_PAUSE.saturating_mul(1_u64.checked_shl(failed).unwrap_or(u64::MAX)).min(LONGEST_PAUSE);
        let next = match outcome {
            Outcome::Renewed | Outcome::Failed => Some(now.0.saturating_add(pause)),
            Outcome::SignedOut => None,
        };
        self.tries.insert(tenant, Tries { updated, failed, next });
    }
}

/// Renews until the daemon ends. `changed`: a command may have signed in or out.
pub async fn run(paths: Paths, jobs: Jobs, changed: Arc<Notify>, after: u64) {
    let mut schedule = Schedule { after, tries: BTreeMap::new() };
    loop {
        let due = schedule.first(&look(&jobs).await);
        let now = clock::now();
        match due {
            Some(due) if due.at <= now.0 => {
                let outcome = renew(&paths, &due.tenant).await;
                schedule.learn(due, outcome, clock::now());
            }
            due => {
                let wait = due.map_or(LONGEST, |due| due.at.saturating_sub(now.0).min(LONGEST));
                tokio::select! {
                    () = sleep(Duration::from_secs(wait)) => {}
                    () = changed.notified() => {}
                }
            }
        }
    }
}

/// All registrations; none without a container.
async fn look(jobs: &Jobs) -> Vec<View> {
    let request = Request::Enterprise(keyring::Request::Look {});
    let told = answer(jobs, |reply| Job::Execute { request, asked: None, reply }).await;
    let Answer::Enterprise(keyring::Answer::Compartments(views)) = told else { return Vec::new() };
    views
}

async fn renew(paths: &Paths, tenant: &str) -> Outcome {
    let status = match program(paths, tenant) {
        Ok(mut command) => command.status().await,
        Err(error) => Err(error),
    };
    let outcome = match status.as_ref().map(std::process::ExitStatus::code) {
        Ok(Some(0)) => Outcome::Renewed,
        Ok(Some(code)) if code == i32::from(FailureKind::NotSignedIn.exit_code()) => Outcome::SignedOut,
        Ok(_) | Err(_) => Outcome::Failed,
    };
    match (&outcome, status) {
        (Outcome::Renewed, _) => tracing::info!(tenant, "the identity provider's token is renewed"),
        (_, Ok(status)) => tracing::warn!(tenant, %status, "the identity provider's token is not renewed"),
        (_, Err(error)) => tracing::warn!(tenant, %error, "the identity provider's token is not renewed"),
    }
    outcome
}

/// This program again, with the daemon's own places.
fn program(paths: &Paths, tenant: &str) -> std::io::Result<Command> {
    let mut command = Command::new(std::env::current_exe()?);
    command
        .args(["renew", "--tenant", tenant])
        .env("LATCHKEY_DIR", paths.data())
        .env("LATCHKEY_RUNTIME_DIR", paths.runtime())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .kill_on_drop(true);
    Ok(command)
}
