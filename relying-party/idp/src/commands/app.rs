//! `latchkey-idp app`.

use std::error::Error;
use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use latchkey_idp::administration::{Administrator, NewRegistration, Platform, Principal, Refused};
use latchkey_idp::domain::{App, ClientId, Opaque, RedirectKind, RedirectUri};
use latchkey_idp::graph::shown;
use serde_json::{Value, json};
use uuid::Uuid;

use super::print::Printer;
use super::{change_members, say};
use crate::Failure;

#[derive(Debug, Subcommand)]
pub(crate) enum AppVerb {
    /// The tenant's applications, by name
    List,
    /// An application
    Show(Named),
    /// Register an application, and print its client ID (and secret)
    Add(Add),
    /// Change a registration
    Change(Change),
    /// Delete a registration, with what users and administrators gave it
    Delete(Named),
    /// Give an application another secret, and print it
    AddSecret(AddSecret),
    /// Take a secret back
    RemoveSecret {
        #[command(flatten)]
        app: Named,
        /// Its ID, as `app show` prints it
        secret: Uuid,
    },
    /// Let a user or an application have a role (or none, only access) in an API
    Assign(Assignment),
    /// Take that back
    Unassign(Assignment),
}

#[derive(Debug, Args)]
pub(crate) struct Named {
    /// The client ID
    app: ClientId,
}

#[derive(Debug, Args)]
pub(crate) struct Assignment {
    /// The API: its client ID (the directory's is 00000003-0000-0000-c000-000000000000)
    api: ClientId,
    /// The user name of a user, or the client ID of an application
    principal: String,
    /// The role's value
    #[arg(long, default_value = "")]
    role: String,
}

