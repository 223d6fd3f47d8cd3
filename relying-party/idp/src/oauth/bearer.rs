//! The one check of access tokens at services of our own: userinfo, the directory, device registration (RFC 6750, RFC 9449 §7).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use uuid::Uuid;

use super::dpop;
use super::error::Refusal;
use crate::clock::UnixTime;
use crate::domain::{Authority, ClientId, GrantId, Scopes, TenantId, TokenVersion, User, first_party};
use crate::provider::Provider;
use crate::storage::Grant;
use crate::tokens::{Jws, issuer};

/// How far ahead of ours the clock of whoever made the token may be: another process of ours.
const SKEW: i64 = 60;

/// What a request says about who sends it. It holds secrets, so it has no `Debug`.
#[derive(Clone)]
pub struct Sent<'a> {
    /// The HTTP method.
    pub method: &'a str,
    /// The path, without the query.
    pub path: &'a str,
    /// The `Authorization` header.
    pub authorization: Option<&'a str>,
    /// Each `DPoP` header.
    pub proofs: Vec<&'a str>,
}

/// Who calls a service of ours, with a token that is good for it.
#[derive(Clone, Debug)]
pub struct Bearer {
    /// The tenant.
    pub tenant: TenantId,
    /// The client.
    pub client: ClientId,
    /// For whom the client calls.
    pub caller: Caller,
}

/// For whom a client calls.
#[derive(Clone, Debug)]
pub enum Caller {
    /// For a user who signed in.
    User(Box<OnBehalf>),
    /// For itself.
    App {
        /// Its roles in the directory.
        roles: Vec<String>,
    },
}

/// A user for whom a client calls.
#[derive(Clone, Debug)]
pub struct OnBehalf {
    /// The user as they are now: enabled, and of the bearer's tenant.
    pub user: User,
    /// What the client may do for the user.
    pub scopes: Scopes,
    /// The grant, which still stands: its `authentication` says how and when the user signed in.
    pub grant: Grant,
}

impl Bearer {
    /// The user, if the client calls for one and may do this.
    ///
    /// # Errors
    /// When it calls for itself, or lacks the scope.
    pub fn user_with(&self, scope: &str) -> Result<&OnBehalf, Refusal> {
        match &self.caller {
            Caller::User(on_behalf) if on_behalf.scopes.has(scope) => Ok(on_behalf),
            Caller::User(_) => Err(Refusal::InsufficientScope),
            // A client's own token is for other requests than a user's.
            Caller::App { .. } => Err(Refusal::AccessToken),
        }
    }
}

/// Who calls the directory.
///
/// # Errors
/// As [`check_at`].
pub async fn check(provider: &Provider, sent: &Sent<'_>) -> Result<Bearer, Refusal> {
    check_at(provider, sent, first_party::GRAPH).await
}

/// Who calls `resource`, a service of ours.
///
/// # Errors
/// When the token is missing, not one of ours for this service, expired, presented in another way than it was issued for, or
/// when what it stands for was revoked.
pub async fn check_at(provider: &Provider, sent: &Sent<'_>, resource: ClientId) -> Result<Bearer, Refusal> {
    let refused = || Refusal::AccessToken;
    let (scheme, token) = sent.authorization.and_then(|text| text.split_once(' ')).ok_or_else(refused)?;
    let token = token.trim();
    let claims = AccessClaims::read(provider, token).ok_or_else(refused)?;
    let service = provider.app(resource).await?.ok_or_else(refused)?;
    if service.identifier_uri.as_deref() != Some(claims.aud.as_str()) {
        return Err(refused());
    }
    match &claims.cnf {
        None if scheme.eq_ignore_ascii_case("bearer") => {}
        Some(bound) if scheme.eq_ignore_ascii_case("dpop") => {
            let key = dpop::check(provider, sent, Some(token)).await.map_err(Refusal::at_resource)?;
            if key.as_ref() != Some(&bound.jkt) {
                return Err(refused());
            }
        }
        // A bound token in the hands of someone without the key, or a plain one that pretends to be bound (RFC 9449 §7.2).
        Some(_) | None => return Err(refused()),
    }
    let caller = if claims.is_of_app() {
        Caller::App { roles: app_roles(provider, &claims).await? }
    } else {
        let (grant, user) = claims.standing(provider).await.map_err(|refusal| claims.challenged(refusal))?;
        let scopes = Scopes::parse(claims.scp.as_deref().unwrap_or_default()).map_err(|_| refused())?;
        Caller::User(Box::new(OnBehalf { user, scopes, grant }))
    };
    Ok(Bearer { tenant: claims.tid, client: claims.client, caller })
}

/// Whom a token of ours names that was refused, for the audit log. It proves nothing but that.
pub(crate) fn named(provider: &Provider, sent: &Sent<'_>) -> Option<(TenantId, Uuid)> {
    let (_, token) = sent.authorization?.split_once(' ')?;
    let claims = AccessClaims::read(provider, token.trim())?;
    Some((claims.tid, claims.oid))
}

