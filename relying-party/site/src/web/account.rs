//! The account page and what it does.

use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse as _, Response};
use serde::Deserialize;
use serde_json::json;
use webauthn_rs::prelude::RegisterPublicKeyCredential;

use super::answer::{CallRefusal, PageRefusal, go_to, render, see_other};
use super::home::{Done, Nothing};
use super::input::{Call, Form};
use super::visitor::Visitor;
use crate::ceremonies::confirmed;
use crate::names::PasskeyName;
use crate::pages::{AccountPage, ConfirmPage, IdentityPage};
use crate::refusal::Refusal;
use crate::site::Site;
use crate::storage::Deletion;

/// `GET /account`
pub(super) async fn account(
    State(site): State<Arc<Site>>,
    visitor: Visitor,
    Query(done): Query<Done>,
) -> Result<Response, PageRefusal> {
    if let Ok(identity) = visitor.identity() {
        return Ok(render(&IdentityPage::new(visitor.frame(&site, done.notice()), identity)));
    }
    let Ok(user) = visitor.user() else { return Ok(see_other("/?done=sign-in-first", None)) };
    let passkeys = site.database.passkeys().of(user.id).await?;
    Ok(render(&AccountPage::new(visitor.frame(&site, done.notice()), user.name.clone(), &passkeys)))
}

/// `GET /confirm`
pub(super) async fn confirm(State(site): State<Arc<Site>>, visitor: Visitor) -> Response {
    let Ok(user) = visitor.user() else { return see_other("/?done=sign-in-first", None) };
    render(&ConfirmPage { frame: visitor.frame(&site, None), user_name: user.name.clone() })
}

/// `POST /api/passkeys/options`
pub(super) async fn begin_addition(
    State(site): State<Arc<Site>>,
    visitor: Visitor,
    Call(Nothing {}): Call<Nothing>,
) -> Result<Response, CallRefusal> {
    let options = site.begin_addition(&visitor.0, visitor.user()?, site.now()).await?;
    Ok(Json(json!({ "publicKey": options })).into_response())
}

#[derive(Deserialize)]
pub(super) struct Added {
    credential: RegisterPublicKeyCredential,
    name: Option<String>,
}

/// `POST /api/passkeys/finish`
pub(super) async fn finish_addition(
    State(site): State<Arc<Site>>,
    visitor: Visitor,
    Call(added): Call<Added>,
) -> Result<Response, CallRefusal> {
    let Added { credential, name } = added;
    site.finish_addition(&visitor.0, visitor.user()?, &credential, name.as_deref(), site.now()).await?;
    Ok(go_to("/account?done=added", None))
}

#[derive(Deserialize)]
pub(super) struct NewName {
    name: String,
}

/// `POST /account/passkeys/{id}/rename`
pub(super) async fn rename(
    State(site): State<Arc<Site>>,
    visitor: Visitor,
    id: Result<Path<i64>, PathRejection>,
    Form(new): Form<NewName>,
) -> Result<Response, PageRefusal> {
    let Path(id) = id.map_err(|_| Refusal::NoSuchPasskey)?;
    let name = PasskeyName::parse(&new.name)?;
    if !site.database.passkeys().rename(visitor.user()?.id, id, &name).await? {
        return Err(Refusal::NoSuchPasskey.into());
    }
    Ok(see_other("/account?done=renamed", None))
}

/// `POST /account/passkeys/{id}/delete`
pub(super) async fn delete(
    State(site): State<Arc<Site>>,
    visitor: Visitor,
    id: Result<Path<i64>, PathRejection>,
    Form(Nothing {}): Form<Nothing>,
) -> Result<Response, PageRefusal> {
    let Path(id) = id.map_err(|_| Refusal::NoSuchPasskey)?;
    let user = visitor.user()?;
    confirmed(user, site.now())?;
    match site.database.passkeys().delete(user.id, id).await? {
        Deletion::Deleted => Ok(see_other("/account?done=deleted", None)),
        Deletion::NoSuchPasskey => Err(Refusal::NoSuchPasskey.into()),
        Deletion::OnlyOne => Err(Refusal::LastPasskey.into()),
    }
}
