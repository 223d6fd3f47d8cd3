//! What all requests to the registration service share: nonces, and requests that a device signs.

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::asker::Asker;
use super::refused::RegistrationRefusal;
use super::{Signed, signed};
use crate::domain::{Authority, Device, OpaqueHash, TenantId};
use crate::provider::Provider;
use crate::storage::Purpose;

/// How long a nonce is good.
const NONCE: std::time::Duration = std::time::Duration::from_mins(5);

/// What every request says that a device signs for this service.
#[derive(Debug, Deserialize)]
pub struct Asked<T> {
    nonce: String,
    aud: String,
    /// What this very request says besides.
    #[serde(flatten)]
    pub more: T,
}

/// A request that a device signed, as it stands in a body.
#[derive(Debug, Deserialize)]
pub struct SignedRequest {
    /// The compact JWS.
    pub request: String,
}

impl SignedRequest {
    /// Reads a body.
    pub(super) fn read(body: &[u8]) -> Result<Self, RegistrationRefusal> {
        let malformed = RegistrationRefusal::Malformed("the body must be JSON with the member 'request'");
        serde_json::from_slice(body).map_err(|_| malformed)
    }
}

/// Nothing besides.
#[derive(Debug, Deserialize)]
pub struct Nothing {}

impl<T> Asked<T> {
    /// The nonce, which is used up.
    pub fn nonce(&self) -> &str {
        &self.nonce
    }
}

/// A nonce of the registration service, for one use.
///
/// # Errors
/// When there is no such tenant.
pub async fn nonce(provider: &Provider, tenant: &str) -> Result<Value, RegistrationRefusal> {
    provider.tenant(&Authority::parse(tenant)).await?.ok_or(RegistrationRefusal::Tenant)?;
    let nonce = provider.opaque();
    let expires_at = provider.now().plus(NONCE);
    provider.database.nonces().issue(&nonce.hash(), Purpose::DeviceRegistration, expires_at).await?;
    Ok(json!(nonce.expose()))
}

/// Uses a nonce up.
pub(super) async fn take_nonce(provider: &Provider, nonce: &str) -> Result<(), RegistrationRefusal> {
    let (hash, now) = (OpaqueHash::of(nonce), provider.now());
    let taken = provider.database.nonces().take(&hash, Purpose::DeviceRegistration, now).await?;
    if taken { Ok(()) } else { Err(RegistrationRefusal::Nonce) }
}

/// What a device asks of the endpoint at `path`, freshly.
pub(super) async fn asked<T: DeserializeOwned>(
    provider: &Provider,
    (text, path): (&str, &str),
    tenant: Option<TenantId>,
    who: &mut Asker,
) -> Result<(Device, Asked<T>), RegistrationRefusal> {
    let Signed { device, payload, .. } = signed::<Asked<T>>(provider, text, tenant).await?;
    who.signed(&device);
    let here = format!("{}{path}", provider.settings.public_url());
    // Paths are found in whichever case they are written.
    if !payload.aud.trim_end_matches('/').eq_ignore_ascii_case(here.trim_end_matches('/')) {
        return Err(RegistrationRefusal::Purpose);
    }
    take_nonce(provider, &payload.nonce).await?;
    Ok((device, payload))
}
