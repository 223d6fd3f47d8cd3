//! Bodies, and the proof that our own page sent them: a CSRF token bound to the session, and the `Origin` header.

use std::sync::Arc;

use axum::extract::{FromRequest, Request};
use axum::http::header::ORIGIN;
use axum::http::{HeaderMap, StatusCode};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::answer::{CallRefusal, PageRefusal};
use super::visitor::Visitor;
use crate::refusal::Refusal;
use crate::site::Site;

/// The JSON body of a call that carries its session's token in `X-CSRF-Token`.
pub(super) struct Call<T>(pub(super) T);

/// The fields of a form that carries its session's token in `csrf`.
pub(super) struct Form<T>(pub(super) T);

#[derive(Deserialize)]
struct Guarded<T> {
    #[serde(default)]
    csrf: String,
    #[serde(flatten)]
    fields: T,
}

impl<T: DeserializeOwned> FromRequest<Arc<Site>> for Call<T> {
    type Rejection = CallRefusal;

    async fn from_request(request: Request, site: &Arc<Site>) -> Result<Self, CallRefusal> {
        let presented = request.headers().get("x-csrf-token").and_then(|value| value.to_str().ok());
        check_origin(site, request.headers())?;
        check_token(site, request.extensions().get(), presented.unwrap_or_default())?;
        let axum::Json(body) = axum::Json::from_request(request, site)
            .await
            .map_err(|rejection| too_large_or_malformed(rejection.status()))?;
        Ok(Self(body))
    }
}

impl<T: DeserializeOwned> FromRequest<Arc<Site>> for Form<T> {
    type Rejection = PageRefusal;

    async fn from_request(request: Request, site: &Arc<Site>) -> Result<Self, PageRefusal> {
        check_origin(site, request.headers())?;
        let visitor: Option<Visitor> = request.extensions().get().cloned();
        let axum::Form(Guarded { csrf, fields }) = axum::Form::from_request(request, site)
            .await
            .map_err(|rejection| too_large_or_malformed(rejection.status()))?;
        check_token(site, visitor.as_ref(), &csrf)?;
        Ok(Self(fields))
    }
}

/// Browsers send `Origin` with every POST; a request without it comes from no browser page.
fn check_origin(site: &Site, headers: &HeaderMap) -> Result<(), Refusal> {
    match headers.get(ORIGIN) {
        Some(origin) if origin.as_bytes() != site.settings.origin.as_bytes() => {
            Err(Refusal::ForeignOrigin(site.settings.origin.clone()))
        }
        Some(_) | None => Ok(()),
    }
}

fn check_token(site: &Site, visitor: Option<&Visitor>, presented: &str) -> Result<(), Refusal> {
    match visitor {
        Some(Visitor(session)) if site.key.csrf_token_matches(&session.id, presented) => Ok(()),
        Some(_) | None => Err(Refusal::StalePage),
    }
}

fn too_large_or_malformed(status: StatusCode) -> Refusal {
    if status == StatusCode::PAYLOAD_TOO_LARGE { Refusal::TooLarge } else { Refusal::Malformed }
}
