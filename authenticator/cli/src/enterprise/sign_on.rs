//! What the browser's extension asks about identity providers. It goes to the daemon alone: only there a gesture has opened
//! anything.

use latchkey_enterprise::flows::{Site, look};
use latchkey_enterprise::keyring::{self, Keyring, PrtTimes, Refusal, View};
use serde_json::{Value, json};

use super::{block_on, local_policies, told};
use crate::clock;
use crate::control::caller::ask_daemon;
use crate::control::{Answer, Request};
use crate::failure::Failure;
use crate::paths::Paths;

/// The daemon's container.
struct Daemon<'p>(&'p Paths);

impl Keyring for Daemon<'_> {
    fn call(&mut self, request: keyring::Request) -> Result<keyring::Answer, Refusal> {
        match ask_daemon(self.0, &Request::Enterprise(request)) {
            Ok(Some(Answer::Enterprise(answer))) => Ok(answer),
            Ok(Some(Answer::Error(failure))) | Err(failure) => Err(Refusal::Relayed(Box::new(failure))),
            Ok(Some(_other)) => Err(Refusal::Answer),
            Ok(None) => Err(Refusal::Locked),
        }
    }
}

/// Where this machine is registered, for the extension's popup.
pub fn devices(paths: &Paths) -> Result<Value, Failure> {
    let views = look(&mut Daemon(paths))?;
    let joined = views.iter().filter(|view| view.facts.device.is_some());
    let devices: Vec<Value> = joined
        .map(|view| {
            json!({
                "tenant": told::tenant_name(view),
                "user": view.facts.user.upn,
                "signed_in": is_signed_in(view),
            })
        })
        .collect();
    Ok(json!({ "devices": devices }))
}

/// What signs the user in at the provider's pages. `origin` is the page's, as the browser names it: a page of anybody else
/// gets nothing, and no provider hears of it.
pub fn credential(paths: &Paths, origin: &str) -> Result<Value, Failure> {
    let mut daemon = Daemon(paths);
    let mut views = look(&mut daemon)?.into_iter();
    let here = |view: &View| view.facts.provider.url == origin && is_signed_in(view);
    let view = views.find(here).ok_or(Refusal::NotSignedIn)?;
    let is_due = view.facts.prt.is_some_and(|times: PrtTimes| times.is_due(clock::now()));
    let files = local_policies()?;
    let mut site = Site::at(&mut daemon, view, &files)?;
    let credential = block_on(async { Ok(site.fresh_credential(is_due).await?) })?;
    Ok(json!({ "credential": credential }))
}

/// Whether there is a token, and a gesture has opened it.
fn is_signed_in(view: &View) -> bool {
    view.open && view.facts.prt.is_some_and(|times| times.is_good(clock::now()))
}
