//! `latchkey signin`, `signout`, `token`.

use latchkey_enterprise::flows::tokens::Target;
use latchkey_enterprise::keyring::{self, Keyring, PrtTimes};
use serde_json::json;

use super::{Desk, block_on, opening, told};
use crate::args::{SignInArguments, TenantArguments, TokenArguments};
use crate::clock;
use crate::control::caller::Caller;
use crate::failure::Failure;
use crate::output::Output;

impl SignInArguments {
    /// Carries the command out and prints what came of it.
    pub fn run(self, caller: Caller, output: &Output) -> Result<(), Failure> {
        let mut desk = Desk::new(caller, output)?;
        let tenant = self.tenant.tenant.as_deref();
        // What cannot succeed fails before anybody types a PIN.
        desk.site(tenant)?.check_sign_in()?;
        opening::open(&desk.caller, self.from)?;
        block_on(async {
            let mut site = desk.site(tenant)?;
            site.sign_in().await?;
            let view = site.view().clone();
            told::view(output, "You are signed in. Next: latchkey token --resource …", &view);
            Ok(())
        })
    }
}

/// Carries `latchkey signout` out and prints what came of it.
pub fn sign_out(caller: Caller, output: &Output, arguments: &TenantArguments) -> Result<(), Failure> {
    let mut desk = Desk::new(caller, output)?;
    let mut site = desk.site(arguments.tenant.as_deref())?;
    site.sign_out()?;
    let view = site.view().clone();
    told::view(output, "You are signed out.", &view);
    Ok(())
}

/// Carries `latchkey lock` out and prints what came of it.
pub fn lock(mut caller: Caller, output: &Output) -> Result<(), Failure> {
    let _done = Keyring::call(&mut caller, keyring::Request::Lock {})?;
    output.told(&json!({ "open": false }), "Locked. `latchkey signin` opens it again; your tokens stay.");
    Ok(())
}

/// Carries `latchkey renew` out and prints what came of it.
pub fn renew(caller: Caller, output: &Output, arguments: &TenantArguments) -> Result<(), Failure> {
    let mut desk = Desk::new(caller, output)?;
    let tenant = arguments.tenant.as_deref();
    block_on(async { Ok(desk.site(tenant)?.renew().await?) })?;
    let view = desk.site(tenant)?.view().clone();
    told::view(output, "The token is renewed.", &view);
    Ok(())
}

impl TokenArguments {
    /// Carries the command out and prints the token.
    pub fn run(self, caller: Caller, output: &Output) -> Result<(), Failure> {
        let mut desk = Desk::new(caller, output)?;
        let scope = self.scope.unwrap_or_else(|| "openid".to_owned());
        let target = Target { client: self.client, resource: self.resource, scope };
        block_on(async {
            let mut site = desk.site(self.tenant.tenant.as_deref())?;
            let is_due = site.view().facts.prt.is_some_and(|times: PrtTimes| times.is_due(clock::now()));
            let token = site.token(&target, is_due).await?;
            told::token(output, &token);
            Ok(())
        })
    }
}
