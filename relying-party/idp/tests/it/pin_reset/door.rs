//! Where requests to the service go: to its routes in this process, or to `latchkey-idp pin-reset serve`.

use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Request};
use latchkey_tests::http::Connection;
use serde_json::Value;

use crate::rig::{Answer, Rig};

#[derive(Clone, Copy)]
pub enum Door {
    Here,
    /// A port of this machine.
    Port(u16),
}

impl Door {
    pub async fn send(self, rig: &Rig, request: Request<Body>) -> Answer {
        let Self::Port(port) = self else { return rig.send(request).await };
        let (parts, body) = request.into_parts();
        let body = to_bytes(body, usize::MAX).await.unwrap();
        let body = String::from_utf8(body.to_vec()).unwrap();
        let headers: Vec<_> =
            parts.headers.iter().map(|(name, value)| (name.as_str(), value.to_str().unwrap())).collect();
        let path = parts.uri.path_and_query().unwrap().as_str();
        let body = Some(body.as_str()).filter(|body| !body.is_empty());
        let answer =
            Connection::open(port).unwrap().send(parts.method.as_str(), path, &headers, body).unwrap();
        let headers = answer.headers.iter().map(|(name, value)| {
            (name.parse::<HeaderName>().unwrap(), value.parse::<HeaderValue>().unwrap())
        });
        let headers: HeaderMap = headers.collect();
        let body = serde_json::from_slice(&answer.body).unwrap_or(Value::Null);
        Answer { status: answer.status, headers, body, text: answer.text() }
    }
}
