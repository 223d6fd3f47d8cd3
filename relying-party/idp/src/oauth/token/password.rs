//! A client sends a user's name and password (RFC 6749 §4.3), where the tenant allows it. Deviation from RFC 9700 §2.4,
//! which forbids it: test programs and old brokers have nothing else, so it is a tenant's decision, off by default.

use super::give::{Giving, Renewal, give};
use super::{TokenRequest, one_tenant, wanted};
use crate::domain::{
    Amr, AppKind, Authentication, Authority, GrantId, Registration, SecondFactor, TenantPolicy, User, UserId,
};
use crate::oauth::claims::challenge;
use crate::oauth::client::ClientProof;
use crate::oauth::error::Refusal;
use crate::oauth::issue::TokenAnswer;
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
    let user = check_password(provider, &attempt).await.map_err(WrongPassword::refusal)?;
    if wants_second_factor(provider, registration, &tenant.policy, user.id).await? {
        return Err(Refusal::SecondFactor);
    }
    if provider.database.users().password_state(user.id).await?.is_some_and(|(_, must_change)| must_change) {
        return Err(Refusal::PasswordChange);
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
    let scopes = scopes.unwrap_or_default();
    let (id, of) = (GrantId::new(provider.guid()), (user.tenant, client.app.id));
    let grant = Grant {
        resource: resource.map(str::to_owned),
        ..Grant::new(id, of, authentication, scopes.clone(), now)
    };
    let giving = Giving {
        client: &client,
        grant,
        user: &user,
        scopes: &scopes,
        resource,
        nonce: None,
        renewal: Renewal::New { refresh: scopes.has("offline_access") },
    };
    give(provider, request, giving).await
}

/// Refuses a sign-in with a password alone of whoever has a second factor, or must have one, and says how to get a stronger one.
pub(in crate::oauth) async fn check_second_factor(
    provider: &Provider,
    user: &User,
    authentication: &Authentication,
) -> Result<(), Refusal> {
    let methods = &authentication.methods;
    if !methods.contains(&Amr::Pwd) || methods.contains(&Amr::Mfa) {
        return Ok(());
    }
    let tenant = provider.tenant(&Authority::Tenant(user.tenant)).await?.ok_or(Refusal::Tenant)?;
    if has_second_factor(provider, &tenant.policy, user.id).await? {
        return Err(Refusal::Interaction(challenge(&tenant.policy, Strength::Multifactor)));
    }
    Ok(())
}

/// A password alone is not enough for an application or a tenant that asks for more, or for whoever has an authenticator app.
async fn wants_second_factor(
    provider: &Provider,
    app: &Registration,
    policy: &TenantPolicy,
    user: UserId,
) -> Result<bool, Refusal> {
    let asked = app.strength.max(policy.strength) > Strength::SingleFactor;
    Ok(asked || has_second_factor(provider, policy, user).await?)
}

/// Whether the user has a second factor, or must have one.
async fn has_second_factor(
    provider: &Provider,
    policy: &TenantPolicy,
    user: UserId,
) -> Result<bool, Refusal> {
    let required = policy.second_factor == SecondFactor::Required;
    Ok(required || !provider.database.totp().of_user(user).await?.is_empty())
}
