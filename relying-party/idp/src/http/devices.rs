//! The device registration service: extract, one call into [`crate::devices`], render.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::header::AUTHORIZATION;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{delete, get, post};
use axum::{Json, Router};
use serde_json::{Value, json};

use super::answer::Trace;
use super::message::Message;
use crate::devices::{self, Call, RegistrationRefusal};
use crate::provider::Provider;

type Shared = State<Arc<Provider>>;

pub(super) fn routes() -> Router<Arc<Provider>> {
    Router::new()
        .route("/{tenant}/discover", get(discover))
        .route("/enrollmentserver/nonce/{tenant}", get(nonce))
        .route("/enrollmentserver/nonce/{tenant}/", get(nonce))
        .route("/enrollmentserver/attestation", post(challenge))
        .route("/enrollmentserver/attestation/", post(challenge))
        .route("/enrollmentserver/device", post(register))
        .route("/enrollmentserver/device/", post(register))
        .route("/enrollmentserver/device/{id}", delete(remove))
        .route("/enrollmentserver/key", post(register_key))
        .route("/enrollmentserver/key/", post(register_key))
        .route("/enrollmentserver/policy", post(policy))
        .route("/enrollmentserver/policy/", post(policy))
}

async fn discover(State(provider): Shared, Path(tenant): Path<String>, headers: HeaderMap) -> Response {
    answer(&provider, &headers, devices::discover(&provider, &tenant).await)
}

async fn nonce(State(provider): Shared, Path(tenant): Path<String>, headers: HeaderMap) -> Response {
    let trace = Trace::new(&provider, &headers).trace();
    let nonce = devices::nonce(&provider, &tenant).await;
    let time = provider.now().to_text();
    answer(&provider, &headers, nonce.map(|nonce| devices::nonce_answer(&nonce, (trace, &time))))
}

async fn challenge(State(provider): Shared, message: Message, body: Bytes) -> Response {
    let result = devices::challenge(&provider, &call(&message, &body)).await;
    answer(&provider, &message.headers, result)
}

async fn register(State(provider): Shared, message: Message, body: Bytes) -> Response {
    let result = devices::register(&provider, &call(&message, &body)).await;
    answer(&provider, &message.headers, result)
}

async fn remove(State(provider): Shared, Path(id): Path<String>, message: Message, body: Bytes) -> Response {
    let signed = message.headers.get("x-ms-devicecredential").and_then(|value| value.to_str().ok());
    match devices::remove(&provider, (&id, signed), &call(&message, &body)).await {
        Ok(()) => StatusCode::OK.into_response(),
        Err(refusal) => refuse(&provider, &message.headers, &refusal),
    }
}

async fn policy(State(provider): Shared, message: Message, body: Bytes) -> Response {
    let result = devices::policy(&provider, &call(&message, &body)).await;
    answer(&provider, &message.headers, result)
}

fn call<'a>(message: &'a Message, body: &'a [u8]) -> Call<'a> {
    Call { sent: message.sent(), body, address: message.peer.0 }
}

/// Of a key, refusals have members of their own beside the others' (MS-KPP 3.1.5.1.1.2).
async fn register_key(State(provider): Shared, message: Message, body: Bytes) -> Response {
    match devices::register_key(&provider, &call(&message, &body)).await {
        Ok(value) => Json(value).into_response(),
        Err(refusal) => {
            let trace = Trace::new(&provider, &message.headers);
            let code = refusal.row().code;
            let more = json!({
                "response": "ERROR_FAIL",
                "target": "key",
                "clientrequestid": trace.correlation(),
                "time": provider.now().to_text(),
                "innererror": { "trace": trace.trace(), "code": code },
            });
            refuse_with(&provider, &message.headers, &refusal, more)
        }
    }
}

fn answer(provider: &Provider, headers: &HeaderMap, result: Result<Value, RegistrationRefusal>) -> Response {
    match result {
        Ok(value) => Json(value).into_response(),
        Err(refusal) => refuse(provider, headers, &refusal),
    }
}

fn refuse(provider: &Provider, headers: &HeaderMap, refusal: &RegistrationRefusal) -> Response {
    refuse_with(provider, headers, refusal, json!({}))
}

/// A refusal as MS-DVRJ 2.2.2.3 has it, with a word for programs.
fn refuse_with(
    provider: &Provider,
    headers: &HeaderMap,
    refusal: &RegistrationRefusal,
    more: Value,
) -> Response {
    refusal.report();
    let row = refusal.row();
    let trace = Trace::new(provider, headers);
    let text = refusal.to_string();
    let mut body = json!({
        "ErrorType": row.kind,
        "Message": text,
        "TraceId": trace.trace(),
        "Time": provider.now().to_text(),
        "code": row.code,
        "message": text,
    });
    if let (Some(members), Value::Object(more)) = (body.as_object_mut(), more) {
        members.extend(more);
    }
    let status = StatusCode::from_u16(row.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = (status, Json(body)).into_response();
    if let (RegistrationRefusal::Token(refusal), true) = (refusal, headers.contains_key(AUTHORIZATION)) {
        super::answer::challenge(response.headers_mut(), refusal);
    }
    response
}
