//! One application's page, made from what the core knows.

use axum::response::Response;

use super::gate::Seat;
use crate::administration::{Administrator, Refused};
use crate::clock::UnixTime;
use crate::domain::{App, AppKind, ClientId, RedirectKind, TokenVersion};
use crate::pages::admin::{
    AppPage, AppRow, AppSettings, AssignmentRow, CertificateRow, ConsentRow, ScopeRow, SecretRow,
};
use crate::pages::{Notice, ShownSecret, When};
use crate::storage::GivenConsent;

/// Shows an application's page, with the secret that the request made.
pub(super) async fn page(
    seat: &Seat,
    id: ClientId,
    notice: Option<Notice>,
    new_secret: Option<ShownSecret>,
    status: u16,
) -> Result<Response, Refused> {
    let administrator = seat.administrator()?;
    let app = administrator.app(id).await?;
    let assignments = administrator.assignments(id).await?;
    let consents = administrator.consents(id).await?;
    let registration = &app.registration;
    let scopes = registration.scopes.iter().map(|scope| ScopeRow {
        name: scope.name.clone(),
        description: scope.description.clone(),
        reserved: scope.administrators_only,
    });
    let page = AppPage {
        frame: seat.frame(notice),
        app: row(seat, &app),
        issuer: format!("{}/{}/v2.0", seat.provider().settings.public_url(), seat.tenant().id),
        settings: settings(&app),
        secrets: secrets(&app, seat.provider().now()),
        new_secret,
        certificates: certificates(&app, seat.provider().now()),
        scopes: scopes.collect(),
        roles: registration.roles.iter().map(|role| (role.value.clone(), role.description.clone())).collect(),
        assignments: assignments
            .into_iter()
            .map(|row| AssignmentRow {
                name: row.name.unwrap_or_else(|| row.principal.clone()),
                principal: row.principal,
                role: row.role,
            })
            .collect(),
        consents: consents.into_iter().map(consent).collect(),
        permissions: permissions(&administrator, &app).await?,
    };
    Ok(seat.show(&page, &page.frame.policy(), status))
}

pub(super) fn row(seat: &Seat, app: &App) -> AppRow {
    AppRow {
        client_id: app.id.to_string(),
        name: app.name.clone(),
        confidential: app.registration.kind == AppKind::Confidential,
        built_in: app.home.is_none(),
        foreign: app.home.is_some_and(|home| home != seat.tenant().id),
        created: When::at(app.created_at),
    }
}

fn settings(app: &App) -> AppSettings {
    let registration = &app.registration;
    let uris = |kind: RedirectKind| {
        let all = registration.redirect_uris.iter().filter(|redirect| redirect.kind == kind);
        all.map(|redirect| redirect.uri.clone()).collect()
    };
    AppSettings {
        identifier_uri: app.identifier_uri.clone().unwrap_or_default(),
        redirect_uris: uris(RedirectKind::Web),
        spa_redirect_uris: uris(RedirectKind::Spa),
        native_redirect_uris: uris(RedirectKind::Native),
        post_logout_redirect_uris: registration.post_logout_redirect_uris.clone(),
        front_channel_logout_uri: registration.front_channel_logout_uri.clone().unwrap_or_default(),
        signing: registration.signing_algorithm.name().to_owned(),
        token_version: match registration.access_token_version {
            TokenVersion::V1 => 1,
            TokenVersion::V2 => 2,
        },
        confidential: registration.kind == AppKind::Confidential,
        public_flows: registration.public_flows,
        multi_tenant: registration.multi_tenant,
        assignment_required: registration.assignment_required,
        par: registration.pushed_requests,
        dpop: registration.dpop_bound,
    }
}

fn secrets(app: &App, now: UnixTime) -> Vec<SecretRow> {
    let row = |secret: &crate::domain::ClientSecret| SecretRow {
        id: secret.id.to_string(),
        description: match secret.description.as_str() {
            "" => "Secret".to_owned(),
            text => text.to_owned(),
        },
        hint: secret.hint.clone(),
        until: When::at(secret.expires_at),
        expired: secret.expires_at <= now,
    };
    app.registration.secrets.iter().map(row).collect()
}

/// A certificate's key is registered under several names; one row is enough.
fn certificates(app: &App, now: UnixTime) -> Vec<CertificateRow> {
    let keys = &app.registration.keys;
    let first = |at: usize, jwk: &serde_json::Value| keys.iter().position(|key| key.jwk == *jwk) == Some(at);
    let shown = keys.iter().enumerate().filter(|(at, key)| first(*at, &key.jwk));
    shown
        .map(|(_, key)| CertificateRow {
            thumbprint: key.id.clone(),
            kind: key.jwk.get("kty").and_then(|kind| kind.as_str()).unwrap_or_default().to_owned(),
            until: When::at(key.expires_at),
            expired: key.expires_at <= now,
        })
        .collect()
}

fn consent(given: GivenConsent) -> ConsentRow {
    let id = given.user.map(|user| user.to_string()).unwrap_or_default();
    let name = if id.is_empty() { "Everyone".to_owned() } else { given.upn.unwrap_or_else(|| id.clone()) };
    ConsentRow {
        user: id,
        name,
        resource: given.resource,
        scopes: given.scopes.words().map(str::to_owned).collect(),
        given: When::at(given.given_at),
    }
}

/// Each scope of each API that the tenant knows, but the application's own, which it always has.
async fn permissions(
    administrator: &Administrator<'_>,
    client: &App,
) -> Result<Vec<(String, String)>, Refused> {
    let apis = administrator.apps().await?.into_iter().filter(|api| api.id != client.id);
    let of_api = |api: App| {
        let (id, name) = (api.id, api.name);
        let scopes = api.registration.scopes.into_iter();
        scopes.map(move |scope| (format!("{id} {}", scope.name), format!("{name}: {}", scope.name)))
    };
    Ok(apis.flat_map(of_api).collect())
}
