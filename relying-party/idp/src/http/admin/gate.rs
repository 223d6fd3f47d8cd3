//! The one way in: an administrator who signed in with two factors, in their own tenant, with the session's token on every
//! form. No handler is reached without, and none has to ask.

use std::sync::Arc;

use axum::body::to_bytes;
use axum::extract::{FromRequestParts, Request, State};
use axum::http::request::Parts;
use axum::http::{Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};

use super::super::LARGEST_BODY;
use super::super::sign_in::{Visitor, respond, see_other};
use crate::administration::{Administrator, Refused};
use crate::domain::{Tenant, User};
use crate::oauth::Fields;
use crate::pages::admin::{AdminFrame, TenantName};
use crate::pages::{Csrf, ErrorPage, Frame, Notice, Policy, When};
use crate::provider::Provider;
use crate::sign_in::{self, Destination, Entered, Entry, Outcome, Reply};

/// Where an administrator sits: who it is, in which tenant, and the form that was sent.
#[derive(Clone)]
pub(super) struct Seat(Arc<Inner>);

struct Inner {
    provider: Arc<Provider>,
    user: User,
    tenant: Tenant,
    csrf: Csrf,
    fields: Fields,
}

/// Lets an administrator in, with a seat; everyone else signs in or is told why not.
pub(super) async fn gate(
    State(provider): State<Arc<Provider>>,
    visitor: Visitor,
    request: Request,
    next: Next,
) -> Response {
    match admitted(&provider, &visitor, request).await {
        Ok(request) => next.run(request).await,
        Err(response) => *response,
    }
}

async fn admitted(
    provider: &Arc<Provider>,
    visitor: &Visitor,
    request: Request,
) -> Result<Request, Box<Response>> {
    let changes = request.method() != Method::GET && request.method() != Method::HEAD;
    let entry = Entry::to(Destination::Administration);
    let signed_in = match sign_in::enter(provider, &visitor.0, entry).await {
        Entered::User(signed_in) => signed_in,
        // A form cannot be carried through a sign-in: whoever sent it begins again.
        Entered::SignIn(_) if changes => return Err(Box::new(see_other(Destination::Administration.path()))),
        Entered::SignIn(outcome) => return Err(Box::new(respond(provider, outcome))),
    };
    let refuse = |refused: &Refused| Box::new(told(provider, refused));
    // The second segment is the tenant, except for the few pages that belong to none.
    let tenant = match request.uri().path().split('/').nth(2) {
        None | Some("" | "tenants") => signed_in.user.tenant,
        Some(named) => named.parse().map_err(|_| refuse(&Refused::NotFound("page")))?,
    };
    let administrator = Administrator::user(provider, &signed_in.user, tenant);
    let administrator = administrator.map_err(|refused| refuse(&refused))?;
    let tenant = administrator.tenant().await.map_err(|refused| refuse(&refused))?;
    let (mut parts, body) = request.into_parts();
    let bytes = to_bytes(body, LARGEST_BODY).await;
    let bytes = bytes.map_err(|_| Box::new(StatusCode::PAYLOAD_TOO_LARGE.into_response()))?;
    let fields = Fields::parse(&bytes).map_err(|_| refuse(&malformed()))?;
    if changes && !signed_in.sent(fields.optional("csrf").ok().flatten().unwrap_or_default()) {
        return Err(Box::new(forged(provider)));
    }
    let inner = Inner {
        provider: Arc::clone(provider),
        user: signed_in.user.clone(),
        tenant,
        csrf: signed_in.csrf(),
        fields,
    };
    parts.extensions.insert(Seat(Arc::new(inner)));
    Ok(Request::from_parts(parts, axum::body::Body::empty()))
}

impl<S: Sync> FromRequestParts<S> for Seat {
    type Rejection = StatusCode;

    /// Without the gate there is no seat, and without a seat no page.
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, StatusCode> {
        parts.extensions.get().cloned().ok_or(StatusCode::INTERNAL_SERVER_ERROR)
    }
}

