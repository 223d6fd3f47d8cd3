//! The PIN reset service over HTTP: extract, one call into [`crate::pin_reset`], render. It has a router of its own, so that it
//! can be a process of its own.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::json;

use super::answer::Trace;
use super::message::Message;
use super::peer::Peer;
use crate::oauth::Fields;
use crate::pin_reset::given::{KeyRequest, encryption_key};
use crate::pin_reset::refusal::ResetRefusal;
use crate::pin_reset::release::{self, Call};
use crate::provider::Provider;

type Shared = State<Arc<Provider>>;

pub(super) fn routes() -> Router<Arc<Provider>> {
    Router::new()
        .route("/getencryptionkey/v1", get(key).post(key_by_post))
        .route(release::PATH, post(unprotect))
}

async fn key(State(provider): Shared, RawQuery(query): RawQuery, headers: HeaderMap) -> Response {
    give(&provider, query.unwrap_or_default().as_bytes(), &headers).await
}

async fn key_by_post(State(provider): Shared, headers: HeaderMap, body: Bytes) -> Response {
    give(&provider, &body, &headers).await
}

async fn give(provider: &Provider, fields: &[u8], headers: &HeaderMap) -> Response {
    let given = async {
        let fields = Fields::parse(fields).map_err(|_| ResetRefusal::Malformed("the form"))?;
        let request = KeyRequest::parse(&fields).map_err(ResetRefusal::Malformed)?;
        encryption_key(provider, &request).await?.ok_or(ResetRefusal::UnknownTenant)
    };
    let trace = Trace::new(provider, headers);
    match given.await {
        Ok(given) => Json(given).into_response(),
        Err(refusal) => refuse(trace, &refusal),
    }
}

async fn unprotect(State(provider): Shared, Peer(address): Peer, message: Message, body: Bytes) -> Response {
    let trace = Trace::new(&provider, &message.headers);
    let call = Call { sent: message.sent(), body: &body, address, trace: trace.trace() };
    match release::unprotect(&provider, &call).await {
        Ok(secret) => Json(json!({ "secret": secret })).into_response(),
        Err(refusal) => refuse(trace, &refusal),
    }
}

/// A refusal, as devices read it.
fn refuse(trace: Trace, refusal: &ResetRefusal) -> Response {
    refusal.report();
    let (code, text) = (refusal.code(), refusal.to_string());
    tracing::debug!(code, trace = %trace.trace(), correlation = %trace.correlation(), "refused");
    let body = json!({
        "error": code,
        "error_description": text,
        "errorMessage": text,
        "trace_id": trace.trace(),
        "correlation_id": trace.correlation(),
    });
    let status = StatusCode::from_u16(refusal.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = (status, Json(body)).into_response();
    if let Some(wait) = refusal.retry_after() {
        response.headers_mut().insert(axum::http::header::RETRY_AFTER, wait.as_secs().max(1).into());
    }
    response
}
