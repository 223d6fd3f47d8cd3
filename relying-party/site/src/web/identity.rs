//! Signing in at the identity provider, and out of both.

use std::sync::Arc;

use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::HeaderValue;
use axum::http::header::CONTENT_SECURITY_POLICY;
use axum::response::{IntoResponse as _, Redirect, Response};
use serde::Deserialize;

use super::answer::{PageRefusal, see_other, with_cookie};
use super::home::Nothing;
use super::input::Form;
use super::visitor::{Visitor, forget_cookie, session_cookie};
use crate::identity_provider::ProviderAnswer;
use crate::refusal::Refusal;
use crate::settings::IdentityProviderSettings;
use crate::site::Site;

/// `POST /identity/sign-in`
pub(super) async fn begin(
    State(site): State<Arc<Site>>,
    visitor: Visitor,
    Form(Nothing {}): Form<Nothing>,
) -> Result<Response, PageRefusal> {
    let url = site.begin_identity_sign_in(&visitor.0, site.now()).await?;
    Ok(Redirect::to(url.as_str()).into_response())
}

/// The authorization response (RFC 6749 §4.1.2, RFC 9207 §2). What else is in it is ignored, the description of an
/// error too: it would be a text of anybody's on a page of ours.
#[derive(Deserialize)]
pub(super) struct AnswerParameters {
    state: Option<String>,
    code: Option<String>,
    error: Option<String>,
    iss: Option<String>,
}

/// `GET /identity/answer`
pub(super) async fn answer(
    State(site): State<Arc<Site>>,
    visitor: Visitor,
    parameters: Result<Query<AnswerParameters>, QueryRejection>,
) -> Result<Response, PageRefusal> {
    let Query(AnswerParameters { state, code, error, iss }) = parameters.map_err(|_| Refusal::Malformed)?;
    let code = match (code, error) {
        (Some(code), None) => Ok(code),
        (None, Some(error)) => Err(error),
        (Some(_), Some(_)) | (None, None) => return Err(Refusal::Malformed.into()),
    };
    let (state, answer) = (state.ok_or(Refusal::Malformed)?, ProviderAnswer { issuer: iss, code });
    let token = site.finish_identity_sign_in(&visitor.0, &state, answer, site.now()).await?;
    Ok(see_other("/account", session_cookie(&site, &token)))
}

/// `POST /identity/sign-out`
pub(super) async fn sign_out(
    State(site): State<Arc<Site>>,
    visitor: Visitor,
    Form(Nothing {}): Form<Nothing>,
) -> Result<Response, PageRefusal> {
    let next = site.sign_out_everywhere(&visitor.0, visitor.identity()?, site.now()).await?;
    let response = match next {
        Some(url) => Redirect::to(url.as_str()).into_response(),
        None => Redirect::to("/?done=signed-out-here").into_response(),
    };
    Ok(with_cookie(response, forget_cookie(&site)))
}

/// `GET /identity/signed-out`: where the provider sends the visitor afterwards.
pub(super) async fn signed_out() -> Response {
    see_other("/?done=signed-out-everywhere", None)
}

/// What the provider's frame says (OIDC Front-Channel Logout 1.0 §2).
#[derive(Deserialize)]
pub(super) struct EndedSession {
    iss: String,
    sid: String,
}

/// `GET /identity/front-channel-sign-out`, which the provider loads into a frame of its own page. It answers alike
/// whether there was such a session or not.
pub(super) async fn front_channel_sign_out(
    State(site): State<Arc<Site>>,
    ended: Result<Query<EndedSession>, QueryRejection>,
) -> Result<Response, PageRefusal> {
    let Query(EndedSession { iss, sid }) = ended.map_err(|_| Refusal::Malformed)?;
    site.end_provider_session(&iss, &sid).await?;
    let mut response = "Signed out.".into_response();
    let frames = site.settings.identity_provider.as_ref().map(IdentityProviderSettings::origin);
    let policy = format!("default-src 'none'; frame-ancestors {}", frames.unwrap_or_default());
    if let Ok(policy) = HeaderValue::try_from(policy) {
        response.headers_mut().insert(CONTENT_SECURITY_POLICY, policy);
    }
    Ok(response)
}
