//! What a device signed: the one check, in the order of section 1.4 of the wire reference.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::de::DeserializeOwned;
use x509_parser::certificate::X509Certificate;
use x509_parser::public_key::PublicKey as CertifiedKey;

use super::DeviceRefusal;
use crate::domain::{Device, DeviceId, TenantId};
use crate::provider::Provider;
use crate::tokens::{Header, Jws, JwsError, PublicKey};

/// When a device was last seen is known this closely: one that asks often costs no write each time.
const SEEN: Duration = Duration::from_mins(5);

/// What a registered, enabled device signed. Whether it is fresh, and whether it was meant for us, its payload says.
#[derive(Debug)]
pub struct Signed<T> {
    /// The device as it is now.
    pub device: Device,
    /// What it says.
    pub payload: T,
    /// The header, for what else is in it.
    pub header: Header,
}

/// Reads a compact JWS whose `x5c` is a device's certificate (a string or an array of strings).
///
/// # Errors
/// When the certificate is not ours or not the device's current one, the signature is not of its key, or the device is of
/// another tenant than `tenant`, unknown or disabled.
pub async fn signed<T: DeserializeOwned>(
    provider: &Provider,
    text: &str,
    tenant: Option<TenantId>,
) -> Result<Signed<T>, DeviceRefusal> {
    let jws = Jws::parse(text).map_err(|_| DeviceRefusal::Malformed("it is no compact JWS"))?;
    let presented = jws.header.certificate().ok_or(DeviceRefusal::Malformed("x5c is missing"))?;
    let der = STANDARD.decode(presented).map_err(|_| DeviceRefusal::Malformed("x5c is not base64"))?;
    let (id, key) = certified(provider, &der)?;
    let payload = jws.verify(&key).map_err(|error| match error {
        JwsError::Malformed => DeviceRefusal::Malformed("a member of the payload is missing or wrong"),
        JwsError::Critical | JwsError::Algorithm | JwsError::Signature | JwsError::Derivation => {
            DeviceRefusal::Signature
        }
    })?;
    let device = provider.database.devices().find(id).await?.ok_or(DeviceRefusal::Unknown)?;
    // Another certificate for the same device is one of an earlier registration.
    if device.certificate != der || tenant.is_some_and(|tenant| tenant != device.tenant) {
        return Err(DeviceRefusal::Unknown);
    }
    if !device.enabled {
        return Err(DeviceRefusal::disabled(&device));
    }
    let now = provider.now();
    if device.last_seen_at.is_none_or(|seen| now.since(seen) >= SEEN) {
        provider.database.devices().seen(id, now).await?;
    }
    Ok(Signed { device, payload, header: jws.header })
}

/// Which device a certificate of our device CA is for, and its key.
fn certified(provider: &Provider, der: &[u8]) -> Result<(DeviceId, PublicKey), DeviceRefusal> {
    let (rest, certificate) = x509_parser::parse_x509_certificate(der)
        .map_err(|_| DeviceRefusal::Malformed("x5c is no certificate"))?;
    if !rest.is_empty() || !provider.authorities.device.issued(&certificate) {
        return Err(DeviceRefusal::Certificate);
    }
    let (now, validity) = (provider.now().seconds(), certificate.validity());
    if !(validity.not_before.timestamp()..=validity.not_after.timestamp()).contains(&now) {
        return Err(DeviceRefusal::Expired);
    }
    let id = subject(&certificate).ok_or(DeviceRefusal::Certificate)?;
    let Ok(CertifiedKey::RSA(rsa)) = certificate.public_key().parsed() else {
        return Err(DeviceRefusal::Certificate);
    };
    let n = rsa.modulus.strip_prefix(&[0]).unwrap_or(rsa.modulus).to_vec();
    Ok((id, PublicKey::Rsa { n, e: rsa.exponent.to_vec() }))
}

fn subject(certificate: &X509Certificate<'_>) -> Option<DeviceId> {
    let mut names = certificate.subject().iter_common_name();
    names.next()?.as_str().ok()?.parse().ok()
}
