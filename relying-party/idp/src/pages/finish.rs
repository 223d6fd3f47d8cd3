//! Where a sign-in ends: at the application, at an error, at home, or signed out.

use askama::Template;
use url::Url;

use super::frame::{Account, Csrf, Frame, When};
use super::policy::Policy;

/// Something went wrong.
#[derive(Debug, Template)]
#[template(path = "error.html")]
pub struct ErrorPage {
    /// What surrounds it.
    pub frame: Frame,
    /// What went wrong, in a few words.
    pub title: String,
    /// What went wrong, in a sentence.
    pub message: String,
    /// What to do about it.
    pub advice: Vec<String>,
    /// The number behind `AADSTS`.
    pub code: u32,
    /// The trace ID.
    pub trace_id: String,
    /// The correlation ID.
    pub correlation_id: String,
    /// When it happened.
    pub time: When,
    /// Where the sign-in can start again.
    pub retry_url: Option<String>,
}

/// Hands the answer to the application by POST (OAuth 2.0 Form Post Response Mode).
#[derive(Template)]
#[template(path = "form-post.html")]
pub struct FormPostPage {
    /// What surrounds it.
    pub frame: Frame,
    /// The redirect URI.
    pub action: Url,
    /// The answer's members.
    pub fields: Vec<(String, String)>,
}

impl FormPostPage {
    /// The headers' half: this form goes to the application.
    #[must_use]
    pub fn policy(&self) -> Policy {
        self.frame.policy().with_form_target(&self.action)
    }

    /// Who gets the answer, for the eye.
    #[must_use]
    pub fn destination(&self) -> &str {
        self.action.host_str().unwrap_or_else(|| self.action.scheme())
    }
}

/// Asks whether to sign out, when the request does not prove that the application asks for this user. `csrf`,
/// `answer=sign-out`.
#[derive(Debug, Template)]
#[template(path = "confirm-sign-out.html")]
pub struct ConfirmSignOutPage {
    /// What surrounds it.
    pub frame: Frame,
    /// Who is signed in.
    pub account: Account,
    /// The CSRF token of the session.
    pub csrf: Csrf,
    /// Where the form goes.
    pub action: String,
    /// The parameters of the request, to go on with afterwards.
    pub fields: Vec<(String, String)>,
}

/// Signed out.
#[derive(Debug, Template)]
#[template(path = "signed-out.html")]
pub struct SignedOutPage {
    /// What surrounds it.
    pub frame: Frame,
    /// Who was signed in.
    pub user_name: Option<String>,
    /// The application's name and its registered `post_logout_redirect_uri`.
    pub back: Option<(String, String)>,
    /// The front-channel sign-out addresses of the session's applications.
    pub front_channel: Vec<Url>,
}

impl SignedOutPage {
    /// The headers' half: the applications' addresses are loaded in frames.
    #[must_use]
    pub fn policy(&self) -> Policy {
        self.front_channel.iter().fold(self.frame.policy(), Policy::with_frame)
    }
}

/// The start page.
#[derive(Debug, Template)]
#[template(path = "home.html")]
pub struct HomePage {
    /// What surrounds it.
    pub frame: Frame,
    /// Who is signed in.
    pub user_name: Option<String>,
    /// The CSRF token of the session.
    pub csrf: Csrf,
    /// Where to sign in.
    pub sign_in_url: String,
    /// Where to sign out, with POST.
    pub sign_out_url: String,
    /// The user's own sign-in methods.
    pub security_url: Option<String>,
    /// The administration, for those who may.
    pub admin_url: Option<String>,
    /// The page for the code of another device.
    pub device_url: String,
    /// The discovery document.
    pub discovery_url: String,
}
