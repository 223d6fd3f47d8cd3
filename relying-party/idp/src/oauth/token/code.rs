//! A client redeems an authorization code (RFC 6749 §4.1.3, RFC 7636 §4.5).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

use super::give::{Giving, Renewal, give};
use super::{TokenRequest, wanted};
use crate::domain::{AppKind, OpaqueHash, Registration};
use crate::oauth::client::ClientProof;
use crate::oauth::error::Refusal;
use crate::oauth::issue::TokenAnswer;
use crate::provider::Provider;
use crate::storage::{IssuedCode, Redemption};

pub(super) async fn redeem(
    provider: &Provider,
    request: &TokenRequest<'_>,
    client: ClientProof,
) -> Result<TokenAnswer, Refusal> {
    let fields = &request.fields;
    let now = provider.now();
    let code = OpaqueHash::of(fields.required("code")?);
    let (grant, issued, user) = match provider.database.codes().redeem(&code, now).await? {
        Redemption::First { grant, code, user } => (grant, code, user),
        Redemption::Again => return Err(Refusal::CodeReused),
        Redemption::Expired => return Err(Refusal::CodeExpired),
        Redemption::Unknown => return Err(Refusal::Code),
    };
    if grant.client != client.app.id || fields.required("redirect_uri")? != issued.redirect_uri {
        return Err(Refusal::Code);
    }
    check_verifier(&issued, fields.optional("code_verifier")?, &client.app.registration)?;
    if issued.key.is_some() && issued.key != client.key {
        return Err(Refusal::ProofKey);
    }
    // A narrower scope may be asked for here; a wider one is not in the grant.
    let (scopes, _) = wanted(fields)?;
    let scopes = scopes.filter(|asked| grant.scopes.covers(asked)).unwrap_or_else(|| grant.scopes.clone());
    let resource = grant.resource.clone();
    let refresh = grant.scopes.has("offline_access");
    let giving = Giving {
        client: &client,
        grant: *grant,
        user: &user,
        scopes: &scopes,
        resource: resource.as_deref(),
        nonce: issued.nonce.as_deref(),
        renewal: Renewal::Stored { refresh },
    };
    give(provider, request, giving).await
}

/// PKCE. A verifier without a challenge is refused too: it says that the code was injected (RFC 9700 §4.8.2).
fn check_verifier(issued: &IssuedCode, verifier: Option<&str>, app: &Registration) -> Result<(), Refusal> {
    let (challenge, verifier) = match (&issued.challenge, verifier) {
        (Some(challenge), Some(verifier)) => (challenge, verifier),
        (None, None) if app.kind == AppKind::Confidential || app.pkce_optional => return Ok(()),
        (None, None) => return Err(Refusal::PkceRequired),
        (Some(_), None) | (None, Some(_)) => return Err(Refusal::PkceMismatch),
    };
    let unreserved = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    if !(43..=128).contains(&verifier.len()) || !verifier.bytes().all(unreserved) {
        return Err(Refusal::PkceMalformed);
    }
    let computed = URL_SAFE_NO_PAD.encode(Sha256::digest(verifier.as_bytes()));
    if computed.as_bytes().ct_eq(challenge.as_bytes()).into() { Ok(()) } else { Err(Refusal::PkceMismatch) }
}
