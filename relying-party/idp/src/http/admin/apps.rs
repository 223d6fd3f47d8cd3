//! App registrations: the list, one of them, and what is changed about it.

use axum::extract::{Path, RawQuery};
use axum::response::Response;
use uuid::Uuid;

use super::app_page;
use super::changes::{Done, after, again};
use super::gate::Seat;
use super::query::Query;
use crate::administration::{NewRegistration, Platform, Principal, Refused};
use crate::domain::{
    App, AppKind, AppRole, ClientId, ExposedScope, RedirectKind, RedirectUri, Scopes, SigningAlgorithm,
    TokenVersion, UserId,
};
use crate::pages::admin::{AppsPage, NewAppPage};
use crate::pages::{Notice, ShownSecret};

pub(super) async fn list(seat: Seat, raw: RawQuery) -> Response {
    let notice = Done::notice(Query::read(&raw).text("done"));
    let shown = async {
        let apps = seat.administrator()?.apps().await?;
        let rows = apps.iter().map(|app| app_page::row(&seat, app)).collect();
        let page = AppsPage { frame: seat.frame(notice), apps: rows };
        Ok(seat.show(&page, &page.frame.policy(), 200))
    };
    shown.await.unwrap_or_else(|refused: Refused| seat.refuse(&refused))
}

pub(super) async fn new(seat: Seat) -> Response {
    new_page(&seat, None, 200)
}

fn new_page(seat: &Seat, notice: Option<Notice>, status: u16) -> Response {
    let page = NewAppPage {
        frame: seat.frame(notice),
        name: seat.field("name").to_owned(),
        kind: seat.field("kind").to_owned(),
        redirect_uris: seat.field("redirect_uris").to_owned(),
    };
    seat.show(&page, &page.frame.policy(), status)
}

pub(super) async fn create(seat: Seat) -> Response {
    let made = async {
        let platform = match seat.field("kind") {
            "web" => Platform::Web,
            "spa" => Platform::Spa,
            "native" => Platform::Native,
            "service" => Platform::Service,
            _ => return Err(Refused::Invalid("Choose a kind.".to_owned())),
        };
        let new = NewRegistration {
            name: seat.field("name").to_owned(),
            platform,
            redirect_uris: seat.lines("redirect_uris"),
            identifier_uri: None,
        };
        seat.administrator()?.register_app(&new).await
    };
    match made.await {
        Ok(app) => after_change(&seat, app.id, Ok(Done::Added)).await,
        Err(refused) => {
            again(&seat, refused, async |notice, status| Ok(new_page(&seat, Some(notice), status))).await
        }
    }
}

pub(super) async fn show(seat: Seat, Path((_, id)): Path<(String, String)>, raw: RawQuery) -> Response {
    let notice = Done::notice(Query::read(&raw).text("done"));
    let shown = async { app_page::page(&seat, client_id(&id)?, notice, None, 200).await };
    shown.await.unwrap_or_else(|refused| seat.refuse(&refused))
}

/// Saves the settings.
pub(super) async fn save(seat: Seat, Path((_, id)): Path<(String, String)>) -> Response {
    let id = match client_id(&id) {
        Ok(id) => id,
        Err(refused) => return seat.refuse(&refused),
    };
    let saved = async {
        let settings = settings(&seat)?;
        seat.administrator()?.change_app(id, settings).await.map(|()| Done::Saved)
    };
    after_change(&seat, id, saved.await).await
}

/// The settings form, as a change of the registration.
fn settings(seat: &Seat) -> Result<impl FnOnce(&mut App) -> Result<(), Refused> + Send + use<>, Refused> {
    let signing = match seat.field("signing") {
        "RS256" => SigningAlgorithm::Rs256,
        "ES256" => SigningAlgorithm::Es256,
        _ => return Err(Refused::Invalid("Choose how tokens are signed.".to_owned())),
    };
    let version = match seat.field("token_version") {
        "1" => TokenVersion::V1,
        "2" => TokenVersion::V2,
        _ => return Err(Refused::Invalid("Choose a token version.".to_owned())),
    };
    let optional = |name| Some(seat.field(name).trim().to_owned()).filter(|text| !text.is_empty());
    let name = seat.field("name").trim().to_owned();
    let (identifier_uri, front_channel) = (optional("identifier_uri"), optional("front_channel_logout_uri"));
    let after_logout = seat.lines("post_logout_redirect_uris");
    let redirects = [
        (RedirectKind::Web, "redirect_uris"),
        (RedirectKind::Spa, "spa_redirect_uris"),
        (RedirectKind::Native, "native_redirect_uris"),
    ];
    let redirects = redirects
        .into_iter()
        .flat_map(|(kind, name)| seat.lines(name).into_iter().map(move |uri| RedirectUri { uri, kind }));
    let redirects: Vec<_> = redirects.collect();
    let kind = if seat.ticked("confidential") { AppKind::Confidential } else { AppKind::Public };
    let [public_flows, multi_tenant, assignment_required, par, dpop] =
        ["public_flows", "multi_tenant", "assignment_required", "par", "dpop"].map(|name| seat.ticked(name));
    Ok(move |app: &mut App| {
        (app.name, app.identifier_uri) = (name, identifier_uri);
        let registration = &mut app.registration;
        registration.kind = kind;
        registration.redirect_uris = redirects;
        registration.post_logout_redirect_uris = after_logout;
        registration.front_channel_logout_uri = front_channel;
        (registration.signing_algorithm, registration.access_token_version) = (signing, version);
        registration.public_flows = public_flows;
        registration.multi_tenant = multi_tenant;
        registration.assignment_required = assignment_required;
        (registration.pushed_requests, registration.dpop_bound) = (par, dpop);
        Ok(())
    })
}

