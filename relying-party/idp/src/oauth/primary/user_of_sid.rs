//! What a device asks about users who sign in to it (`sidtoname`).

use serde::Deserialize;
use serde_json::{Value, json};

use super::super::error::Refusal;
use super::super::token::TokenRequest;
use super::nonce::take_nonce;
use super::{Known, Peer, PrimaryRefusal};
use crate::devices::{Signed, signed};
use crate::domain::security_identifier;
use crate::oauth::token::named_tenant;
use crate::provider::Provider;

#[derive(Deserialize)]
struct Request {
    nonce: String,
    username: String,
}

/// The names and the security identifier of a user of the device's tenant. The form's `signedRequest` is signed by the device.
///
/// # Errors
/// When the device is not believed, or its tenant has no such user.
pub async fn user_of_sid(provider: &Provider, request: &TokenRequest<'_>) -> Result<Value, Refusal> {
    // Without it there was no request that anything could be said of.
    let text = request.fields.required("signedRequest")?;
    let mut known = Known::default();
    let result = answer(provider, request, text, &mut known).await;
    if let Err(refusal) = &result {
        known.refused(provider, &Peer::of(request), refusal).await?;
    }
    result
}

async fn answer(
    provider: &Provider,
    request: &TokenRequest<'_>,
    text: &str,
    known: &mut Known,
) -> Result<Value, Refusal> {
    let only = named_tenant(provider, &request.authority).await?;
    let Signed { device, payload, .. } = signed::<Request>(provider, text, only).await?;
    (known.device, known.tenant) = (Some(device.id), Some(device.tenant));
    take_nonce(provider, &payload.nonce).await?;
    let found = provider.database.users().by_upn(&payload.username).await?;
    let user = found.map(|(user, _)| user).filter(|user| user.tenant == device.tenant);
    let user = user.ok_or(PrimaryRefusal::User)?;
    let (account, domain) = user.upn.split_once('@').unwrap_or((&user.upn, ""));
    Ok(json!({
        "upn": user.upn,
        "email": user.email,
        "name": user.given_name.as_ref().unwrap_or(&user.display_name),
        "family_name": user.family_name,
        "sid": security_identifier(user.id.guid()),
        "onprem_sam_account_name": account,
        "domain_netbios_name": domain.split('.').next().unwrap_or_default(),
        "domain_dns_name": domain,
    }))
}
