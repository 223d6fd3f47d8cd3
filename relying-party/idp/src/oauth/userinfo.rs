//! What the bearer of an access token may know and do here: userinfo (OIDC Core §5.3), ending one's own sign-ins.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

use super::error::Refusal;
use crate::clock::UnixTime;
use crate::domain::{ClientId, GrantId, Scopes, User, UserId, first_party};
use crate::provider::Provider;
use crate::tokens::{Jws, pairwise};

#[derive(Deserialize)]
struct Bearer {
    aud: String,
    iss: String,
    exp: i64,
    nbf: i64,
    iat: i64,
    oid: UserId,
    appid: ClientId,
    scp: Option<String>,
    aio: Option<String>,
}

/// The claims about the user of an access token.
///
/// # Errors
/// When the token is not one of ours for this service, has expired, or what it stands for was revoked.
pub async fn userinfo(provider: &Provider, authorization: Option<&str>) -> Result<Value, Refusal> {
    let (bearer, user, scopes) = bearer(provider, authorization).await?;
    if !scopes.has("openid") {
        return Err(Refusal::AccessToken);
    }
    // The `sub` of the client's ID token, or clients refuse the answer (OIDC Core §5.3.2).
    let mut claims = json!({ "sub": pairwise(&provider.pairwise_key, &user, bearer.appid) });
    if let Some(claims) = claims.as_object_mut() {
        let mut add = |name: &str, value: Option<&str>| {
            value.map(|value| claims.insert(name.to_owned(), value.into()));
        };
        if scopes.has("profile") {
            add("name", Some(&user.display_name));
            add("given_name", user.given_name.as_deref());
            add("family_name", user.family_name.as_deref());
            add("preferred_username", Some(&user.upn));
        }
        if scopes.has("email") {
            add("email", user.email.as_deref());
        }
    }
    Ok(claims)
}

/// Ends each of the user's sign-ins (`signInSessionsRevoked`): sessions and refresh tokens are worth nothing from now on.
///
/// # Errors
/// As [`userinfo`]; the token must have the scope `User.RevokeSessions.All` or be for the user's own directory entry.
pub async fn revoke_sign_in_sessions(
    provider: &Provider,
    authorization: Option<&str>,
) -> Result<Value, Refusal> {
    let (_, user, scopes) = bearer(provider, authorization).await?;
    if !scopes.has("User.RevokeSessions.All") {
        return Err(Refusal::AccessToken);
    }
    // Sign-ins of this very second are over too; the next one may begin in the next second.
    let from = UnixTime::from_seconds(provider.now().seconds() + 1);
    provider.database.users().revoke_sessions(user.id, from).await?;
    Ok(json!({ "value": true }))
}

async fn bearer(provider: &Provider, authorization: Option<&str>) -> Result<(Bearer, User, Scopes), Refusal> {
    let refused = || Refusal::AccessToken;
    let (scheme, token) = authorization.and_then(|text| text.split_once(' ')).ok_or_else(refused)?;
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Err(refused());
    }
    let jws = Jws::parse(token.trim()).map_err(|_| refused())?;
    let key = jws.header.kid.as_deref().and_then(|kid| provider.keys.verifying(kid)).ok_or_else(refused)?;
    let bearer: Bearer = jws.verify(&key).map_err(|_| refused())?;
    let now = provider.now().seconds();
    let directory = provider.app(first_party::GRAPH).await?.ok_or_else(refused)?;
    let for_us = directory.identifier_uri.as_deref() == Some(bearer.aud.as_str());
    if !for_us || bearer.exp <= now || bearer.nbf > now + 60 {
        return Err(refused());
    }
    let user = provider.database.users().find(bearer.oid).await?.ok_or_else(refused)?;
    let issuer = format!("{}/{}/", provider.settings.public_url(), user.tenant);
    let issued_at = UnixTime::from_seconds(bearer.iat);
    if !user.enabled || bearer.iss != issuer || issued_at < user.sessions_valid_from {
        return Err(refused());
    }
    // The grant, which code or refresh token reuse may have revoked after the token was made.
    let grant = bearer.aio.as_deref().and_then(|aio| URL_SAFE_NO_PAD.decode(aio).ok());
    let grant = grant.and_then(|bytes| Uuid::from_slice(&bytes).ok()).ok_or_else(refused)?;
    if !provider.database.grants().stands(GrantId::new(grant)).await? {
        return Err(refused());
    }
    let scopes = Scopes::parse(bearer.scp.as_deref().unwrap_or_default()).map_err(|_| refused())?;
    Ok((bearer, user, scopes))
}
