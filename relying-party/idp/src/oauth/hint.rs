//! `id_token_hint`: a client says whom it expects to be signed in (OIDC Core §3.1.2.1; RP-Initiated Logout §2).

use serde::Deserialize;

use super::error::Refusal;
use crate::domain::{App, ClientId, SessionId, UserId};
use crate::provider::Provider;
use crate::tokens::Jws;

/// What an ID token of ours says about whom it was made for and of. It may have expired: it says who, not that they are here.
#[derive(Clone, Copy, Debug, Deserialize)]
pub(crate) struct IdTokenHint {
    /// The client that it was made for.
    #[serde(rename = "aud")]
    pub(crate) client: ClientId,
    /// The user.
    #[serde(rename = "oid")]
    pub(crate) user: UserId,
    /// The browser session that it was made in.
    #[serde(rename = "sid")]
    pub(crate) session: Option<SessionId>,
}

impl IdTokenHint {
    /// Reads a hint; nothing if we did not sign it with a key that is still published.
    pub(crate) fn read(provider: &Provider, token: &str) -> Option<Self> {
        let jws = Jws::parse(token).ok()?;
        let key = jws.header.kid.as_deref().and_then(|kid| provider.keys.verifying(kid))?;
        jws.verify(&key).ok()
    }
}

/// The user whom a client means with an ID token that we gave to it.
pub(super) fn hinted_user(
    provider: &Provider,
    client: &App,
    hint: Option<&str>,
) -> Result<Option<UserId>, Refusal> {
    let Some(hint) = hint else { return Ok(None) };
    let hint = IdTokenHint::read(provider, hint).filter(|hint| hint.client == client.id);
    hint.map(|hint| Some(hint.user)).ok_or(Refusal::Malformed("id_token_hint"))
}
