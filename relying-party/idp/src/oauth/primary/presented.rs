//! A primary token in a message under its session key: the one check, for tokens and for browsers.

use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::super::error::Refusal;
use super::issue::place;
use super::{Known, PrimaryRefusal};
use crate::devices::DeviceRefusal;
use crate::domain::{Authority, Device, OpaqueHash};
use crate::provider::Provider;
use crate::storage::StoredPrimaryToken;
use crate::tokens::{Derivation, Jws, JwsError, SessionKey};

/// A primary token that still stands, presented by whoever has its session key.
pub(crate) struct Presented {
    /// The token, its sign-in and its user.
    pub(crate) stored: StoredPrimaryToken,
    /// Its session key.
    pub(super) key: SessionKey,
    /// Its device.
    pub(crate) device: Device,
}

#[derive(Deserialize)]
struct Carrier {
    refresh_token: String,
}

/// Reads a message and checks the token in it. Whether it is fresh, its payload says.
///
/// # Errors
/// When it is not signed with the token's session key, or the token, its user, its device or its enterprise key no longer
/// stand.
pub(crate) async fn present<T: DeserializeOwned>(
    provider: &Provider,
    text: &str,
    known: &mut Known,
) -> Result<(Presented, T), Refusal> {
    let jws = Jws::parse(text).map_err(PrimaryRefusal::Request)?;
    let carrier: Carrier = jws.unverified().map_err(PrimaryRefusal::Request)?;
    let hash = OpaqueHash::of(&carrier.refresh_token);
    let stored = provider.database.primary_tokens().find(&hash).await?.ok_or(PrimaryRefusal::Token)?;
    let opened = provider.sealing.open(place(&stored.token.id), &stored.token.sealed);
    let key = opened.ok().and_then(|bytes| SessionKey::from_bytes(&bytes)).ok_or_else(|| {
        tracing::error!(id = %stored.token.id, "the session key of a primary token cannot be opened");
        Refusal::Storage(crate::storage::Error::Damaged)
    })?;
    (known.user, known.tenant) = (Some(stored.user.clone()), Some(stored.grant.tenant));
    known.device = stored.grant.authentication.device;
    let payload = jws.verify_session(&key, least(provider, &stored).await?).map_err(|error| match error {
        JwsError::Signature => PrimaryRefusal::SessionKey,
        JwsError::Derivation => PrimaryRefusal::Derivation,
        JwsError::Algorithm => PrimaryRefusal::Algorithm,
        JwsError::Malformed | JwsError::Critical => PrimaryRefusal::Request(error),
    })?;
    let device = standing(provider, &stored).await?;
    Ok((Presented { stored, key, device }, payload))
}

/// Which derivation the tenant still takes.
async fn least(provider: &Provider, stored: &StoredPrimaryToken) -> Result<Derivation, Refusal> {
    let tenant = provider.tenant(&Authority::Tenant(stored.grant.tenant)).await?.ok_or(Refusal::Tenant)?;
    Ok(if tenant.policy.require_kdf_v2 { Derivation::V2 } else { Derivation::V1 })
}

/// Whether everything that the token was given for is still as it was; and its device.
async fn standing(provider: &Provider, stored: &StoredPrimaryToken) -> Result<Device, Refusal> {
    let StoredPrimaryToken { token, grant, user, revoked } = stored;
    if !user.enabled {
        return Err(Refusal::UserDisabled);
    }
    let device = match grant.authentication.device {
        Some(device) => provider.database.devices().find(device).await?,
        None => None,
    };
    let device = device.filter(|device| device.tenant == user.tenant).ok_or(DeviceRefusal::Unknown)?;
    if !device.enabled {
        return Err(DeviceRefusal::disabled(&device).into());
    }
    if let Some(key_id) = &token.key_id {
        let key = provider.database.enterprise_keys().find(key_id).await?;
        key.filter(|key| key.user == user.id && key.device == device.id)
            .ok_or(PrimaryRefusal::KeyNotFound)?;
    }
    // A new password, too, ends every earlier sign-in.
    if *revoked || grant.authentication.at < user.sessions_valid_from {
        return Err(Refusal::Revoked);
    }
    if token.expires_at <= provider.now() {
        return Err(PrimaryRefusal::Expired.into());
    }
    Ok(device)
}
