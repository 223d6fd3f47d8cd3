//! `latchkey-idp user`.

use std::error::Error;
use std::time::Duration;

use clap::{Args, Subcommand};
use latchkey_idp::access_pass::PassOptions;
use latchkey_idp::administration::{Administrator, Methods, Names, NewAccount};
use latchkey_idp::domain::{User, UserId};
use latchkey_idp::graph::shown;
use latchkey_idp::provider::Provider;
use latchkey_idp::storage::UserCursor;
use serde_json::{Value, json};
use uuid::Uuid;

use super::print::Printer;
use super::say;
use crate::Failure;

#[derive(Debug, Subcommand)]
pub(crate) enum UserVerb {
    /// Users, by user name
    List {
        /// Only those in whose names this occurs
        #[arg(default_value = "")]
        text: String,
        /// At most so many
        #[arg(long, default_value_t = 1000)]
        most: u32,
    },
    /// A user, with what they sign in with
    Show(Named),
    /// Make a user, and print the link of their first sign-in
    Add(Add),
    /// Change what a user is called, or whether they look after the tenant
    Change(Change),
    /// Delete a user, with all that is theirs
    Delete(Named),
    /// Make a Temporary Access Pass
    Pass(Pass),
    /// Make another link for a first sign-in; earlier ones are worth nothing any more
    Invite(Named),
    /// Make a password that is good for one sign-in, at which another one is chosen
    Password(Named),
    /// Let a user sign in again
    Enable(Named),
    /// Let a user sign in no longer, and end every sign-in
    Disable(Named),
    /// Remove a passkey, an authenticator app or a pass
    RemoveMethod {
        #[command(flatten)]
        user: Named,
        /// Its ID, as `user show` prints it
        method: Uuid,
    },
}

#[derive(Debug, Args)]
pub(crate) struct Named {
    /// The user name or the user's ID
    user: String,
}

