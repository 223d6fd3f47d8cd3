//! A client renews what it has (RFC 6749 §6), and gets a new refresh token for the old one (RFC 9700 §4.14.2).

use super::give::{Giving, Renewal, give, rotated};
use super::{TokenRequest, wanted};
use crate::domain::OpaqueHash;
use crate::oauth::client::ClientProof;
use crate::oauth::error::Refusal;
use crate::oauth::issue::TokenAnswer;
use crate::provider::Provider;

pub(super) async fn redeem(
    provider: &Provider,
    request: &TokenRequest<'_>,
    client: ClientProof,
) -> Result<TokenAnswer, Refusal> {
    let fields = &request.fields;
    let old = OpaqueHash::of(fields.required("refresh_token")?);
    let tokens = provider.database.refresh_tokens();
    let stored = tokens.find(&old).await?.ok_or(Refusal::RefreshToken)?;
    let grant = stored.grant;
    if !may_use(provider, &client, grant.client).await? {
        return Err(Refusal::RefreshToken);
    }
    // A second use is one, however wrong the rest of the request is.
    if stored.used {
        let now = provider.now();
        rotated(tokens.rotate(&old, &provider.opaque().hash(), now, now).await?)?;
    }
    if stored.revoked {
        return Err(Refusal::Revoked);
    }
    let (scopes, resource) = wanted(fields)?;
    // Without a scope or resource of its own a request renews what the first one asked for.
    let same = scopes.is_none() && resource.is_none();
    let of_grant = grant.resource.clone();
    let resource = if same { of_grant.as_deref() } else { resource };
    let mut scopes = scopes.unwrap_or_else(|| grant.scopes.clone());
    if !same {
        // `openid` and its like are the sign-in's, whatever API the client now asks for.
        let of_sign_in = grant.scopes.words().filter(|word| matches!(*word, "openid" | "profile" | "email"));
        scopes = scopes.union(&of_sign_in.collect());
    }
    let giving = Giving {
        client: &client,
        grant,
        user: &stored.user,
        scopes: &scopes,
        resource,
        nonce: None,
        renewal: Renewal::After(old),
    };
    give(provider, request, giving).await
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
