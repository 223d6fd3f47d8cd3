//! The pages of sign-in and sign-out, and the files that they load.

use std::convert::Infallible;
use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{FromRequestParts, Path, RawQuery, State};
use axum::http::header::{
    CACHE_CONTROL, CONTENT_TYPE, COOKIE, ETAG, IF_NONE_MATCH, LOCATION, RETRY_AFTER, SET_COOKIE, USER_AGENT,
};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;

use super::answer::not_found;
use super::peer::Peer;
use crate::domain::Opaque;
use crate::oauth::Fields;
use crate::pages::assets::asset;
use crate::provider::Provider;
use crate::sign_in::{self, Asked, Browser, Cookie, Credentials, Outcome, Reply, SignOut};

pub(super) type Shared = State<Arc<Provider>>;

/// How long "stay signed in" lasts, in seconds.
const LASTING: u64 = 90 * 24 * 60 * 60;
/// As long as a link for a first sign-in is good, in seconds.
const DAY: u64 = 24 * 60 * 60;
const LONGEST_AGENT: usize = 256;

pub(super) fn routes() -> Router<Arc<Provider>> {
    Router::new()
        .route("/{tenant}/oauth2/v2.0/authorize", get(authorize_v2).post(authorize_by_post))
        .route("/{tenant}/oauth2/authorize", get(authorize_v1).post(authorize_by_post_v1))
        .route("/{tenant}/login", get(resume).post(step))
        .route("/{tenant}/oauth2/v2.0/logout", get(sign_out).post(confirmed_sign_out))
        .route("/{tenant}/oauth2/logout", get(sign_out).post(confirmed_sign_out))
        .route("/static/{name}", get(file))
}

/// The browser of a request.
pub(super) struct Visitor(pub(super) Browser);

impl FromRequestParts<Arc<Provider>> for Visitor {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, provider: &Arc<Provider>) -> Result<Self, Infallible> {
        let Peer(address) = Peer::from_request_parts(parts, provider).await?;
        let agent = parts.headers.get(USER_AGENT).and_then(|agent| agent.to_str().ok()).unwrap_or_default();
        let secure = provider.settings.secure();
        Ok(Self(Browser {
            address,
            agent: agent.chars().take(LONGEST_AGENT).collect(),
            binding: cookie(&parts.headers, &name("sign-in", secure)),
            session: cookie(&parts.headers, &name("session", secure)),
            broker: Credentials {
                primary: credential(&parts.headers, "x-ms-RefreshTokenCredential"),
                device: credential(&parts.headers, "x-ms-DeviceCredential"),
            },
        }))
    }
}

/// On https the name itself keeps other hosts from setting the cookie (RFC 6265bis §4.1.3.2).
fn name(of: &str, secure: bool) -> String {
    if secure { format!("__Host-latchkey-{of}") } else { format!("latchkey-{of}") }
}

fn cookie(headers: &HeaderMap, name: &str) -> Option<Opaque> {
    let all = headers.get_all(COOKIE).iter().filter_map(|header| header.to_str().ok());
    let mut pairs = all.flat_map(|header| header.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(known, _)| *known == name).map(|(_, value)| Opaque::presented(value))
}

/// What a broker says in a header, or in a cookie of the same name.
fn credential(headers: &HeaderMap, name: &str) -> Option<Opaque> {
    let header = headers.get(name).and_then(|value| value.to_str().ok()).map(Opaque::presented);
    header.or_else(|| cookie(headers, name))
}

async fn authorize_v2(provider: Shared, tenant: Path<String>, visitor: Visitor, query: RawQuery) -> Response {
    authorize(&provider, &visitor, &tenant, false, query.0.as_deref()).await
}

async fn authorize_v1(provider: Shared, tenant: Path<String>, visitor: Visitor, query: RawQuery) -> Response {
    authorize(&provider, &visitor, &tenant, true, query.0.as_deref()).await
}

async fn authorize(
    provider: &Provider,
    visitor: &Visitor,
    authority: &str,
    v1: bool,
    query: Option<&str>,
) -> Response {
    let asked = Asked { authority, v1, query: query.unwrap_or_default() };
    respond(provider, sign_in::authorize(provider, &visitor.0, &asked).await)
}

/// A form of another site comes without our cookies (SameSite=Lax); what it leads to comes with them.
async fn authorize_by_post(tenant: Path<String>, body: Bytes) -> Response {
    to_get(&format!("/{}/oauth2/v2.0/authorize", segment(&tenant)), &body)
}

async fn authorize_by_post_v1(tenant: Path<String>, body: Bytes) -> Response {
    to_get(&format!("/{}/oauth2/authorize", segment(&tenant)), &body)
}

fn segment(tenant: &str) -> String {
    crate::domain::Authority::parse(tenant).segment()
}

fn to_get(path: &str, form: &[u8]) -> Response {
    let pairs = url::form_urlencoded::parse(form);
    let query = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
    redirect(&format!("{path}?{query}"))
}

