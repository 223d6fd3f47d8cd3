//! The HTTP surface: extract, one call into the core, render.

mod admin;
mod answer;
mod brokers;
mod cors;
mod devices;
mod graph;
mod layers;
mod limits;
mod message;
mod own;
mod peer;
mod pin_reset;
mod routes;
mod sign_in;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{DefaultBodyLimit, Request};
use axum::http::StatusCode;
use axum::middleware::{from_fn, from_fn_with_state, map_response};
use axum::response::Response;
use axum::routing::{get, post};
use tower::ServiceExt as _;
use tower_http::limit::RequestBodyLimitLayer;
use tower_http::timeout::TimeoutLayer;

use crate::provider::Provider;
pub use admin::{ADMIN_ROUTES, AdminRoute};

/// The largest request body. Brokers post certificates, nothing larger.
const LARGEST_BODY: usize = 64 * 1024;
/// The longest that one request may take, its body included.
const LONGEST_REQUEST: Duration = Duration::from_secs(15);

/// All routes. Paths are found in whichever case they are written: brokers write `/oAuth2/v2.0/token`.
pub fn router(provider: Arc<Provider>) -> Router {
    // Pages without a server call these; a browser may ask first.
    let for_pages = Router::new()
        .route("/{tenant}/oauth2/v2.0/token", post(routes::token_v2).options(cors::preflight))
        .route("/{tenant}/oauth2/token", post(routes::token_v1).options(cors::preflight))
        .route("/{tenant}/oauth2/v2.0/par", post(routes::push_v2).options(cors::preflight))
        .route("/{tenant}/oauth2/par", post(routes::push_v1).options(cors::preflight))
        .route(
            "/oidc/userinfo",
            get(routes::userinfo).post(routes::userinfo_by_post).options(cors::preflight),
        )
        .route_layer(from_fn_with_state(Arc::clone(&provider), cors::spa));
    let mut routes = Router::new()
        .merge(for_pages)
        .route("/{tenant}/oauth2/v2.0/devicecode", post(routes::device_code_v2))
        .route("/{tenant}/oauth2/devicecode", post(routes::device_code_v1))
        .route("/{tenant}/v2.0/.well-known/openid-configuration", get(routes::metadata_v2))
        .route("/{tenant}/.well-known/openid-configuration", get(routes::metadata_v1))
        .route("/.well-known/oauth-authorization-server/{tenant}/v2.0", get(routes::metadata_v2))
        .route("/.well-known/oauth-authorization-server/{tenant}", get(routes::metadata_v1))
        .route("/{tenant}/sidtoname", get(routes::user_of_sid))
        .route("/{tenant}/discovery/v2.0/keys", get(routes::keys))
        .route("/{tenant}/discovery/keys", get(routes::keys))
        .route("/common/discovery/instance", get(routes::instance_discovery))
        .route("/common/userrealm/{user}", get(routes::user_realm))
        .route("/healthz", get(routes::health))
        .merge(sign_in::routes())
        .merge(graph::routes())
        .merge(devices::routes())
        .merge(own::routes())
        .merge(admin::routes(&provider))
        .merge(brokers::routes());
    if !provider.settings.pin_reset_is_elsewhere() {
        routes = routes.merge(pin_reset::routes());
    }
    surrounded(routes, provider)
}

/// The routes of the PIN reset service and no others, for a process of its own.
pub fn pin_reset_router(provider: Arc<Provider>) -> Router {
    surrounded(pin_reset::routes().route("/healthz", get(routes::health)), provider)
}

/// What every request passes, around these routes.
fn surrounded(routes: Router<Arc<Provider>>, provider: Arc<Provider>) -> Router {
    let secure = provider.settings.secure();
    let routes = routes
        .fallback(answer::not_found)
        .method_not_allowed_fallback(answer::method_not_allowed)
        // By the announced length at once, and by what comes.
        .layer(DefaultBodyLimit::max(LARGEST_BODY))
        .layer(RequestBodyLimitLayer::new(LARGEST_BODY))
        .layer(from_fn_with_state(Arc::clone(&provider), limits::limit))
        .layer(TimeoutLayer::with_status_code(StatusCode::REQUEST_TIMEOUT, LONGEST_REQUEST))
        .layer(map_response(answer::explained))
        .with_state(provider);
    Router::new()
        .fallback(move |request: Request| {
            let routes = routes.clone();
            async move {
                let answered: Result<Response, std::convert::Infallible> =
                    routes.oneshot(layers::lower_cased(request)).await;
                answered.unwrap_or_else(|never| match never {})
            }
        })
        .layer(from_fn(move |request, next| layers::headers(secure, request, next)))
}
