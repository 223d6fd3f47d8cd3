//! Making the tokens of an answer.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;

use super::client::ClientProof;
use super::error::Refusal;
use super::resource::Requested;
use super::token::Protocol;
use crate::domain::{Opaque, Scopes, User};
use crate::provider::Provider;
use crate::storage::Grant;
use crate::tokens::{self, AccessToken, IdToken, Subject};

/// Access tokens live between the two, so that a fleet of clients does not renew at once.
const ACCESS: (u64, u64) = (60 * 60, 90 * 60);
const ID_TOKEN: Duration = Duration::from_hours(1);
/// A refresh token that nobody uses dies after this.
pub(super) const REFRESH: Duration = Duration::from_hours(90 * 24);

/// The body of a successful answer. In v1.0 numbers are strings. It holds secrets, so it has no `Debug`.
#[derive(Serialize)]
pub struct TokenAnswer {
    token_type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    scope: Option<String>,
    expires_in: Number,
    ext_expires_in: Number,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_on: Option<Number>,
    #[serde(skip_serializing_if = "Option::is_none")]
    not_before: Option<Number>,
    #[serde(skip_serializing_if = "Option::is_none")]
    resource: Option<String>,
    access_token: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    refresh_token: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    id_token: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_info: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    foci: Option<&'static str>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Number {
    Number(i64),
    Text(String),
}

/// What an answer for a user is made from.
pub(super) struct ForUser<'a> {
    pub(super) client: &'a ClientProof,
    pub(super) grant: &'a Grant,
    pub(super) user: &'a User,
    pub(super) requested: &'a Requested,
    pub(super) scopes: &'a Scopes,
    pub(super) nonce: Option<&'a str>,
    pub(super) refresh_token: Option<Opaque>,
    pub(super) client_info: bool,
}

/// Tokens for a user.
pub(super) async fn for_user(
    provider: &Provider,
    protocol: Protocol,
    answer: ForUser<'_>,
) -> Result<TokenAnswer, Refusal> {
    let ForUser { client, grant, user, requested, scopes, nonce, .. } = answer;
    let app = &client.app;
    let roles = user_roles(provider, user, requested).await?;
    let openid = requested.openid.has("openid") || protocol == Protocol::V1;
    let now = provider.now();
    let expires_at = now.plus(lifetime(provider));
    let authentication = grant.authentication.as_of(now);
    let subject = Subject::User {
        user,
        authentication: &authentication,
        grant: grant.id,
        scopes,
        handles_challenges: grant.asked.handles_challenges,
    };
    let access = AccessToken {
        public_url: provider.settings.public_url(),
        tenant: user.tenant,
        client: app,
        client_proof: client.proof,
        resource: &requested.resource,
        subject,
        roles: &roles,
        key: client.key.as_deref(),
        now,
        expires_at,
        id: provider.guid(),
    };
    let algorithm = requested.resource.registration.signing_algorithm;
    let key = provider.keys.signing(algorithm, now).ok_or(Refusal::NoSigningKey)?;
    let access_token = key.sign(&tokens::access_token(&access, &provider.pairwise_key)?)?;
    let id_token = if openid {
        let claims = IdToken {
            public_url: provider.settings.public_url(),
            client: app,
            user,
            authentication: &authentication,
            version: protocol.token_version(),
            scopes: &requested.openid,
            asked: &grant.asked.id_token,
            nonce,
            access_token: Some(&access_token),
            now,
            expires_at: now.plus(ID_TOKEN),
            id: provider.guid(),
        };
        let key = provider.keys.signing(app.registration.signing_algorithm, now);
        let key = key.ok_or(Refusal::NoSigningKey)?;
        Some(key.sign(&tokens::id_token(&claims, &provider.pairwise_key)?)?)
    } else {
        None
    };
    let client_info = answer.client_info.then(|| client_info(user));
    // Clients look up cached tokens by the scopes that they asked for, so those are what they read.
    let scope = requested.written.union(scopes);
    let mut body = bare(protocol, client, access_token, (now.seconds(), expires_at.seconds()));
    body.scope = Some(scope.to_string());
    body.resource = (protocol == Protocol::V1).then(|| audience(requested));
    body.foci = (app.registration.family && answer.refresh_token.is_some()).then_some("1");
    body.refresh_token = answer.refresh_token.map(|token| token.expose().to_owned());
    body.id_token = id_token;
    body.client_info = client_info;
    Ok(body)
}