pub(super) async fn step(State(provider): Shared, visitor: Visitor, body: Bytes) -> Response {
    let Ok(fields) = Fields::parse(&body) else { return StatusCode::BAD_REQUEST.into_response() };
    respond(&provider, sign_in::step(&provider, &visitor.0, &fields).await)
}

async fn resume(State(provider): Shared, visitor: Visitor, RawQuery(query): RawQuery) -> Response {
    let query = query.unwrap_or_default();
    let Ok(fields) = Fields::parse(query.as_bytes()) else { return StatusCode::BAD_REQUEST.into_response() };
    let text = |name| fields.optional(name).ok().flatten();
    let ctx = text("ctx").unwrap_or_default();
    respond(&provider, sign_in::resume(&provider, &visitor.0, ctx, text("view")).await)
}

async fn sign_out(
    State(provider): Shared,
    tenant: Path<String>,
    visitor: Visitor,
    RawQuery(query): RawQuery,
) -> Response {
    let query = query.unwrap_or_default();
    let Ok(fields) = Fields::parse(query.as_bytes()) else { return StatusCode::BAD_REQUEST.into_response() };
    let asked = SignOut { authority: &tenant, fields: &fields };
    respond(&provider, sign_in::sign_out(&provider, &visitor.0, &asked).await)
}

async fn confirmed_sign_out(
    State(provider): Shared,
    tenant: Path<String>,
    visitor: Visitor,
    body: Bytes,
) -> Response {
    let Ok(fields) = Fields::parse(&body) else { return StatusCode::BAD_REQUEST.into_response() };
    let asked = SignOut { authority: &tenant, fields: &fields };
    respond(&provider, sign_in::confirmed_sign_out(&provider, &visitor.0, &asked).await)
}

async fn file(Path(name): Path<String>, headers: HeaderMap) -> Response {
    let Some(asset) = asset(&name) else { return not_found().await };
    let etag = asset.etag();
    let known = headers.get(IF_NONE_MATCH).is_some_and(|known| known.as_bytes() == etag.as_bytes());
    let body = if known { "" } else { asset.text };
    let status = if known { StatusCode::NOT_MODIFIED } else { StatusCode::OK };
    let kind = HeaderValue::from_static(asset.content_type);
    let mut response = (status, [(CONTENT_TYPE, kind)], body).into_response();
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    if let Ok(etag) = HeaderValue::try_from(etag) {
        response.headers_mut().insert(ETAG, etag);
    }
    response
}

/// 302 with a link in the body: some brokers read that one.
pub(super) fn redirect(location: &str) -> Response {
    let Ok(header) = HeaderValue::try_from(location) else { return StatusCode::BAD_REQUEST.into_response() };
    let escaped =
        location.replace('&', "&amp;").replace('"', "&quot;").replace('<', "&lt;").replace('>', "&gt;");
    let body = Html(format!("<a href=\"{escaped}\">Go on</a>"));
    (StatusCode::FOUND, [(LOCATION, header)], body).into_response()
}

/// After a form: the browser goes there with GET.
pub(super) fn see_other(location: &str) -> Response {
    match HeaderValue::try_from(location) {
        Ok(location) => (StatusCode::SEE_OTHER, [(LOCATION, location)]).into_response(),
        Err(_) => StatusCode::BAD_REQUEST.into_response(),
    }
}

pub(super) fn respond(provider: &Provider, outcome: Outcome) -> Response {
    let mut response = match outcome.reply {
        Reply::Redirect(location) => redirect(&location),
        Reply::Page { html, policy, status } => {
            let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            let mut response = (status, Html(html)).into_response();
            if let Ok(policy) = HeaderValue::try_from(policy) {
                response.headers_mut().insert(HeaderName::from_static("content-security-policy"), policy);
            }
            if status == StatusCode::SERVICE_UNAVAILABLE {
                response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("5"));
            }
            response
        }
    };
    for cookie in &outcome.cookies {
        if let Ok(value) = HeaderValue::try_from(set_cookie(cookie, provider.settings.secure())) {
            response.headers_mut().append(SET_COOKIE, value);
        }
    }
    response
}

fn set_cookie(cookie: &Cookie, secure: bool) -> String {
    let (of, value, age) = match cookie {
        Cookie::Binding(value) => ("sign-in", value.expose(), None),
        Cookie::LastingBinding(value) => ("sign-in", value.expose(), Some(DAY)),
        Cookie::Session(value, persistent) => ("session", value.expose(), persistent.then_some(LASTING)),
        Cookie::SessionOver => ("session", "", Some(0)),
    };
    let age = age.map(|age| format!("; Max-Age={age}")).unwrap_or_default();
    let secure_only = if secure { "; Secure" } else { "" };
    format!("{}={value}; Path=/; HttpOnly; SameSite=Lax{secure_only}{age}", name(of, secure))
}
