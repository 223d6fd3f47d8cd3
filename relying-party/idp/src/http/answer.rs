//! How results and refusals leave: JSON, with the identifiers by which an operator finds the request again.

use askama::Template;
use axum::Json;
use axum::http::header::{RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::{Html, IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::oauth::{ALGORITHMS, Refusal, Row};
use crate::pages::Policy;
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

    /// The request's own name.
    pub(super) const fn trace(self) -> Uuid {
        self.trace
    }

    /// The name that the client gave it.
    pub(super) const fn correlation(self) -> Uuid {
        self.correlation
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
        if let (Some(claims), Some(body)) = (refusal.claims(), body.as_object_mut()) {
            body.insert("claims".to_owned(), claims.into());
        }
        let status = StatusCode::from_u16(row.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = (status, Json(body)).into_response();
        let headers = response.headers_mut();
        challenge(headers, refusal);
        if let Some(seconds) = refusal.retry_after() {
            headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}

/// Tells in the headers what a request needs that was refused.
pub(super) fn challenge(headers: &mut HeaderMap, refusal: &Refusal) {
    for challenge in challenges(refusal) {
        if let Ok(value) = HeaderValue::try_from(challenge) {
            headers.append(WWW_AUTHENTICATE, value);
        }
    }
    if let Some(nonce) = refusal.proof_nonce().and_then(|nonce| HeaderValue::try_from(nonce).ok()) {
        headers.insert(HeaderName::from_static("dpop-nonce"), nonce);
    }
}

/// A page of ours.
pub(super) fn page(page: &impl Template, policy: &Policy, status: StatusCode) -> Response {
    let Ok(html) = page.render() else { return StatusCode::INTERNAL_SERVER_ERROR.into_response() };
    let mut response = (status, Html(html)).into_response();
    if let Ok(policy) = HeaderValue::try_from(policy.header()) {
        response.headers_mut().insert(HeaderName::from_static("content-security-policy"), policy);
    }
    response
}

/// What a layer refused with a bare status says what to do.
pub(super) async fn explained(response: Response) -> Response {
    let (error, description) = match response.status() {
        StatusCode::PAYLOAD_TOO_LARGE => ("request_too_large", "The body must not be larger than 64 KiB."),
        StatusCode::REQUEST_TIMEOUT => ("request_timeout", "The request was not complete within 15 seconds."),
        _ => return response,
    };
    (response.status(), Json(json!({ "error": error, "error_description": description }))).into_response()
}

/// What a request needs that was not allowed (RFC 6750 §3, RFC 9449 §7.1, RFC 6749 §5.2).
fn challenges(refusal: &Refusal) -> Vec<String> {
    let Row { error, status, .. } = refusal.row();
    let algorithms = ALGORITHMS.join(" ");
    match (error, status, refusal.claims()) {
        ("insufficient_claims", _, Some(claims)) => {
            let claims = STANDARD.encode(claims);
            vec![format!("Bearer realm=\"\", error=\"insufficient_claims\", claims=\"{claims}\"")]
        }
        ("invalid_token", ..) => vec![
            "Bearer error=\"invalid_token\"".to_owned(),
            format!("DPoP error=\"invalid_token\", algs=\"{algorithms}\""),
        ],
        ("invalid_dpop_proof" | "use_dpop_nonce", 401, _) => {
            vec![format!("DPoP error=\"{error}\", algs=\"{algorithms}\"")]
        }
        ("insufficient_scope", ..) => vec!["Bearer error=\"insufficient_scope\"".to_owned()],
        (_, 401, _) => vec!["Basic realm=\"token endpoint\"".to_owned()],
        _ => Vec::new(),
    }
}

pub(super) async fn not_found() -> Response {
    (StatusCode::NOT_FOUND, Json(json!({ "error": "not_found" }))).into_response()
}

pub(super) async fn method_not_allowed() -> Response {
    (StatusCode::METHOD_NOT_ALLOWED, Json(json!({ "error": "method_not_allowed" }))).into_response()
}
