//! How refusals and successes leave the site: as JSON for scripts, as a page for people.

use askama::Template;
use axum::Json;
use axum::http::header::{RETRY_AFTER, SET_COOKIE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{Html, IntoResponse, Redirect, Response};
use serde_json::json;

use crate::pages::{ErrorPage, Frame};
use crate::refusal::Refusal;

/// Whom a route answers.
#[derive(Clone, Copy, Debug)]
pub(super) enum Voice {
    Page,
    Json,
}

impl Voice {
    pub(super) fn say(self, refusal: Refusal) -> Response {
        match self {
            Self::Page => PageRefusal(refusal).into_response(),
            Self::Json => CallRefusal(refusal).into_response(),
        }
    }
}

/// A refusal that a script reads: `{"error": {"code", "message"}}`.
#[derive(Debug)]
pub(super) struct CallRefusal(pub(super) Refusal);

/// A refusal that a person reads.
#[derive(Debug)]
pub(super) struct PageRefusal(pub(super) Refusal);

impl<E: Into<Refusal>> From<E> for CallRefusal {
    fn from(error: E) -> Self {
        Self(error.into())
    }
}

impl<E: Into<Refusal>> From<E> for PageRefusal {
    fn from(error: E) -> Self {
        Self(error.into())
    }
}

impl IntoResponse for CallRefusal {
    fn into_response(self) -> Response {
        self.0.report();
        let (status, code) = self.0.status_and_code();
        let body = json!({"error": {"code": code, "message": self.0.to_string()}});
        with_retry_after(&self.0, (status, Json(body)).into_response())
    }
}

impl IntoResponse for PageRefusal {
    fn into_response(self) -> Response {
        self.0.report();
        let (status, code) = self.0.status_and_code();
        let page = ErrorPage {
            frame: Frame::default(),
            status: status.as_u16(),
            code,
            title: title(status),
            message: self.0.to_string(),
        };
        with_retry_after(&self.0, (status, render(&page)).into_response())
    }
}

fn title(status: StatusCode) -> &'static str {
    match status {
        StatusCode::NOT_FOUND => "Nothing here",
        StatusCode::TOO_MANY_REQUESTS => "A little slower, please",
        StatusCode::INTERNAL_SERVER_ERROR => "That is our fault",
        StatusCode::CONFLICT => "Not like this",
        _ => "That did not work",
    }
}

fn with_retry_after(refusal: &Refusal, mut response: Response) -> Response {
    if let Some(seconds) = refusal.retry_after() {
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
    response
}

/// Renders a page.
pub(super) fn render(page: &impl Template) -> Response {
    match page.render() {
        Ok(html) => Html(html).into_response(),
        Err(error) => {
            tracing::error!(%error, "a page did not render");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

/// Tells the script where to go, with the new session's cookie.
pub(super) fn go_to(next: &'static str, cookie: Option<HeaderValue>) -> Response {
    with_cookie(Json(json!({ "next": next })).into_response(), cookie)
}

/// Sends the browser on after a form.
pub(super) fn see_other(next: &'static str, cookie: Option<HeaderValue>) -> Response {
    with_cookie(Redirect::to(next).into_response(), cookie)
}

pub(super) fn with_cookie(mut response: Response, cookie: Option<HeaderValue>) -> Response {
    if let Some(cookie) = cookie {
        response.headers_mut().append(SET_COOKIE, cookie);
    }
    response
}

pub(super) async fn not_found() -> PageRefusal {
    PageRefusal(Refusal::NotFound)
}

pub(super) async fn method_not_allowed() -> PageRefusal {
    PageRefusal(Refusal::MethodNotAllowed)
}
