//! The end that all grants of users share: what is checked last, what is stored, and the answer.

use super::{TokenRequest, still_welcome, wants_client_info};
use crate::domain::{AppKind, Authority, OpaqueHash, Scopes, User};
use crate::oauth::authorize::wants_fresh;
use crate::oauth::claims::{ClaimsRequest, check_fresh, check_strength};
use crate::oauth::client::ClientProof;
use crate::oauth::error::Refusal;
use crate::oauth::issue::{self, ForUser, REFRESH, TokenAnswer};
use crate::oauth::resource::{Requested, allowed, resolve};
use crate::provider::Provider;
use crate::storage::{Grant, Rotation};

/// What a client is to get for a user.
pub(in crate::oauth) struct Giving<'a> {
    pub(in crate::oauth) client: &'a ClientProof,
    pub(in crate::oauth) grant: Grant,
    pub(in crate::oauth) user: &'a User,
    /// What it asks for now.
    pub(in crate::oauth) scopes: &'a Scopes,
    pub(in crate::oauth) resource: Option<&'a str>,
    /// Of the authorization request.
    pub(in crate::oauth) nonce: Option<&'a str>,
    pub(in crate::oauth) renewal: Renewal,
}

/// Where the refresh token of the answer comes from.
#[derive(Clone, Copy)]
pub(in crate::oauth) enum Renewal {
    /// The grant is new, and is stored now; with a first refresh token, or without one.
    New { refresh: bool },
    /// The grant was stored with its code.
    Stored { refresh: bool },
    /// It follows on this one.
    After(OpaqueHash),
}

pub(in crate::oauth) async fn give(
    provider: &Provider,
    request: &TokenRequest<'_>,
    giving: Giving<'_>,
) -> Result<TokenAnswer, Refusal> {
    let Giving { client, mut grant, user, scopes, resource, nonce, renewal } = giving;
    still_welcome(provider, &request.authority, user, &grant).await?;
    let requested = resolve(provider, user.tenant, scopes, resource).await?;
    let given = allowed(provider, (user.tenant, user.id), &client.app, &requested).await?;
    satisfy(provider, request, client, &requested, &mut grant).await?;
    // Everything that may refuse comes before anything is stored or used up, so that a refused client can try again.
    let refresh_token = store(provider, client, &mut grant, renewal).await?;
    let answer = ForUser {
        client,
        grant: &grant,
        user,
        requested: &requested,
        scopes: &given,
        nonce,
        refresh_token,
        client_info: wants_client_info(&request.fields)?,
    };
    issue::for_user(provider, request.protocol, answer).await
}

/// Whether the sign-in is as strong as it must be for this client, this API and this request.
async fn satisfy(
    provider: &Provider,
    request: &TokenRequest<'_>,
    client: &ClientProof,
    requested: &Requested,
    grant: &mut Grant,
) -> Result<(), Refusal> {
    let claims = ClaimsRequest::parse(request.fields.optional("claims")?)?;
    let tenant = provider.tenant(&Authority::Tenant(grant.tenant)).await?.ok_or(Refusal::Tenant)?;
    let apps = [&*client.app, &*requested.resource];
    check_strength(&tenant, apps, &claims, &mut grant.authentication)?;
    if claims.fresh || wants_fresh(&request.fields)? {
        check_fresh(&grant.authentication, provider.now())?;
    }
    grant.asked.handles_challenges |= claims.asked.handles_challenges;
    Ok(())
}

/// Stores the grant if it is new, and its next refresh token, bound to the key of a client that has nothing else to show.
async fn store(
    provider: &Provider,
    client: &ClientProof,
    grant: &mut Grant,
    renewal: Renewal,
) -> Result<Option<crate::domain::Opaque>, Refusal> {
    if grant.key.is_some() && grant.key != client.key {
        return Err(Refusal::ProofKey);
    }
    let refresh = match renewal {
        Renewal::New { refresh } | Renewal::Stored { refresh } => refresh,
        Renewal::After(_) => true,
    };
    let public = client.app.registration.kind == AppKind::Public;
    let binds = refresh && public && grant.key.is_none() && client.key.is_some();
    if binds {
        grant.key.clone_from(&client.key);
    }
    let now = provider.now();
    let expires_at = grant.ends_at.unwrap_or_else(|| now.plus(REFRESH));
    let token = refresh.then(|| provider.opaque());
    let tokens = provider.database.refresh_tokens();
    match (renewal, &token) {
        (Renewal::After(old), Some(token)) => {
            rotated(tokens.rotate(&old, &token.hash(), expires_at, now).await?)?;
        }
        (Renewal::New { .. }, Some(token)) => {
            provider.database.grants().create(grant, expires_at).await?;
            tokens.issue(&token.hash(), grant.id, expires_at, now).await?;
        }
        (Renewal::New { .. }, None) => provider.database.grants().create(grant, expires_at).await?,
        (Renewal::Stored { .. }, Some(token)) => {
            tokens.issue(&token.hash(), grant.id, expires_at, now).await?;
        }
        (Renewal::Stored { .. } | Renewal::After(_), None) => {}
    }
    if binds && !matches!(renewal, Renewal::New { .. }) {
        provider.database.grants().bind(grant).await?;
    }
    Ok(token)
}

/// What the rotation of a refresh token says to the client.
pub(in crate::oauth) fn rotated(rotation: Rotation) -> Result<(), Refusal> {
    match rotation {
        Rotation::Next => Ok(()),
        Rotation::Reused => Err(Refusal::RefreshReused),
        Rotation::Revoked => Err(Refusal::Revoked),
        Rotation::Expired => Err(Refusal::RefreshExpired),
        Rotation::Unknown => Err(Refusal::RefreshToken),
    }
}
