//! The HTTP surface: routes, and the layers that every request passes.

mod account;
mod answer;
mod assets;
mod conformance;
mod guard;
mod home;
mod identity;
mod input;
mod visitor;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::StatusCode;
use axum::middleware::from_fn_with_state;
use axum::routing::{get, post};
use tower_http::timeout::TimeoutLayer;

use crate::identity_provider::{ANSWER_PATH, SIGNED_OUT_PATH};
use crate::site::Site;
use answer::Voice;
use guard::{limit_calls, limit_pages, security_headers};
use visitor::{known_visitor, welcome_visitor};

/// The largest request body. Responses of authenticators are a few KiB.
const LARGEST_BODY: usize = 64 * 1024;
/// The longest that one request may take, its body included.
const LONGEST_REQUEST: Duration = Duration::from_secs(15);

/// All routes of a site. Serve it with connection info, so that limits see each visitor's address:
/// `axum::serve(listener, router(site).into_make_service_with_connect_info::<SocketAddr>())`.
pub fn router(site: Arc<Site>) -> Router {
    let pages = Router::new()
        .route("/", get(home::home))
        .route("/register", get(home::register))
        .route("/account", get(account::account))
        .route("/confirm", get(account::confirm))
        .route(ANSWER_PATH, get(identity::answer))
        .layer(from_fn_with_state(Arc::clone(&site), welcome_visitor))
        .layer(from_fn_with_state(Arc::clone(&site), limit_pages));
    let forms = Router::new()
        .route("/sign-out", post(home::sign_out))
        .route("/identity/sign-in", post(identity::begin))
        .route("/identity/sign-out", post(identity::sign_out))
        .route("/account/passkeys/{id}/rename", post(account::rename))
        .route("/account/passkeys/{id}/delete", post(account::delete))
        .layer(from_fn_with_state((Arc::clone(&site), Voice::Page), known_visitor))
        .layer(from_fn_with_state((Arc::clone(&site), Voice::Page), limit_calls));
    // Without a session: the provider's frame brings no cookie.
    let messages = Router::new()
        .route(SIGNED_OUT_PATH, get(identity::signed_out))
        .route("/identity/front-channel-sign-out", get(identity::front_channel_sign_out))
        .layer(from_fn_with_state(Arc::clone(&site), limit_pages));
    let calls = Router::new()
        .route("/api/register/options", post(home::begin_registration))
        .route("/api/register/finish", post(home::finish_registration))
        .route("/api/sign-in/options", post(home::begin_sign_in))
        .route("/api/sign-in/finish", post(home::finish_sign_in))
        .route("/api/passkeys/options", post(account::begin_addition))
        .route("/api/passkeys/finish", post(account::finish_addition))
        .layer(from_fn_with_state((Arc::clone(&site), Voice::Json), known_visitor))
        .layer(from_fn_with_state((Arc::clone(&site), Voice::Json), limit_calls));
    let conformance = if site.settings.conformance {
        conformance::routes().layer(from_fn_with_state(Arc::clone(&site), welcome_visitor))
    } else {
        Router::new()
    };
    Router::new()
        .merge(conformance)
        .merge(pages)
        .merge(forms)
        .merge(messages)
        .merge(calls)
        .route("/static/{name}", get(assets::file))
        .route("/favicon.ico", get(assets::favicon))
        .fallback(answer::not_found)
        .method_not_allowed_fallback(answer::method_not_allowed)
        .layer(DefaultBodyLimit::max(LARGEST_BODY))
        .layer(TimeoutLayer::with_status_code(StatusCode::REQUEST_TIMEOUT, LONGEST_REQUEST))
        .layer(from_fn_with_state(Arc::clone(&site), security_headers))
        .with_state(site)
}
