//! How results and refusals leave: JSON, with the identifiers by which an operator finds the request again.

use axum::Json;
use axum::http::header::{RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::oauth::Refusal;
use crate::provider::Provider;

/// The request's own name, and the client's.
#[derive(Clone, Copy, Debug)]
pub(super) struct Trace {
    trace: Uuid,
    correlation: Uuid,
}

impl Trace {
    /// A new trace; the correlation ID is the client's, if it sent one.
    pub(super) fn new(provider: &Provider, headers: &HeaderMap) -> Self {
        let trace = provider.guid();
        let sent = headers.get("client-request-id").and_then(|value| value.to_str().ok());
        let correlation = sent.and_then(|text| Uuid::try_parse(text).ok()).unwrap_or(trace);
        Self { trace, correlation }
    }

    /// The answer to a request of a program.
    pub(super) fn answer(self, provider: &Provider, result: Result<Value, Refusal>) -> Response {
        let mut response = match result {
            Ok(value) => Json(value).into_response(),
            Err(refusal) => self.refuse(provider, &refusal),
        };
        let headers = response.headers_mut();
        for (name, id) in [("x-ms-request-id", self.trace), ("client-request-id", self.correlation)] {
            if let Ok(value) = HeaderValue::try_from(id.to_string()) {
                headers.insert(HeaderName::from_static(name), value);
            }
        }
        response
    }

    fn refuse(self, provider: &Provider, refusal: &Refusal) -> Response {
        refusal.report();
        let row = refusal.row();
        let timestamp = provider.now().to_text();
        let (code, Self { trace, correlation }) = (row.code, self);
        tracing::debug!(code, %trace, %correlation, "refused");
        let mut body = json!({
            "error": row.error,
            "error_description": format!(
                "AADSTS{code}: {refusal} Trace ID: {trace} Correlation ID: {correlation} Timestamp: {timestamp}"
            ),
            "error_codes": [code],
            "timestamp": timestamp,
            "trace_id": trace,
            "correlation_id": correlation,
        });
        if let (Some(suberror), Some(body)) = (row.suberror, body.as_object_mut()) {
            body.insert("suberror".to_owned(), suberror.into());
        }
        let status = StatusCode::from_u16(row.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = (status, Json(body)).into_response();
        let headers = response.headers_mut();
        if row.error == "invalid_token" {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer error=\"invalid_token\""));
        } else if status == StatusCode::UNAUTHORIZED {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Basic realm=\"token endpoint\""));
        }
        if matches!(row.status, 429 | 503) {
            headers.insert(RETRY_AFTER, HeaderValue::from_static("5"));
        }
        response
    }
}

pub(super) async fn not_found() -> Response {
    (StatusCode::NOT_FOUND, Json(json!({ "error": "not_found" }))).into_response()
}

pub(super) async fn method_not_allowed() -> Response {
    (StatusCode::METHOD_NOT_ALLOWED, Json(json!({ "error": "method_not_allowed" }))).into_response()
}
