//! Signing in, registering, signing out.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Query, State};
use axum::response::{IntoResponse as _, Response};
use serde::Deserialize;
use serde_json::json;
use webauthn_rs::prelude::{PublicKeyCredential, RegisterPublicKeyCredential};

use super::answer::{CallRefusal, PageRefusal, go_to, render, see_other};
use super::input::{Call, Form};
use super::visitor::{Visitor, forget_cookie, session_cookie};
use crate::pages::{HomePage, Notice, RegisterPage};
use crate::site::Site;

/// `?done=…`: what the page before has done.
#[derive(Deserialize)]
pub(super) struct Done {
    #[serde(default)]
    done: String,
}

impl Done {
    pub(super) fn notice(&self) -> Option<Notice> {
        Notice::parse(&self.done)
    }
}

/// `GET /`
pub(super) async fn home(
    State(site): State<Arc<Site>>,
    visitor: Visitor,
    Query(done): Query<Done>,
) -> Response {
    if visitor.signed_in() {
        return see_other("/account", None);
    }
    let identities = site.identity_provider.is_some();
    render(&HomePage { frame: visitor.frame(&site, done.notice()), identities })
}

/// `GET /register`
pub(super) async fn register(State(site): State<Arc<Site>>, visitor: Visitor) -> Response {
    if visitor.signed_in() {
        return see_other("/account", None);
    }
    render(&RegisterPage { frame: visitor.frame(&site, None) })
}

#[derive(Deserialize)]
pub(super) struct RegistrationStart {
    username: String,
}

/// `POST /api/register/options`
pub(super) async fn begin_registration(
    State(site): State<Arc<Site>>,
    visitor: Visitor,
    Call(start): Call<RegistrationStart>,
) -> Result<Response, CallRefusal> {
    let options = site.begin_registration(&visitor.0, &start.username, site.now()).await?;
    Ok(Json(json!({ "publicKey": options })).into_response())
}

#[derive(Deserialize)]
pub(super) struct Registered {
    credential: RegisterPublicKeyCredential,
}

/// `POST /api/register/finish`
pub(super) async fn finish_registration(
    State(site): State<Arc<Site>>,
    visitor: Visitor,
    Call(registered): Call<Registered>,
) -> Result<Response, CallRefusal> {
    let token = site.finish_registration(&visitor.0, &registered.credential, site.now()).await?;
    Ok(go_to("/account?done=registered", session_cookie(&site, &token)))
}

#[derive(Deserialize)]
pub(super) struct SignInStart {
    username: Option<String>,
}

/// `POST /api/sign-in/options`
pub(super) async fn begin_sign_in(
    State(site): State<Arc<Site>>,
    visitor: Visitor,
    Call(start): Call<SignInStart>,
) -> Result<Response, CallRefusal> {
    let options = site.begin_sign_in(&visitor.0, start.username.as_deref(), site.now()).await?;
    Ok(Json(json!({ "publicKey": options })).into_response())
}

#[derive(Deserialize)]
pub(super) struct SignedIn {
    credential: PublicKeyCredential,
}

/// `POST /api/sign-in/finish`
pub(super) async fn finish_sign_in(
    State(site): State<Arc<Site>>,
    visitor: Visitor,
    Call(signed_in): Call<SignedIn>,
) -> Result<Response, CallRefusal> {
    let token = site.finish_sign_in(&visitor.0, &signed_in.credential, site.now()).await?;
    let next = if visitor.user().is_ok() { "/account?done=confirmed" } else { "/account" };
    Ok(go_to(next, session_cookie(&site, &token)))
}

#[derive(Deserialize)]
pub(super) struct Nothing {}

/// `POST /sign-out`
pub(super) async fn sign_out(
    State(site): State<Arc<Site>>,
    visitor: Visitor,
    Form(Nothing {}): Form<Nothing>,
) -> Result<Response, PageRefusal> {
    site.database.sessions().end(&visitor.0.id).await?;
    Ok(see_other("/?done=signed-out", forget_cookie(&site)))
}
