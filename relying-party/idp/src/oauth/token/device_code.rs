//! A device asks whether its user has answered (RFC 8628 §3.4).

use super::TokenRequest;
use super::give::{Giving, Renewal, give};
use crate::domain::{GrantId, OpaqueHash};
use crate::oauth::client::ClientProof;
use crate::oauth::error::Refusal;
use crate::oauth::issue::TokenAnswer;
use crate::provider::Provider;
use crate::storage::{Approval, DeviceRequest, Grant, Poll};

pub(super) async fn redeem(
    provider: &Provider,
    request: &TokenRequest<'_>,
    client: ClientProof,
) -> Result<TokenAnswer, Refusal> {
    let fields = &request.fields;
    let now = provider.now();
    // v1.0 calls it `code`.
    let code = match fields.optional("device_code")? {
        Some(code) => code,
        None => fields.optional("code")?.ok_or(Refusal::Missing("device_code"))?,
    };
    let polled = provider.database.device_codes().poll(&OpaqueHash::of(code), client.app.id, now).await?;
    let (wanted, authentication) = match polled {
        Poll::Answered(wanted, Approval::Approved(authentication)) => (wanted, authentication),
        Poll::Answered(_, Approval::Denied) => return Err(Refusal::Denied),
        Poll::Pending => return Err(Refusal::Pending),
        Poll::TooSoon => return Err(Refusal::SlowDown),
        Poll::Expired => return Err(Refusal::DeviceExpired),
        Poll::Unknown => return Err(Refusal::DeviceCode),
    };
    let user = provider.database.users().find(authentication.user).await?.ok_or(Refusal::DeviceCode)?;
    if wanted.tenant.is_some_and(|tenant| tenant != user.tenant) {
        return Err(Refusal::DeviceCode);
    }
    let DeviceRequest { scopes, resource, .. } = *wanted;
    let (id, of) = (GrantId::new(provider.guid()), (user.tenant, client.app.id));
    let grant =
        Grant { resource: resource.clone(), ..Grant::new(id, of, authentication, scopes.clone(), now) };
    let giving = Giving {
        client: &client,
        grant,
        user: &user,
        scopes: &scopes,
        resource: resource.as_deref(),
        nonce: None,
        // MSAL counts on it, asked for or not.
        renewal: Renewal::New { refresh: true },
    };
    give(provider, request, giving).await
}
