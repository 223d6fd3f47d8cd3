//! What an operator does for a tenant: each command is one call into the core that the administrators' pages use too.

mod app;
mod device;
mod group;
mod helpdesk;
mod log;
mod policy;
mod print;
mod reset;
mod session;
mod tenant;
mod user;

use std::error::Error;

use clap::{Args, Subcommand};
use latchkey_idp::administration::{Administrator, Refused};
use latchkey_idp::provider::Provider;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::{Failure, Place, open};
use print::Printer;

/// For whom, and how the answer looks.
#[derive(Debug, Args)]
pub(crate) struct At {
    /// The tenant's ID or one of its domains [default: the only tenant]
    #[arg(long, global = true)]
    tenant: Option<String>,
    /// Print JSON
    #[arg(long, global = true)]
    json: bool,
}

/// A group of commands about one tenant.
#[derive(Debug, Args)]
pub(crate) struct Group<V: Subcommand> {
    #[command(flatten)]
    at: At,
    #[command(subcommand)]
    verb: V,
}

/// The commands that look after a tenant.
#[derive(Debug, Subcommand)]
pub(crate) enum TenantCommand {
    /// Tenants
    Tenant(Group<tenant::TenantVerb>),
    /// Users, and what they sign in with
    User(Group<user::UserVerb>),
    /// Applications
    App(Group<app::AppVerb>),
    /// Devices, and the keys on them
    Device(Group<device::DeviceVerb>),
    /// What the tenant allows
    Policy(Group<policy::PolicyVerb>),
    /// Where users are signed in
    Session(Group<session::SessionVerb>),
    /// Who signed in, and what was changed
    Log(Group<log::LogVerb>),
    /// Groups of users
    Group(Group<group::GroupVerb>),
    /// Cases of the helpdesk: two administrators set a device's count of wrong PINs to zero
    Helpdesk(Group<helpdesk::HelpdeskVerb>),
    /// Who may reset a PIN, and who did
    Reset(Group<reset::ResetVerb>),
}

pub(crate) async fn run(place: &Place, command: &TenantCommand) -> Result<(), Box<dyn Error>> {
    let provider = open(place).await?;
    let done = carry_out(&provider, command).await;
    provider.close().await;
    done
}

async fn carry_out(provider: &Provider, command: &TenantCommand) -> Result<(), Box<dyn Error>> {
    let at = match command {
        TenantCommand::Tenant(group) => &group.at,
        TenantCommand::User(group) => &group.at,
        TenantCommand::App(group) => &group.at,
        TenantCommand::Device(group) => &group.at,
        TenantCommand::Policy(group) => &group.at,
        TenantCommand::Session(group) => &group.at,
        TenantCommand::Log(group) => &group.at,
        TenantCommand::Group(group) => &group.at,
        TenantCommand::Helpdesk(group) => &group.at,
        TenantCommand::Reset(group) => &group.at,
    };
    let operator = operator(provider, at).await.map_err(say)?;
    let printer = Printer::new(at.json);
    match command {
        TenantCommand::Tenant(group) => tenant::run(&operator, &printer, &group.verb).await,
        TenantCommand::User(group) => user::run(provider, &operator, &printer, &group.verb).await,
        TenantCommand::App(group) => app::run(&operator, &printer, &group.verb).await,
        TenantCommand::Device(group) => device::run(&operator, &printer, &group.verb).await,
        TenantCommand::Policy(group) => policy::run(&operator, &printer, &group.verb).await,
        TenantCommand::Session(group) => session::run(&operator, &printer, &group.verb).await,
        TenantCommand::Log(group) => log::run(&operator, &printer, &group.verb).await,
        TenantCommand::Group(group) => group::run(&operator, &printer, &group.verb).await,
        TenantCommand::Helpdesk(group) => helpdesk::run(provider, &operator, &printer, &group.verb).await,
        TenantCommand::Reset(group) => reset::run(&operator, &printer, &group.verb).await,
    }
}

async fn operator<'a>(provider: &'a Provider, at: &At) -> Result<Administrator<'a>, Refused> {
    match &at.tenant {
        Some(tenant) => Administrator::operator(provider, tenant).await,
        None => Administrator::operator_of_only_tenant(provider).await,
    }
}

/// A refusal of the core in the words of the command line; what only the operator may know is told here.
fn say(refused: Refused) -> Failure {
    if let Refused::Storage(error) = refused {
        Failure(error.to_string())
    } else {
        Failure(refused.to_string())
    }
}

/// Sets members of what has a JSON form: `NAME=VALUE`, `NAME.MEMBER=VALUE`, the value as JSON or as a word.
fn change_members<T: Serialize + DeserializeOwned>(
    object: &mut T,
    what: &str,
    changes: &[String],
) -> Result<(), Refused> {
    let invalid = |error: serde_json::Error| Refused::Invalid(format!("A value cannot be: {error}."));
    let mut value = serde_json::to_value(&*object).map_err(invalid)?;
    for change in changes {
        let parts = change.split_once('=');
        let (path, text) = parts.ok_or_else(|| Refused::Invalid(format!("{change}: write NAME=VALUE.")))?;
        let mut place = &mut value;
        for name in path.split('.') {
            let member = place.get_mut(name);
            place = member.ok_or_else(|| Refused::Invalid(format!("{what} has no {path}: see show.")))?;
        }
        *place = serde_json::from_str(text).unwrap_or_else(|_| text.into());
    }
    *object = serde_json::from_value(value).map_err(invalid)?;
    Ok(())
}