#[derive(Debug, Args)]
pub(crate) struct Add {
    #[command(flatten)]
    user: Named,
    /// The name that people read
    #[arg(long)]
    name: String,
    #[arg(long)]
    given_name: Option<String>,
    #[arg(long)]
    family_name: Option<String>,
    #[arg(long)]
    mail: Option<String>,
    /// They look after the tenant
    #[arg(long)]
    administrator: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Change {
    #[command(flatten)]
    user: Named,
    /// The name that people read
    #[arg(long)]
    name: Option<String>,
    /// An empty one takes it away
    #[arg(long)]
    given_name: Option<String>,
    #[arg(long)]
    family_name: Option<String>,
    #[arg(long)]
    mail: Option<String>,
    /// Whether they look after the tenant
    #[arg(long)]
    administrator: Option<bool>,
}

#[derive(Debug, Args)]
pub(crate) struct Pass {
    #[command(flatten)]
    user: Named,
    /// How long it can be used
    #[arg(long, default_value_t = 60)]
    minutes: u32,
    /// It can be used more than once
    #[arg(long)]
    reusable: bool,
}

pub(super) async fn run(
    provider: &Provider,
    operator: &Administrator<'_>,
    printer: &Printer,
    verb: &UserVerb,
) -> Result<(), Box<dyn Error>> {
    match verb {
        UserVerb::List { text, most } => {
            let (users, all) = operator.users(text, &UserCursor::Start, *most).await.map_err(say)?;
            let rows: Vec<_> = users.rows.iter().map(shown::user_summary).collect();
            printer
                .list(&rows, &["id", "userPrincipalName", "displayName", "accountEnabled", "administrator"]);
            if users.after {
                eprintln!("There are {all}: ask for more with --most.");
            }
        }
        UserVerb::Show(named) => {
            printer.one(&whole(provider, operator, &find(operator, named).await?).await?);
        }
        UserVerb::Add(add) => {
            let new = NewAccount {
                user_name: &add.user.user,
                administrator: add.administrator,
                names: Names {
                    display_name: &add.name,
                    given_name: add.given_name.as_deref(),
                    family_name: add.family_name.as_deref(),
                    email: add.mail.as_deref(),
                },
            };
            let (user, invited) = operator.create_user(&new).await.map_err(say)?;
            printer.one(&with(shown::user(&user), "invitation", invited.link.expose().into()));
        }
        UserVerb::Change(change) => {
            let user = find(operator, &change.user).await?;
            change.carry_out(operator, &user).await?;
            printer.done("Changed.");
        }
        UserVerb::Delete(named) => {
            operator.delete_user(find(operator, named).await?.id).await.map_err(say)?;
            printer.done("Deleted.");
        }
        UserVerb::Pass(pass) => {
            let user = find(operator, &pass.user).await?;
            let options = PassOptions {
                lifetime: Duration::from_mins(pass.minutes.into()),
                once: !pass.reusable,
                ..PassOptions::default()
            };
            let issued = operator.issue_pass(user.id, &options).await.map_err(say)?;
            let until = issued.pass.expires_at.to_text();
            printer.one(&json!({ "temporaryAccessPass": issued.code.expose(), "until": until }));
        }
        UserVerb::Invite(named) => {
            let invited = operator.invite(find(operator, named).await?.id).await.map_err(say)?;
            printer
                .one(&json!({ "userPrincipalName": invited.user_name, "invitation": invited.link.expose() }));
        }
        UserVerb::Password(named) => {
            let password = operator.reset_password(find(operator, named).await?.id).await.map_err(say)?;
            printer.one(&json!({ "newPassword": password.expose() }));
        }
        UserVerb::Enable(named) => {
            operator.set_enabled(find(operator, named).await?.id, true).await.map_err(say)?;
            printer.done("Enabled.");
        }
        UserVerb::Disable(named) => {
            operator.set_enabled(find(operator, named).await?.id, false).await.map_err(say)?;
            printer.done("Disabled; every sign-in is over.");
        }
        UserVerb::RemoveMethod { user, method } => {
            operator.remove_method(find(operator, user).await?.id, *method).await.map_err(say)?;
            printer.done("Removed.");
        }
    }
    Ok(())
}

/// The user of a name or an ID.
pub(super) async fn find(operator: &Administrator<'_>, named: &Named) -> Result<User, Failure> {
    by_name(operator, &named.user).await
}

/// The user of a name or an ID.
pub(super) async fn by_name(operator: &Administrator<'_>, name: &str) -> Result<User, Failure> {
    match name.parse::<UserId>() {
        Ok(id) => operator.find_user(id).await,
        Err(_) => operator.user_named(name).await,
    }
    .map_err(say)
}

/// A user with what they sign in with: methods, devices, and the keys on devices.
async fn whole(provider: &Provider, operator: &Administrator<'_>, user: &User) -> Result<Value, Failure> {
    let methods = Methods::of(provider, user).await.map_err(say)?;
    let methods = shown::methods(&methods, provider.time());
    let (devices, keys) = operator.devices_of(user.id).await.map_err(say)?;
    let devices: Vec<_> = devices.iter().map(|device| shown::device(device, None)).collect();
    let keys: Vec<_> = keys.iter().map(shown::enterprise_key).collect();
    let parts = [("methods", methods), ("devices", devices), ("keys", keys)];
    Ok(parts.into_iter().fold(shown::user(user), |shown, (name, part)| with(shown, name, part.into())))
}

fn with(mut object: Value, name: &str, value: Value) -> Value {
    if let Some(members) = object.as_object_mut() {
        members.insert(name.to_owned(), value);
    }
    object
}

impl Change {
    async fn carry_out(&self, operator: &Administrator<'_>, user: &User) -> Result<(), Failure> {
        let names = Names {
            display_name: self.name.as_deref().unwrap_or(&user.display_name),
            given_name: self.given_name.as_deref().or(user.given_name.as_deref()),
            family_name: self.family_name.as_deref().or(user.family_name.as_deref()),
            email: self.mail.as_deref().or(user.email.as_deref()),
        };
        let renamed = [&self.name, &self.given_name, &self.family_name, &self.mail];
        if renamed.iter().any(|name| name.is_some()) {
            operator.rename_user(user.id, &names).await.map_err(say)?;
        }
        if let Some(administrator) = self.administrator.filter(|now| *now != user.administrator) {
            operator.set_administrator(user.id, administrator).await.map_err(say)?;
        }
        Ok(())
    }
}
