//! The claims of section 1.2 of the wire reference, in both versions.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde::Serialize;
use sha2::Sha256;
use uuid::Uuid;

use crate::clock::UnixTime;
use crate::domain::{
    App, AppKind, Authentication, ClaimName, ClientId, GrantId, Scopes, SessionId, TenantId, TokenVersion,
    User,
};

/// The one authentication context class that there is: a user signed in (ISO/IEC 29115 level 1). How is told by `amr`.
pub const ACR: &str = "1";

/// Whom a token is about.
#[derive(Clone, Copy, Debug)]
pub enum Subject<'a> {
    /// A user who signed in.
    User {
        /// The user.
        user: &'a User,
        /// The sign-in.
        authentication: &'a Authentication,
        /// The grant, for services of our own that want to know whether it still stands.
        grant: GrantId,
        /// What the client may do for the user.
        scopes: &'a Scopes,
        /// Whether the client handles claims challenges.
        handles_challenges: bool,
    },
    /// The client itself.
    Client,
}

/// What an access token is made from.
#[derive(Clone, Copy, Debug)]
pub struct AccessToken<'a> {
    /// `https://host`, the start of the issuer.
    pub public_url: &'a str,
    /// The tenant.
    pub tenant: TenantId,
    /// The client that asked.
    pub client: &'a App,
    /// How the client proved itself: `azpacr`.
    pub client_proof: &'static str,
    /// The API that it is for.
    pub resource: &'a App,
    /// Whom it is about.
    pub subject: Subject<'a>,
    /// The subject's roles in the API.
    pub roles: &'a [String],
    /// The thumbprint of the key that it is bound to (RFC 9449 §6.1).
    pub key: Option<&'a str>,
    /// When it is made.
    pub now: UnixTime,
    /// When it ends.
    pub expires_at: UnixTime,
    /// Its own name (`uti`).
    pub id: Uuid,
}

/// What an ID token is made from.
#[derive(Clone, Copy, Debug)]
pub struct IdToken<'a> {
    /// `https://host`, the start of the issuer.
    pub public_url: &'a str,
    /// The client that it is for.
    pub client: &'a App,
    /// The user.
    pub user: &'a User,
    /// The sign-in.
    pub authentication: &'a Authentication,
    /// Which shape it has.
    pub version: TokenVersion,
    /// The scopes: `profile` and `email` decide what it tells.
    pub scopes: &'a Scopes,
    /// What the client asked for by name.
    pub asked: &'a [ClaimName],
    /// The request's nonce.
    pub nonce: Option<&'a str>,
    /// `at_hash` (OIDC Core §3.1.3.6).
    pub access_token: Option<&'a str>,
    /// When it is made.
    pub now: UnixTime,
    /// When it ends.
    pub expires_at: UnixTime,
    /// Its own name (`uti`).
    pub id: Uuid,
}

/// Everything that a token of ours can say; what is absent is not written.
#[derive(Default, Serialize)]
struct Claims<'a> {
    aud: String,
    iss: String,
    iat: i64,
    nbf: i64,
    exp: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    acr: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    acrs: Option<&'a [String]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    aio: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    amr: Option<Vec<&'static str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    appid: Option<ClientId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    appidacr: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    at_hash: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    auth_time: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    azp: Option<ClientId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    azpacr: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cnf: Option<Confirmation<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    deviceid: Option<crate::domain::DeviceId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    email: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    family_name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    given_name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    idtyp: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    login_hint: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    nonce: Option<&'a str>,
    oid: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    preferred_username: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    roles: Option<&'a [String]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    scp: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sid: Option<SessionId>,
    sub: String,
    tid: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    unique_name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    upn: Option<&'a str>,
    uti: String,
    ver: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    xms_cc: Option<[&'static str; 1]>,
}

/// Who may use a token: whoever has the key (RFC 7800 §3).
#[derive(Serialize)]
struct Confirmation<'a> {
    jkt: &'a str,
}

