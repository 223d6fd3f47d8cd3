//! The server API of the FIDO conformance tools, over the same ceremonies that visitors go through. What the API calls an
//! account is one here; what it wants echoed is echoed, unless this site decides it: user verification is required.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use super::answer::with_cookie;
use super::visitor::{Visitor, session_cookie};
use crate::refusal::Refusal;
use crate::site::Site;
use crate::storage::SignedIn;

type Members = Map<String, Value>;

/// The four routes.
pub(super) fn routes() -> Router<Arc<Site>> {
    Router::new()
        .route("/attestation/options", post(begin_attestation))
        .route("/attestation/result", post(finish_attestation))
        .route("/assertion/options", post(begin_assertion))
        .route("/assertion/result", post(finish_assertion))
}

/// `{"status": "failed", "errorMessage", "code", "reason"}`: the code of the refusal, and which check failed where the site
/// knows more than it tells visitors.
struct Failed(Refusal);

impl<E: Into<Refusal>> From<E> for Failed {
    fn from(error: E) -> Self {
        Self(error.into())
    }
}

impl IntoResponse for Failed {
    fn into_response(self) -> Response {
        self.0.report();
        let (status, code) = self.0.status_and_code();
        let body = json!({
            "status": "failed",
            "errorMessage": self.0.to_string(),
            "code": code,
            "reason": self.0.reason(),
        });
        (status, Json(body)).into_response()
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct AttestationOptions {
    username: String,
    display_name: String,
    #[serde(default)]
    authenticator_selection: Members,
    #[serde(default)]
    attestation: Option<String>,
    #[serde(default)]
    extensions: Members,
}

/// A user's first passkey, or a further one when that user has signed in: nobody else may add one.
async fn begin_attestation(
    State(site): State<Arc<Site>>,
    visitor: Visitor,
    body: Bytes,
) -> Result<Response, Failed> {
    let asked: AttestationOptions = read(&body)?;
    let options = match &visitor.0.signed_in {
        Some(SignedIn::User(user)) if user.name == asked.username => {
            site.begin_addition(&visitor.0, user, site.now()).await?
        }
        Some(_) | None => site.begin_registration(&visitor.0, &asked.username, site.now()).await?,
    };
    let mut options = members(options)?;
    laid_under(&mut options, "authenticatorSelection", asked.authenticator_selection);
    laid_under(&mut options, "extensions", asked.extensions);
    let conveyance = asked.attestation.unwrap_or_else(|| "none".to_owned());
    options.insert("attestation".to_owned(), conveyance.into());
    if let Some(user) = options.get_mut("user").and_then(Value::as_object_mut) {
        user.insert("displayName".to_owned(), asked.display_name.into());
    }
    Ok(succeeded(options))
}

async fn finish_attestation(
    State(site): State<Arc<Site>>,
    visitor: Visitor,
    body: Bytes,
) -> Result<Response, Failed> {
    let response = read_credential(&body)?;
    // The challenge knows which of the two it was made for, and stays when it is asked for as the other.
    if let Ok(user) = visitor.user() {
        match site.finish_addition(&visitor.0, user, &response, None, site.now()).await {
            Err(Refusal::ChallengeUnknown) => {}
            done => return Ok(done.map(|()| succeeded(Members::new()))?),
        }
    }
    let token = site.finish_registration(&visitor.0, &response, site.now()).await?;
    Ok(with_cookie(succeeded(Members::new()), session_cookie(&site, &token)))
}

#[derive(Deserialize)]
struct Assertion {
    username: String,
    #[serde(default)]
    extensions: Members,
}

async fn begin_assertion(
    State(site): State<Arc<Site>>,
    visitor: Visitor,
    body: Bytes,
) -> Result<Response, Failed> {
    let asked: Assertion = read(&body)?;
    let options = site.begin_sign_in(&visitor.0, Some(&asked.username), site.now()).await?;
    let mut options = members(options)?;
    laid_under(&mut options, "extensions", asked.extensions);
    Ok(succeeded(options))
}

async fn finish_assertion(
    State(site): State<Arc<Site>>,
    visitor: Visitor,
    body: Bytes,
) -> Result<Response, Failed> {
    let response = read_credential(&body)?;
    let token = site.finish_sign_in(&visitor.0, &response, site.now()).await?;
    Ok(with_cookie(succeeded(Members::new()), session_cookie(&site, &token)))
}

fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, Refusal> {
    serde_json::from_slice(body).map_err(|_| Refusal::Malformed)
}

/// A credential in the API's own spelling, which is not quite `toJSON()`'s (WebAuthn L3 §5.1).
fn read_credential<T: DeserializeOwned>(body: &[u8]) -> Result<T, Refusal> {
    let mut credential: Members = read(body)?;
    if let (None, Some(id)) = (credential.get("rawId"), credential.get("id").cloned()) {
        credential.insert("rawId".to_owned(), id);
    }
    if let Some(results) = credential.remove("getClientExtensionResults") {
        credential.entry("clientExtensionResults").or_insert(results);
    }
    if let Some(response) = credential.get_mut("response").and_then(Value::as_object_mut)
        && response.get("userHandle").is_some_and(|handle| handle == "")
    {
        response.remove("userHandle");
    }
    serde_json::from_value(credential.into()).map_err(|_| Refusal::Malformed)
}

fn members(options: Value) -> Result<Members, Refusal> {
    if let Value::Object(members) = options {
        Ok(members)
    } else {
        Err(Refusal::Internal("options are no object"))
    }
}

/// Adds to an object of the options what was asked for and the site says nothing about.
fn laid_under(options: &mut Members, member: &str, asked: Members) {
    if let Some(decided) = options.entry(member).or_insert_with(|| json!({})).as_object_mut() {
        for (name, value) in asked {
            decided.entry(name).or_insert(value);
        }
    }
}

fn succeeded(mut members: Members) -> Response {
    members.insert("status".to_owned(), "ok".into());
    members.insert("errorMessage".to_owned(), "".into());
    Json(members).into_response()
}
