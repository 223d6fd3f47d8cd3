//! The pages of a link for a first sign-in.

use askama::Template;

use super::frame::{Account, Csrf, Flow, Frame};

/// Opens the link. Its script takes the secret out of the address; without script it is pasted. `csrf`, `link`.
#[derive(Debug, Template)]
#[template(path = "welcome.html")]
pub struct WelcomePage {
    /// What surrounds it.
    pub frame: Frame,
    /// The CSRF token of this browser.
    pub csrf: Csrf,
}

/// How a new user wants to sign in. `step=first-way` with `way`.
#[derive(Debug, Template)]
#[template(path = "welcome-ways.html")]
pub struct WelcomeWaysPage {
    /// What surrounds it.
    pub frame: Frame,
    /// The hidden fields.
    pub flow: Flow,
    /// Who it is.
    pub account: Account,
    /// The person's name.
    pub display_name: String,
    /// Whether passkeys can be made at this address.
    pub passkeys: bool,
}
