//! Which client asks, and how it proves it (RFC 6749 §2.3, RFC 7523).

use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use percent::decode;
use serde::Deserialize;
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

use super::bearer::Sent;
use super::dpop;
use super::error::Refusal;
use super::fields::Fields;
use crate::clock::UnixTime;
use crate::domain::{App, AppKind, ClientId, OpaqueHash};
use crate::provider::Provider;
use crate::storage::Purpose;
use crate::tokens::{Jws, PublicKey};

/// The one assertion type.
const JWT_BEARER: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
/// An assertion that lives longer is refused: its `jti` would have to be remembered as long.
const LONGEST_ASSERTION: Duration = Duration::from_hours(24);
/// How far clocks may be apart.
const SKEW: Duration = Duration::from_mins(5);

/// A client that is who it says.
#[derive(Clone, Debug)]
pub struct ClientProof {
    /// The client.
    pub app: Arc<App>,
    /// How it proved itself: `azpacr`.
    pub proof: &'static str,
    /// The thumbprint of the key that it showed to have (RFC 9449).
    pub key: Option<String>,
}

#[derive(Deserialize)]
struct AssertionClaims {
    iss: String,
    sub: String,
    aud: Audience,
    exp: NumericDate,
    nbf: Option<NumericDate>,
    jti: String,
}

/// RFC 7519 §2: it may have a fraction, and MSAL's has one.
#[derive(Clone, Copy, Deserialize)]
#[serde(try_from = "serde_json::Number")]
struct NumericDate(UnixTime);

impl TryFrom<serde_json::Number> for NumericDate {
    type Error = std::num::ParseIntError;

    fn try_from(number: serde_json::Number) -> Result<Self, Self::Error> {
        let text = number.to_string();
        // A number that is written with an exponent is no time of this age: it stays whole and is refused.
        let cut = text.split_once('.').filter(|_| !text.contains('e'));
        let whole = cut.map_or(text.as_str(), |(whole, _)| whole);
        Ok(Self(UnixTime::from_seconds(whole.parse()?)))
    }
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Many(Vec<String>),
}

/// Authenticates the client of a request, and checks its proof of possession if there is one.
pub(super) async fn authenticate(
    provider: &Provider,
    fields: &Fields,
    sent: &Sent<'_>,
    audiences: &[String],
) -> Result<ClientProof, Refusal> {
    let basic = sent.authorization.and_then(basic_credentials);
    let secret_field = fields.optional("client_secret")?;
    let assertion = fields.optional("client_assertion")?;
    let presented =
        [basic.is_some(), secret_field.is_some(), assertion.is_some()].into_iter().filter(|is| *is).count();
    if presented > 1 {
        // RFC 6749 §2.3: no more than one method.
        return Err(Refusal::Malformed("client_secret"));
    }
    let named = fields.optional("client_id")?;
    let id: ClientId = match (&basic, named, assertion) {
        (Some((id, _)), named, _) => {
            if named.is_some_and(|named| !named.eq_ignore_ascii_case(id)) {
                return Err(Refusal::Malformed("client_id"));
            }
            id.parse().map_err(|_| Refusal::Application)?
        }
        (None, Some(named), _) => named.parse().map_err(|_| Refusal::Application)?,
        (None, None, Some(assertion)) => assertion_subject(assertion)?,
        (None, None, None) => return Err(Refusal::Missing("client_id")),
    };
    let app = provider.app(id).await?.ok_or(Refusal::Application)?;
    let secret = basic.as_ref().map(|(_, secret)| secret.as_str()).or(secret_field);
    let proof = match (app.registration.kind, secret, assertion) {
        (AppKind::Public, None, None) => AppKind::NO_PROOF,
        (AppKind::Public, _, _) => return Err(Refusal::PublicClient),
        (AppKind::Confidential, Some(secret), _) => {
            check_secret(&app, secret, provider.now())?;
            AppKind::SECRET
        }
        (AppKind::Confidential, None, Some(assertion)) => {
            if fields.optional("client_assertion_type")? != Some(JWT_BEARER) {
                return Err(Refusal::Malformed("client_assertion_type"));
            }
            check_assertion(provider, &app, assertion, audiences).await?;
            AppKind::ASSERTION
        }
        (AppKind::Confidential, None, None) => return Err(Refusal::NoProof),
    };
    Ok(ClientProof { app, proof, key: dpop::check(provider, sent, None).await? })
}

