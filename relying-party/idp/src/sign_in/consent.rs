//! What an application may do for a user: asked once, remembered.

use super::flow::Flow;
use super::problem::Stop;
use super::state::Goal;
use crate::audit_chain::Event;
use crate::domain::{Authority, Scopes, User};
use crate::oauth::authorize::Prompt;
use crate::oauth::{Refusal, Requested, allowed, resolve};
use crate::pages::ScopeLine;
use crate::storage;

/// What the user must be asked for, if anything.
pub(super) async fn missing(flow: &Flow<'_>, user: &User) -> Result<Option<Requested>, Stop> {
    let request = &flow.request;
    if matches!(flow.state.goal, Goal::Own(_) | Goal::Welcome(_)) {
        return Ok(None);
    }
    let refused = |refusal: Refusal| {
        if refusal.row().status >= 500 { Stop::Page(refusal) } else { flow.to_client(refusal) }
    };
    let requested = resolve(flow.provider, user.tenant, &request.scopes, request.resource.as_deref());
    let requested = requested.await.map_err(refused)?;
    let asks = request.prompt == Prompt::Consent && !flow.state.consented;
    match allowed(flow.provider, (user.tenant, user.id), &request.client, &requested).await {
        Ok(_) if !asks => Ok(None),
        Ok(_) => Ok(Some(requested)),
        // Asked and given, and it is still not enough: asking again would not end.
        Err(Refusal::Consent) if flow.state.consented => Err(flow.to_client(Refusal::Consent)),
        Err(Refusal::Consent) if may_answer(flow, user, &requested).await? => Ok(Some(requested)),
        Err(refusal) => Err(refused(refusal)),
    }
}

/// Whether this user may give what is asked for, or only an administrator.
async fn may_answer(flow: &Flow<'_>, user: &User, requested: &Requested) -> Result<bool, storage::Error> {
    if user.administrator {
        return Ok(true);
    }
    let tenant = flow.provider.tenant(&Authority::Tenant(user.tenant)).await?;
    let users_may = tenant.is_some_and(|tenant| tenant.policy.user_consent);
    let wanted = wanted(requested, user);
    let exposed = &requested.resource.registration.scopes;
    let reserved = exposed.iter().any(|scope| scope.administrators_only && requested.names.has(&scope.name));
    Ok(users_may && !wanted.is_empty() && !reserved)
}

/// The names that consent is given to. `.default` stands for all that this user may give.
pub(super) fn wanted(requested: &Requested, user: &User) -> Scopes {
    let exposed = &requested.resource.registration.scopes;
    if requested.default {
        let all = exposed.iter().filter(|scope| user.administrator || !scope.administrators_only);
        let all: Scopes = all.map(|scope| scope.name.as_str()).collect();
        all.union(&requested.names)
    } else {
        requested.names.clone()
    }
}

/// The lines of the page.
pub(super) fn lines(requested: &Requested, user: &User) -> Vec<ScopeLine> {
    let exposed = &requested.resource.registration.scopes;
    let wanted = wanted(requested, user);
    let own = wanted.words().map(|name| match exposed.iter().find(|scope| scope.name == name) {
        Some(scope) if !scope.description.is_empty() => {
            let detail = format!("A permission of {}.", requested.resource.name);
            ScopeLine::registered(name, &scope.description, &detail)
        }
        Some(_) | None => ScopeLine::of(name),
    });
    requested.openid.words().map(ScopeLine::of).chain(own).collect()
}

/// Remembers the user's yes, or an administrator's for everyone.
pub(super) async fn give(
    flow: &Flow<'_>,
    user: &User,
    requested: &Requested,
    everyone: bool,
) -> Result<(), storage::Error> {
    let scopes = wanted(requested, user);
    if scopes.is_empty() {
        return Ok(());
    }
    let giver = if everyone && user.administrator { None } else { Some(user.id) };
    let pair = (flow.request.client.id, requested.resource.id);
    let now = flow.provider.now();
    flow.provider.database.consents().give(user.tenant, giver, pair, &scopes, now).await?;
    let whose = giver.map_or_else(|| "everyone".to_owned(), |user| user.to_string());
    let detail = [("for", whose), ("resource", pair.1.to_string()), ("scopes", scopes.to_string())];
    let event = Event {
        at: now,
        tenant: Some(user.tenant.guid()),
        actor: user.id.to_string(),
        action: "consent.given".to_owned(),
        target: pair.0.to_string(),
        detail: detail.map(|(name, value)| (name.to_owned(), value)).into(),
    };
    flow.provider.audit(&event).await
}
