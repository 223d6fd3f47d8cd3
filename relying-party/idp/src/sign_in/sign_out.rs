//! Sign-out (OIDC RP-Initiated Logout 1.0, Front-Channel Logout 1.0).
//!
//! A person confirms it, so that no page can sign anybody out by a link; unless the client hands back an ID token of this
//! very session, which only an application has that the person signed in to with it.
//!
//! It ends the browser's session and nothing else: refresh tokens live on, as their scope `offline_access` says (OIDC Core
//! §11), and as Entra does it. `revokeSignInSessions` ends those too.

use url::{Url, form_urlencoded};

use super::problem::Stop;
use super::reply::{Browser, Cookie, Outcome, Reply, canary, canary_matches};
use super::view;
use crate::domain::{App, Authority, Opaque, SessionId, TokenVersion, User};
use crate::oauth::{Fields, IdTokenHint};
use crate::pages::{Account, ConfirmSignOutPage, Csrf, Frame, Policy, SignedOutPage};
use crate::provider::Provider;
use crate::storage::BrowserSession;
use crate::tokens::issuer;

pub(super) const OF: &str = "sign-out";
/// What goes through the confirmation.
const CARRIED: [&str; 5] = ["post_logout_redirect_uri", "client_id", "id_token_hint", "state", "logout_hint"];

/// A request to the end session endpoint.
#[derive(Debug)]
pub struct SignOut<'a> {
    /// The path segment of the tenant.
    pub authority: &'a str,
    /// Its parameters.
    pub fields: &'a Fields,
}

/// What a request asks for, as far as it may be believed.
struct Wish {
    /// The ID token that it hands back, if it is one of ours.
    hint: Option<IdTokenHint>,
    /// Where the browser may go afterwards, and whose place that is.
    back: Option<(String, Url)>,
    /// Whether it names somebody else than the hint's user.
    other: bool,
}

/// Signs out whoever the request proves to mean, asks anybody else, and lets go on who is not signed in.
pub async fn sign_out(provider: &Provider, browser: &Browser, asked: &SignOut<'_>) -> Outcome {
    match ask(provider, browser, asked).await {
        Ok(outcome) => outcome,
        Err(stop) => view::stopped(provider, stop, provider.guid()).into(),
    }
}

/// Signs out, after the confirmation's form.
pub async fn confirmed_sign_out(provider: &Provider, browser: &Browser, asked: &SignOut<'_>) -> Outcome {
    match confirmed(provider, browser, asked).await {
        Ok(outcome) => outcome,
        Err(stop) => view::stopped(provider, stop, provider.guid()).into(),
    }
}

async fn ask(provider: &Provider, browser: &Browser, asked: &SignOut<'_>) -> Result<Outcome, Stop> {
    let Some((cookie, session, user)) = session(provider, browser).await? else {
        let wish = Wish::read(provider, asked.fields, None).await?;
        return Ok(wish.signed_out(None, Vec::new()).into());
    };
    let wish = Wish::read(provider, asked.fields, Some(&user)).await?;
    if wish.means(&session) {
        return end(provider, &wish, &session, user).await;
    }
    let text = |name| asked.fields.optional(name).ok().flatten();
    let fields = CARRIED.iter().filter_map(|name| Some(((*name).to_owned(), text(name)?.to_owned())));
    let page = ConfirmSignOutPage {
        frame: Frame::default(),
        account: Account { user_name: user.upn, change_url: None },
        csrf: Csrf(canary(cookie, OF)),
        action: format!("/{}/oauth2/v2.0/logout", Authority::parse(asked.authority).segment()),
        fields: fields.collect(),
    };
    let policy = page.frame.policy();
    let policy = wish.back.iter().map(|(_, url)| url).fold(policy, Policy::with_form_target);
    Ok(Reply::page(&page, &policy).into())
}

async fn confirmed(provider: &Provider, browser: &Browser, asked: &SignOut<'_>) -> Result<Outcome, Stop> {
    let presented = asked.fields.optional("csrf").ok().flatten().unwrap_or_default();
    // A POST of an application is a request like any other.
    let found = session(provider, browser).await?.filter(|_| !presented.is_empty());
    let Some((cookie, session, user)) = found else {
        return ask(provider, browser, asked).await;
    };
    if !canary_matches(cookie, OF, presented) {
        return Err(Stop::Lost);
    }
    let wish = Wish::read(provider, asked.fields, Some(&user)).await?;
    end(provider, &wish, &session, user).await
}