/// Adds something to an application, or deletes it: the last segment of the path says what.
pub(super) async fn add(seat: Seat, Path((_, id, thing)): Path<(String, String, String)>) -> Response {
    let id = match client_id(&id) {
        Ok(id) => id,
        Err(refused) => return seat.refuse(&refused),
    };
    match thing.as_str() {
        "secrets" => add_secret(&seat, id).await,
        "delete" => {
            let deleted = async { seat.administrator()?.delete_app(id).await.map(|()| Done::Deleted) };
            after(&seat, deleted.await, &seat.path("/apps"), |notice, status| {
                app_page::page(&seat, id, Some(notice), None, status)
            })
            .await
        }
        other => after_change(&seat, id, add_thing(&seat, id, other).await).await,
    }
}

async fn add_thing(seat: &Seat, id: ClientId, thing: &str) -> Result<Done, Refused> {
    let administrator = seat.administrator()?;
    let word = |name| seat.field(name).trim().to_owned();
    match thing {
        "certificates" => administrator.add_certificate(id, seat.field("pem")).await?,
        "scopes" => {
            let scope = ExposedScope {
                name: word("name"),
                description: word("description"),
                administrators_only: seat.ticked("reserved"),
            };
            administrator.expose_scope(id, scope).await?;
        }
        "roles" => {
            let role = AppRole { value: word("value"), description: word("description") };
            administrator.add_role(id, role).await?;
        }
        "assignments" => {
            let typed = seat.field("principal").trim();
            let principal = match typed.parse() {
                Ok(client) => Principal::Application(client),
                Err(_) => Principal::User(administrator.user_named(typed).await?.id),
            };
            administrator.assign(id, principal, seat.field("role")).await?;
        }
        "consents" => {
            let (api, scope) = seat.field("permission").split_once(' ').ok_or(Refused::NotFound("scope"))?;
            let api = api.parse().map_err(|_| Refused::NotFound("scope"))?;
            let scopes = Scopes::parse(scope).map_err(|_| Refused::NotFound("scope"))?;
            administrator.consent_for_all(id, api, &scopes).await?;
        }
        _ => return Err(Refused::NotFound("page")),
    }
    Ok(Done::Added)
}

async fn add_secret(seat: &Seat, id: ClientId) -> Response {
    let made =
        async { seat.administrator()?.add_secret(id, seat.field("description"), seat.number("days")?).await };
    match made.await {
        Ok((_, secret)) => {
            let notice = Some(Notice::success("The secret is ready."));
            let secret = Some(ShownSecret::new(secret.expose().to_owned()));
            let shown = app_page::page(seat, id, notice, secret, 200).await;
            shown.unwrap_or_else(|refused| seat.refuse(&refused))
        }
        Err(refused) => after_change(seat, id, Err(refused)).await,
    }
}

pub(super) async fn delete_secret(
    seat: Seat,
    Path((_, id, secret)): Path<(String, String, String)>,
) -> Response {
    let id = match client_id(&id) {
        Ok(id) => id,
        Err(refused) => return seat.refuse(&refused),
    };
    let deleted = async {
        let secret = Uuid::try_parse(&secret).map_err(|_| Refused::NotFound("secret"))?;
        seat.administrator()?.delete_secret(id, secret).await.map(|()| Done::Deleted)
    };
    after_change(&seat, id, deleted.await).await
}

/// Takes something back that the form names. Names have capital letters, which a path does not keep.
pub(super) async fn remove(
    seat: Seat,
    Path((_, id, thing, verb)): Path<(String, String, String, String)>,
) -> Response {
    let id = match client_id(&id) {
        Ok(id) => id,
        Err(refused) => return seat.refuse(&refused),
    };
    after_change(&seat, id, remove_thing(&seat, id, (&thing, &verb)).await).await
}

async fn remove_thing(seat: &Seat, id: ClientId, what: (&str, &str)) -> Result<Done, Refused> {
    let administrator = seat.administrator()?;
    match what {
        ("certificates", "delete") => administrator.delete_certificate(id, seat.field("certificate")).await?,
        ("scopes", "delete") => administrator.remove_scope(id, seat.field("name")).await?,
        ("roles", "delete") => administrator.remove_role(id, seat.field("value")).await?,
        ("assignments", "delete") => {
            administrator.unassign(id, seat.field("principal"), seat.field("role")).await?;
        }
        ("consents", "withdraw") => {
            let user = match seat.field("user") {
                "" => None,
                user => Some(user.parse::<UserId>().map_err(|_| Refused::NotFound("consent"))?),
            };
            administrator.withdraw_consent(id, user).await?;
            return Ok(Done::Withdrawn);
        }
        _ => return Err(Refused::NotFound("page")),
    }
    Ok(Done::Removed)
}

fn client_id(text: &str) -> Result<ClientId, Refused> {
    text.parse().map_err(|_| Refused::NotFound("application"))
}

/// Back to the application's page.
async fn after_change(seat: &Seat, id: ClientId, result: Result<Done, Refused>) -> Response {
    let path = seat.path(&format!("/apps/{id}"));
    after(seat, result, &path, |notice, status| app_page::page(seat, id, Some(notice), None, status)).await
}
