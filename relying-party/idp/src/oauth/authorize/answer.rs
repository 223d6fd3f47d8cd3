//! How the answer to an authorization request travels: in the query, the fragment, or a form that posts itself.

use std::time::Duration;

use url::form_urlencoded;

use super::{AuthorizeRequest, ReturnTo};
use crate::domain::{Authentication, GrantId, RedirectKind, User};
use crate::oauth::discovery::issuer;
use crate::oauth::error::Refusal;
use crate::oauth::issue::REFRESH;
use crate::provider::Provider;
use crate::storage::{Grant, IssuedCode, SignIn};

/// A code is redeemed at once, or not at all.
const CODE: Duration = Duration::from_mins(5);
/// How long a page without a server keeps its tokens.
const SPA: Duration = Duration::from_hours(24);

/// `response_mode`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ResponseMode {
    /// In the query.
    #[default]
    Query,
    /// In the fragment.
    Fragment,
    /// In a form that the page posts.
    FormPost,
}

impl ResponseMode {
    pub(super) fn parse(text: &str) -> Option<Self> {
        match text {
            "query" => Some(Self::Query),
            "fragment" => Some(Self::Fragment),
            "form_post" => Some(Self::FormPost),
            _ => None,
        }
    }
}

/// What the browser is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AuthorizeAnswer {
    /// Go there.
    Redirect(String),
    /// Post these fields there.
    Form {
        /// The redirect URI.
        action: String,
        /// Names and values.
        fields: Vec<(String, String)>,
    },
}

impl ReturnTo {
    /// The redirect URI, as it was written and registered.
    #[must_use]
    pub fn redirect_uri(&self) -> &str {
        &self.redirect_uri
    }

    /// An answer with these parameters, and `state`.
    #[must_use]
    pub fn answer(&self, parameters: &[(&str, &str)]) -> AuthorizeAnswer {
        let state = self.state.as_deref().map(|state| ("state", state));
        let all = parameters.iter().copied().chain(state);
        let separator = match self.mode {
            ResponseMode::FormPost => {
                let fields = all.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
                return AuthorizeAnswer::Form { action: self.redirect_uri.clone(), fields };
            }
            ResponseMode::Fragment => '#',
            ResponseMode::Query if self.redirect_uri.contains('?') => '&',
            ResponseMode::Query => '?',
        };
        let encoded = form_urlencoded::Serializer::new(String::new()).extend_pairs(all).finish();
        AuthorizeAnswer::Redirect(format!("{}{separator}{encoded}", self.redirect_uri))
    }

    /// The answer that says no (RFC 6749 §4.1.2.1).
    #[must_use]
    pub fn refuse(&self, refusal: &Refusal) -> AuthorizeAnswer {
        let row = refusal.row();
        let description = format!("AADSTS{}: {refusal}", row.code);
        let error = match row.error {
            // What is said of a grant at the token endpoint has other names here.
            "invalid_grant" if row.suberror == Some("consent_required") => "consent_required",
            "invalid_grant" | "invalid_client" | "authorization_declined" => "access_denied",
            "temporarily_unavailable" if row.status >= 500 => "server_error",
            error => error,
        };
        // A client with several providers must know whose no it is, too (RFC 9207 §2).
        let issuer = self.issuer.as_deref().map(|issuer| ("iss", issuer));
        let told = [("error", error), ("error_description", description.as_str())];
        self.answer(&told.into_iter().chain(issuer).collect::<Vec<_>>())
    }
}

/// Gives the client a code for a user who has signed in and consented, and notes the sign-in.
///
/// # Errors
/// When it cannot be stored.
pub async fn issue_code(
    provider: &Provider,
    request: &AuthorizeRequest,
    user: &User,
    authentication: Authentication,
    sign_in: &SignIn,
) -> Result<AuthorizeAnswer, Refusal> {
    let now = provider.now();
    let spa = request.return_to.kind == RedirectKind::Spa;
    let ends_at = spa.then(|| now.plus(SPA));
    let grant = Grant {
        id: GrantId::new(provider.guid()),
        tenant: user.tenant,
        client: request.client.id,
        authentication,
        scopes: request.scopes.clone(),
        resource: request.resource.clone(),
        ends_at,
        asked: request.claims.asked.clone(),
        key: None,
        created_at: now,
    };
    let issued = IssuedCode {
        redirect_uri: request.return_to.redirect_uri.clone(),
        challenge: request.challenge.clone(),
        nonce: request.nonce.clone(),
        spa,
        key: request.key.clone(),
    };
    let code = provider.opaque();
    let times = (now.plus(CODE), ends_at.unwrap_or_else(|| now.plus(REFRESH)));
    provider.database.codes().issue(&code.hash(), &issued, &grant, times, sign_in).await?;
    // Which issuer answers (RFC 9207), so that a client with several is not mixed up.
    let answering = issuer(provider.settings.public_url(), Some(user.tenant), request.version);
    Ok(request.return_to.answer(&[("code", code.expose()), ("iss", &answering)]))
}