fn check_secret(app: &App, secret: &str, now: UnixTime) -> Result<(), Refusal> {
    let hash = URL_SAFE_NO_PAD.encode(Sha256::digest(secret.as_bytes()));
    let right = app
        .registration
        .secrets
        .iter()
        .filter(|known| known.expires_at > now)
        .any(|known| known.hash.as_bytes().ct_eq(hash.as_bytes()).into());
    if right { Ok(()) } else { Err(Refusal::Secret) }
}

fn assertion_subject(assertion: &str) -> Result<ClientId, Refusal> {
    let malformed = |_| Refusal::Assertion("it is malformed");
    let claims: AssertionClaims =
        Jws::parse(assertion).and_then(|jws| jws.unverified()).map_err(malformed)?;
    claims.sub.parse().map_err(|_| Refusal::Application)
}

async fn check_assertion(
    provider: &Provider,
    app: &App,
    assertion: &str,
    audiences: &[String],
) -> Result<(), Refusal> {
    let now = provider.now();
    let jws = Jws::parse(assertion).map_err(|_| Refusal::Assertion("it is malformed"))?;
    let header = &jws.header;
    let names = [&header.kid, &header.x5t, &header.x5t_s256].map(Option::as_deref);
    // MSAL for Python pads its thumbprints, against RFC 7515 §2.
    let name = names.into_iter().flatten().next().map(|name| name.trim_end_matches('='));
    let key = app
        .registration
        .keys
        .iter()
        .filter(|key| key.expires_at > now)
        .find(|key| name.is_some_and(|name| name == key.id))
        .and_then(|key| PublicKey::from_jwk(&key.jwk))
        .ok_or(Refusal::Assertion("its key is not registered"))?;
    let claims: AssertionClaims =
        jws.verify(&key).map_err(|_| Refusal::Assertion("its signature is wrong"))?;
    let id = app.id.to_string();
    if claims.iss != id || claims.sub != id {
        return Err(Refusal::Assertion("issuer and subject must be the client"));
    }
    let for_us = match &claims.aud {
        Audience::One(audience) => audiences.contains(audience),
        // One audience only: an assertion for several could be passed on to us by another of them.
        Audience::Many(many) => many.len() == 1 && many.iter().all(|one| audiences.contains(one)),
    };
    if !for_us {
        return Err(Refusal::Assertion("it is for another audience"));
    }
    let NumericDate(expires_at) = claims.exp;
    if expires_at.plus(SKEW) <= now || expires_at > now.plus(LONGEST_ASSERTION) {
        return Err(Refusal::Assertion("it has expired, or lives too long"));
    }
    if claims.nbf.is_some_and(|NumericDate(nbf)| nbf > now.plus(SKEW)) {
        return Err(Refusal::Assertion("it is not valid yet"));
    }
    let identifier = OpaqueHash::of(&format!("{id} {}", claims.jti));
    let nonces = provider.database.nonces();
    if !nonces.first_time(&identifier, Purpose::ClientAssertion, expires_at.plus(SKEW)).await? {
        return Err(Refusal::Assertion("it was used before"));
    }
    Ok(())
}

/// User name and password of `Basic`, each form-encoded (RFC 6749 §2.3.1).
fn basic_credentials(authorization: &str) -> Option<(String, String)> {
    let (scheme, encoded) = authorization.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let decoded = String::from_utf8(STANDARD.decode(encoded.trim()).ok()?).ok()?;
    let (id, secret) = decoded.split_once(':')?;
    Some((decode(id), decode(secret)))
}

mod percent {
    use url::form_urlencoded;

    /// One form-encoded word.
    pub(super) fn decode(text: &str) -> String {
        // `=` and `&` would be read as structure; in a word they stand for themselves.
        let safe = text.replace('&', "%26").replace('=', "%3D");
        form_urlencoded::parse(safe.as_bytes()).next().map(|(word, _)| word.into_owned()).unwrap_or_default()
    }
}