/// Ends the session, and tells the applications that were opened in it.
async fn end(
    provider: &Provider,
    wish: &Wish,
    session: &BrowserSession,
    user: User,
) -> Result<Outcome, Stop> {
    provider.database.sessions().end(session.id, provider.now()).await?;
    let frames = front_channel(provider, session.id, &user).await?;
    Ok(Outcome::from(wish.signed_out(Some(user.upn), frames)).with(Cookie::SessionOver))
}

async fn session<'a>(
    provider: &Provider,
    browser: &'a Browser,
) -> Result<Option<(&'a Opaque, BrowserSession, User)>, Stop> {
    let Some(cookie) = &browser.session else { return Ok(None) };
    let found = provider.database.sessions().find(&cookie.hash(), provider.now()).await?;
    Ok(found.map(|(session, user)| (cookie, session, user)))
}

/// The addresses that tell the session's applications (Front-Channel Logout §3), with issuer and session, so that no other
/// page can sign out by guessing.
async fn front_channel(provider: &Provider, session: SessionId, user: &User) -> Result<Vec<Url>, Stop> {
    let issuer = issuer(provider.settings.public_url(), user.tenant, TokenVersion::V2);
    let mut frames = Vec::new();
    for client in provider.database.grants().clients_of_session(session).await? {
        let app = provider.app(client).await?;
        let uri = app.as_ref().and_then(|app| app.registration.front_channel_logout_uri.as_deref());
        // Registered as an address; one that is none is nobody's.
        let Some(mut url) = uri.and_then(|uri| Url::parse(uri).ok()) else { continue };
        url.query_pairs_mut().append_pair("iss", &issuer).append_pair("sid", &session.to_string());
        frames.push(url);
    }
    Ok(frames)
}

impl Wish {
    async fn read(provider: &Provider, fields: &Fields, user: Option<&User>) -> Result<Self, Stop> {
        let text = |name| fields.optional(name).ok().flatten();
        let presented = text("id_token_hint");
        let hint = presented.and_then(|token| IdTokenHint::read(provider, token));
        let named = match text("client_id") {
            Some(id) => Some(id.parse().map_err(|_| Stop::Page(crate::oauth::Refusal::Application))?),
            None => hint.map(|hint| hint.client),
        };
        // A hint that is not ours, or another client's, makes the request one that nobody vouches for (§2): no way back then.
        let agreed = presented.is_none() || hint.is_some_and(|hint| Some(hint.client) == named);
        let app = match named.filter(|_| agreed) {
            Some(id) => provider.app(id).await?,
            None => None,
        };
        let back = match (app, text("post_logout_redirect_uri")) {
            (Some(app), Some(uri)) => way_back(&app, uri, text("state")),
            (Some(_), None) | (None, _) => None,
        };
        let logout_hint = text("logout_hint").map(str::to_lowercase);
        let other = logout_hint.is_some_and(|name| user.is_none_or(|user| user.upn.to_lowercase() != name));
        Ok(Self { hint: hint.filter(|_| agreed), back, other })
    }

    /// Whether the request proves that its client means this session.
    fn means(&self, session: &BrowserSession) -> bool {
        !self.other && self.hint.is_some_and(|hint| hint.session == Some(session.id))
    }

    /// Signed out: back to the application at once, or after a page whose frames tell the others.
    fn signed_out(&self, user_name: Option<String>, front_channel: Vec<Url>) -> Reply {
        if let (Some((_, back)), true) = (&self.back, front_channel.is_empty()) {
            return Reply::Redirect(back.to_string());
        }
        let back = self.back.as_ref().map(|(name, url)| (name.clone(), url.to_string()));
        let page = SignedOutPage { frame: Frame::default(), user_name, back, front_channel };
        Reply::page(&page, &page.policy())
    }
}

/// The address, if the application registered exactly it, with the `state` of the request.
fn way_back(app: &App, uri: &str, state: Option<&str>) -> Option<(String, Url)> {
    if !app.registration.post_logout_redirect_uris.iter().any(|known| known == uri) {
        return None;
    }
    let state = state
        .map(|state| form_urlencoded::Serializer::new(String::new()).append_pair("state", state).finish());
    let whole = match state {
        Some(state) if uri.contains('?') => format!("{uri}&{state}"),
        Some(state) => format!("{uri}?{state}"),
        None => uri.to_owned(),
    };
    Some((app.name.clone(), Url::parse(&whole).ok()?))
}
