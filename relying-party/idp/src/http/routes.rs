//! The handlers.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::header::{ACCESS_CONTROL_ALLOW_ORIGIN, CACHE_CONTROL, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::Value;
use zeroize::Zeroizing;

use super::answer::Trace;
use super::message::Message;
use crate::domain::Authority;
use crate::oauth::bearer::Sent;
use crate::oauth::{self, Fields, Metadata, Protocol, Refusal, TokenReply, TokenRequest};
use crate::provider::Provider;

type Shared = State<Arc<Provider>>;

/// Metadata and keys are for everyone, for an hour: a new key is published a day before it signs.
const PUBLIC: HeaderValue = HeaderValue::from_static("public, max-age=3600");

/// What a client sent to an endpoint that authenticates it.
struct Call<'a> {
    provider: &'a Provider,
    tenant: &'a str,
    protocol: Protocol,
    message: &'a Message,
    body: &'a [u8],
}

impl Call<'_> {
    /// Has the core carry it out, and answers.
    async fn answer(
        self,
        carry_out: impl AsyncFnOnce(&Provider, &TokenRequest<'_>) -> Result<Value, Refusal>,
    ) -> Response {
        let trace = Trace::new(self.provider, &self.message.headers);
        let result = match self.message.client_request((self.tenant, trace), self.protocol, self.body) {
            Ok(request) => carry_out(self.provider, &request).await,
            Err(refusal) => Err(refusal),
        };
        trace.answer(self.provider, result)
    }
}

/// An endpoint of clients in its two versions, which differ in the protocol only.
macro_rules! client_endpoints {
    ($($v1:ident, $v2:ident: $answer:ident)*) => {$(
        client_endpoints!(@ $v1, V1, $answer);
        client_endpoints!(@ $v2, V2, $answer);
    )*};
    (@ $name:ident, $protocol:ident, $answer:ident) => {
        pub(super) async fn $name(
            State(provider): Shared,
            Path(tenant): Path<String>,
            message: Message,
            body: Bytes,
        ) -> Response {
            let protocol = Protocol::$protocol;
            let (provider, tenant, message, body) = (&*provider, tenant.as_str(), &message, &*body);
            $answer(Call { provider, tenant, protocol, message, body }).await
        }
    };
}

client_endpoints! {
    token_v1, token_v2: token
    device_code_v1, device_code_v2: device_code
    push_v1, push_v2: push
}

async fn token(call: Call<'_>) -> Response {
    let (provider, trace) = (call.provider, Trace::new(call.provider, &call.message.headers));
    let request = call.message.client_request((call.tenant, trace), call.protocol, call.body);
    let reply = match request {
        Ok(request) => oauth::token(provider, &request).await,
        Err(refusal) => Err(refusal),
    };
    match reply {
        Ok(TokenReply::Json(answer)) => trace.answer(provider, Ok(answer)),
        Ok(TokenReply::Sealed(jwe)) => {
            let jose = HeaderValue::from_static("application/jose");
            ([(CONTENT_TYPE, jose)], jwe).into_response()
        }
        Err(refusal) => trace.answer(provider, Err(refusal)),
    }
}

/// Brokers send a form with GET, so it is read as bytes.
pub(super) async fn user_of_sid(
    State(provider): Shared,
    Path(tenant): Path<String>,
    message: Message,
    body: Bytes,
) -> Response {
    let (provider, tenant, message, body) = (&*provider, tenant.as_str(), &message, &*body);
    let call = Call { provider, tenant, protocol: Protocol::V1, message, body };
    call.answer(oauth::user_of_sid).await
}

async fn device_code(call: Call<'_>) -> Response {
    call.answer(oauth::authorize_device).await
}

async fn push(call: Call<'_>) -> Response {
    let mut response = call.answer(oauth::push).await;
    // RFC 9126 §2.2.
    if response.status() == StatusCode::OK {
        *response.status_mut() = StatusCode::CREATED;
    }
    response
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

pub(super) async fn userinfo(State(provider): Shared, message: Message) -> Response {
    let result = oauth::userinfo(&provider, &message.sent()).await;
    Trace::new(&provider, &message.headers).answer(&provider, result)
}

/// The token may also come in the form (RFC 6750 §2.2), but not in two places.
pub(super) async fn userinfo_by_post(State(provider): Shared, message: Message, body: Bytes) -> Response {
    let in_form = Fields::parse(&body).and_then(|fields| {
        let token = fields.optional("access_token")?;
        Ok(token.map(|token| Zeroizing::new(format!("Bearer {token}"))))
    });
    let sent = message.sent();
    let result = match (in_form, sent.authorization) {
        (Ok(None), _) => oauth::userinfo(&provider, &sent).await,
        (Ok(Some(token)), None) => {
            oauth::userinfo(&provider, &Sent { authorization: Some(token.as_str()), ..sent.clone() }).await
        }
        (Ok(Some(_)), Some(_)) => Err(Refusal::Malformed("access_token")),
        (Err(refusal), _) => Err(refusal),
    };
    Trace::new(&provider, &message.headers).answer(&provider, result)
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

fn public(mut response: Response) -> Response {
    if response.status().is_success() {
        response.headers_mut().insert(CACHE_CONTROL, PUBLIC);
        response.headers_mut().insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    }
    response
}
