//! Who is asking: the session cookie in, a [`Visitor`] for the handlers, a new cookie out.

use std::sync::Arc;

use axum::extract::{FromRequestParts, Request, State};
use axum::http::header::COOKIE;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue};
use axum::middleware::Next;
use axum::response::Response;

use super::answer::{Voice, with_cookie};
use crate::pages::{Frame, Notice};
use crate::refusal::Refusal;
use crate::site::Site;
use crate::storage::{Session, SessionToken, SignedIn, SignedInIdentity, SignedInUser};

/// The session of a request.
#[derive(Clone, Debug)]
pub(super) struct Visitor(pub(super) Session);

impl Visitor {
    /// The signed-in user of this site, or the refusal that asks for a sign-in.
    pub(super) fn user(&self) -> Result<&SignedInUser, Refusal> {
        match &self.0.signed_in {
            Some(SignedIn::User(user)) => Ok(user),
            Some(SignedIn::Identity(_)) => Err(Refusal::KeptElsewhere),
            None => Err(Refusal::SignInFirst),
        }
    }

    /// The signed-in account of the identity provider, likewise.
    pub(super) fn identity(&self) -> Result<&SignedInIdentity, Refusal> {
        match &self.0.signed_in {
            Some(SignedIn::Identity(identity)) => Ok(identity),
            Some(SignedIn::User(_)) | None => Err(Refusal::SignInFirst),
        }
    }

    /// Whether anybody is signed in.
    pub(super) fn signed_in(&self) -> bool {
        self.0.signed_in.is_some()
    }

    /// What surrounds a page for this visitor.
    pub(super) fn frame(&self, site: &Site, notice: Option<Notice>) -> Frame {
        Frame {
            csrf: site.key.csrf_token(&self.0.id),
            user: self.0.signed_in.as_ref().map(|signed_in| signed_in.name().to_owned()),
            notice,
        }
    }
}

impl<S: Sync> FromRequestParts<S> for Visitor {
    type Rejection = super::answer::PageRefusal;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        let visitor = parts.extensions.get::<Self>().cloned();
        visitor.ok_or(super::answer::PageRefusal(Refusal::Internal("a route without session")))
    }
}

/// For pages: finds the session, or starts one.
pub(super) async fn welcome_visitor(
    State(site): State<Arc<Site>>,
    mut request: Request,
    next: Next,
) -> Response {
    let found = match find(&site, request.headers()).await {
        Ok(found) => found,
        Err(refusal) => return Voice::Page.say(refusal),
    };
    let (session, cookie) = if let Some(session) = found {
        (session, None)
    } else {
        let token = site.new_session_token();
        match site.database.sessions().start(&token, site.now()).await {
            Ok(session) => (session, Some(session_cookie(&site, &token))),
            Err(error) => return Voice::Page.say(error.into()),
        }
    };
    request.extensions_mut().insert(Visitor(session));
    with_cookie(next.run(request).await, cookie.flatten())
}

/// For calls and forms: they need the session of the page that they come from.
pub(super) async fn known_visitor(
    State((site, voice)): State<(Arc<Site>, Voice)>,
    mut request: Request,
    next: Next,
) -> Response {
    match find(&site, request.headers()).await {
        Ok(Some(session)) => {
            request.extensions_mut().insert(Visitor(session));
            next.run(request).await
        }
        Ok(None) => voice.say(Refusal::StalePage),
        Err(refusal) => voice.say(refusal),
    }
}

async fn find(site: &Site, headers: &HeaderMap) -> Result<Option<Session>, Refusal> {
    let name = cookie_name(site);
    let token = headers
        .get_all(COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(found, _)| *found == name)
        .and_then(|(_, value)| SessionToken::from_cookie(value));
    match token {
        Some(token) => Ok(site.database.sessions().find(&token, site.now()).await?),
        None => Ok(None),
    }
}

/// `__Host-` makes the browser itself insist on `Secure`, `Path=/` and no `Domain`; it works over https only.
fn cookie_name(site: &Site) -> &'static str {
    if site.settings.secure() { "__Host-session" } else { "session" }
}

/// The cookie that carries a session's token.
pub(super) fn session_cookie(site: &Site, token: &SessionToken) -> Option<HeaderValue> {
    cookie(site, token.expose(), "")
}

/// The cookie that makes the browser forget its session.
pub(super) fn forget_cookie(site: &Site) -> Option<HeaderValue> {
    cookie(site, "", "; Max-Age=0")
}

fn cookie(site: &Site, value: &str, more: &str) -> Option<HeaderValue> {
    let name = cookie_name(site);
    let secure = if site.settings.secure() { "; Secure" } else { "" };
    HeaderValue::try_from(format!("{name}={value}; Path=/; HttpOnly; SameSite=Lax{secure}{more}")).ok()
}
