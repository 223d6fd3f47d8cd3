//! A client renews what it has (RFC 6749 §6), and gets a new refresh token for the old one (RFC 9700 §4.14.2).

use super::{TokenRequest, still_welcome, wanted, wants_client_info};
use crate::domain::OpaqueHash;
use crate::oauth::client::ClientProof;
use crate::oauth::error::Refusal;
use crate::oauth::issue::{self, ForUser, REFRESH, TokenAnswer};
use crate::oauth::resource::{allowed, resolve};
use crate::provider::Provider;
use crate::storage::Rotation;

pub(super) async fn redeem(
    provider: &Provider,
    request: &TokenRequest<'_>,
    client: ClientProof,
) -> Result<TokenAnswer, Refusal> {
    let fields = &request.fields;
    let now = provider.now();
    let old = OpaqueHash::of(fields.required("refresh_token")?);
    let tokens = provider.database.refresh_tokens();
    let stored = tokens.find(&old).await?.ok_or(Refusal::RefreshToken)?;
    let grant = stored.grant;
    if !may_use(provider, &client, grant.client).await? {
        return Err(Refusal::RefreshToken);
    }
    // Everything that may refuse comes before the old token is used up, so that a refused client can try again.
    // But a second use is one, however wrong the rest of the request is.
    let new = provider.opaque();
    let expires_at = grant.ends_at.unwrap_or_else(|| now.plus(REFRESH));
    if stored.used {
        rotated(tokens.rotate(&old, &new.hash(), expires_at, now).await?)?;
    }
    if stored.revoked {
        return Err(Refusal::Revoked);
    }
    let user = stored.user;
    still_welcome(provider, &request.authority, &user, &grant).await?;
    let (scopes, resource) = wanted(fields)?;
    // Without a scope or resource of its own a request renews what the first one asked for.
    let same = scopes.is_none() && resource.is_none();
    let resource = if same { grant.resource.as_deref() } else { resource };
    let mut scopes = scopes.unwrap_or_else(|| grant.scopes.clone());
    if !same {
        // `openid` and its like are the sign-in's, whatever API the client now asks for.
        let of_sign_in = grant.scopes.words().filter(|word| matches!(*word, "openid" | "profile" | "email"));
        scopes = scopes.union(&of_sign_in.collect());
    }
    let requested = resolve(provider, user.tenant, &scopes, resource).await?;
    let given = allowed(provider, (user.tenant, user.id), &client.app, &requested).await?;
    rotated(tokens.rotate(&old, &new.hash(), expires_at, now).await?)?;
    let answer = ForUser {
        client: &client,
        grant: &grant,
        user: &user,
        requested: &requested,
        scopes: &given,
        nonce: None,
        refresh_token: Some(new),
        client_info: wants_client_info(fields)?,
    };
    issue::for_user(provider, request.protocol, answer).await
}

fn rotated(rotation: Rotation) -> Result<(), Refusal> {
    match rotation {
        Rotation::Next => Ok(()),
        Rotation::Reused => Err(Refusal::RefreshReused),
        Rotation::Revoked => Err(Refusal::Revoked),
        Rotation::Expired => Err(Refusal::RefreshExpired),
        Rotation::Unknown => Err(Refusal::RefreshToken),
    }
}

/// A refresh token is its client's, or its family's (`foci`).
async fn may_use(
    provider: &Provider,
    client: &ClientProof,
    owner: crate::domain::ClientId,
) -> Result<bool, Refusal> {
    if client.app.id == owner {
        return Ok(true);
    }
    if !client.app.registration.family {
        return Ok(false);
    }
    Ok(provider.app(owner).await?.is_some_and(|owner| owner.registration.family))
}
