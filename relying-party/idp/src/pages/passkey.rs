//! The two passkey ceremonies as pages. The script runs the ceremony and puts the answer into a plain form.

use askama::Template;

use super::enrolment::Occasion;
use super::frame::{Account, Flow, Frame};

/// Use a passkey. `step=passkey` with `credential`: the JSON of the browser's answer (WebAuthn L3 §5.1).
#[derive(Debug, Template)]
#[template(path = "passkey.html")]
pub struct PasskeyPage {
    /// What surrounds it.
    pub frame: Frame,
    /// The hidden fields.
    pub flow: Flow,
    /// Whose passkey, when that is known.
    pub account: Option<Account>,
    /// The options as JSON (webauthn-rs `RequestChallengeResponse`).
    pub options: String,
    /// Whether the ceremony starts with the page: right after the user has pressed a button, not after an error.
    pub start_at_once: bool,
    /// Where a fresh page of this step is, for when the challenge is too old.
    pub resume_url: String,
    /// How long the challenge lives, in seconds.
    pub challenge_lifetime: u32,
    /// The page with other ways to sign in.
    pub other_ways_url: Option<String>,
}

/// Make a passkey, after a sign-in with something weaker. `step=new-passkey` with `credential` and `name`, or
/// `answer=later`.
#[derive(Debug, Template)]
#[template(path = "new-passkey.html")]
pub struct NewPasskeyPage {
    /// What surrounds it.
    pub frame: Frame,
    /// The hidden fields.
    pub flow: Flow,
    /// Whose passkey.
    pub account: Account,
    /// The options as JSON (webauthn-rs `CreationChallengeResponse`).
    pub options: String,
    /// Whether the tenant demands one, so that it cannot be postponed.
    pub required: bool,
    /// Why it is made.
    pub occasion: Occasion,
    /// Where a fresh page of this step is, for when the challenge is too old.
    pub resume_url: String,
    /// How long the challenge lives, in seconds.
    pub challenge_lifetime: u32,
}
