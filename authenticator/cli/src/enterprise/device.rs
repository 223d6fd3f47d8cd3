//! `latchkey device`.

use latchkey_enterprise::Secret;
use latchkey_enterprise::flows::{Site, look};
use latchkey_enterprise::keyring::View;
use latchkey_enterprise::web_sign_in::Purpose;

use super::{Desk, block_on, machine, opening, provider, told, web};
use crate::args::{DeviceCommand, JoinArguments, LeaveArguments, ProvisionArguments, SecretSource};
use crate::confirmation;
use crate::control::caller::Caller;
use crate::failure::Failure;
use crate::output::Output;

impl DeviceCommand {
    /// Carries the command out and prints what came of it.
    pub fn run(self, caller: Caller, output: &Output) -> Result<(), Failure> {
        let mut desk = Desk::new(caller, output)?;
        match self {
            Self::Join(arguments) => block_on(join(&mut desk, &arguments)),
            Self::Leave(arguments) => block_on(leave(&mut desk, &arguments)),
            Self::Provision(arguments) => block_on(provision(&mut desk, &arguments)),
            Self::Status => status(&mut desk),
            Self::Refresh(arguments) => block_on(async {
                let mut site = desk.site(arguments.tenant.as_deref())?;
                site.refresh().await?;
                let view = site.view().clone();
                told::view(desk.output, "The policy is read.", &view);
                Ok(())
            }),
        }
    }
}

async fn join(desk: &mut Desk<'_>, arguments: &JoinArguments) -> Result<(), Failure> {
    let status = machine::status(&desk.caller)?;
    let (http, ca) = provider(&arguments.idp, arguments.ca.as_deref())?;
    let person = web::anybody(&http, &desk.files, arguments.way.way(), desk.output).await?;
    let machine = machine::described(arguments.name.clone());
    let site = Site::join(http, &mut desk.caller, &person, ca, machine, &desk.files).await?;
    let policy = site.policy();
    let mut view = site.view().clone();
    let reason = if arguments.no_provision {
        Some("--no-provision".to_owned())
    } else if policy.disable_post_logon_provisioning {
        Some("the policy leaves it to `latchkey device provision` (DisablePostLogonProvisioning)".to_owned())
    } else {
        site.check_prerequisites(machine::surroundings(&status)).err().map(|error| error.to_string())
    };
    if reason.is_none() {
        view = make_key(desk, &view.facts.provider.tenant, arguments.from, &person.access_token).await?;
    }
    told::joined(desk.output, &view, reason.as_deref());
    Ok(())
}

async fn provision(desk: &mut Desk<'_>, arguments: &ProvisionArguments) -> Result<(), Failure> {
    let status = machine::status(&desk.caller)?;
    let output = desk.output;
    let mut site = desk.site(arguments.tenant.tenant.as_deref())?;
    site.refresh().await?;
    site.check_prerequisites(machine::surroundings(&status))?;
    let person = web::user(&site, Purpose::DeviceRegistration, arguments.way.way(), output).await?;
    let tenant = site.view().facts.provider.tenant.clone();
    let view = make_key(desk, &tenant, arguments.from, &person.access_token).await?;
    told::view(output, "Your enterprise key is registered. Next: latchkey signin", &view);
    Ok(())
}

/// The gesture, then the key.
pub async fn make_key(
    desk: &mut Desk<'_>,
    tenant: &str,
    from: SecretSource,
    token: &Secret,
) -> Result<View, Failure> {
    opening::open_or_set(&desk.caller, from)?;
    let mut site = desk.site(Some(tenant))?;
    site.provision(token).await?;
    Ok(site.view().clone())
}

async fn leave(desk: &mut Desk<'_>, arguments: &LeaveArguments) -> Result<(), Failure> {
    let output = desk.output;
    let site = desk.site(arguments.tenant.tenant.as_deref())?;
    let view = site.view().clone();
    if !arguments.yes {
        confirm_leaving(&view)?;
    }
    let gone = if arguments.offline { site.forget() } else { site.leave().await };
    gone?;
    told::left(output, &view);
    Ok(())
}

fn confirm_leaving(view: &View) -> Result<(), Failure> {
    eprintln!("{}", told::leaving(view));
    confirmation::typed("leave", "nothing was deleted")
}

fn status(desk: &mut Desk<'_>) -> Result<(), Failure> {
    let views = look(&mut desk.caller)?;
    told::views(desk.output, &views);
    Ok(())
}