/// Why a token is worth nothing at a service, for services that say so by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Denial {
    /// It is for another service.
    Audience,
    /// The account is disabled.
    UserDisabled,
    /// The sign-in behind it was taken back.
    Revoked,
    /// It is no token of ours, has expired, or was presented in another way than it was issued for.
    Invalid,
}

/// Why [`check_at`] refused a token.
pub(crate) async fn diagnose(provider: &Provider, sent: &Sent<'_>, resource: ClientId) -> Denial {
    let token = sent.authorization.and_then(|text| text.split_once(' '));
    let Some(claims) = token.and_then(|(_, token)| AccessClaims::read(provider, token.trim())) else {
        return Denial::Invalid;
    };
    let service = provider.app(resource).await.ok().flatten();
    if service.is_none_or(|app| app.identifier_uri.as_deref() != Some(claims.aud.as_str())) {
        Denial::Audience
    } else {
        match claims.standing(provider).await {
            Err(Refusal::UserDisabled) => Denial::UserDisabled,
            Err(Refusal::Revoked) => Denial::Revoked,
            Ok(_) | Err(_) => Denial::Invalid,
        }
    }
}

/// The roles of an application that still exists in the tenant.
async fn app_roles(provider: &Provider, claims: &AccessClaims) -> Result<Vec<String>, Refusal> {
    let tenant = provider.tenant(&Authority::Tenant(claims.tid)).await?;
    let app = provider.app(claims.client).await?.filter(|app| app.known_to(claims.tid));
    if tenant.is_none() || app.is_none() || claims.oid != claims.client.guid() {
        return Err(Refusal::AccessToken);
    }
    Ok(claims.roles.clone())
}

/// What an access token of ours says, in either version. An ID token names no client in it, so it is none.
#[derive(Debug, Deserialize)]
pub(super) struct AccessClaims {
    pub(super) aud: String,
    iss: String,
    exp: i64,
    nbf: i64,
    iat: i64,
    pub(super) tid: TenantId,
    ver: TokenVersion,
    oid: Uuid,
    #[serde(rename = "azp", alias = "appid")]
    client: ClientId,
    scp: Option<String>,
    aio: Option<String>,
    idtyp: Option<String>,
    #[serde(default)]
    roles: Vec<String>,
    cnf: Option<Confirmation>,
    #[serde(default)]
    xms_cc: Vec<String>,
}

#[derive(Debug, Deserialize)]
struct Confirmation {
    jkt: String,
}

impl AccessClaims {
    /// Reads a token; nothing if we did not make it or its time is over.
    pub(super) fn read(provider: &Provider, token: &str) -> Option<Self> {
        let jws = Jws::parse(token).ok()?;
        let key = jws.header.kid.as_deref().and_then(|kid| provider.keys.verifying(kid))?;
        let claims: Self = jws.verify(&key).ok()?;
        let now = provider.now().seconds();
        let ours = claims.iss == issuer(provider.settings.public_url(), claims.tid, claims.ver);
        (ours && claims.exp > now && claims.nbf <= now.saturating_add(SKEW)).then_some(claims)
    }

    /// Whether it is a client's own token.
    pub(super) fn is_of_app(&self) -> bool {
        self.idtyp.is_some() || self.scp.is_none()
    }

    /// The grant and the user of a user's token, if both still stand.
    ///
    /// # Errors
    /// When the grant, the sign-in or the user was revoked, or the token is a client's own.
    pub(super) async fn standing(&self, provider: &Provider) -> Result<(Grant, User), Refusal> {
        if self.is_of_app() {
            return Err(Refusal::AccessToken);
        }
        let grant = self.aio.as_deref().and_then(|aio| URL_SAFE_NO_PAD.decode(aio).ok());
        let grant = grant.and_then(|bytes| Uuid::from_slice(&bytes).ok()).ok_or(Refusal::AccessToken)?;
        // Code or refresh token reuse may have revoked it after the token was made.
        let found = provider.database.grants().standing(GrantId::new(grant)).await?;
        let (grant, user) = found.ok_or(Refusal::Revoked)?;
        if user.id.guid() != self.oid || user.tenant != self.tid {
            return Err(Refusal::AccessToken);
        }
        if !user.enabled {
            return Err(Refusal::UserDisabled);
        }
        let valid_from = user.sessions_valid_from;
        if UnixTime::from_seconds(self.iat) < valid_from || grant.authentication.at < valid_from {
            return Err(Refusal::Revoked);
        }
        Ok((grant, user))
    }

    /// What a caller hears whose token is no longer worth anything: how to get a new one, if it understands that.
    fn challenged(&self, refusal: Refusal) -> Refusal {
        if refusal.row().status >= 500 {
            return refusal;
        }
        if matches!(refusal, Refusal::Revoked)
            && self.xms_cc.iter().any(|word| word.eq_ignore_ascii_case("cp1"))
        {
            return Refusal::InsufficientClaims(not_before(self.iat.saturating_add(1)));
        }
        Refusal::AccessToken
    }
}

/// The claims challenge for a newer token.
fn not_before(seconds: i64) -> String {
    let newer = serde_json::json!({ "essential": true, "value": seconds.to_string() });
    serde_json::json!({ "access_token": { "nbf": newer } }).to_string()
}
