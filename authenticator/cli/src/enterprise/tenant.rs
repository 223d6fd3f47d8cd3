//! `latchkey tenant`.

use std::path::Path;

use latchkey_enterprise::flows::look;
use latchkey_enterprise::web_sign_in::tenant_of;
use serde_json::json;

use super::{block_on, provider};
use crate::args::TenantCommand;
use crate::control::caller::Caller;
use crate::failure::{Failure, FailureKind};
use crate::output::Output;

impl TenantCommand {
    /// Carries the command out and prints what came of it, one ID on each line.
    pub fn run(self, caller: Caller, output: &Output) -> Result<(), Failure> {
        let Self::Id { domain, idp, ca } = self;
        let tenants = match (domain, idp) {
            (Some(domain), Some(idp)) => vec![look_up(&domain, &idp, ca.as_deref())?],
            (None, _) | (_, None) => registered(caller)?,
        };
        output.told(&json!({ "tenants": tenants }), &tenants.join("\n"));
        Ok(())
    }
}

fn look_up(domain: &str, idp: &str, ca: Option<&Path>) -> Result<String, Failure> {
    let (http, _ca) = provider(idp, ca)?;
    block_on(async { Ok(tenant_of(&http, domain).await?.to_string()) })
}

fn registered(caller: Caller) -> Result<Vec<String>, Failure> {
    let views = look(&mut caller.holding())?;
    let joined = views.into_iter().filter(|view| view.facts.device.is_some());
    let tenants: Vec<String> = joined.map(|view| view.facts.provider.tenant).collect();
    if tenants.is_empty() {
        let text = "this machine is registered nowhere: give a domain, and --idp URL to look it up at";
        return Err(Failure::new(FailureKind::NotSignedIn, text));
    }
    Ok(tenants)
}
