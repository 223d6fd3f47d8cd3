//! `id_token_hint`: a client says whom it expects to be signed in (OIDC Core §3.1.2.1).

use serde::Deserialize;

use super::error::Refusal;
use crate::domain::{App, UserId};
use crate::provider::Provider;
use crate::tokens::Jws;

#[derive(Deserialize)]
struct Hint {
    aud: String,
    oid: UserId,
}

/// The user of an ID token that we gave to this client. It may have expired: it says who, not that they are here.
pub(super) fn hinted_user(
    provider: &Provider,
    client: &App,
    hint: Option<&str>,
) -> Result<Option<UserId>, Refusal> {
    let Some(hint) = hint else { return Ok(None) };
    let refused = || Refusal::Malformed("id_token_hint");
    let jws = Jws::parse(hint).map_err(|_| refused())?;
    let key = jws.header.kid.as_deref().and_then(|kid| provider.keys.verifying(kid)).ok_or_else(refused)?;
    let hint: Hint = jws.verify(&key).map_err(|_| refused())?;
    if hint.aud == client.id.to_string() { Ok(Some(hint.oid)) } else { Err(refused()) }
}
