//! What an operator does on the machine itself.

use std::error::Error;

use clap::Args;
use latchkey_idp::provider::Provider;

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

pub(crate) async fn rotate_keys(place: &Place) -> Result<(), Box<dyn Error>> {
    let provider: Provider = open(place).await?;
    provider.rotate_keys().await?;
    println!("New keys are published now and sign in 24 hours.");
    provider.close().await;
    Ok(())
}
