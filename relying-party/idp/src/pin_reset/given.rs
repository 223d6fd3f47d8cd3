//! What the service gives to devices before they need it: the key to encrypt to, or the points to pin.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use p256::ecdsa::Signature;
use p256::ecdsa::signature::Signer as _;
use serde_json::{Value, json};

use super::envelope::{Owner, Protocol, Purpose};
use super::{Error, keys, point};
use crate::domain::{Authority, Tenant, TenantId, UserId};
use crate::oauth::Fields;
use crate::provider::Provider;
use crate::storage::StoredResetKey;

/// What a device asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyRequest {
    /// The current key of `hpke-p256`.
    Hpke(TenantId),
    /// The points of `blind-p256` for this container.
    Blind(Owner),
}

impl KeyRequest {
    /// Reads the parameters of a query or a form. `Err`: the one that is missing or malformed.
    ///
    /// # Errors
    /// When a parameter is missing, malformed or comes twice.
    pub fn parse(fields: &Fields) -> Result<Self, &'static str> {
        let tenant = parameter(fields, "tid")?.ok_or("tid")?;
        match parameter(fields, "protocol")?.unwrap_or_default() {
            Protocol::Hpke => Ok(Self::Hpke(tenant)),
            Protocol::Blind => Ok(Self::Blind(Owner {
                tenant,
                user: parameter(fields, "oid")?.ok_or("oid")?,
                device: parameter(fields, "deviceId")?.ok_or("deviceId")?,
                container: parameter(fields, "containerId")?.ok_or("containerId")?,
            })),
        }
    }

    const fn tenant(&self) -> TenantId {
        match self {
            Self::Hpke(tenant) | Self::Blind(Owner { tenant, .. }) => *tenant,
        }
    }
}

fn parameter<T: std::str::FromStr>(fields: &Fields, name: &'static str) -> Result<Option<T>, &'static str> {
    let text = fields.optional(name).map_err(|_| name)?;
    text.map(|text| text.parse().map_err(|_| name)).transpose()
}

/// The answer of `getencryptionkey/v1`; `None`: there is no such tenant.
///
/// # Errors
/// When there is no key and none can be made.
pub async fn encryption_key(provider: &Provider, request: &KeyRequest) -> Result<Option<Value>, Error> {
    if provider.tenant(&Authority::Tenant(request.tenant())).await?.is_none() {
        return Ok(None);
    }
    let anchor = keys::anchor(provider).await?;
    let mut answer = match request {
        KeyRequest::Hpke(_) => hpke(&keys::current(provider, Protocol::Hpke).await?)?,
        KeyRequest::Blind(owner) => {
            let key = keys::current(provider, Protocol::Blind).await?;
            points(provider, &key, owner)?
        }
    };
    if let Some(chain) = answer.get_mut("x5c").and_then(Value::as_array_mut) {
        chain.push(STANDARD.encode(anchor.certificate()).into());
    }
    Ok(Some(answer))
}

fn hpke(key: &StoredResetKey) -> Result<Value, Error> {
    let (_, coordinates) = key.public.split_first().ok_or(Error::Damaged)?;
    let (x, y) = coordinates.split_at_checked(32).ok_or(Error::Damaged)?;
    Ok(json!({
        "kid": key.kid,
        "alg": key.protocol,
        "jwk": { "kty": "EC", "crv": "P-256", "x": URL_SAFE_NO_PAD.encode(x), "y": URL_SAFE_NO_PAD.encode(y) },
        "x5c": [STANDARD.encode(&key.certificate)],
        "notAfter": key.expires_at.to_rfc3339(),
    }))
}

fn points(provider: &Provider, key: &StoredResetKey, owner: &Owner) -> Result<Value, Error> {
    let master = keys::master(provider, key)?;
    let of = |purpose| point::bytes(&master.scalar(&owner.scalar_words(purpose, &key.kid)).public());
    let (recover, administer) = (of(Purpose::Recover), of(Purpose::Administer));
    let signed = [owner.signed_words(&key.kid).as_bytes(), &recover, &administer].concat();
    let signature: Signature = master.signing_key().sign(&signed);
    Ok(json!({
        "kid": key.kid,
        "alg": key.protocol,
        "recover": URL_SAFE_NO_PAD.encode(recover),
        "administer": URL_SAFE_NO_PAD.encode(administer),
        "signature": URL_SAFE_NO_PAD.encode(signature.to_bytes()),
        "x5c": [STANDARD.encode(&key.certificate)],
        "notAfter": key.expires_at.to_rfc3339(),
    }))
}

/// What a device is told about the service with its policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// Where the service is.
    pub url: String,
    /// The PIN reset anchor, DER.
    pub anchor: Vec<u8>,
    /// Whether this user may reset a PIN without losing what it protects.
    pub allowed: bool,
}

/// What a device of this user is told.
///
/// # Errors
/// When the database does not answer, or the anchor cannot be opened.
pub async fn told(provider: &Provider, tenant: &Tenant, user: UserId) -> Result<Told, Error> {
    Ok(Told {
        url: provider.settings.pin_reset_url().to_owned(),
        anchor: keys::anchor(provider).await?.certificate().to_vec(),
        allowed: super::rules::allowed(provider, tenant, user).await?,
    })
}
