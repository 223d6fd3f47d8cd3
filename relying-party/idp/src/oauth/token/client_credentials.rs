//! A client asks for itself (RFC 6749 §4.4).

use super::{Protocol, TokenRequest, one_tenant, wanted};
use crate::domain::AppKind;
use crate::oauth::client::ClientProof;
use crate::oauth::error::Refusal;
use crate::oauth::issue::{self, TokenAnswer};
use crate::oauth::resource::resolve;
use crate::provider::Provider;

pub(super) async fn redeem(
    provider: &Provider,
    request: &TokenRequest<'_>,
    client: ClientProof,
) -> Result<TokenAnswer, Refusal> {
    if client.app.registration.kind == AppKind::Public {
        return Err(Refusal::NoProof);
    }
    let tenant = one_tenant(provider, &request.authority).await?;
    if !client.app.known_to(tenant.id) {
        return Err(Refusal::Application);
    }
    let (scopes, resource) = wanted(&request.fields)?;
    let scopes = match (request.protocol, scopes, resource) {
        (Protocol::V1, scopes, Some(_)) => scopes.unwrap_or_default(),
        (Protocol::V1, None, None) => return Err(Refusal::Missing("resource")),
        (Protocol::V1 | Protocol::V2, Some(scopes), _) => scopes,
        (Protocol::V2, None, _) => return Err(Refusal::Missing("scope")),
    };
    let requested = resolve(provider, tenant.id, &scopes, resource).await?;
    if !requested.default || !requested.names.is_empty() {
        return Err(Refusal::Scope("a client asks for itself with {resource}/.default only"));
    }
    issue::for_client(provider, request.protocol, &client, tenant.id, &requested).await
}
