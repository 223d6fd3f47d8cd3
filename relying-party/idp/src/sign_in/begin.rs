//! The beginning: an authorization request arrives, and is answered at once, refused, or led to the first page.

use uuid::Uuid;

use super::finish;
use super::flow::{Flow, Next, read_request};
use super::interrupts::Interrupt;
use super::problem::Stop;
use super::reply::{Browser, Cookie, Outcome, Reply};
use super::single_sign_on::{self, Brought};
use super::state::{Goal, State};
use super::view;
use crate::domain::{Authentication, User};
use crate::oauth::authorize::{AuthorizeRequest, LONGEST_REQUEST, Prompt};
use crate::oauth::{Fields, Refusal, pulled};
use crate::provider::Provider;
use crate::storage::BrowserSession;
use crate::strength::Proofs;

/// An authorization request, as it came.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// The path segment of the tenant.
    pub authority: &'a str,
    /// Whether it came to the v1.0 endpoint.
    pub v1: bool,
    /// Its parameters, as a form.
    pub query: &'a str,
}

/// Answers a request to the authorization endpoint.
pub async fn authorize(provider: &Provider, browser: &Browser, asked: &Asked<'_>) -> Outcome {
    let correlation = provider.guid();
    match begin(provider, browser, asked, correlation).await {
        Ok(outcome) => outcome,
        Err(stop) => view::stopped(provider, stop, correlation).into(),
    }
}

async fn begin(
    provider: &Provider,
    browser: &Browser,
    asked: &Asked<'_>,
    correlation: Uuid,
) -> Result<Outcome, Stop> {
    let mut state = received(provider, asked, correlation).await?;
    let brought = match single_sign_on::read(provider, browser, asked, correlation).await? {
        Brought::NonceWanted(location) => return Ok(Reply::Redirect(location).into()),
        Brought::Proved { device, user } => {
            state.device = Some(device);
            user
        }
        Brought::Nothing => None,
    };
    match open(provider, browser, state, brought).await? {
        Begun::Session(flow, user, session) => {
            finish::with_session(&flow, &user, &session).await.map(Outcome::from)
        }
        Begun::Page(outcome) => Ok(outcome),
    }
}

/// The request as it came, or as it was pushed (RFC 9126 §4).
async fn received(provider: &Provider, asked: &Asked<'_>, correlation: Uuid) -> Result<State, Stop> {
    let query = Fields::parse(asked.query.as_bytes()).map_err(Stop::Page)?;
    let pushed = pulled(provider, &query).await.map_err(Stop::Page)?;
    let from_push = pushed.is_some();
    let request = pushed.unwrap_or_else(|| asked.query.to_owned());
    Ok(State { from_push, ..State::new(request, asked.authority.to_owned(), asked.v1, correlation) })
}

/// What a request leads to.
pub(super) enum Begun<'a> {
    /// The browser's session is enough.
    Session(Box<Flow<'a>>, Box<User>, Box<BrowserSession>),
    /// A page must be shown first.
    Page(Outcome),
}

/// Opens a sign-in: the browser's session is enough, or the first page is shown.
pub(super) async fn open<'a>(
    provider: &'a Provider,
    browser: &'a Browser,
    state: State,
    brought: Option<Box<(User, Authentication)>>,
) -> Result<Begun<'a>, Stop> {
    if state.request.len() > LONGEST_REQUEST {
        return Err(Stop::Page(Refusal::NotAForm));
    }
    let request = read_request(provider, &state).await?;
    if request.client.registration.pushed_requests && !state.from_push {
        return Err(Stop::Client(Box::new(request.return_to), Refusal::PushRequired));
    }
    let session = match &browser.session {
        Some(cookie) => provider.database.sessions().find(&cookie.hash(), provider.now()).await?,
        None => None,
    };
    // One binding for all sign-ins of a browser: several tabs do not disturb each other.
    let known = browser.binding.as_ref();
    let binding =
        known.map_or_else(|| provider.opaque(), |known| crate::domain::Opaque::presented(known.expose()));
    let ctx = provider.opaque();
    let mut flow = Flow { provider, browser, binding, ctx, request, state, signed_in: None };
    let session = session.filter(|(session, user)| {
        let same_device = flow.state.may_be_of(session.authentication.device);
        same_device && flow.admits(user.tenant) && hinted(&flow.request, user)
    });
    flow.start(session.as_ref());
    flow.signed_in = session.as_ref().map(|(_, user)| user.clone());
    // A session that says which device it is on is as good as the device's token.
    let needs_token = session.as_ref().is_none_or(|(session, _)| session.authentication.device.is_none());
    if let Some((user, authentication)) = brought.as_deref()
        && needs_token
        && flow.admits(user.tenant)
        && hinted(&flow.request, user)
    {
        flow.sign_in_by_token(user, authentication);
    }
    let silent = flow.request.prompt == Prompt::None;
    if silent && session.is_none() && !flow.state.proved() {
        return Err(flow.to_client(Refusal::NoSession));
    }
    let next = flow.next().await;
    let next = if silent { silently(&flow, next)? } else { next? };
    match (next, session) {
        (Next::Finish(user), _) if flow.state.by_token => {
            Ok(Begun::Page(finish::complete(&flow, &user).await?))
        }
        (Next::Finish(user), Some((session, _))) => {
            Ok(Begun::Session(Box::new(flow), user, Box::new(session)))
        }
        (next, _) => {
            let outcome = view::first_page(&mut flow, next).await?;
            Ok(Begun::Page(if known.is_some() {
                outcome
            } else {
                outcome.with(Cookie::Binding(flow.binding))
            }))
        }
    }
}

