//! What an operator does on the machine itself.

use std::error::Error;
use std::path::PathBuf;

use clap::{Args, Subcommand};
use latchkey_idp::provider::{NewApp, Provider};

use crate::{Failure, Place, open, open_with};

#[derive(Debug, Args)]
pub(crate) struct Init {
    /// Name of the first tenant
    #[arg(long)]
    tenant: String,
    /// A domain of the tenant, such as example.org
    #[arg(long)]
    domain: String,
    /// User name of the first administrator, in that domain
    #[arg(long, default_value = "admin")]
    admin: String,
}

#[derive(Debug, Subcommand)]
pub(crate) enum AppVerb {
    /// Register an application, and print its client ID (and secret)
    Add(AddApp),
}

#[derive(Debug, Args)]
pub(crate) struct AddApp {
    /// The tenant's ID or one of its domains
    #[arg(long)]
    tenant: String,
    /// The name that people read
    #[arg(long)]
    name: String,
    /// A redirect URI of a website; may be given more than once
    #[arg(long = "redirect-uri")]
    redirect_uris: Vec<String>,
    /// App ID URI, if others ask for tokens to it
    #[arg(long)]
    identifier_uri: Option<String>,
    /// A PEM certificate whose key signs its assertions (`private_key_jwt`); may be given more than once
    #[arg(long = "certificate", value_name = "FILE")]
    certificates: Vec<PathBuf>,
    /// Give it a client secret, for this many days
    #[arg(long, value_name = "DAYS")]
    secret: Option<u16>,
}

pub(crate) async fn init(place: &Place, options: &Init) -> Result<(), Box<dyn Error>> {
    let keys = place.keys.source()?;
    let provider = open_with(place, keys.load_or_make().await?).await?;
    let upn = format!("{}@{}", options.admin, options.domain);
    let made = provider.found_tenant(&options.tenant, &options.domain, &upn).await;
    let (tenant, link) = made.map_err(|error| Failure(format!("the tenant was not made: {error}")))?;
    println!("Tenant: {tenant}");
    println!("Administrator: {upn}");
    println!("Their first sign-in, good once within 24 hours: {link}");
    if crate::settings(place)?.secure()
        && let Some(ca) = place.tls.found(&options.tenant)?
    {
        println!("Clients must trust the CA that was made: {}", ca.display());
    }
    println!("{}", keys.advice());
    provider.close().await;
    Ok(())
}

pub(crate) async fn add_app(place: &Place, options: &AddApp) -> Result<(), Box<dyn Error>> {
    let provider = open(place).await?;
    let read = |path: &PathBuf| {
        std::fs::read_to_string(path)
            .map_err(|error| Failure(format!("{} cannot be read: {error}", path.display())))
    };
    let certificates = options.certificates.iter().map(read).collect::<Result<Vec<_>, _>>()?;
    let new = NewApp {
        tenant: &options.tenant,
        name: &options.name,
        redirect_uris: &options.redirect_uris,
        identifier_uri: options.identifier_uri.as_deref(),
        certificates: &certificates,
        secret_days: options.secret,
    };
    let made = provider.register_app(&new).await;
    let (id, secret) =
        made.map_err(|error| Failure(format!("the application was not registered: {error}")))?;
    println!("Client ID: {id}");
    if let Some(secret) = secret {
        println!("Client secret, shown only now: {}", secret.expose());
    }
    provider.close().await;
    Ok(())
}

pub(crate) async fn rotate_keys(place: &Place) -> Result<(), Box<dyn Error>> {
    let provider: Provider = open(place).await?;
    provider.rotate_keys().await?;
    println!("New keys are published now and sign in 24 hours.");
    provider.close().await;
    Ok(())
}
