//! `latchkey pin reset` and `latchkey pin rearm`.

use latchkey_container::PinRefusal;
use latchkey_enterprise::Secret;
use latchkey_enterprise::flows::Site;
use latchkey_enterprise::flows::pin_reset::Right;
use latchkey_enterprise::web_sign_in::{Purpose, Way};
use serde_json::json;
use zeroize::Zeroizing;

use super::{Desk, block_on, machine, opening, told, web};
use crate::args::{PinResetArguments, SecretSource, TenantArguments};
use crate::confirmation;
use crate::control::Request;
use crate::control::caller::Caller;
use crate::control::commands::name_passkeys;
use crate::control::report::StatusReport;
use crate::failure::{Failure, FailureKind};
use crate::output::Output;
use crate::secret_input::SecretInput;
use crate::secret_text::SecretText;

impl PinResetArguments {
    /// Carries the command out and prints what came of it.
    pub fn run(self, caller: Caller, output: &Output) -> Result<(), Failure> {
        let mut desk = Desk::new(caller, output)?;
        if self.destructive { block_on(destroy(&mut desk, &self)) } else { block_on(reset(&mut desk, &self)) }
    }

    /// Above the lock nobody's browser may open: it would run with the rights of whoever is locked out.
    const fn way(&self) -> Way {
        match self.way.way() {
            Way::Browser if self.above_lock => Way::DeviceCode,
            way @ (Way::Browser | Way::PrintedUrl | Way::DeviceCode) => way,
        }
    }
}

/// The reset that keeps every key.
async fn reset(desk: &mut Desk<'_>, arguments: &PinResetArguments) -> Result<(), Failure> {
    let output = desk.output;
    let tenant = arguments.tenant.tenant.as_deref();
    let mut site = desk.site(tenant)?;
    if arguments.above_lock {
        site.lock()?;
    }
    site.expect_pin_reset().await?;
    let person = web::user(&site, Purpose::PinReset, arguments.way(), output).await?;
    // Before the secret is fetched, so that it waits for nobody.
    let new = chosen(&site, arguments.from)?;
    let answer = site.unprotect_secret(Right::SignIn(&person.access_token)).await?;
    let _reset = desk.caller.call(Request::ResetPin { new, answer })?;
    // The PIN is set, and its new protector made; a newer key of the service is for the next unlock.
    let mut site = desk.site(tenant)?;
    if let Err(error) = site.refresh_recovery().await {
        tracing::warn!("the PIN is set; the PIN reset service's key could not be refreshed: {error}");
    }
    let view = site.view().clone();
    told::reset(output, &view);
    Ok(())
}

/// The reset that deletes every key. All that can fail is tried before anything is deleted.
async fn destroy(desk: &mut Desk<'_>, arguments: &PinResetArguments) -> Result<(), Failure> {
    let output = desk.output;
    let status = machine::status(&desk.caller)?;
    if !arguments.yes {
        confirm(&desk.caller, &status)?;
    }
    let mut site = desk.site(arguments.tenant.tenant.as_deref())?;
    site.refresh().await?;
    site.check_prerequisites(machine::surroundings(&status))?;
    let tenant = site.view().facts.provider.tenant.clone();
    let person = web::user(&site, Purpose::DeviceRegistration, arguments.way(), output).await?;
    let new = chosen(&site, arguments.from)?;
    let _deleted = desk.caller.call(Request::DeleteKeys {})?;
    opening::set_and_open(&desk.caller, new)?;
    let mut site = desk.site(Some(&tenant))?;
    site.provision(&person.access_token).await?;
    let view = site.view().clone();
    told::destroyed(output, &view, status.passkeys);
    Ok(())
}

/// A PIN that the policy forbids is refused before anything is fetched or deleted for it.
fn chosen(site: &Site<'_>, from: SecretSource) -> Result<SecretText, Failure> {
    let new = SecretInput::open(from)?.chosen("New PIN")?;
    let broken = |rule: PinRefusal| Failure::new(FailureKind::Refused, rule.to_string());
    site.policy().pin.check(new.expose()).map_err(broken)?;
    Ok(new)
}

/// Names what will be lost, where the PIN is still known, and asks.
fn confirm(caller: &Caller, status: &StatusReport) -> Result<(), Failure> {
    let loss = told::loss(status.passkeys);
    confirmation::require_terminal(&loss)?;
    eprintln!("{loss}");
    if status.passkeys > 0 && status.pin.is_some_and(|pin| pin.tries_left > 0) {
        name_passkeys(caller)?;
    }
    confirmation::typed("delete", "nothing was deleted")
}

/// Carries `latchkey pin rearm` out and prints what came of it.
pub fn rearm_pin(
    caller: Caller,
    output: &Output,
    tenant: &TenantArguments,
    code_stdin: bool,
) -> Result<(), Failure> {
    let mut desk = Desk::new(caller, output)?;
    let source = SecretSource { pin_stdin: code_stdin, pin_fd: None };
    let code = SecretInput::open(source)?.existing("Code of your help desk")?;
    let code = Secret::new(Zeroizing::new(code.expose().trim().to_owned()));
    let answer = block_on(async {
        let mut site: Site<'_> = desk.site(tenant.tenant.as_deref())?;
        Ok(site.unprotect_secret(Right::HelpDesk(&code)).await?)
    })?;
    let _rearmed = desk.caller.call(Request::RearmPin { answer })?;
    output.told(&json!({ "pin": "rearmed" }), "The count of wrong PINs is cleared. Your PIN is what it was.");
    Ok(())
}
