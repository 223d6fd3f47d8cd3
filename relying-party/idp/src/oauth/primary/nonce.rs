//! Nonces of brokers: each is good once, for five minutes.

use std::time::Duration;

use super::super::error::Refusal;
use super::PrimaryRefusal;
use crate::domain::{Opaque, OpaqueHash};
use crate::provider::Provider;
use crate::storage::{Error, Purpose};

/// How long a nonce is good.
const LIFETIME: Duration = Duration::from_mins(5);

/// A nonce for a broker to sign.
pub(crate) async fn issue_nonce(provider: &Provider) -> Result<Opaque, Error> {
    let nonce = provider.opaque();
    let expires_at = provider.now().plus(LIFETIME);
    provider.database.nonces().issue(&nonce.hash(), Purpose::Broker, expires_at).await?;
    Ok(nonce)
}

/// Uses a nonce up.
pub(crate) async fn take_nonce(provider: &Provider, nonce: &str) -> Result<(), Refusal> {
    let hash = OpaqueHash::of(nonce);
    if provider.database.nonces().take(&hash, Purpose::Broker, provider.now()).await? {
        Ok(())
    } else {
        Err(PrimaryRefusal::Nonce.into())
    }
}
