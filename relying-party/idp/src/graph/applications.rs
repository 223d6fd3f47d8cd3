//! `/applications`. An application has one ID here, its client ID, so `id` and `appId` are the same.

use serde::{Deserialize, Serialize};
use serde_json::json;
use uuid::Uuid;

use super::caller::Permission;
use super::query::{Operator, stamp, time};
use super::shown::{self, MULTI_TENANT, OWN_TENANT};
use super::{Answer, GraphError, Request, Verb, policies, users};
use crate::administration::{Administrator, NewRegistration, Platform, Refused};
use crate::clock::UnixTime;
use crate::domain::{App, ClientId, RedirectKind, RedirectUri, TokenVersion};

/// How long a secret lasts when nobody says it.
const USUAL_DAYS: u32 = 180;

/// An application in a body. What is absent stays.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Change {
    display_name: Option<String>,
    identifier_uris: Option<Vec<String>>,
    sign_in_audience: Option<String>,
    is_fallback_public_client: Option<bool>,
    web: Option<Uris>,
    spa: Option<Uris>,
    public_client: Option<Uris>,
    api: Option<Api>,
    authentication_strength: Option<StrengthRef>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Uris {
    redirect_uris: Option<Vec<String>>,
    logout_url: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Api {
    requested_access_token_version: Option<u8>,
}

/// Which strength a sign-in to the application must have.
#[derive(Deserialize, Serialize)]
pub(super) struct StrengthRef {
    pub(super) id: String,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct AddPassword {
    password_credential: PasswordCredential,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct PasswordCredential {
    display_name: Option<String>,
    end_date_time: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RemovePassword {
    key_id: Uuid,
}

pub(super) async fn answer(
    request: &Request<'_>,
    verb: Verb,
    segments: &[&str],
) -> Result<Answer, GraphError> {
    match (verb, segments) {
        (Verb::Get, []) => list(request).await,
        (Verb::Post, []) => create(request).await,
        (Verb::Get, [id]) => {
            let administrator = request.caller.may(request.provider, Permission::ReadApps)?;
            let app = find(&administrator, id).await?;
            Ok(Answer::ok(request.context("applications/$entity", request.query.selected(shown::app(&app)))))
        }
        (Verb::Patch, [id]) => {
            let (administrator, app) = changed(request, id).await?;
            let change: Change = request.body()?;
            administrator.change_app(app.id, |app| change.apply(app)).await?;
            Ok(Answer::nothing())
        }
        (Verb::Delete, [id]) => {
            let (administrator, app) = changed(request, id).await?;
            administrator.delete_app(app.id).await?;
            Ok(Answer::nothing())
        }
        (Verb::Post, [id, "addpassword"]) => add_password(request, id).await,
        (Verb::Post, [id, "removepassword"]) => {
            let (administrator, app) = changed(request, id).await?;
            let named: RemovePassword = request.body()?;
            administrator.delete_secret(app.id, named.key_id).await?;
            Ok(Answer::nothing())
        }
        (Verb::Get | Verb::Post | Verb::Patch | Verb::Delete, _) => Err(GraphError::NoSegment),
    }
}

/// An application that the tenant registered, by ID.
async fn find(administrator: &Administrator<'_>, id: &str) -> Result<App, GraphError> {
    let app = match id.parse::<ClientId>() {
        Ok(named) => administrator.app(named).await.map_err(|refused| GraphError::about(refused, id))?,
        Err(_) => return Err(GraphError::missing(id)),
    };
    if administrator.owns(&app) { Ok(app) } else { Err(GraphError::missing(id)) }
}

async fn changed<'a>(request: &Request<'a>, id: &str) -> Result<(Administrator<'a>, App), GraphError> {
    let administrator = request.caller.may(request.provider, Permission::WriteApps)?;
    let app = find(&administrator, id).await?;
    Ok((administrator, app))
}

async fn list(request: &Request<'_>) -> Result<Answer, GraphError> {
    let administrator = request.caller.may(request.provider, Permission::ReadApps)?;
    let mut apps = administrator.apps().await?;
    apps.retain(|app| administrator.owns(app));
    request.query.filter(|comparison| {
        let value = comparison.value.clone();
        match (comparison.name.as_str(), comparison.operator) {
            ("appid" | "id", Operator::Equal) => {
                apps.retain(|app| app.id.to_string() == value.to_lowercase());
            }
            ("displayname", Operator::Equal) => apps.retain(|app| app.name == value),
            _ => return Ok(false),
        }
        Ok(true)
    })?;
    let all = u64::try_from(apps.len()).ok();
    // By name and ID, as they come; the page begins after the application that the last one ended with.
    let after = request.query.after.as_deref().map(users::place).transpose()?;
    let seen = after.and_then(|after| apps.iter().position(|app| app.id.to_string() == after));
    let rest = apps.split_off(seen.map_or(0, |at| at + 1));
    let most = usize::try_from(request.query.most()).unwrap_or(usize::MAX);
    let (page, more) = rest.split_at_checked(most).unwrap_or((&rest, &[]));
    let next = page.last().filter(|_| !more.is_empty()).map(|app| users::token(&app.id.to_string()));
    let rows = page.iter().map(shown::app).collect();
    let path = format!("{}/applications", request.base);
    let page = request.query.page(&path, rows, next.as_deref(), all);
    Ok(Answer::ok(request.context("applications", page)))
}

async fn create(request: &Request<'_>) -> Result<Answer, GraphError> {
    let administrator = request.caller.may(request.provider, Permission::WriteApps)?;
    let new: Change = request.body()?;
    let some = |uris: &Option<Uris>| {
        uris.as_ref().and_then(|uris| uris.redirect_uris.clone()).filter(|uris| !uris.is_empty())
    };
    let (platform, redirect_uris) = if let Some(uris) = some(&new.web) {
        (Platform::Web, uris)
    } else if let Some(uris) = some(&new.spa) {
        (Platform::Spa, uris)
    } else if let Some(uris) = some(&new.public_client) {
        (Platform::Native, uris)
    } else {
        (Platform::Service, Vec::new())
    };
    let registration = NewRegistration {
        name: new.display_name.clone().unwrap_or_default(),
        platform,
        redirect_uris,
        identifier_uri: new.identifier_uris.as_ref().and_then(|uris| uris.first().cloned()),
    };
    let app = administrator.register_app(&registration).await?;
    // What it has beside that.
    administrator.change_app(app.id, |app| new.apply(app)).await?;
    let app = administrator.app(app.id).await?;
    Ok(Answer::created(request.context("applications/$entity", shown::app(&app))))
}

async fn add_password(request: &Request<'_>, id: &str) -> Result<Answer, GraphError> {
    let (administrator, app) = changed(request, id).await?;
    let new: AddPassword = if request.body.is_empty() { AddPassword::default() } else { request.body()? };
    let wanted = new.password_credential;
    let days = match wanted.end_date_time {
        Some(end) => days_until(time(&end)?, request.provider.now())?,
        None => USUAL_DAYS,
    };
    let name = wanted.display_name.unwrap_or_default();
    let name = if name.trim().is_empty() { "Secret" } else { name.as_str() };
    let (key_id, secret) = administrator.add_secret(app.id, name, days).await?;
    let app = administrator.app(app.id).await?;
    let stored = app.registration.secrets.iter().find(|stored| stored.id == key_id);
    let answer = json!({
        "keyId": key_id,
        "secretText": secret.expose(),
        "displayName": name,
        "hint": stored.map(|stored| stored.hint.clone()),
        "endDateTime": stored.map(|stored| stamp(stored.expires_at)),
    });
    Ok(Answer::ok(request.context("microsoft.graph.passwordCredential", answer)))
}

/// Secrets last whole days; one that is begun counts.
fn days_until(end: UnixTime, now: UnixTime) -> Result<u32, GraphError> {
    let seconds = end.since(now).as_secs();
    if seconds == 0 {
        return Err(GraphError::BadRequest("endDateTime must lie ahead".to_owned()));
    }
    Ok(u32::try_from(seconds.div_ceil(24 * 60 * 60)).unwrap_or(u32::MAX))
}

impl Change {
    fn apply(&self, app: &mut App) -> Result<(), Refused> {
        if let Some(name) = &self.display_name {
            app.name.clone_from(name);
        }
        if let Some(uris) = &self.identifier_uris {
            if uris.len() > 1 {
                return Err(Refused::Invalid("An application has one identifier URI.".to_owned()));
            }
            app.identifier_uri = uris.first().cloned();
        }
        let registration = &mut app.registration;
        match self.sign_in_audience.as_deref() {
            None => {}
            Some(OWN_TENANT) => registration.multi_tenant = false,
            Some(MULTI_TENANT) => registration.multi_tenant = true,
            Some(_) => {
                let text = format!("signInAudience must be {OWN_TENANT} or {MULTI_TENANT}.");
                return Err(Refused::Invalid(text));
            }
        }
        if let Some(fallback) = self.is_fallback_public_client {
            registration.public_flows = fallback;
        }
        let uris = [
            (&self.web, RedirectKind::Web),
            (&self.spa, RedirectKind::Spa),
            (&self.public_client, RedirectKind::Native),
        ];
        for (uris, kind) in uris {
            let Some(uris) = uris.as_ref().and_then(|uris| uris.redirect_uris.as_ref()) else { continue };
            registration.redirect_uris.retain(|known| known.kind != kind);
            let new = uris.iter().map(|uri| RedirectUri { uri: uri.clone(), kind });
            registration.redirect_uris.extend(new);
        }
        if let Some(url) = self.web.as_ref().and_then(|web| web.logout_url.as_ref()) {
            registration.front_channel_logout_uri = Some(url.clone()).filter(|url| !url.is_empty());
        }
        match self.api.as_ref().and_then(|api| api.requested_access_token_version) {
            None => {}
            Some(1) => registration.access_token_version = TokenVersion::V1,
            Some(2) => registration.access_token_version = TokenVersion::V2,
            Some(_) => {
                return Err(Refused::Invalid("requestedAccessTokenVersion must be 1 or 2.".to_owned()));
            }
        }
        if let Some(named) = &self.authentication_strength {
            registration.strength = policies::strength(&named.id)
                .ok_or_else(|| Refused::Invalid("There is no such authentication strength.".to_owned()))?;
        }
        Ok(())
    }
}
