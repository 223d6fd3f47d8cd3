//! What every request passes: limits by address, and headers that tell browsers what this site never does.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;

use axum::extract::{ConnectInfo, Request, State};
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, REFERRER_POLICY, STRICT_TRANSPORT_SECURITY,
    X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderName, HeaderValue};
use axum::middleware::Next;
use axum::response::Response;

use super::answer::Voice;
use crate::settings::Settings;
use crate::site::Site;

/// The content security policy of all pages. Chromium holds `form-action` against the redirects after a form too, so the
/// identity provider's origin must be in it.
fn policy(settings: &Settings) -> String {
    let provider = settings.identity_provider.as_ref().map(|provider| format!(" {}", provider.origin()));
    format!(
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
         form-action 'self'{}; frame-ancestors 'none'; base-uri 'none'",
        provider.unwrap_or_default()
    )
}

/// Adds the headers. Pages and JSON carry session data, so nothing is stored unless a route says otherwise.
pub(super) async fn security_headers(
    State(site): State<Arc<Site>>,
    request: Request,
    next: Next,
) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    if let Ok(policy) = HeaderValue::try_from(policy(&site.settings)) {
        headers.entry(CONTENT_SECURITY_POLICY).or_insert(policy);
    }
    let fixed = [
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        // Not no-referrer: with it browsers send `Origin: null` with forms, and the origin is checked.
        (REFERRER_POLICY, "same-origin"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
        (
            HeaderName::from_static("permissions-policy"),
            "publickey-credentials-create=(self), publickey-credentials-get=(self), camera=(), geolocation=(), \
             microphone=()",
        ),
    ];
    for (name, value) in fixed {
        headers.insert(name, HeaderValue::from_static(value));
    }
    if site.settings.secure() {
        headers.insert(STRICT_TRANSPORT_SECURITY, HeaderValue::from_static("max-age=31536000"));
    }
    headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}

/// Limits pages, which may start a session each.
pub(super) async fn limit_pages(State(site): State<Arc<Site>>, request: Request, next: Next) -> Response {
    match site.limiter.page(address(&request), site.now()) {
        Ok(()) => next.run(request).await,
        Err(exhausted) => Voice::Page.say(exhausted.into()),
    }
}

/// Limits ceremony calls and forms.
pub(super) async fn limit_calls(
    State((site, voice)): State<(Arc<Site>, Voice)>,
    request: Request,
    next: Next,
) -> Response {
    match site.limiter.call(address(&request), site.now()) {
        Ok(()) => next.run(request).await,
        Err(exhausted) => voice.say(exhausted.into()),
    }
}

/// The peer's address. Forwarding headers are not believed: anyone can write them.
fn address(request: &Request) -> IpAddr {
    request
        .extensions()
        .get::<ConnectInfo<SocketAddr>>()
        .map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |ConnectInfo(peer)| peer.ip())
}
