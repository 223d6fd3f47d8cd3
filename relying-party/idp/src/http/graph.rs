//! The Graph-shaped API: extract, one call into [`crate::graph`], render.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{Path, RawQuery, State};
use axum::http::header::RETRY_AFTER;
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use axum::{Json, Router};
use serde_json::json;

use super::answer::{Trace, challenge};
use super::message::Message;
use crate::graph::{Call, GraphError, answer};
use crate::provider::Provider;

type Shared = State<Arc<Provider>>;

pub(super) fn routes() -> Router<Arc<Provider>> {
    Router::new().route("/v1.0/{*path}", any(v1)).route("/beta/{*path}", any(beta))
}

async fn v1(
    provider: Shared,
    path: Path<String>,
    query: RawQuery,
    message: Message,
    body: Bytes,
) -> Response {
    call(&provider, "v1.0", (&path, &query), &message, &body).await
}

async fn beta(
    provider: Shared,
    path: Path<String>,
    query: RawQuery,
    message: Message,
    body: Bytes,
) -> Response {
    call(&provider, "beta", (&path, &query), &message, &body).await
}

async fn call(
    provider: &Provider,
    version: &'static str,
    (path, query): (&str, &RawQuery),
    message: &Message,
    body: &[u8],
) -> Response {
    let query = query.0.as_deref().unwrap_or_default();
    let call = Call { sent: message.sent(), path, version, query, body };
    let trace = Trace::new(provider, &message.headers);
    let mut response = match answer(provider, &call).await {
        Ok(answer) => {
            let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::OK);
            answer.body.map_or_else(|| status.into_response(), |body| (status, Json(body)).into_response())
        }
        Err(error) => refuse(provider, trace, &error),
    };
    for (name, id) in [("request-id", trace.trace()), ("client-request-id", trace.correlation())] {
        if let Ok(value) = HeaderValue::try_from(id.to_string()) {
            response.headers_mut().insert(HeaderName::from_static(name), value);
        }
    }
    response
}

/// A refusal in Graph's shape.
pub(super) fn refuse(provider: &Provider, trace: Trace, error: &GraphError) -> Response {
    error.report();
    let row = error.row();
    let body = json!({
        "error": {
            "code": row.code,
            "message": error.to_string(),
            "innerError": {
                "date": provider.now().to_text().replacen(' ', "T", 1).trim_end_matches('Z'),
                "request-id": trace.trace(),
                "client-request-id": trace.correlation(),
            },
        },
    });
    let status = StatusCode::from_u16(row.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = (status, Json(body)).into_response();
    if let Some(seconds) = error.retry_after() {
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
    if let GraphError::Token(refusal) = error {
        challenge(response.headers_mut(), refusal);
    }
    response
}
