//! The provider's own pages.

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, RawQuery, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};

use super::answer::not_found;
use super::sign_in::{Shared, Visitor, redirect, respond};
use crate::oauth::Fields;
use crate::own_pages::{self, Change};
use crate::provider::Provider;
use crate::sign_in::{self, Credential, Destination, Entered, Entry};

pub(super) fn routes() -> Router<Arc<Provider>> {
    Router::new()
        .route("/", get(home))
        .route("/signin", get(sign_in_here))
        .route("/devicelogin", get(other_device))
        .route("/welcome", get(welcome).post(open_invitation))
        .route("/security", get(security))
        .route("/security/passkeys/{id}/rename", post(rename_passkey))
        .route("/security/passkeys/{id}/remove", post(remove_passkey))
        .route("/security/apps/{id}/remove", post(remove_app))
        .route("/security/sessions/{id}/end", post(end_session))
        .route("/security/devices/{id}/lost", post(report_lost))
        .route("/security/passkey", get(new_passkey))
        .route("/security/authenticator", get(new_app))
        .route("/security/password", get(new_password))
}

async fn home(State(provider): Shared, visitor: Visitor) -> Response {
    respond(&provider, own_pages::home(&provider, &visitor.0).await)
}

async fn sign_in_here(State(provider): Shared, visitor: Visitor) -> Response {
    match sign_in::enter(&provider, &visitor.0, Entry::to(Destination::Home)).await {
        Entered::User(_) => redirect(Destination::Home.path()),
        Entered::SignIn(outcome) => respond(&provider, outcome),
    }
}

/// The code may come under the name of either kind of link: `user_code` (RFC 8628 §3.3.1) or `otc`.
async fn other_device(State(provider): Shared, visitor: Visitor, RawQuery(query): RawQuery) -> Response {
    let query = query.unwrap_or_default();
    let Ok(fields) = Fields::parse(query.as_bytes()) else { return StatusCode::BAD_REQUEST.into_response() };
    let text = |name| fields.optional(name).ok().flatten();
    let code = text("user_code").or_else(|| text("otc"));
    respond(&provider, sign_in::device_sign_in(&provider, &visitor.0, code).await)
}

async fn welcome(State(provider): Shared, visitor: Visitor) -> Response {
    respond(&provider, sign_in::welcome(&provider, &visitor.0).await)
}

async fn open_invitation(State(provider): Shared, visitor: Visitor, body: Bytes) -> Response {
    let Ok(fields) = Fields::parse(&body) else { return StatusCode::BAD_REQUEST.into_response() };
    respond(&provider, sign_in::open_invitation(&provider, &visitor.0, &fields).await)
}

async fn new_passkey(State(provider): Shared, visitor: Visitor) -> Response {
    respond(&provider, sign_in::set_up(&provider, &visitor.0, Credential::Passkey).await)
}

async fn new_app(State(provider): Shared, visitor: Visitor) -> Response {
    respond(&provider, sign_in::set_up(&provider, &visitor.0, Credential::App).await)
}

async fn new_password(State(provider): Shared, visitor: Visitor) -> Response {
    respond(&provider, sign_in::set_up(&provider, &visitor.0, Credential::Password).await)
}

async fn security(State(provider): Shared, visitor: Visitor) -> Response {
    respond(&provider, own_pages::security(&provider, &visitor.0).await)
}

async fn rename_passkey(provider: Shared, id: Path<String>, visitor: Visitor, body: Bytes) -> Response {
    let Ok(id) = id.parse() else { return not_found().await };
    change(&provider, &visitor, &body, |name| Change::RenamePasskey(id, name)).await
}

async fn remove_passkey(provider: Shared, id: Path<String>, visitor: Visitor, body: Bytes) -> Response {
    let Ok(id) = id.parse() else { return not_found().await };
    change(&provider, &visitor, &body, |_| Change::RemovePasskey(id)).await
}

async fn remove_app(provider: Shared, id: Path<String>, visitor: Visitor, body: Bytes) -> Response {
    let Ok(id) = id.parse() else { return not_found().await };
    change(&provider, &visitor, &body, |_| Change::RemoveApp(id)).await
}

async fn end_session(provider: Shared, id: Path<String>, visitor: Visitor, body: Bytes) -> Response {
    let Ok(id) = id.parse() else { return not_found().await };
    change(&provider, &visitor, &body, |_| Change::EndSession(id)).await
}

async fn report_lost(provider: Shared, id: Path<String>, visitor: Visitor, body: Bytes) -> Response {
    let Ok(id) = id.parse() else { return not_found().await };
    change(&provider, &visitor, &body, |_| Change::ReportLost(id)).await
}

/// What a form of the page asks for; some have a name.
async fn change(
    provider: &Provider,
    visitor: &Visitor,
    body: &[u8],
    read: impl FnOnce(&str) -> Change<'_>,
) -> Response {
    let Ok(fields) = Fields::parse(body) else { return StatusCode::BAD_REQUEST.into_response() };
    let text = |name| fields.optional(name).ok().flatten().unwrap_or_default();
    respond(provider, own_pages::change(provider, &visitor.0, read(text("name")), text("csrf")).await)
}
