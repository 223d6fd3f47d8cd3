//! The assertion of an enterprise key (MS-OAPXBC 3.2.5.1.2.1.3): a user signs in with a key of the device's container.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;

use super::super::error::Refusal;
use super::nonce::take_nonce;
use super::{Known, PrimaryRefusal};
use crate::clock::UnixTime;
use crate::domain::{Authority, Device, EnterpriseKey, Tenant, User};
use crate::provider::Provider;
use crate::tokens::Jws;

/// How far a device's clock may be off.
const SKEW: Duration = Duration::from_mins(5);
/// The longest life of an assertion: roadtx gives it two hours around now.
const LONGEST: Duration = Duration::from_mins(2 * 60 + 5);

#[derive(Deserialize)]
struct Claims {
    iss: String,
    aud: Option<String>,
    iat: i64,
    exp: i64,
    request_nonce: String,
}

/// Who signed the assertion that `device` presents, in a request with the nonce `outer`, which is used up already.
pub(super) async fn check(
    provider: &Provider,
    (device, tenant): (&Device, &Tenant),
    (text, outer): (&str, &str),
    known: &mut Known,
) -> Result<(User, EnterpriseKey), Refusal> {
    let jws = Jws::parse(text).map_err(PrimaryRefusal::Request)?;
    if jws.header.alg != "RS256" || jws.header.purpose.as_deref() != Some("ngc") {
        return Err(PrimaryRefusal::Algorithm.into());
    }
    let kid = jws.header.kid.as_deref().and_then(|kid| STANDARD.decode(kid).ok());
    let kid = kid.and_then(|kid| <[u8; 32]>::try_from(kid).ok()).ok_or(PrimaryRefusal::KeyNotFound)?;
    let key = provider.database.enterprise_keys().find(&kid).await?.ok_or(PrimaryRefusal::KeyNotFound)?;
    // An assertion that was taken along from its own device is worth nothing on another one, nonce or not.
    if key.device != device.id {
        return Err(PrimaryRefusal::KeyOfOtherDevice.into());
    }
    let claims: Claims = jws.unverified().map_err(PrimaryRefusal::Request)?;
    let user = provider.database.users().find(key.user).await?.ok_or(PrimaryRefusal::KeyNotFound)?;
    known.user = Some(user.clone());
    if user.tenant != device.tenant {
        return Err(PrimaryRefusal::OtherTenant.into());
    }
    if claims.iss.to_lowercase() != user.upn.to_lowercase() {
        return Err(PrimaryRefusal::Issuer.into());
    }
    if !user.enabled {
        return Err(Refusal::UserDisabled);
    }
    jws.verify::<serde::de::IgnoredAny>(&key.key.public_key()).map_err(|_| PrimaryRefusal::KeySignature)?;
    if claims.aud.as_deref().is_some_and(|audience| !is_for(audience, tenant)) {
        return Err(PrimaryRefusal::Audience.into());
    }
    check_time(&claims, provider.now())?;
    if claims.request_nonce != outer {
        // Brokers fetch two nonces (MS-OAPXBC 3.2.5.1.2.3 wants one). What equality would prove, the key's device proves.
        if tenant.policy.require_equal_nonce {
            return Err(PrimaryRefusal::OtherNonce.into());
        }
        take_nonce(provider, &claims.request_nonce).await?;
    }
    provider.database.enterprise_keys().used(key.id, provider.now()).await?;
    Ok((user, key))
}

fn is_for(audience: &str, tenant: &Tenant) -> bool {
    match Authority::parse(audience) {
        Authority::Common | Authority::Organizations => true,
        Authority::Tenant(id) => id == tenant.id,
        Authority::Domain(domain) => tenant.domains.contains(&domain),
        Authority::Consumers => false,
    }
}

fn check_time(claims: &Claims, now: UnixTime) -> Result<(), PrimaryRefusal> {
    let (from, until) = (UnixTime::from_seconds(claims.iat), UnixTime::from_seconds(claims.exp));
    let lives = from <= now.plus(SKEW) && until.plus(SKEW) > now && from < until;
    if lives && until.since(from) <= LONGEST { Ok(()) } else { Err(PrimaryRefusal::Time) }
}
