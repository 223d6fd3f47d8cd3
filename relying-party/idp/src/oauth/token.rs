//! The token endpoint: one function, and one module a grant.

mod client_credentials;
mod code;
mod device_code;
mod give;
mod on_behalf_of;
mod password;
mod refresh;

use std::net::IpAddr;

use serde_json::Value;
use uuid::Uuid;

use super::bearer::Sent;
use super::client::{ClientProof, authenticate};
use super::error::Refusal;
use super::fields::Fields;
use super::primary;
use crate::devices;
use crate::domain::{Authority, Scopes, Tenant, TenantId, TokenVersion, User};
use crate::provider::Provider;
use crate::storage::Grant;
pub(super) use give::{Giving, Renewal, give, rotated};
pub(super) use password::check_second_factor;

/// Which endpoint was used: `/oauth2/token` or `/oauth2/v2.0/token`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// `resource`, numbers as strings.
    V1,
    /// `scope`, numbers as numbers.
    V2,
}

impl Protocol {
    /// The version of ID tokens that the endpoint gives.
    pub(super) const fn token_version(self) -> TokenVersion {
        match self {
            Self::V1 => TokenVersion::V1,
            Self::V2 => TokenVersion::V2,
        }
    }
}

/// An assertion, of one kind or another (RFC 7523 §2.1).
const JWT_BEARER: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";

/// A request to the token endpoint. Its header may hold a secret, so it has no `Debug`.
pub struct TokenRequest<'a> {
    /// The first segment of the path.
    pub authority: Authority,
    /// The endpoint.
    pub protocol: Protocol,
    /// The form.
    pub fields: Fields,
    /// How it was sent.
    pub sent: Sent<'a>,
    /// The peer.
    pub address: IpAddr,
    /// Its `User-Agent`.
    pub agent: &'a str,
    /// By which support finds the request: what the answer carries.
    pub correlation: Uuid,
}

/// What the token endpoint answers. It holds secrets, so it has no `Debug`.
pub enum TokenReply {
    /// JSON.
    Json(Value),
    /// A compact JWE that only the device's broker can read.
    Sealed(String),
}

/// Answers a request to the token endpoint.
///
/// # Errors
/// When the request is refused.
pub async fn token(provider: &Provider, request: &TokenRequest<'_>) -> Result<TokenReply, Refusal> {
    let grant_type = request.fields.required("grant_type")?;
    if grant_type == "srv_challenge" {
        let nonce = primary::issue_nonce(provider).await?;
        return Ok(TokenReply::Json(serde_json::json!({ "Nonce": nonce.expose() })));
    }
    if grant_type == JWT_BEARER && request.fields.optional("request")?.is_some() {
        return primary::answer(provider, request).await;
    }
    let audiences = audiences(provider, &request.authority);
    let client = || proven(provider, request, &audiences);
    let answer = match grant_type {
        "client_credentials" => client_credentials::redeem(provider, request, client().await?).await?,
        "authorization_code" => code::redeem(provider, request, client().await?).await?,
        "password" => password::redeem(provider, request, client().await?).await?,
        "refresh_token" => refresh::redeem(provider, request, client().await?).await?,
        "urn:ietf:params:oauth:grant-type:device_code" | "device_code" => {
            device_code::redeem(provider, request, client().await?).await?
        }
        JWT_BEARER => on_behalf_of::redeem(provider, request, client().await?).await?,
        _ => return Err(Refusal::GrantType),
    };
    Ok(TokenReply::Json(serde_json::to_value(answer)?))
}

/// The client, with the key that its tokens shall be bound to, if it showed one.
async fn proven(
    provider: &Provider,
    request: &TokenRequest<'_>,
    audiences: &[String],
) -> Result<ClientProof, Refusal> {
    let client = authenticate(provider, &request.fields, &request.sent, audiences).await?;
    if client.key.is_none() && client.app.registration.dpop_bound {
        return Err(Refusal::ProofRequired);
    }
    Ok(client)
}

/// What an assertion may name as its audience: an endpoint that authenticates clients, in either version, or the issuer
/// (RFC 9126 §2).
pub(super) fn audiences(provider: &Provider, authority: &Authority) -> Vec<String> {
    let base = format!("{}/{}", provider.settings.public_url(), authority.segment());
    ["/oauth2/v2.0/token", "/oauth2/token", "/oauth2/v2.0/par", "/oauth2/par", "/v2.0", "/"]
        .map(|end| format!("{base}{end}"))
        .to_vec()
}

/// The one tenant that the request is for.
async fn one_tenant(provider: &Provider, authority: &Authority) -> Result<std::sync::Arc<Tenant>, Refusal> {
    match authority {
        Authority::Common | Authority::Organizations | Authority::Consumers => Err(Refusal::NoTenant),
        Authority::Tenant(_) | Authority::Domain(_) => {
            provider.tenant(authority).await?.ok_or(Refusal::Tenant)
        }
    }
}

/// The tenant whose users and devices alone the request is for, if it names one.
pub(super) async fn named_tenant(
    provider: &Provider,
    authority: &Authority,
) -> Result<Option<TenantId>, Refusal> {
    match authority {
        Authority::Common | Authority::Organizations => Ok(None),
        Authority::Tenant(_) | Authority::Domain(_) | Authority::Consumers => {
            Ok(Some(one_tenant(provider, authority).await?.id))
        }
    }
}

/// Refuses a user of another tenant than the request's, one who may no longer sign in, and a sign-in that was revoked.
async fn still_welcome(
    provider: &Provider,
    authority: &Authority,
    user: &User,
    grant: &Grant,
) -> Result<(), Refusal> {
    match authority {
        Authority::Common | Authority::Organizations => {}
        Authority::Consumers => return Err(Refusal::Tenant),
        Authority::Tenant(_) | Authority::Domain(_) => {
            let tenant = one_tenant(provider, authority).await?;
            if tenant.id != user.tenant {
                return Err(Refusal::RefreshToken);
            }
        }
    }
    if !user.enabled {
        return Err(Refusal::UserDisabled);
    }
    if grant.authentication.at < user.sessions_valid_from {
        return Err(Refusal::Revoked);
    }
    // What was given on a device goes with it.
    Ok(devices::usable(provider, grant.authentication.device).await?)
}

/// The `scope` and `resource` of a request, if it has any.
fn wanted(fields: &Fields) -> Result<(Option<Scopes>, Option<&str>), Refusal> {
    let scopes = fields.optional("scope")?.map(Scopes::parse).transpose();
    let scopes = scopes.map_err(|_| Refusal::Scope("it has characters that are not allowed"))?;
    Ok((scopes, fields.optional("resource")?))
}

pub(super) fn wants_client_info(fields: &Fields) -> Result<bool, Refusal> {
    Ok(fields.optional("client_info")? == Some("1"))
}
