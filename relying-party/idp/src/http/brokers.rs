//! The calls of brokers beside the pages: JSON, and forms under names of their own.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::json;

use super::answer::Trace;
use super::sign_in::{Shared, Visitor, respond, step};
use crate::oauth::{Fields, Refusal};
use crate::provider::Provider;
use crate::sign_in::{self, SecondFactorCall};

pub(super) fn routes() -> Router<Arc<Provider>> {
    Router::new()
        .route("/{tenant}/getcredentialtype", post(credential_type))
        .route("/{tenant}/fido/get", post(fido_page))
        .route("/{tenant}/sas/beginauth", post(begin_second_factor))
        .route("/{tenant}/sas/endauth", get(poll).post(end_second_factor))
        .route("/{tenant}/sas/processauth", post(step))
        .route("/{tenant}/sessionstate", post(poll_phone))
}

#[derive(Deserialize)]
struct Named {
    username: String,
}

async fn credential_type(State(provider): Shared, headers: HeaderMap, body: Bytes) -> Response {
    let trace = Trace::new(&provider, &headers);
    let result = match serde_json::from_slice::<Named>(&body) {
        Ok(named) => sign_in::credential_type(&provider, &named.username).await.map_err(Refusal::from),
        Err(_) => Err(Refusal::Malformed("username")),
    };
    trace.answer(&provider, result)
}

async fn fido_page(State(provider): Shared, visitor: Visitor, body: Bytes) -> Response {
    let Ok(fields) = Fields::parse(&body) else { return StatusCode::BAD_REQUEST.into_response() };
    respond(&provider, sign_in::fido_page(&provider, &visitor.0, &fields).await)
}

async fn begin_second_factor(
    State(provider): Shared,
    visitor: Visitor,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let Some(call) = read(&body) else { return StatusCode::BAD_REQUEST.into_response() };
    Json(sign_in::begin_second_factor(&provider, &visitor.0, &call, canary(&headers)).await).into_response()
}

async fn end_second_factor(
    State(provider): Shared,
    visitor: Visitor,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let Some(call) = read(&body) else { return StatusCode::BAD_REQUEST.into_response() };
    Json(sign_in::end_second_factor(&provider, &visitor.0, &call, canary(&headers)).await).into_response()
}

fn read(body: &[u8]) -> Option<SecondFactorCall> {
    serde_json::from_slice(body).ok()
}

fn canary(headers: &HeaderMap) -> Option<&str> {
    headers.get("canary").and_then(|value| value.to_str().ok())
}

/// Only methods that push something are polled, and there is none.
async fn poll() -> Response {
    let answer =
        json!({ "Success": false, "ResultValue": "MethodNotSupported", "ErrCode": 500_121, "Retry": false });
    Json(answer).into_response()
}

/// What a broker waits for.
#[derive(Deserialize)]
struct Waiting {
    #[serde(rename = "DeviceCode")]
    _device_code: String,
}

/// A sign-in by phone, which nothing here offers, is denied.
async fn poll_phone(body: Bytes) -> Response {
    match serde_json::from_slice::<Waiting>(&body) {
        Ok(_) => Json(json!({ "AuthorizationState": 1 })).into_response(),
        Err(_) => StatusCode::BAD_REQUEST.into_response(),
    }
}
