//! A device asks for a primary token (MS-OAPXBC 3.2.5.1.2): its signature around the proof of a user.

use serde::Deserialize;
use serde_json::Value;
use zeroize::Zeroizing;

use super::super::error::Refusal;
use super::super::token::{TokenRequest, named_tenant, rotated};
use super::issue::{Proven, issue};
use super::nonce::take_nonce;
use super::{Known, PrimaryRefusal, assertion};
use crate::devices::{Signed, signed};
use crate::domain::{
    Amr, Authority, ClientId, Device, DeviceAttestation, EnterpriseKey, OpaqueHash, User, first_party,
};
use crate::provider::Provider;
use crate::sign_in::{PasswordAttempt, WrongPassword, check_password};
use crate::strength::{Method, Proofs};

/// Who may ask for primary tokens, and whose refresh tokens may become one.
const BROKERS: [ClientId; 3] = [first_party::PRT, first_party::BROKER, first_party::LINUX_BROKER];

#[derive(Deserialize)]
struct Asked {
    client_id: ClientId,
    #[serde(rename = "request_nonce")]
    nonce: String,
    #[serde(flatten)]
    proof: Proof,
}

/// How the user proves who they are.
#[derive(Deserialize)]
#[serde(tag = "grant_type")]
enum Proof {
    #[serde(rename = "password")]
    Password { username: String, password: Secret },
    #[serde(rename = "refresh_token")]
    RefreshToken { refresh_token: Secret },
    #[serde(rename = "urn:ietf:params:oauth:grant-type:jwt-bearer")]
    Assertion { assertion: String },
    #[serde(other)]
    Other,
}

struct Secret(Zeroizing<String>);

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(|text| Self(Zeroizing::new(text)))
    }
}

/// Gives a primary token for a device-signed request. Each check comes before everything that it protects.
pub(super) async fn redeem(
    provider: &Provider,
    request: &TokenRequest<'_>,
    text: &str,
    known: &mut Known,
) -> Result<Value, Refusal> {
    let only = named_tenant(provider, &request.authority).await?;
    let Signed { device, payload, .. } = signed::<Asked>(provider, text, only).await?;
    let Asked { client_id, nonce, proof } = payload;
    (known.device, known.tenant, known.client) = (Some(device.id), Some(device.tenant), Some(client_id));
    if !BROKERS.contains(&client_id) {
        return Err(PrimaryRefusal::Client.into());
    }
    take_nonce(provider, &nonce).await?;
    let tenant = provider.tenant(&Authority::Tenant(device.tenant)).await?.ok_or(Refusal::Tenant)?;
    let proven = match proof {
        Proof::Password { username, password } => {
            by_password(provider, request, &device, (&username, &password), known).await?
        }
        Proof::RefreshToken { refresh_token } => {
            by_refresh_token(provider, &device, &refresh_token, known).await?
        }
        Proof::Assertion { assertion } => {
            let texts = (assertion.as_str(), nonce.as_str());
            let (user, key) = assertion::check(provider, (&device, &tenant), texts, known).await?;
            by_key(provider, user, &key)
        }
        Proof::Other => return Err(Refusal::GrantType),
    };
    issue(provider, request, (&device, &tenant), proven, known).await
}

async fn by_password(
    provider: &Provider,
    request: &TokenRequest<'_>,
    device: &Device,
    (username, password): (&str, &Secret),
    known: &mut Known,
) -> Result<Proven, Refusal> {
    let attempt = PasswordAttempt {
        tenant: device.tenant,
        upn: username,
        password: &password.0,
        client: first_party::PRT,
        address: request.address,
        agent: request.agent,
        correlation: request.correlation,
    };
    known.logged = true;
    let user = check_password(provider, &attempt).await.map_err(WrongPassword::refusal)?;
    known.user = Some(user.clone());
    if provider.database.users().password_state(user.id).await?.is_some_and(|(_, must_change)| must_change) {
        return Err(Refusal::PasswordChange);
    }
    Ok(Proven { user, methods: vec![Amr::Pwd], at: provider.now(), key_id: None })
}

/// A broker's refresh token becomes a primary token: with the proofs of its sign-in, and used up.
async fn by_refresh_token(
    provider: &Provider,
    device: &Device,
    token: &Secret,
    known: &mut Known,
) -> Result<Proven, Refusal> {
    let old = OpaqueHash::of(&token.0);
    let tokens = provider.database.refresh_tokens();
    let stored = tokens.find(&old).await?.ok_or(Refusal::RefreshToken)?;
    let (grant, user) = (stored.grant, stored.user);
    if !BROKERS.contains(&grant.client) {
        return Err(PrimaryRefusal::NotOfBroker.into());
    }
    check_owner(device, &user)?;
    known.user = Some(user.clone());
    if grant.authentication.device.is_some_and(|of| of != device.id) || grant.key.is_some() {
        return Err(PrimaryRefusal::OtherDevice.into());
    }
    if !user.enabled {
        return Err(Refusal::UserDisabled);
    }
    if grant.authentication.at < user.sessions_valid_from {
        return Err(Refusal::Revoked);
    }
    let now = provider.now();
    // Its successor is the primary token, so the one that is stored in its place is nobody's.
    rotated(tokens.rotate(&old, &provider.opaque().hash(), now, now).await?)?;
    Ok(Proven { user, methods: grant.authentication.methods, at: grant.authentication.at, key_id: None })
}

fn check_owner(device: &Device, user: &User) -> Result<(), PrimaryRefusal> {
    if user.tenant == device.tenant { Ok(()) } else { Err(PrimaryRefusal::OtherTenant) }
}

/// A gesture unlocked the key: two factors at once. That it is in hardware is said only if that was attested.
fn by_key(provider: &Provider, user: User, key: &EnterpriseKey) -> Proven {
    let now = provider.now();
    let shown = Proofs::default().with(Method::HelloKey, now).amr(now);
    let hardware = (key.attestation != DeviceAttestation::None).then_some(Amr::Hwk);
    Proven {
        user,
        methods: shown.into_iter().chain(hardware).collect(),
        at: now,
        key_id: Some(key.key.key_id()),
    }
}
