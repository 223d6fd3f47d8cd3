//! The directory as a Graph-shaped API (idp-wire §1.8): JSON in, JSON out, over the same core as the administrators' pages.
//!
//! Each request names what it needs as a [`Permission`]; whether the caller has it is decided in one place ([`Caller`]), and
//! with it comes the [`Administrator`] of the caller's own tenant, to whom other tenants' things are not there.

mod applications;
mod caller;
mod devices;
mod error;
mod fido2;
mod groups;
mod logs;
mod me;
mod methods;
mod pin_reset;
mod policies;
mod query;
pub mod shown;
mod users;

use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::oauth::bearer::{self, Sent};
use crate::provider::Provider;
use caller::Caller;
pub use caller::{roles, scopes};
pub use error::{GraphError, GraphRow};
use query::Query;

/// A request, as it came.
pub struct Call<'a> {
    /// Who sends it, and how.
    pub sent: Sent<'a>,
    /// The path after the version, in lower case.
    pub path: &'a str,
    /// `v1.0` or `beta`: links in the answer keep it.
    pub version: &'static str,
    /// The query, as a form.
    pub query: &'a str,
    /// The body.
    pub body: &'a [u8],
}

/// What comes back.
#[derive(Debug)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The body, if there is one.
    pub body: Option<Value>,
}

/// What a request is about, once it is known who sends it.
struct Request<'a> {
    provider: &'a Provider,
    caller: Caller,
    query: Query,
    body: &'a [u8],
    /// `https://host/v1.0`.
    base: String,
}

/// HTTP methods that the API knows.
#[derive(Clone, Copy)]
enum Verb {
    Get,
    Post,
    Patch,
    Delete,
}

/// Answers a request.
///
/// # Errors
/// When it is refused.
pub async fn answer(provider: &Provider, call: &Call<'_>) -> Result<Answer, GraphError> {
    let bearer = bearer::check(provider, &call.sent).await?;
    let verb = match call.sent.method {
        "GET" => Verb::Get,
        "POST" => Verb::Post,
        "PATCH" => Verb::Patch,
        "DELETE" => Verb::Delete,
        _ => return Err(GraphError::Method),
    };
    let request = Request {
        provider,
        caller: Caller::of(provider, bearer).await?,
        query: Query::parse(call.query)?,
        body: call.body,
        base: format!("{}/{}", provider.settings.public_url(), call.version),
    };
    let segments: Vec<_> = call.path.split('/').filter(|segment| !segment.is_empty()).collect();
    match segments.as_slice() {
        ["me", rest @ ..] => me::answer(&request, verb, rest).await,
        ["users", rest @ ..] => users::answer(&request, verb, rest).await,
        ["groups", rest @ ..] => groups::answer(&request, verb, rest).await,
        ["devices", rest @ ..] => devices::answer(&request, verb, rest).await,
        ["applications", rest @ ..] => applications::answer(&request, verb, rest).await,
        ["auditlogs", list] => logs::answer(&request, verb, list).await,
        ["policies", rest @ ..] => policies::answer(&request, verb, rest).await,
        ["pinreset", rest @ ..] => pin_reset::answer(&request, verb, rest).await,
        _ => Err(GraphError::NoSegment),
    }
}

impl Request<'_> {
    /// The body. Its type decides how deep it may be; JSON of more than 128 levels is refused before that.
    fn body<T: DeserializeOwned>(&self) -> Result<T, GraphError> {
        serde_json::from_slice(self.body).map_err(|error| {
            GraphError::BadRequest(format!("the body is not the JSON that is expected here: {error}"))
        })
    }

    /// What a list or an object is called in the metadata.
    fn context(&self, of: &str, mut object: Value) -> Value {
        if let Some(members) = object.as_object_mut() {
            members.insert("@odata.context".to_owned(), format!("{}/$metadata#{of}", self.base).into());
        }
        object
    }
}

impl Answer {
    fn ok(body: Value) -> Self {
        Self { status: 200, body: Some(body) }
    }

    fn created(body: Value) -> Self {
        Self { status: 201, body: Some(body) }
    }

    const fn nothing() -> Self {
        Self { status: 204, body: None }
    }
}
