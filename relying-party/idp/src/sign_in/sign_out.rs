//! Sign-out (OIDC RP-Initiated Logout 1.0): a person confirms it, so no page can sign anybody out by a link.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use url::{Url, form_urlencoded};

use super::problem::Stop;
use super::reply::{Browser, Cookie, Outcome, Reply, canary, canary_matches};
use super::view;
use crate::domain::{Opaque, User};
use crate::oauth::Fields;
use crate::pages::{Account, ConfirmSignOutPage, Csrf, Frame, SignedOutPage};
use crate::provider::Provider;
use crate::storage::BrowserSession;

pub(super) const OF: &str = "sign-out";
/// What goes through the confirmation.
const CARRIED: [&str; 4] = ["post_logout_redirect_uri", "client_id", "id_token_hint", "state"];

/// A request to the end session endpoint.
#[derive(Debug)]
pub struct SignOut<'a> {
    /// The path segment of the tenant.
    pub authority: &'a str,
    /// Its parameters.
    pub fields: &'a Fields,
}

/// Asks whether to sign out; who is not signed in goes on.
pub async fn sign_out(provider: &Provider, browser: &Browser, asked: &SignOut<'_>) -> Outcome {
    match ask(provider, browser, asked).await {
        Ok(reply) => reply.into(),
        Err(stop) => view::stopped(provider, stop, provider.guid()).into(),
    }
}

async fn ask(provider: &Provider, browser: &Browser, asked: &SignOut<'_>) -> Result<Reply, Stop> {
    let back = back(provider, asked.fields).await?;
    let Some((cookie, _, user)) = session(provider, browser).await? else {
        return Ok(signed_out(None, back.as_ref()));
    };
    let text = |name| asked.fields.optional(name).ok().flatten();
    let fields = CARRIED.iter().filter_map(|name| Some(((*name).to_owned(), text(name)?.to_owned())));
    let page = ConfirmSignOutPage {
        frame: Frame::default(),
        account: Account { user_name: user.upn, change_url: None },
        csrf: Csrf(canary(cookie, OF)),
        action: format!("/{}/oauth2/v2.0/logout", crate::domain::Authority::parse(asked.authority).segment()),
        fields: fields.collect(),
    };
    let policy = page.frame.policy();
    Ok(Reply::page(&page, &back.iter().fold(policy, crate::pages::Policy::with_form_target)))
}

/// Signs out, after the confirmation's form.
pub async fn confirmed_sign_out(provider: &Provider, browser: &Browser, asked: &SignOut<'_>) -> Outcome {
    match end(provider, browser, asked).await {
        Ok(outcome) => outcome,
        Err(stop) => view::stopped(provider, stop, provider.guid()).into(),
    }
}

async fn end(provider: &Provider, browser: &Browser, asked: &SignOut<'_>) -> Result<Outcome, Stop> {
    let presented = asked.fields.optional("csrf").ok().flatten().unwrap_or_default();
    let Some((cookie, session, user)) = session(provider, browser).await? else {
        return Ok(ask(provider, browser, asked).await?.into());
    };
    // A POST of an application is a request like any other: it is asked about.
    if presented.is_empty() {
        return Ok(ask(provider, browser, asked).await?.into());
    }
    if !canary_matches(cookie, OF, presented) {
        return Err(Stop::Lost);
    }
    provider.database.sessions().end(session.id, provider.now()).await?;
    let back = back(provider, asked.fields).await?;
    Ok(Outcome::from(signed_out(Some(user.upn), back.as_ref())).with(Cookie::SessionOver))
}

async fn session<'a>(
    provider: &Provider,
    browser: &'a Browser,
) -> Result<Option<(&'a Opaque, BrowserSession, User)>, Stop> {
    let Some(cookie) = &browser.session else { return Ok(None) };
    let found = provider.database.sessions().find(&cookie.hash(), provider.now()).await?;
    Ok(found.map(|(session, user)| (cookie, session, user)))
}

fn signed_out(user_name: Option<String>, back: Option<&Url>) -> Reply {
    if let Some(back) = back {
        return Reply::Redirect(back.to_string());
    }
    let page = SignedOutPage { frame: Frame::default(), user_name, back: None, front_channel: Vec::new() };
    Reply::page(&page, &page.policy())
}

/// Where the browser may go afterwards: only to an address that the application registered. The hint says which
/// application that is and nothing else, so its signature does not matter.
async fn back(provider: &Provider, fields: &Fields) -> Result<Option<Url>, Stop> {
    let text = |name| fields.optional(name).ok().flatten();
    let Some(uri) = text("post_logout_redirect_uri") else { return Ok(None) };
    let named = text("client_id").map(str::to_owned).or_else(|| audience(text("id_token_hint")?));
    let Some(id) = named.and_then(|id| id.parse().ok()) else { return Ok(None) };
    let app = provider.app(id).await?;
    if app.and_then(|app| app.redirect(uri)).is_none() {
        return Ok(None);
    }
    let state = text("state")
        .map(|state| form_urlencoded::Serializer::new(String::new()).append_pair("state", state).finish());
    let whole = match state {
        Some(state) if uri.contains('?') => format!("{uri}&{state}"),
        Some(state) => format!("{uri}?{state}"),
        None => uri.to_owned(),
    };
    Ok(Url::parse(&whole).ok())
}

fn audience(token: &str) -> Option<String> {
    let payload = URL_SAFE_NO_PAD.decode(token.split('.').nth(1)?).ok()?;
    let claims: serde_json::Value = serde_json::from_slice(&payload).ok()?;
    claims.get("aud")?.as_str().map(str::to_owned)
}
