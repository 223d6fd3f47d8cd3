//! A client sends a user's name and password (RFC 6749 §4.3), where the tenant allows it. Deviation from RFC 9700 §2.4,
//! which forbids it: test programs and old brokers have nothing else, so it is a tenant's decision, off by default.

use super::{TokenRequest, one_tenant, wanted, wants_client_info};
use crate::domain::{Amr, AppKind, Authentication, GrantId, Registration, UserId};
use crate::oauth::client::ClientProof;
use crate::oauth::error::Refusal;
use crate::oauth::issue::{self, ForUser, REFRESH, TokenAnswer};
use crate::oauth::resource::{allowed, resolve};
use crate::provider::Provider;
use crate::sign_in::{PasswordAttempt, WrongPassword, check_password};
use crate::storage::Grant;
use crate::strength::Strength;

pub(super) async fn redeem(
    provider: &Provider,
    request: &TokenRequest<'_>,
    client: ClientProof,
) -> Result<TokenAnswer, Refusal> {
    let fields = &request.fields;
    let tenant = one_tenant(provider, &request.authority).await?;
    let registration = &client.app.registration;
    let trusted = registration.kind == AppKind::Confidential || registration.public_flows;
    if !tenant.policy.password_grant || !trusted || !client.app.known_to(tenant.id) {
        return Err(Refusal::GrantNotAllowed);
    }
    let attempt = PasswordAttempt {
        tenant: tenant.id,
        upn: fields.required("username")?,
        password: fields.required("password")?,
        client: client.app.id,
        address: request.address,
        agent: request.agent,
        correlation: request.correlation,
    };
    let user = check_password(provider, &attempt).await.map_err(|wrong| match wrong {
        WrongPassword::Wrong => Refusal::WrongPassword,
        WrongPassword::Locked => Refusal::Locked,
        WrongPassword::Disabled => Refusal::UserDisabled,
        WrongPassword::Busy => Refusal::Busy,
        WrongPassword::Storage(error) => Refusal::Storage(error),
    })?;
    if wants_second_factor(provider, registration, user.id).await? {
        return Err(Refusal::SecondFactor);
    }
    let now = provider.now();
    let (scopes, resource) = wanted(fields)?;
    let authentication = Authentication {
        user: user.id,
        session: None,
        at: now,
        methods: vec![Amr::Pwd],
        device: None,
        contexts: Vec::new(),
    };
    let grant = Grant {
        id: GrantId::new(provider.guid()),
        tenant: user.tenant,
        client: client.app.id,
        authentication,
        scopes: scopes.unwrap_or_default(),
        resource: resource.map(str::to_owned),
        ends_at: None,
        created_at: now,
    };
    let requested = resolve(provider, user.tenant, &grant.scopes, resource).await?;
    let given = allowed(provider, (user.tenant, user.id), &client.app, &requested).await?;
    let expires_at = now.plus(REFRESH);
    provider.database.grants().create(&grant, expires_at).await?;
    let refresh_token = if grant.scopes.has("offline_access") {
        let token = provider.opaque();
        provider.database.refresh_tokens().issue(&token.hash(), grant.id, expires_at, now).await?;
        Some(token)
    } else {
        None
    };
    let answer = ForUser {
        client: &client,
        grant: &grant,
        user: &user,
        requested: &requested,
        scopes: &given,
        nonce: None,
        refresh_token,
        client_info: wants_client_info(fields)?,
    };
    issue::for_user(provider, request.protocol, answer).await
}

/// A password alone is not enough for an application that asks for more, or for whoever has an authenticator app.
async fn wants_second_factor(provider: &Provider, app: &Registration, user: UserId) -> Result<bool, Refusal> {
    Ok(app.strength > Strength::SingleFactor || !provider.database.totp().of_user(user).await?.is_empty())
}
