//! Signing in to the provider itself, for its own pages: no client, no code, no redirect URI.
//!
//! Where such a sign-in ends is one of [`Destination`] and lies in the database, so nothing in a query or a form can lead
//! the browser elsewhere (CWE-601).

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::begin::{Begun, open};
use super::problem::Stop;
use super::reply::{Browser, Outcome, canary, canary_matches};
use super::set_up::Credential;
use super::sign_out::OF;
use super::state::{Goal, State};
use super::view;
use crate::domain::{App, Opaque, Registration, Scopes, User, first_party};
use crate::oauth::authorize::AuthorizeRequest;
use crate::pages::Csrf;
use crate::provider::Provider;
use crate::storage::{self, BrowserSession};
use crate::strength::{FRESH, Strength};

/// A session that is used is noted at most this often.
const NOTED: Duration = Duration::from_mins(1);

/// A page of ours that a sign-in may lead to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Destination {
    /// The start page.
    Home,
    /// A user's own sign-in methods.
    Security,
    /// The administrators' pages.
    Administration,
}

impl Destination {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Home, Self::Security, Self::Administration];

    /// The path on this host.
    #[must_use]
    pub const fn path(self) -> &'static str {
        match self {
            Self::Home => "/",
            Self::Security => "/security",
            Self::Administration => "/admin/tenants",
        }
    }

    /// What a sign-in must prove at least. Who has a second factor is asked for it everywhere.
    #[must_use]
    pub const fn strength(self) -> Strength {
        match self {
            Self::Administration => Strength::Multifactor,
            Self::Home | Self::Security => Strength::SingleFactor,
        }
    }
}

/// What a page of ours asks of whoever opens it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Where the sign-in ends.
    pub destination: Destination,
    /// Whether the proofs must be of the last ten minutes: adding or removing a way to sign in is not for whoever finds
    /// an open browser (R7).
    pub recent: bool,
    /// What is set up before it ends.
    pub make: Option<Credential>,
}

impl Entry {
    /// Any standing session that is strong enough will do.
    #[must_use]
    pub const fn to(destination: Destination) -> Self {
        Self { destination, recent: false, make: None }
    }

    /// Only a proof of the last ten minutes will do.
    #[must_use]
    pub const fn recently(destination: Destination) -> Self {
        Self { destination, recent: true, make: None }
    }

    /// Another way to sign in is set up first. The sign-in ends at the page that lists them.
    #[must_use]
    pub const fn making(credential: Credential) -> Self {
        Self { destination: Destination::Security, recent: true, make: Some(credential) }
    }

    pub(super) fn request(self, provider: &Provider) -> AuthorizeRequest {
        let app = App {
            id: first_party::OWN_PAGES,
            home: None,
            name: "Latchkey ID".to_owned(),
            identifier_uri: None,
            registration: Registration {
                multi_tenant: true,
                strength: self.destination.strength(),
                ..Registration::default()
            },
            created_at: provider.now(),
        };
        let max_age = self.recent.then_some(FRESH);
        let nothing = (Scopes::default(), None);
        AuthorizeRequest::of_ours(Arc::new(app), None, self.destination.path(), nothing, max_age)
    }
}

/// Somebody who is signed in: this value is made from a standing session and nothing else (R1).
pub struct SignedIn {
    /// Their session.
    pub session: BrowserSession,
    /// Who they are.
    pub user: User,
    cookie: Opaque,
}

impl SignedIn {
    fn new(cookie: &Opaque, session: BrowserSession, user: User) -> Self {
        Self { session, user, cookie: Opaque::presented(cookie.expose()) }
    }

    /// The token of this session's forms.
    #[must_use]
    pub fn csrf(&self) -> Csrf {
        Csrf(canary(&self.cookie, OF))
    }

    /// Whether a form comes from a page of this session.
    #[must_use]
    pub fn sent(&self, csrf: &str) -> bool {
        canary_matches(&self.cookie, OF, csrf)
    }

    /// Whether the proofs are of the last ten minutes.
    #[must_use]
    pub fn is_recent(&self, provider: &Provider) -> bool {
        provider.now().since(self.session.authentication.at) <= FRESH
    }
}

/// What a page of ours gets to know.
pub enum Entered {
    /// Who is signed in, well enough for the page.
    User(Box<SignedIn>),
    /// Nobody, or not well enough: this reply begins a sign-in that leads back to the page.
    SignIn(Outcome),
}

/// Lets whoever is signed in well enough into a page of ours, and lets everyone else sign in.
pub async fn enter(provider: &Provider, browser: &Browser, entry: Entry) -> Entered {
    let correlation = provider.guid();
    let state = State::ours(Goal::Own(entry), correlation);
    match entered(provider, browser, state).await {
        Ok(entered) => entered,
        Err(stop) => Entered::SignIn(view::stopped(provider, stop, correlation).into()),
    }
}

/// Lets whoever is signed in, with a recent proof, set up another way to sign in; everyone else signs in first.
pub async fn set_up(provider: &Provider, browser: &Browser, credential: Credential) -> Outcome {
    match enter(provider, browser, Entry::making(credential)).await {
        Entered::SignIn(outcome) => outcome,
        // There is always a page first: the one that sets it up.
        Entered::User(_) => view::stopped(provider, Stop::Lost, provider.guid()).into(),
    }
}

async fn entered(provider: &Provider, browser: &Browser, state: State) -> Result<Entered, Stop> {
    match open(provider, browser, state, None).await? {
        Begun::Page(outcome) => Ok(Entered::SignIn(outcome)),
        Begun::Session(_, user, session) => {
            let cookie = browser.session.as_ref().ok_or(Stop::Lost)?;
            let now = provider.now();
            if now.since(session.seen_at) > NOTED {
                provider.database.sessions().renew(session.id, &session.authentication, now).await?;
            }
            Ok(Entered::User(Box::new(SignedIn::new(cookie, *session, *user))))
        }
    }
}

/// Who is signed in, if anybody, for pages that are for everyone.
///
/// # Errors
/// With the page that says that it cannot be found out now.
pub async fn visitor(provider: &Provider, browser: &Browser) -> Result<Option<SignedIn>, Outcome> {
    let Some(cookie) = &browser.session else { return Ok(None) };
    match provider.database.sessions().find(&cookie.hash(), provider.now()).await {
        Ok(found) => Ok(found.map(|(session, user)| SignedIn::new(cookie, session, user))),
        Err(error) => Err(failed(provider, error)),
    }
}

/// The page that says that something cannot be done now.
pub(crate) fn failed(provider: &Provider, error: storage::Error) -> Outcome {
    view::stopped(provider, error.into(), provider.guid()).into()
}