#[derive(Debug, Args)]
pub(crate) struct Add {
    /// The name that people read
    #[arg(long)]
    name: String,
    /// What runs where [default: web with redirect URIs, service without]
    #[arg(long, value_enum)]
    platform: Option<Runs>,
    /// A redirect URI; may be given more than once
    #[arg(long = "redirect-uri")]
    redirect_uris: Vec<String>,
    /// Where a browser may go after sign-out; may be given more than once
    #[arg(long = "post-logout-redirect-uri", value_name = "URI")]
    post_logout_redirect_uris: Vec<String>,
    /// App ID URI, if others ask for tokens to it
    #[arg(long)]
    identifier_uri: Option<String>,
    /// A PEM certificate whose key signs its assertions (`private_key_jwt`); may be given more than once
    #[arg(long = "certificate", value_name = "FILE")]
    certificates: Vec<PathBuf>,
    /// Give it a client secret, for this many days
    #[arg(long, value_name = "DAYS")]
    secret: Option<u32>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Runs {
    /// A website with a server, which keeps a secret
    Web,
    /// A page without a server
    Spa,
    /// A program on a device
    Native,
    /// A server without users
    Service,
}

#[derive(Debug, Args)]
pub(crate) struct Change {
    #[command(flatten)]
    app: Named,
    /// The name that people read
    #[arg(long)]
    name: Option<String>,
    /// App ID URI; an empty one takes it away
    #[arg(long)]
    identifier_uri: Option<String>,
    /// Redirect URIs of a website in place of those that it has; may be given more than once
    #[arg(long = "redirect-uri")]
    redirect_uris: Vec<String>,
    /// Such as `strength=phishing_resistant` or `assignment_required=true`: see `app show`; values as JSON or as a word
    #[arg(value_name = "NAME=VALUE")]
    changes: Vec<String>,
}

#[derive(Debug, Args)]
pub(crate) struct AddSecret {
    #[command(flatten)]
    app: Named,
    /// What it is for
    #[arg(long, default_value = "Secret")]
    name: String,
    /// How long it is good
    #[arg(long, default_value_t = 180)]
    days: u32,
}

pub(super) async fn run(
    operator: &Administrator<'_>,
    printer: &Printer,
    verb: &AppVerb,
) -> Result<(), Box<dyn Error>> {
    match verb {
        AppVerb::List => {
            let apps = operator.apps().await.map_err(say)?;
            let rows: Vec<_> = apps.iter().filter(|app| operator.owns(app)).map(shown::app).collect();
            printer.list(&rows, &["appId", "displayName", "identifierUris", "signInAudience"]);
        }
        AppVerb::Show(named) => {
            let app = operator.app(named.app).await.map_err(say)?;
            printer.one(&whole(&app)?);
        }
        AppVerb::Add(add) => register(operator, printer, add).await?,
        AppVerb::Change(change) => {
            operator.change_app(change.app.app, |app| change.apply(app)).await.map_err(say)?;
            printer.done("Changed.");
        }
        AppVerb::Delete(named) => {
            operator.delete_app(named.app).await.map_err(say)?;
            printer.done("Deleted.");
        }
        AppVerb::AddSecret(add) => {
            let (id, secret) = operator.add_secret(add.app.app, &add.name, add.days).await.map_err(say)?;
            printer.one(&json!({ "keyId": id, "secretText": secret.expose() }));
        }
        AppVerb::RemoveSecret { app, secret } => {
            operator.delete_secret(app.app, *secret).await.map_err(say)?;
            printer.done("Removed.");
        }
        AppVerb::Assign(to) => {
            let principal = principal(operator, &to.principal).await?;
            operator.assign(to.api, principal, &to.role).await.map_err(say)?;
            printer.done("Assigned.");
        }
        AppVerb::Unassign(from) => {
            let principal = match principal(operator, &from.principal).await {
                Ok(Principal::User(id)) => id.to_string(),
                Ok(Principal::Application(id)) => id.to_string(),
                // It may be gone already.
                Err(_) => from.principal.clone(),
            };
            operator.unassign(from.api, &principal, &from.role).await.map_err(say)?;
            printer.done("Taken back.");
        }
    }
    Ok(())
}

async fn principal(operator: &Administrator<'_>, name: &str) -> Result<Principal, Failure> {
    match name.parse() {
        Ok(id) => Ok(Principal::Application(id)),
        Err(_) => Ok(Principal::User(operator.user_named(name).await.map_err(say)?.id)),
    }
}

async fn register(operator: &Administrator<'_>, printer: &Printer, add: &Add) -> Result<(), Box<dyn Error>> {
    let read = |path: &PathBuf| {
        std::fs::read_to_string(path)
            .map_err(|error| Failure(format!("{} cannot be read: {error}", path.display())))
    };
    let certificates = add.certificates.iter().map(read).collect::<Result<Vec<_>, _>>()?;
    let usual = if add.redirect_uris.is_empty() { Runs::Service } else { Runs::Web };
    let platform = match add.platform.unwrap_or(usual) {
        Runs::Web => Platform::Web,
        Runs::Spa => Platform::Spa,
        Runs::Native => Platform::Native,
        Runs::Service => Platform::Service,
    };
    let new = NewRegistration {
        name: add.name.clone(),
        platform,
        redirect_uris: add.redirect_uris.clone(),
        identifier_uri: add.identifier_uri.clone(),
    };
    let id = operator.register_app(&new).await.map_err(say)?.id;
    if !add.post_logout_redirect_uris.is_empty() {
        let allow = |app: &mut App| {
            app.registration.post_logout_redirect_uris.clone_from(&add.post_logout_redirect_uris);
            Ok(())
        };
        operator.change_app(id, allow).await.map_err(say)?;
    }
    for pem in &certificates {
        operator.add_certificate(id, pem).await.map_err(say)?;
    }
    let secret = match add.secret {
        Some(days) => Some(operator.add_secret(id, "Secret", days).await.map_err(say)?.1),
        None => None,
    };
    let secret = secret.as_ref().map(Opaque::expose);
    if printer.is_json() {
        printer.one(&json!({ "appId": id, "secretText": secret }));
        return Ok(());
    }
    println!("Client ID: {id}");
    if let Some(secret) = secret {
        println!("Client secret, shown only now: {secret}");
    }
    Ok(())
}

/// The registration under the names by which it is changed; of secrets and keys what others may see.
fn whole(app: &App) -> Result<Value, Failure> {
    let mut object = serde_json::to_value(&app.registration).map_err(|error| Failure(error.to_string()))?;
    let public = shown::app(app);
    if let Some(members) = object.as_object_mut() {
        for name in ["id", "displayName", "createdDateTime", "identifierUris"] {
            members.insert(name.to_owned(), public.get(name).cloned().unwrap_or_default());
        }
        for (name, public_name) in [("secrets", "passwordCredentials"), ("keys", "keyCredentials")] {
            members.insert(name.to_owned(), public.get(public_name).cloned().unwrap_or_default());
        }
    }
    Ok(object)
}

impl Change {
    fn apply(&self, app: &mut App) -> Result<(), Refused> {
        if let Some(name) = &self.name {
            app.name.clone_from(name);
        }
        if let Some(uri) = &self.identifier_uri {
            app.identifier_uri = Some(uri.clone()).filter(|uri| !uri.is_empty());
        }
        let (secrets, keys) = (app.registration.secrets.clone(), app.registration.keys.clone());
        change_members(&mut app.registration, "An application", &self.changes)?;
        // They have commands of their own, which make and check them.
        (app.registration.secrets, app.registration.keys) = (secrets, keys);
        if !self.redirect_uris.is_empty() {
            let redirects = &mut app.registration.redirect_uris;
            redirects.retain(|known| known.kind != RedirectKind::Web);
            let web = |uri: &String| RedirectUri { uri: uri.clone(), kind: RedirectKind::Web };
            redirects.extend(self.redirect_uris.iter().map(web));
        }
        Ok(())
    }
}
