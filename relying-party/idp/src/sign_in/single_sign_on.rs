//! Signing in without a page: what the broker of a registered device adds to its browser's requests.
//!
//! The nonce of both credentials is used once. Whoever has none, or one that is too old, is sent back with a new one
//! (`sso_nonce`); whoever comes with another than the one that was sent is signed in by pages, as if nothing had been added.

use serde::Deserialize;
use url::form_urlencoded;
use uuid::Uuid;

use super::begin::Asked;
use super::flow::Flow;
use super::problem::Stop;
use super::reply::Browser;
use crate::devices::{Signed, signed};
use crate::domain::{Authentication, Authority, DeviceId, Opaque, User};
use crate::oauth::authorize::Prompt;
use crate::oauth::{Fields, Known, Peer, PrimaryRefusal, Refusal, issue_nonce, present, take_nonce};
use crate::provider::Provider;
use crate::strength::Proofs;

/// What a request brings along.
pub(super) enum Brought {
    /// Nothing that is believed.
    Nothing,
    /// A credential without a good nonce: the browser goes there and comes back with one.
    NonceWanted(String),
    /// A device, and its user if it is the user's token.
    Proved { device: DeviceId, user: Option<Box<(User, Authentication)>> },
}

/// What both credentials say.
#[derive(Deserialize)]
struct Payload {
    request_nonce: Option<String>,
    grant_type: Option<String>,
}

/// What is believed of the credentials before their nonce is looked at.
struct Read {
    device: DeviceId,
    user: Option<Box<(User, Authentication)>>,
    nonce: Option<String>,
}

/// Reads what the broker added. What is not believed is noted in the audit log, and ignored.
pub(super) async fn read(
    provider: &Provider,
    browser: &Browser,
    asked: &Asked<'_>,
    correlation: Uuid,
) -> Result<Brought, Stop> {
    let mut known = Known::default();
    let result = match (&browser.broker.primary, &browser.broker.device) {
        (None, None) => return Ok(Brought::Nothing),
        (Some(primary), _) => by_token(provider, primary, &mut known).await,
        (None, Some(device)) => by_device(provider, device).await,
    };
    let refusal = match result {
        Ok(read) => match nonce(provider, asked, &read).await {
            Ok(None) => return Ok(Brought::Proved { device: read.device, user: read.user }),
            Ok(Some(location)) => return Ok(Brought::NonceWanted(location)),
            Err(refusal) => refusal,
        },
        Err(refusal) => refusal,
    };
    if refusal.row().status >= 500 {
        return Err(Stop::Page(refusal));
    }
    let peer = Peer { address: browser.address, agent: &browser.agent, correlation };
    known.refused(provider, &peer, &refusal).await?;
    Ok(Brought::Nothing)
}

async fn by_token(provider: &Provider, text: &Opaque, known: &mut Known) -> Result<Read, Refusal> {
    let (presented, payload) = present::<Payload>(provider, text.expose(), known).await?;
    let authentication = presented.authentication(provider);
    let user = Some(Box::new((presented.stored.user, authentication)));
    Ok(Read { device: presented.device.id, user, nonce: payload.request_nonce })
}

async fn by_device(provider: &Provider, text: &Opaque) -> Result<Read, Refusal> {
    let Signed { device, payload, .. } = signed::<Payload>(provider, text.expose(), None).await?;
    if payload.grant_type.as_deref() != Some("device_auth") {
        return Err(Refusal::GrantType);
    }
    Ok(Read { device: device.id, user: None, nonce: payload.request_nonce })
}

/// Uses the nonce up. `Some`: it is missing or no longer good, and this is where to get one.
async fn nonce(provider: &Provider, asked: &Asked<'_>, read: &Read) -> Result<Option<String>, Refusal> {
    let query = Fields::parse(asked.query.as_bytes())?;
    let sent = query.optional("sso_nonce")?;
    let refusal = match &read.nonce {
        Some(nonce) => match take_nonce(provider, nonce).await {
            Ok(()) => return Ok(None),
            Err(refusal) => refusal,
        },
        None => PrimaryRefusal::Nonce.into(),
    };
    // A nonce was sent, and the broker did not take it: to send another one would not end.
    if !matches!(refusal, Refusal::Primary(PrimaryRefusal::Nonce))
        || sent.is_some_and(|sent| read.nonce.as_deref() != Some(sent))
    {
        return Err(refusal);
    }
    let nonce = issue_nonce(provider).await?;
    Ok(Some(location(asked, nonce.expose())))
}

/// The same request with a nonce.
fn location(asked: &Asked<'_>, nonce: &str) -> String {
    let others = form_urlencoded::parse(asked.query.as_bytes()).filter(|(name, _)| name != "sso_nonce");
    let query = form_urlencoded::Serializer::new(String::new())
        .extend_pairs(others)
        .append_pair("sso_nonce", nonce)
        .finish();
    let version = if asked.v1 { "" } else { "/v2.0" };
    format!("/{}/oauth2{version}/authorize?{query}", Authority::parse(asked.authority).segment())
}

impl Flow<'_> {
    /// Takes the proofs of the device's token, unless the request wants proofs to be shown now. What is still missing is
    /// asked for on a page.
    pub(super) fn sign_in_by_token(&mut self, user: &User, authentication: &Authentication) {
        let request = &self.request;
        if request.prompt == Prompt::SelectAccount {
            return;
        }
        self.state.user_name = Some(user.upn.clone());
        let age = self.provider.now().since(authentication.at);
        let old = request.fresh_mfa || request.max_age.is_some_and(|most| age > most);
        if request.prompt == Prompt::Login || old {
            return;
        }
        self.state.user = Some(user.id);
        self.state.proofs = Proofs::of(authentication);
        self.state.session = None;
        (self.state.fresh, self.state.by_token) = (true, true);
        // Nobody is asked anything who has come to sign in without being asked.
        (self.state.offered, self.state.stay) = (true, Some(false));
    }
}
