//! What comes from a browser and what goes back, without HTTP.

use std::net::IpAddr;

use askama::Template;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;
use url::Url;

use crate::domain::Opaque;
use crate::oauth::authorize::AuthorizeAnswer;
use crate::pages::{FormPostPage, Frame, Policy};

/// The browser that asks.
#[derive(Debug)]
pub struct Browser {
    /// From where.
    pub address: IpAddr,
    /// Its `User-Agent`, bounded.
    pub agent: String,
    /// The cookie that binds sign-ins to it; it says nothing about anybody.
    pub binding: Option<Opaque>,
    /// The cookie of its session.
    pub session: Option<Opaque>,
    /// What the device's broker vouches for.
    pub broker: Credentials,
}

/// What a broker adds to the requests of a browser on its device (MS-OAPXBC 3.2.5.1.4; the wire reference, 1.4).
#[derive(Debug, Default)]
pub struct Credentials {
    /// The user's primary token, under its session key (`x-ms-RefreshTokenCredential`).
    pub primary: Option<Opaque>,
    /// The device alone, under its key (`x-ms-DeviceCredential`).
    pub device: Option<Opaque>,
}

/// A cookie that is set.
#[derive(Debug)]
pub enum Cookie {
    /// The one that binds sign-ins.
    Binding(Opaque),
    /// The same one for a day: a link for a first sign-in is good for as long, in this browser only.
    LastingBinding(Opaque),
    /// A session's. A persistent one outlives the browser.
    Session(Opaque, bool),
    /// No session any more.
    SessionOver,
}

/// What the browser is shown or told.
#[derive(Debug)]
pub enum Reply {
    /// A page.
    Page {
        /// The HTML.
        html: String,
        /// Its `Content-Security-Policy`.
        policy: String,
        /// The HTTP status.
        status: u16,
    },
    /// Go there.
    Redirect(String),
}

/// A reply and the cookies that come with it.
#[derive(Debug)]
pub struct Outcome {
    /// The reply.
    pub reply: Reply,
    /// The cookies.
    pub cookies: Vec<Cookie>,
}

impl Reply {
    /// A page with its policy.
    pub(crate) fn page(page: &impl Template, policy: &Policy) -> Self {
        Self::page_with(page, policy, 200)
    }

    pub(crate) fn page_with(page: &impl Template, policy: &Policy, status: u16) -> Self {
        match page.render() {
            Ok(html) => Self::Page { html, policy: policy.header(), status },
            Err(error) => {
                tracing::error!(%error, "a page could not be rendered");
                let html = "The page could not be made. Try again.".to_owned();
                Self::Page { html, policy: Policy::new().header(), status: 500 }
            }
        }
    }

    /// A page that could be made, with this status.
    pub(super) fn with_status(self, status: u16) -> Self {
        match self {
            Self::Page { html, policy, status: 200 } => Self::Page { html, policy, status },
            other @ (Self::Page { .. } | Self::Redirect(_)) => other,
        }
    }

    /// The answer to a client, by the way that it asked for.
    pub(super) fn to_client(answer: AuthorizeAnswer) -> Self {
        match answer {
            AuthorizeAnswer::Redirect(location) => Self::Redirect(location),
            AuthorizeAnswer::Form { action, fields } => {
                let Ok(action) = Url::parse(&action) else { return Self::Redirect(action) };
                let page = FormPostPage { frame: Frame::default(), action, fields };
                Self::page(&page, &page.policy())
            }
        }
    }
}

impl From<Reply> for Outcome {
    fn from(reply: Reply) -> Self {
        Self { reply, cookies: Vec::new() }
    }
}

impl Outcome {
    pub(super) fn with(mut self, cookie: Cookie) -> Self {
        self.cookies.push(cookie);
        self
    }
}

/// The CSRF token of a form: it follows from a cookie that other sites can neither read nor set, and from what the form
/// belongs to.
pub(super) fn canary(secret: &Opaque, of: &str) -> String {
    let mut hash = Sha256::new();
    for part in ["latchkey canary 1", secret.expose(), of] {
        hash.update(part);
        hash.update([0]);
    }
    URL_SAFE_NO_PAD.encode(hash.finalize())
}

/// Whether the form was made for this cookie.
pub(super) fn canary_matches(secret: &Opaque, of: &str, presented: &str) -> bool {
    canary(secret, of).as_bytes().ct_eq(presented.as_bytes()).into()
}