impl Seat {
    /// The core, for this administrator.
    pub(super) fn administrator(&self) -> Result<Administrator<'_>, Refused> {
        Administrator::user(&self.0.provider, &self.0.user, self.0.tenant.id)
    }

    pub(super) fn provider(&self) -> &Provider {
        &self.0.provider
    }

    /// The tenant as it was when the request came.
    pub(super) fn tenant(&self) -> &Tenant {
        &self.0.tenant
    }

    /// A field of the form; a missing one, one that came twice, and what no database keeps as text are empty.
    pub(super) fn field(&self, name: &'static str) -> &str {
        let text = self.0.fields.optional(name).ok().flatten();
        text.filter(|text| !text.contains('\0')).unwrap_or_default()
    }

    /// A field that may be there several times.
    pub(super) fn all(&self, name: &'static str) -> impl Iterator<Item = &str> {
        self.0.fields.all(name)
    }

    /// Whether a box was ticked.
    pub(super) fn ticked(&self, name: &'static str) -> bool {
        self.field(name) == "1"
    }

    /// A number of the form.
    pub(super) fn number(&self, name: &'static str) -> Result<u32, Refused> {
        self.field(name).trim().parse().map_err(|_| Refused::Invalid("Type a number.".to_owned()))
    }

    /// The lines of a field.
    pub(super) fn lines(&self, name: &'static str) -> Vec<String> {
        let lines = self.field(name).lines().map(str::trim);
        lines.filter(|line| !line.is_empty()).map(str::to_owned).collect()
    }

    /// The frame of a page of the tenant.
    pub(super) fn frame(&self, notice: Option<Notice>) -> AdminFrame {
        let tenant = TenantName { id: self.0.tenant.id.to_string(), name: self.0.tenant.name.clone() };
        AdminFrame { tenant: Some(tenant), ..self.plain_frame(notice) }
    }

    /// The frame of a page that belongs to no tenant.
    pub(super) fn plain_frame(&self, notice: Option<Notice>) -> AdminFrame {
        AdminFrame { tenant: None, admin: self.0.user.upn.clone(), csrf: self.0.csrf.clone(), notice }
    }

    /// The path of a page of the tenant.
    pub(super) fn path(&self, rest: &str) -> String {
        format!("/admin/{}{rest}", self.0.tenant.id)
    }

    /// Shows a page.
    pub(super) fn show(&self, page: &impl askama::Template, policy: &Policy, status: u16) -> Response {
        respond(&self.0.provider, Outcome::from(Reply::page_with(page, policy, status)))
    }

    /// Says why there is no page.
    pub(super) fn refuse(&self, refused: &Refused) -> Response {
        told(&self.0.provider, refused)
    }
}

fn malformed() -> Refused {
    Refused::Invalid("The form has too many fields.".to_owned())
}

fn forged(provider: &Provider) -> Response {
    let text = Told {
        code: 165_000,
        title: "This form is no longer valid",
        message: "It was not made for this browser's session.".to_owned(),
        advice: "Open the page again, and send the form from there. Nothing was changed.",
        status: 403,
    };
    page(provider, text)
}

fn told(provider: &Provider, refused: &Refused) -> Response {
    refused.report();
    let status = refused.status();
    let (code, title, advice) = match status {
        403 => (50_105, "You may not do this", "Sign in as an administrator of the tenant, or ask one."),
        404 => (50_034, "There is no such page", "Go back to the list: it may have been deleted meanwhile."),
        503 => (90_033, "This did not work", "Go back and try again in a moment."),
        _ => (90_014, "This did not work", "Go back and change what you typed."),
    };
    page(provider, Told { code, title, message: refused.to_string(), advice, status })
}

struct Told {
    code: u32,
    title: &'static str,
    message: String,
    advice: &'static str,
    status: u16,
}

fn page(provider: &Provider, text: Told) -> Response {
    let trace = provider.guid().to_string();
    let page = ErrorPage {
        frame: Frame::default(),
        title: text.title.to_owned(),
        message: text.message,
        advice: vec![text.advice.to_owned()],
        code: text.code,
        correlation_id: trace.clone(),
        trace_id: trace,
        time: When::at(provider.now()),
        retry_url: Some(Destination::Administration.path().to_owned()),
    };
    respond(provider, Outcome::from(Reply::page_with(&page, &page.frame.policy(), text.status)))
}