/// The payload of an access token.
///
/// # Errors
/// Never in practice: the claims are plain data.
pub fn access_token(token: &AccessToken<'_>, pairwise_key: &[u8]) -> Result<Vec<u8>, serde_json::Error> {
    let version = token.resource.registration.access_token_version;
    let mut claims = Claims {
        iat: token.now.seconds(),
        nbf: token.now.seconds(),
        exp: token.expires_at.seconds(),
        roles: (!token.roles.is_empty()).then_some(token.roles),
        cnf: token.key.map(|jkt| Confirmation { jkt }),
        tid: token.tenant.to_string(),
        uti: uti(token.id),
        ..Claims::default()
    };
    match version {
        TokenVersion::V2 => {
            claims.ver = "2.0";
            claims.aud = token.resource.id.to_string();
            claims.iss = issuer(token.public_url, token.tenant, version);
            claims.azp = Some(token.client.id);
            claims.azpacr = Some(token.client_proof);
        }
        TokenVersion::V1 => {
            claims.ver = "1.0";
            claims.aud =
                token.resource.identifier_uri.clone().unwrap_or_else(|| token.resource.id.to_string());
            claims.iss = issuer(token.public_url, token.tenant, version);
            claims.appid = Some(token.client.id);
            claims.appidacr = Some(token.client_proof);
        }
    }
    match token.subject {
        Subject::Client => {
            // There is no object for an application in a tenant beside the application itself.
            claims.oid = token.client.id.to_string();
            claims.sub.clone_from(&claims.oid);
            claims.idtyp = Some("app");
        }
        Subject::User { user, authentication, grant, scopes, handles_challenges } => {
            claims.oid = user.id.to_string();
            claims.sub = pairwise(pairwise_key, user, token.resource.id);
            claims.name = Some(&user.display_name);
            claims.scp = Some(scopes.to_string());
            claims.sid = authentication.session;
            claims.aio = Some(URL_SAFE_NO_PAD.encode(grant.guid().as_bytes()));
            claims.deviceid = authentication.device;
            claims.acrs = (!authentication.contexts.is_empty()).then_some(&authentication.contexts);
            claims.auth_time = Some(authentication.at.seconds());
            claims.xms_cc = handles_challenges.then_some(["cp1"]);
            let amr = || authentication.methods.iter().map(|method| method.word()).collect();
            match version {
                TokenVersion::V2 => {
                    claims.preferred_username = Some(&user.upn);
                    if token.resource.registration.amr_claim || token.client.registration.amr_claim {
                        claims.amr = Some(amr());
                        claims.upn = Some(&user.upn);
                    }
                }
                TokenVersion::V1 => {
                    claims.acr = Some(ACR);
                    claims.amr = Some(amr());
                    claims.upn = Some(&user.upn);
                    claims.unique_name = Some(&user.upn);
                    claims.given_name = user.given_name.as_deref();
                    claims.family_name = user.family_name.as_deref();
                }
            }
        }
    }
    serde_json::to_vec(&claims)
}

/// The payload of an ID token.
///
/// # Errors
/// Never in practice: the claims are plain data.
pub fn id_token(token: &IdToken<'_>, pairwise_key: &[u8]) -> Result<Vec<u8>, serde_json::Error> {
    let IdToken { user, authentication, version, .. } = *token;
    let v1 = version == TokenVersion::V1;
    // The names of v1.0 have no scope.
    let told = |name: ClaimName| {
        let scoped = name.scope().is_some_and(|scope| token.scopes.has(scope) || (v1 && scope == "profile"));
        scoped || token.asked.contains(&name)
    };
    let profile = v1 || token.scopes.has("profile");
    let claims = Claims {
        aud: token.client.id.to_string(),
        iss: issuer(token.public_url, user.tenant, version),
        iat: token.now.seconds(),
        nbf: token.now.seconds(),
        exp: token.expires_at.seconds(),
        acr: token.asked.contains(&ClaimName::Acr).then_some(ACR),
        acrs: (!authentication.contexts.is_empty()).then_some(&authentication.contexts),
        amr: Some(authentication.methods.iter().map(|method| method.word()).collect()),
        at_hash: token.access_token.map(half_hash),
        auth_time: Some(authentication.at.seconds()),
        email: user.email.as_deref().filter(|_| told(ClaimName::Email)),
        login_hint: profile.then_some(user.upn.as_str()),
        name: told(ClaimName::Name).then_some(user.display_name.as_str()),
        given_name: user.given_name.as_deref().filter(|_| told(ClaimName::GivenName)),
        family_name: user.family_name.as_deref().filter(|_| told(ClaimName::FamilyName)),
        nonce: token.nonce,
        oid: user.id.to_string(),
        preferred_username: told(ClaimName::PreferredUsername).then_some(user.upn.as_str()),
        sid: authentication.session,
        sub: pairwise(pairwise_key, user, token.client.id),
        tid: user.tenant.to_string(),
        unique_name: v1.then_some(&user.upn),
        upn: v1.then_some(&user.upn),
        uti: uti(token.id),
        ver: match version {
            TokenVersion::V1 => "1.0",
            TokenVersion::V2 => "2.0",
        },
        ..Claims::default()
    };
    serde_json::to_vec(&claims)
}

/// `sub`: the same user is another to each application (OIDC Core §8.1).
#[must_use]
pub fn pairwise(key: &[u8], user: &User, app: ClientId) -> String {
    // HMAC takes a key of any length.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else { return String::new() };
    mac.update(app.guid().as_bytes());
    mac.update(user.id.guid().as_bytes());
    URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes())
}

/// Deviation: v1.0 tokens have an issuer of ours, where the service has `https://sts.windows.net/{tid}/`, a name that is
/// not ours to use.
#[must_use]
pub fn issuer(public_url: &str, tenant: impl fmt::Display, version: TokenVersion) -> String {
    match version {
        TokenVersion::V2 => format!("{public_url}/{tenant}/v2.0"),
        TokenVersion::V1 => format!("{public_url}/{tenant}/"),
    }
}

/// `at_hash`, `c_hash`: the left half of the SHA-256, which is the hash of both algorithms that we sign with.
fn half_hash(token: &str) -> String {
    use sha2::Digest as _;
    let hash: [u8; 32] = Sha256::digest(token.as_bytes()).into();
    URL_SAFE_NO_PAD.encode(hash.first_chunk::<16>().unwrap_or(&[0; 16]))
}

fn uti(id: Uuid) -> String {
    URL_SAFE_NO_PAD.encode(id.as_bytes())
}

/// `azpacr` of a public client, and of the two ways in which a confidential one proves itself.
impl AppKind {
    /// Without a proof.
    pub const NO_PROOF: &'static str = "0";
    /// With a secret.
    pub const SECRET: &'static str = "1";
    /// With a key.
    pub const ASSERTION: &'static str = "2";
}
