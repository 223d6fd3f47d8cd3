//! An API that was called for a user calls another one for the same user (`jwt-bearer` with `requested_token_use`
//! `on_behalf_of`; RFC 7523 §2.1). The token that it was called with is the assertion.
//!
//! The new grant is of the same sign-in: how and when the user signed in, on which device and in which session go along.

use super::give::{Giving, Renewal, give};
use super::{TokenRequest, one_tenant, wanted};
use crate::domain::{AppKind, Authority, GrantId};
use crate::oauth::bearer::AccessClaims;
use crate::oauth::client::ClientProof;
use crate::oauth::error::Refusal;
use crate::oauth::issue::TokenAnswer;
use crate::provider::Provider;
use crate::storage::Grant;

pub(super) async fn redeem(
    provider: &Provider,
    request: &TokenRequest<'_>,
    client: ClientProof,
) -> Result<TokenAnswer, Refusal> {
    if request.fields.optional("requested_token_use")? != Some("on_behalf_of") {
        return Err(Refusal::GrantType);
    }
    if client.app.registration.kind == AppKind::Public {
        return Err(Refusal::NoProof);
    }
    let refused = Refusal::UserAssertion;
    let assertion = request.fields.required("assertion")?;
    let claims = AccessClaims::read(provider, assertion)
        .ok_or(refused("it is not an access token of ours, or its time is over"))?;
    // Only whom the token was made for may pass it on: otherwise any API could use the tokens of all others.
    let id = client.app.id.to_string();
    if claims.aud != id && client.app.identifier_uri.as_ref() != Some(&claims.aud) {
        return Err(Refusal::AssertionAudience);
    }
    if claims.is_of_app() {
        return Err(refused("it is an application's own token, which stands for no user"));
    }
    if !matches!(request.authority, Authority::Common | Authority::Organizations)
        && one_tenant(provider, &request.authority).await?.id != claims.tid
    {
        return Err(refused("it is of another tenant"));
    }
    if !client.app.known_to(claims.tid) {
        return Err(Refusal::Application);
    }
    let (before, user) = claims.standing(provider).await?;
    let (scopes, resource) = wanted(&request.fields)?;
    let scopes = match (scopes, resource) {
        (Some(scopes), _) => scopes,
        (None, Some(_)) => crate::domain::Scopes::default(),
        (None, None) => return Err(Refusal::Missing("scope")),
    };
    let mut authentication = before.authentication;
    authentication.contexts.clear();
    let refresh = scopes.has("offline_access");
    let (id, of) = (GrantId::new(provider.guid()), (user.tenant, client.app.id));
    let grant = Grant {
        resource: resource.map(str::to_owned),
        // A page's sign-in is for a day, whoever goes on with it.
        ends_at: before.ends_at,
        ..Grant::new(id, of, authentication, scopes.clone(), provider.now())
    };
    let giving = Giving {
        client: &client,
        grant,
        user: &user,
        scopes: &scopes,
        resource,
        nonce: None,
        renewal: Renewal::New { refresh },
    };
    give(provider, request, giving).await
}
