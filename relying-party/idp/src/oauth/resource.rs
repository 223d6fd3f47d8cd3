//! What a request asks for: the one API that it names, and which of its scopes the client may have.

use std::sync::Arc;

use super::error::Refusal;
use crate::domain::{App, ClientId, Scope, Scopes, TenantId, UserId, first_party};
use crate::provider::Provider;

/// The requested access, resolved.
#[derive(Clone, Debug)]
pub(crate) struct Requested {
    /// The API.
    pub(crate) resource: Arc<App>,
    /// `openid`, `profile`, `email`, `offline_access`, as asked.
    pub(crate) openid: Scopes,
    /// Names of the API's scopes.
    pub(crate) names: Scopes,
    /// Whether `.default` was asked: all that was consented to.
    pub(crate) default: bool,
    /// How the client wrote each scope: it must find them in the answer.
    pub(crate) written: Scopes,
}

/// Finds the API that `scopes` or a v1.0 `resource` name.
pub(crate) async fn resolve(
    provider: &Provider,
    tenant: TenantId,
    scopes: &Scopes,
    resource: Option<&str>,
) -> Result<Requested, Refusal> {
    let mut api = resource;
    let mut names = Vec::new();
    let mut openid = Vec::new();
    let mut default = resource.is_some();
    for scope in scopes.iter() {
        match scope {
            Scope::OpenId(word) => openid.push(word),
            Scope::Resource { resource, name } => {
                if let (Some(before), Some(now)) = (api, resource)
                    && before != now
                {
                    return Err(Refusal::ManyResources);
                }
                api = api.or(resource);
                if name == ".default" {
                    default = true;
                } else if name.is_empty() {
                    return Err(Refusal::Scope("a scope needs a name"));
                } else {
                    names.push(name);
                }
            }
        }
    }
    let found = match api {
        Some(name) => find(provider, name).await?,
        None => provider.app(first_party::GRAPH).await?,
    };
    let found = found.filter(|app| app.known_to(tenant));
    let resource = found.ok_or_else(|| Refusal::Resource(printable(api.unwrap_or_default())))?;
    Ok(Requested {
        resource,
        openid: openid.into_iter().collect(),
        names: names.into_iter().collect(),
        default,
        written: scopes.clone(),
    })
}

async fn find(provider: &Provider, name: &str) -> Result<Option<Arc<App>>, Refusal> {
    if let Some(app) = provider.resource(name).await? {
        return Ok(Some(app));
    }
    // `https://api.example/` and `https://api.example` are both written for one API.
    let other = name.strip_suffix('/').map_or_else(|| format!("{name}/"), str::to_owned);
    Ok(provider.resource(&other).await?)
}

/// The scopes that the client gets for a user: what was asked, if it exists and was consented to.
pub(crate) async fn allowed(
    provider: &Provider,
    (tenant, user): (TenantId, UserId),
    client: &App,
    requested: &Requested,
) -> Result<Scopes, Refusal> {
    let exposed = &requested.resource.registration.scopes;
    let exists = |name: &str| exposed.iter().any(|scope| scope.name == name);
    if !requested.names.words().all(exists) {
        return Err(Refusal::Scope("the resource has no such scope"));
    }
    let pair: (ClientId, ClientId) = (client.id, requested.resource.id);
    // An application may always have itself, and what the provider knows about the user that just signed in.
    let own = client.registration.consented || client.id == requested.resource.id;
    if !requested.default && requested.names.is_empty() {
        return Ok(requested.openid.clone());
    }
    let consented: Scopes = if own {
        exposed.iter().map(|scope| scope.name.as_str()).collect()
    } else {
        provider.database.consents().find(tenant, user, pair).await?
    };
    if !consented.covers(&requested.names) {
        return Err(Refusal::Consent);
    }
    if !requested.default {
        return Ok(requested.names.union(&requested.openid));
    }
    let all: Scopes = consented.words().filter(|name| exists(name)).collect();
    if all.is_empty() && !own {
        return Err(Refusal::Consent);
    }
    Ok(all.union(&requested.openid))
}

/// A name of the peer's for an error text.
fn printable(text: &str) -> String {
    text.chars()
        .filter(|c| c.is_ascii_graphic() && !matches!(c, '<' | '>' | '"' | '\'' | '&'))
        .take(120)
        .collect()
}