/// By what clients tell accounts apart.
pub(super) fn client_info(user: &User) -> String {
    URL_SAFE_NO_PAD.encode(format!("{{\"uid\":\"{}\",\"utid\":\"{}\"}}", user.id, user.tenant))
}

/// A token for the client itself.
pub(super) async fn for_client(
    provider: &Provider,
    protocol: Protocol,
    client: &ClientProof,
    tenant: crate::domain::TenantId,
    requested: &Requested,
) -> Result<TokenAnswer, Refusal> {
    let resource = &requested.resource;
    let roles = provider.app_roles(tenant, resource.id, client.app.id).await?;
    if roles.is_none() && resource.registration.assignment_required {
        return Err(Refusal::NotAssigned);
    }
    let now = provider.now();
    let expires_at = now.plus(lifetime(provider));
    let access = AccessToken {
        public_url: provider.settings.public_url(),
        tenant,
        client: &client.app,
        client_proof: client.proof,
        resource,
        subject: Subject::Client,
        roles: roles.as_deref().unwrap_or_default(),
        key: client.key.as_deref(),
        now,
        expires_at,
        id: provider.guid(),
    };
    let key = provider.keys.signing(resource.registration.signing_algorithm, now);
    let key = key.ok_or(Refusal::NoSigningKey)?;
    let access_token = key.sign(&tokens::access_token(&access, &provider.pairwise_key)?)?;
    let mut body = bare(protocol, client, access_token, (now.seconds(), expires_at.seconds()));
    body.resource = (protocol == Protocol::V1).then(|| audience(requested));
    Ok(body)
}

/// The roles of a user in the API, if the API has any or requires one.
async fn user_roles(provider: &Provider, user: &User, requested: &Requested) -> Result<Vec<String>, Refusal> {
    let resource = &requested.resource;
    let asks = !resource.registration.roles.is_empty() || resource.registration.assignment_required;
    if !asks || resource.home.is_none() {
        return Ok(Vec::new());
    }
    let roles = provider.database.apps().roles(user.tenant, resource.id, &user.id.to_string()).await?;
    if roles.is_none() && resource.registration.assignment_required {
        return Err(Refusal::NotAssigned);
    }
    Ok(roles.unwrap_or_default())
}

fn bare(
    protocol: Protocol,
    client: &ClientProof,
    access_token: String,
    (now, expires_at): (i64, i64),
) -> TokenAnswer {
    let number = |value: i64| match protocol {
        Protocol::V1 => Number::Text(value.to_string()),
        Protocol::V2 => Number::Number(value),
    };
    let v1 = |value| (protocol == Protocol::V1).then(|| number(value));
    TokenAnswer {
        token_type: if client.key.is_some() { "DPoP" } else { "Bearer" },
        scope: None,
        expires_in: number(expires_at - now),
        ext_expires_in: number(expires_at - now),
        expires_on: v1(expires_at),
        not_before: v1(now),
        resource: None,
        access_token,
        refresh_token: None,
        id_token: None,
        client_info: None,
        foci: None,
    }
}

fn audience(requested: &Requested) -> String {
    let resource = &requested.resource;
    resource.identifier_uri.clone().unwrap_or_else(|| resource.id.to_string())
}

fn lifetime(provider: &Provider) -> Duration {
    let (least, most) = ACCESS;
    let drawn = provider.draw(|rng| u64::from(rng.next_u32()));
    Duration::from_secs(least + drawn % (most - least))
}
