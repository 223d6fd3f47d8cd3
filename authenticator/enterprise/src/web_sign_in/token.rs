//! What the token endpoint gives, and who it says signed in.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use uuid::Uuid;

use super::metadata::Metadata;
use super::{Purpose, SignInError};
use crate::http::{HttpAnswer, HttpError};
use crate::secret::Secret;

/// Somebody signed in.
#[derive(Debug)]
pub struct SignedIn {
    /// For the service of the purpose.
    pub access_token: Secret,
    /// For further tokens, where the purpose has any.
    pub refresh_token: Option<Secret>,
    /// How long the access token is good.
    pub lifetime: Duration,
    /// Who it was.
    pub person: Person,
}

/// A user of a tenant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// The tenant.
    pub tenant: Uuid,
    /// The object ID.
    pub object: Uuid,
    /// The user name, such as `ada@example.org`.
    pub user_name: String,
    /// The name that is shown.
    pub name: String,
}

#[derive(Deserialize)]
struct TokenAnswer {
    access_token: Secret,
    #[serde(default)]
    refresh_token: Option<Secret>,
    id_token: Secret,
    #[serde(deserialize_with = "crate::wire::number")]
    expires_in: u64,
}

#[derive(Deserialize)]
struct Claims {
    iss: String,
    aud: String,
    #[serde(default)]
    nonce: Option<String>,
    tid: Uuid,
    oid: Uuid,
    #[serde(default)]
    name: String,
    #[serde(default)]
    preferred_username: Option<String>,
    #[serde(default)]
    upn: Option<String>,
    #[serde(default)]
    unique_name: Option<String>,
}

/// Reads a token answer. `nonce`: what the request had, which only an authorization request can have.
///
/// The ID token came from the token endpoint over TLS, so its signature need not be checked (OIDC Core §3.1.3.7, step 6).
pub(super) fn read(
    answer: &HttpAnswer,
    purpose: Purpose,
    metadata: &Metadata,
    nonce: Option<&str>,
) -> Result<SignedIn, SignInError> {
    let TokenAnswer { access_token, refresh_token, id_token, expires_in } = answer.read()?;
    let person = person(id_token.expose(), purpose, metadata, nonce)?;
    Ok(SignedIn { access_token, refresh_token, lifetime: Duration::from_secs(expires_in), person })
}

pub(super) fn person(
    id_token: &str,
    purpose: Purpose,
    metadata: &Metadata,
    nonce: Option<&str>,
) -> Result<Person, SignInError> {
    let payload = id_token.split('.').nth(1).ok_or(SignInError::IdToken("it is no JWT"))?;
    let payload = URL_SAFE_NO_PAD.decode(payload).map_err(|_| SignInError::IdToken("it is not base64url"))?;
    let claims: Claims =
        serde_json::from_slice(&payload).map_err(|_| SignInError::IdToken("claims are missing"))?;
    if !metadata.is_issuer(&claims.iss) {
        return Err(SignInError::OtherIssuer(claims.iss));
    }
    if claims.aud != purpose.client_id() {
        return Err(SignInError::IdToken("its audience is another application"));
    }
    if claims.nonce.as_deref() != nonce {
        return Err(SignInError::IdToken("its nonce is of another sign-in"));
    }
    // Which of them is there depends on the dialect.
    let user_name = claims.upn.or(claims.preferred_username).or(claims.unique_name);
    let user_name = user_name.ok_or(SignInError::IdToken("it has no user name"))?;
    Ok(Person { tenant: claims.tid, object: claims.oid, user_name, name: claims.name })
}

impl From<crate::http::Refused> for SignInError {
    fn from(refused: crate::http::Refused) -> Self {
        Self::Http(HttpError::Refused(refused))
    }
}
