//! Requests are counted by address before anything else is done for them.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::header::RETRY_AFTER;
use axum::http::{HeaderValue, StatusCode};
use axum::middleware::Next;
use axum::response::Response;

use super::answer::{Trace, page};
use super::peer::Peer;
use crate::graph::GraphError;
use crate::limits::{Kind, Locked};
use crate::oauth::Refusal;
use crate::pages::{ErrorPage, Frame, When};
use crate::provider::Provider;

/// Lets a request in, or answers it with 429 and when to come again.
pub(super) async fn limit(
    State(provider): State<Arc<Provider>>,
    peer: Peer,
    request: Request,
    next: Next,
) -> Response {
    let Some(kind) = Kind::of(request.uri().path()) else { return next.run(request).await };
    match provider.admit(kind, peer.0).await {
        Ok(()) => next.run(request).await,
        Err(locked) => refused(&provider, kind, &request, locked),
    }
}

fn refused(provider: &Provider, kind: Kind, request: &Request, locked: Locked) -> Response {
    let (headers, path) = (request.headers(), request.uri().path());
    let is_graph = path.starts_with("/v1.0/") || path.starts_with("/beta/");
    let refusal = Refusal::TooMany(locked);
    let trace = Trace::new(provider, headers);
    if is_graph {
        return super::graph::refuse(provider, trace, &GraphError::Token(refusal));
    }
    if !kind.is_page() {
        return trace.answer(provider, Err(refusal));
    }
    let told = ErrorPage {
        frame: Frame::default(),
        title: "Too many requests".to_owned(),
        message: refusal.to_string(),
        advice: vec!["Wait a moment, then go back and try again.".to_owned()],
        code: refusal.row().code,
        trace_id: trace.trace().to_string(),
        correlation_id: trace.correlation().to_string(),
        time: When::at(provider.now()),
        retry_url: None,
    };
    let mut response = page(&told, &told.frame.policy(), StatusCode::TOO_MANY_REQUESTS);
    if let Some(seconds) = refusal.retry_after() {
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
    response
}
