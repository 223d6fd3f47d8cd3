//! The primary refresh token: request, use, and browser sign-on (MS-OAPXBC 3.2.5.1).

use latchkey_container::UnixTime;
use serde::Deserialize;
use serde_json::{Value, json};

use super::jws::Unsigned;
use super::rsa_key::RsaKey;
use super::{WireError, number, with};
use crate::secret::Secret;

/// The client that primary refresh tokens are issued to.
pub const CLIENT: &str = "38aa3b87-a06d-4817-b275-7a316988d93b";
/// The grant type of signed requests and assertions.
pub const JWT_BEARER: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";
/// `ugs`: the user's groups come along; `aza`: the answer brings a primary refresh token.
const SCOPE: &str = "openid aza ugs";
/// How long an assertion is good, in seconds to both sides: clocks differ.
const WINDOW: u64 = 300;
const BROKER: &str = "aad:brokerplugin";

/// The user's proof: an assertion that the enterprise key signs, good for one sign-in of one user at one tenant.
#[must_use]
pub fn assertion(user: &str, tenant: &str, key: &RsaKey, nonce: &str, now: UnixTime) -> Unsigned {
    let header = json!({ "alg": "RS256", "typ": "JWT", "kid": key.id_text(), "use": "ngc" });
    let payload = json!({
        "iss": user,
        "aud": tenant,
        "iat": now.0.saturating_sub(WINDOW),
        "exp": now.0.saturating_add(WINDOW),
        "scope": SCOPE,
        "request_nonce": nonce,
    });
    Unsigned::new(&header, &payload.to_string())
}

/// The request around an assertion, which the device key signs.
#[must_use]
pub fn request(user: &str, assertion: &str, certificate: &[u8], nonce: &str) -> Unsigned {
    let payload = json!({
        "client_id": CLIENT,
        "request_nonce": nonce,
        "scope": SCOPE,
        "grant_type": JWT_BEARER,
        "username": user,
        "assertion": assertion,
        "win_ver": version(),
        "group_sids": [],
    });
    Unsigned::by_device("JWT", certificate, &payload)
}

/// What a token is wanted for.
#[derive(Debug, Clone, Copy)]
pub struct Wish<'a> {
    /// The application that gets the token.
    pub client: &'a str,
    /// The resource (its App ID URI or client ID), or nothing where `scope` names it.
    pub resource: Option<&'a str>,
    /// Scopes.
    pub scope: &'a str,
    /// A registered redirect URI of the application, where the provider asks for one.
    pub redirect: Option<&'a str>,
}

impl Wish<'_> {
    /// A new primary refresh token.
    pub const RENEWAL: Wish<'static> =
        Wish { client: CLIENT, resource: None, scope: "openid aza", redirect: None };
}

/// The payload of a request for a token, to be proved with the session key.
#[must_use]
pub fn token_request(wish: &Wish<'_>, refresh_token: &str, nonce: &str, now: UnixTime) -> Value {
    let payload = json!({
        "win_ver": version(),
        "scope": wish.scope,
        "request_nonce": nonce,
        "refresh_token": refresh_token,
        "iss": BROKER,
        "aud": "login.microsoftonline.com",
        "grant_type": "refresh_token",
        "client_id": wish.client,
        "iat": now.0.to_string(),
        "exp": now.0.saturating_add(WINDOW).to_string(),
    });
    with(with(payload, "resource", wish.resource), "redirect_uri", wish.redirect)
}

/// The payload of the browser's credential (`x-ms-RefreshTokenCredential`), to be proved with the session key.
#[must_use]
pub fn browser_credential(refresh_token: &str, nonce: &str) -> Value {
    json!({
        "refresh_token": refresh_token,
        "is_primary": "true",
        "request_nonce": nonce,
        "win_ver": version(),
        "windows_api_version": "2.0.1",
        "x_client_platform": std::env::consts::OS,
    })
}

fn version() -> &'static str {
    concat!("latchkey/", env!("CARGO_PKG_VERSION"))
}

/// What comes back for [`request`].
#[derive(Deserialize)]
pub struct Issued {
    refresh_token: Secret,
    session_key_jwe: String,
    refresh_token_expires_in: u64,
}

impl Issued {
    /// Reads the provider's answer.
    ///
    /// # Errors
    /// [`WireError::Malformed`].
    pub fn read(answer: &[u8]) -> Result<Self, WireError> {
        serde_json::from_slice(answer).map_err(|_| WireError::Malformed("a primary refresh token"))
    }

    /// Token, sealed session key, and how many seconds it is good for.
    #[must_use]
    pub fn into_parts(self) -> (Secret, String, u64) {
        (self.refresh_token, self.session_key_jwe, self.refresh_token_expires_in)
    }
}

impl std::fmt::Debug for Issued {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Issued").field("expires_in", &self.refresh_token_expires_in).finish_non_exhaustive()
    }
}

/// What comes back for [`token_request`], once it is opened.
#[derive(Deserialize)]
pub struct Granted {
    /// The access token.
    #[serde(default)]
    pub access_token: Option<Secret>,
    /// Seconds, as a number or, from the older endpoint, as text.
    #[serde(default, deserialize_with = "number")]
    pub expires_in: u64,
    /// What the token is for.
    #[serde(default)]
    pub scope: Option<String>,
    /// The same, from the older endpoint.
    #[serde(default)]
    pub resource: Option<String>,
    /// A new primary refresh token, where one was asked for.
    #[serde(default)]
    pub refresh_token: Option<Secret>,
    /// How long that one is good.
    #[serde(default)]
    pub refresh_token_expires_in: Option<u64>,
    /// A new session key, where the provider rolled it.
    #[serde(default)]
    pub session_key_jwe: Option<String>,
}

impl Granted {
    /// Reads the opened answer.
    ///
    /// # Errors
    /// [`WireError::Malformed`].
    pub fn read(answer: &[u8]) -> Result<Self, WireError> {
        serde_json::from_slice(answer).map_err(|_| WireError::Malformed("a token"))
    }
}

impl std::fmt::Debug for Granted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Granted")
            .field("expires_in", &self.expires_in)
            .field("scope", &self.scope)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
