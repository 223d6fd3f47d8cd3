//! Pushed authorization requests (RFC 9126): a client sends its request from its server, authenticated, and gets a short
//! name for it that the browser carries instead.

use std::time::Duration;

use serde_json::{Value, json};

use super::authorize::{AuthorizeRefusal, AuthorizeRequest};
use super::client::authenticate;
use super::error::Refusal;
use super::fields::Fields;
use super::token::{TokenRequest, audiences};
use crate::domain::OpaqueHash;
use crate::provider::Provider;

/// How each name begins (RFC 9126 §2.2).
const PREFIX: &str = "urn:ietf:params:oauth:request_uri:";
/// A browser goes there at once, or not at all.
const LIFETIME: Duration = Duration::from_secs(90);
/// What only authenticates the client is not part of the request; the other two are kept in our own spelling.
const NOT_KEPT: [&str; 5] =
    ["client_secret", "client_assertion", "client_assertion_type", "client_id", "dpop_jkt"];

/// Keeps an authorization request: all that can be wrong with it is said now.
///
/// # Errors
/// When the client is not who it says, or the request would be refused.
pub async fn push(provider: &Provider, request: &TokenRequest<'_>) -> Result<Value, Refusal> {
    let fields = &request.fields;
    let audiences = audiences(provider, &request.authority);
    let client = authenticate(provider, fields, &request.sent, &audiences).await?;
    // RFC 9126 §2.1: a request is not pushed by the name of another.
    if fields.optional("request_uri")?.is_some() {
        return Err(Refusal::Malformed("request_uri"));
    }
    let mut kept = vec![("client_id".to_owned(), client.app.id.to_string())];
    kept.extend(fields.without(&NOT_KEPT));
    // The key that was shown here is the one that redeems the code (RFC 9449 §10.1).
    let named = fields.optional("dpop_jkt")?;
    if client.key.is_some() && named.is_some_and(|named| client.key.as_deref() != Some(named)) {
        return Err(Refusal::ProofKey);
    }
    kept.extend(client.key.as_deref().or(named).map(|key| ("dpop_jkt".to_owned(), key.to_owned())));
    let form = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(&kept).finish();
    let parsed = Fields::parse(form.as_bytes())?;
    let authority = request.authority.clone();
    match AuthorizeRequest::parse(provider, authority, request.protocol, &parsed).await {
        Ok(_) => {}
        Err(AuthorizeRefusal::Page(refusal) | AuthorizeRefusal::Client(_, refusal)) => return Err(refusal),
    }
    let request_uri = format!("{PREFIX}{}", provider.opaque().expose());
    let expires_at = provider.now().plus(LIFETIME);
    let hash = OpaqueHash::of(&request_uri);
    provider.database.pushed_requests().push(&hash, client.app.id, &form, expires_at).await?;
    Ok(json!({ "request_uri": request_uri, "expires_in": LIFETIME.as_secs() }))
}

/// The form that `query` stands for: the pushed one, which is used up, if it names one. Nothing else of the query counts then
/// (RFC 9101 §5). `Ok(None)`: the query is the request itself.
///
/// # Errors
/// When there is no such request of this client, or it was used or is too old.
pub(crate) async fn pulled(provider: &Provider, query: &Fields) -> Result<Option<String>, Refusal> {
    // Of any other form it is no name of ours, and is refused with the request.
    let Some(uri) = query.optional("request_uri")?.filter(|uri| uri.starts_with(PREFIX)) else {
        return Ok(None);
    };
    let client = query.required("client_id")?.parse().map_err(|_| Refusal::Application)?;
    let requests = provider.database.pushed_requests();
    let form = requests.take(&OpaqueHash::of(uri), client, provider.now()).await?;
    form.map(Some).ok_or(Refusal::PushedRequest)
}
