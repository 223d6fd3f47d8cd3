//! Answers that scripts of other websites may read (Fetch §3.2): those of registered pages without a server, and no others.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ORIGIN, VARY,
};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use axum::middleware::Next;
use axum::response::Response;

use crate::provider::Provider;

/// What such pages send: what the protocol needs, and what MSAL tells about itself.
const SENT: HeaderValue = HeaderValue::from_static(
    "authorization, content-type, dpop, client-request-id, return-client-request-id, x-client-sku, x-client-ver, \
     x-client-os, x-client-cpu, x-client-current-telemetry, x-client-last-telemetry, x-ms-lib-capability, x-app-name, \
     x-app-ver",
);
const READ: HeaderValue =
    HeaderValue::from_static("dpop-nonce, www-authenticate, x-ms-request-id, client-request-id, retry-after");

/// Lets registered pages read what comes back. Cookies are no part of it: these endpoints look at none.
pub(super) async fn spa(State(provider): State<Arc<Provider>>, request: Request, next: Next) -> Response {
    let origin = request.headers().get(ORIGIN).cloned();
    let preflight = request.method() == Method::OPTIONS;
    let registered = match origin.as_ref().and_then(|origin| origin.to_str().ok()) {
        Some(origin) => provider.serves_origin(origin).await.unwrap_or_else(|error| {
            tracing::error!(%error, "an origin could not be looked up");
            false
        }),
        None => false,
    };
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    headers.append(VARY, HeaderValue::from_static("origin"));
    if let (Some(origin), true) = (origin, registered) {
        allow(headers, origin, preflight);
    }
    response
}

/// The answer to a browser that asks before it sends: the headers say the rest.
pub(super) async fn preflight() -> StatusCode {
    StatusCode::NO_CONTENT
}

fn allow(headers: &mut HeaderMap, origin: HeaderValue, preflight: bool) {
    headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    if preflight {
        headers.insert(ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static("GET, POST"));
        headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, SENT);
        headers.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("3600"));
    } else {
        headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, READ);
    }
}