/// With `prompt=none` whatever would be a page is an error (OIDC Core §3.1.2.6).
fn silently(flow: &Flow<'_>, next: Result<Next, Stop>) -> Result<Next, Stop> {
    match next {
        Ok(Next::Finish(user)) => Ok(Next::Finish(user)),
        Ok(Next::Consent(_)) => Err(flow.to_client(Refusal::Consent)),
        Ok(
            Next::PickAccount
            | Next::UserName
            | Next::Password
            | Next::AccessPass
            | Next::DeviceCode
            | Next::DeviceConfirm
            | Next::SetUp(_)
            | Next::Stay,
        )
        | Err(Stop::Lost | Stop::Invitation | Stop::NoPasskey(_) | Stop::DeviceDenied(_)) => {
            Err(flow.to_client(Refusal::NoSession))
        }
        Ok(Next::Interrupt(Interrupt::Password { .. })) => Err(flow.to_client(Refusal::PasswordChange)),
        Ok(Next::Interrupt(Interrupt::App { .. } | Interrupt::Passkey { .. })) => {
            Err(flow.to_client(Refusal::Enrolment))
        }
        // Somebody is signed in, not well enough.
        Ok(Next::Code | Next::Passkey) | Err(Stop::NoMethod) => Err(flow.to_client(Refusal::FurtherProof)),
        Err(stop) => Err(stop),
    }
}

/// Whether the session is of the user whom the client expects.
fn hinted(request: &AuthorizeRequest, user: &User) -> bool {
    if request.expected.is_some_and(|expected| expected != user.id) {
        return false;
    }
    match &request.login_hint {
        Some(hint) if hint.contains('@') => hint.trim().to_lowercase() == user.upn.to_lowercase(),
        Some(_) | None => true,
    }
}

impl Flow<'_> {
    /// What the browser's session is good for in this request.
    fn start(&mut self, session: Option<&(BrowserSession, User)>) {
        // A new user has no session; one that is here is somebody else's, or no longer needed.
        if matches!(self.state.goal, Goal::Welcome(_)) {
            return;
        }
        self.state.user_name.clone_from(&self.request.login_hint);
        let Some((session, user)) = session else {
            return;
        };
        match self.request.prompt {
            Prompt::SelectAccount => self.state.pick = true,
            Prompt::Login => self.state.user_name = Some(user.upn.clone()),
            Prompt::Unset | Prompt::None | Prompt::Consent => self.take_over(session, user),
        }
        // Whoever only proves again who they are said before whether to stay signed in.
        if matches!(self.state.goal, Goal::Own(_)) {
            self.state.stay = Some(session.persistent);
        }
    }

    /// Takes the session's proofs over, unless they are too old for the request.
    pub(super) fn take_over(&mut self, session: &BrowserSession, user: &User) {
        self.state.user_name = Some(user.upn.clone());
        let age = self.provider.now().since(session.authentication.at);
        let fresh = self.request.max_age.is_none_or(|most| age <= most);
        // A session is no proof of the last ten minutes: whoever asks for that gets new proofs.
        if fresh && !self.request.fresh_mfa {
            self.state.user = Some(user.id);
            self.state.session = Some(session.id);
            self.state.proofs = Proofs::of(&session.authentication);
        }
    }

    /// Whether a session that proofs were taken over from still stands, in this browser.
    pub(super) async fn check_session(&self) -> Result<(), Stop> {
        let Some(id) = self.state.session else { return Ok(()) };
        let cookie = self.browser.session.as_ref().ok_or(Stop::Lost)?;
        let found = self.provider.database.sessions().find(&cookie.hash(), self.provider.now()).await?;
        let same = found.is_some_and(|(session, _)| session.id == id);
        if same { Ok(()) } else { Err(Stop::Lost) }
    }
}
