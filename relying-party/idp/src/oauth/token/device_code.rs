//! A device asks whether its user has answered (RFC 8628 §3.4).

use super::{TokenRequest, still_welcome, wants_client_info};
use crate::domain::{GrantId, OpaqueHash};
use crate::oauth::client::ClientProof;
use crate::oauth::error::Refusal;
use crate::oauth::issue::{self, ForUser, REFRESH, TokenAnswer};
use crate::oauth::resource::{allowed, resolve};
use crate::provider::Provider;
use crate::storage::{Approval, Grant, Poll};

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
    let grant = Grant {
        id: GrantId::new(provider.guid()),
        tenant: user.tenant,
        client: client.app.id,
        authentication,
        scopes: wanted.scopes,
        resource: wanted.resource,
        ends_at: None,
        created_at: now,
    };
    still_welcome(provider, &request.authority, &user, &grant).await?;
    let requested = resolve(provider, user.tenant, &grant.scopes, grant.resource.as_deref()).await?;
    let given = allowed(provider, (user.tenant, user.id), &client.app, &requested).await?;
    let expires_at = now.plus(REFRESH);
    provider.database.grants().create(&grant, expires_at).await?;
    let refresh_token = provider.opaque();
    provider.database.refresh_tokens().issue(&refresh_token.hash(), grant.id, expires_at, now).await?;
    let answer = ForUser {
        client: &client,
        grant: &grant,
        user: &user,
        requested: &requested,
        scopes: &given,
        nonce: None,
        // MSAL counts on it, asked for or not.
        refresh_token: Some(refresh_token),
        client_info: wants_client_info(fields)?,
    };
    issue::for_user(provider, request.protocol, answer).await
}
