//! The handlers.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::header::{
    ACCESS_CONTROL_ALLOW_ORIGIN, AUTHORIZATION, CACHE_CONTROL, CONTENT_TYPE, USER_AGENT,
};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use zeroize::Zeroizing;

use super::answer::Trace;
use super::peer::Peer;
use crate::domain::Authority;
use crate::oauth::{self, Fields, Metadata, Protocol, Refusal, TokenRequest};
use crate::provider::Provider;

type Shared = State<Arc<Provider>>;

/// Metadata and keys are for everyone, for an hour: a new key is published a day before it signs.
const PUBLIC: HeaderValue = HeaderValue::from_static("public, max-age=3600");

pub(super) async fn token_v1(
    provider: Shared,
    tenant: Path<String>,
    peer: Peer,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    token(&provider, &tenant, Protocol::V1, (peer, &headers), &body).await
}

pub(super) async fn token_v2(
    provider: Shared,
    tenant: Path<String>,
    peer: Peer,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    token(&provider, &tenant, Protocol::V2, (peer, &headers), &body).await
}

async fn token(
    provider: &Provider,
    tenant: &str,
    protocol: Protocol,
    (peer, headers): (Peer, &HeaderMap),
    body: &[u8],
) -> Response {
    let trace = Trace::new(provider, headers);
    let result = match request((tenant, trace), protocol, (peer, headers), body) {
        Ok(request) => oauth::token(provider, &request).await,
        Err(refusal) => Err(refusal),
    };
    trace.answer(provider, result)
}

pub(super) async fn device_code_v1(
    provider: Shared,
    tenant: Path<String>,
    peer: Peer,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    device_code(&provider, &tenant, Protocol::V1, (peer, &headers), &body).await
}

pub(super) async fn device_code_v2(
    provider: Shared,
    tenant: Path<String>,
    peer: Peer,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    device_code(&provider, &tenant, Protocol::V2, (peer, &headers), &body).await
}

async fn device_code(
    provider: &Provider,
    tenant: &str,
    protocol: Protocol,
    (peer, headers): (Peer, &HeaderMap),
    body: &[u8],
) -> Response {
    let trace = Trace::new(provider, headers);
    let result = match request((tenant, trace), protocol, (peer, headers), body) {
        Ok(request) => oauth::authorize_device(provider, &request).await,
        Err(refusal) => Err(refusal),
    };
    trace.answer(provider, result)
}

pub(super) async fn metadata_v1(provider: Shared, tenant: Path<String>, headers: HeaderMap) -> Response {
    metadata(&provider, &tenant, Metadata::V1, &headers).await
}

pub(super) async fn metadata_v2(provider: Shared, tenant: Path<String>, headers: HeaderMap) -> Response {
    metadata(&provider, &tenant, Metadata::V2, &headers).await
}

async fn metadata(provider: &Provider, tenant: &str, document: Metadata, headers: &HeaderMap) -> Response {
    let trace = Trace::new(provider, headers);
    let result = oauth::metadata(provider, &Authority::parse(tenant), document).await;
    public(trace.answer(provider, result))
}

pub(super) async fn keys(State(provider): Shared) -> Response {
    let body = provider.keys.jwks().to_string();
    let json = HeaderValue::from_static("application/json");
    public(([(CONTENT_TYPE, json)], body).into_response())
}

pub(super) async fn instance_discovery(State(provider): Shared, headers: HeaderMap) -> Response {
    let document = oauth::instance_discovery(&provider);
    public(Trace::new(&provider, &headers).answer(&provider, Ok(document)))
}

pub(super) async fn user_realm(provider: Shared, user: Path<String>, headers: HeaderMap) -> Response {
    let result = oauth::user_realm(&provider, &user).await;
    Trace::new(&provider, &headers).answer(&provider, result)
}

pub(super) async fn userinfo(State(provider): Shared, headers: HeaderMap) -> Response {
    let result = oauth::userinfo(&provider, authorization(&headers)).await;
    Trace::new(&provider, &headers).answer(&provider, result)
}

/// The token may also come in the form (RFC 6750 §2.2), but not in two places.
pub(super) async fn userinfo_by_post(State(provider): Shared, headers: HeaderMap, body: Bytes) -> Response {
    let in_form = Fields::parse(&body).and_then(|fields| {
        let token = fields.optional("access_token")?;
        Ok(token.map(|token| Zeroizing::new(format!("Bearer {token}"))))
    });
    let result = match (in_form, authorization(&headers)) {
        (Ok(None), header) => oauth::userinfo(&provider, header).await,
        (Ok(Some(token)), None) => oauth::userinfo(&provider, Some(token.as_str())).await,
        (Ok(Some(_)), Some(_)) => Err(Refusal::Malformed("access_token")),
        (Err(refusal), _) => Err(refusal),
    };
    Trace::new(&provider, &headers).answer(&provider, result)
}

pub(super) async fn revoke_sign_in_sessions(State(provider): Shared, headers: HeaderMap) -> Response {
    let result = oauth::revoke_sign_in_sessions(&provider, authorization(&headers)).await;
    Trace::new(&provider, &headers).answer(&provider, result)
}

/// Whether requests can be answered: the database must.
pub(super) async fn health(State(provider): Shared) -> StatusCode {
    match provider.database.ping().await {
        Ok(()) => StatusCode::NO_CONTENT,
        Err(error) => {
            tracing::error!(%error, "the database does not answer");
            StatusCode::SERVICE_UNAVAILABLE
        }
    }
}

fn request<'a>(
    (tenant, trace): (&str, Trace),
    protocol: Protocol,
    (peer, headers): (Peer, &'a HeaderMap),
    body: &[u8],
) -> Result<TokenRequest<'a>, Refusal> {
    Ok(TokenRequest {
        authority: Authority::parse(tenant),
        protocol,
        fields: Fields::parse(body)?,
        authorization: authorization(headers),
        address: peer.0,
        agent: headers.get(USER_AGENT).and_then(|value| value.to_str().ok()).unwrap_or_default(),
        correlation: trace.correlation(),
    })
}

/// Of two such headers a proxy may have looked at the other one, so then there is none.
fn authorization(headers: &HeaderMap) -> Option<&str> {
    let mut all = headers.get_all(AUTHORIZATION).iter();
    let first = all.next().filter(|_| all.next().is_none())?;
    first.to_str().ok()
}

fn public(mut response: Response) -> Response {
    if response.status().is_success() {
        response.headers_mut().insert(CACHE_CONTROL, PUBLIC);
        response.headers_mut().insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    }
    response
}
