//! Proofs of possession (RFC 9449): a client shows with each request that it has the key that its tokens are bound to.
//!
//! A proof is fresh if its time is close to ours. A client whose clock is wrong is given a nonce, which is a time of
//! ours that it signs instead (RFC 9449 §8). The nonce says its time itself, under a MAC, so that every process knows
//! it without asking.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde::Deserialize;
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

use super::bearer::Sent;
use super::error::Refusal;
use crate::clock::UnixTime;
use crate::domain::OpaqueHash;
use crate::provider::Provider;
use crate::storage::Purpose;
use crate::tokens::{Jws, PublicKey};

/// How far the clock of a client without a nonce may be from ours, in either direction.
const WINDOW: Duration = Duration::from_mins(1);
/// How long a nonce is good.
const NONCE: Duration = Duration::from_mins(5);
/// The algorithms of proofs, as metadata name them.
pub(crate) const ALGORITHMS: [&str; 3] = ["ES256", "RS256", "PS256"];
/// Members of a JWK that only its owner may know (RFC 7518 §6).
const PRIVATE: [&str; 8] = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];
const LONGEST_JTI: usize = 256;

#[derive(Deserialize)]
struct Claims {
    jti: String,
    htm: String,
    htu: String,
    iat: i64,
    ath: Option<String>,
    nonce: Option<String>,
}

/// The thumbprint of the key that a request proves, if it has a proof. `access_token`: the token that the proof must name.
///
/// # Errors
/// When there is a proof that is not a good one for this request, or was used before.
pub(super) async fn check(
    provider: &Provider,
    sent: &Sent<'_>,
    access_token: Option<&str>,
) -> Result<Option<String>, Refusal> {
    let proof = match sent.proofs.as_slice() {
        [] => return Ok(None),
        [proof] => *proof,
        [..] => return Err(Refusal::Proof("there is more than one")),
    };
    let (claims, key) = read(proof)?;
    let url = format!("{}{}", provider.settings.public_url(), sent.path);
    if claims.htm != sent.method || !same_place(&claims.htu, &url) {
        return Err(Refusal::Proof("it is for another request"));
    }
    if let Some(token) = access_token {
        let hash = URL_SAFE_NO_PAD.encode(Sha256::digest(token));
        if claims.ath.as_deref() != Some(&hash) {
            return Err(Refusal::Proof("it is for another access token"));
        }
    }
    let until = fresh_until(provider, &claims)?;
    let thumbprint = key.thumbprint();
    if claims.jti.is_empty() || claims.jti.len() > LONGEST_JTI {
        return Err(Refusal::Proof("its jti is missing or too long"));
    }
    // Spaces are not part of a thumbprint, so that no two pairs look alike.
    let identifier = OpaqueHash::of(&format!("{thumbprint} {}", claims.jti));
    if !provider.database.nonces().first_time(&identifier, Purpose::Proof, until).await? {
        return Err(Refusal::Proof("it was used before"));
    }
    Ok(Some(thumbprint))
}

/// A proof whose signature is its own key's.
fn read(proof: &str) -> Result<(Claims, PublicKey), Refusal> {
    let jws = Jws::parse(proof).map_err(|_| Refusal::Proof("it is malformed"))?;
    if jws.header.typ.as_deref() != Some("dpop+jwt") {
        return Err(Refusal::Proof("its typ must be dpop+jwt"));
    }
    let jwk = jws.header.jwk.as_ref().and_then(Value::as_object).ok_or(Refusal::Proof("it has no key"))?;
    if PRIVATE.iter().any(|member| jwk.contains_key(*member)) {
        return Err(Refusal::Proof("it shows a private key"));
    }
    let key = PublicKey::from_jwk(&Value::Object(jwk.clone()));
    let key = key.ok_or(Refusal::Proof("its key must be RSA or P-256"))?;
    let claims = jws.verify(&key).map_err(|_| Refusal::Proof("its signature or a claim is wrong"))?;
    Ok((claims, key))
}

/// Paths are found here in whichever case they are written, and so are those of proofs. A query is not part of it.
fn same_place(named: &str, ours: &str) -> bool {
    let plain = named.split(['?', '#']).next().unwrap_or_default();
    plain.eq_ignore_ascii_case(ours)
}

/// Until when the proof could be presented again.
fn fresh_until(provider: &Provider, claims: &Claims) -> Result<UnixTime, Refusal> {
    let now = provider.now();
    if let Some(sent) = &claims.nonce {
        let at = nonce_time(provider, sent).filter(|at| *at <= now && now.since(*at) < NONCE);
        return at.map(|at| at.plus(NONCE)).ok_or_else(|| Refusal::ProofNonce(nonce(provider, now)));
    }
    let at = UnixTime::from_seconds(claims.iat);
    if at.since(now) > WINDOW || now.since(at) > WINDOW {
        return Err(Refusal::ProofNonce(nonce(provider, now)));
    }
    Ok(at.plus(WINDOW + Duration::from_secs(1)))
}

/// A nonce of this moment.
fn nonce(provider: &Provider, at: UnixTime) -> String {
    let time = at.seconds().to_be_bytes();
    let mut nonce = time.to_vec();
    nonce.extend_from_slice(&tag(provider, &time));
    URL_SAFE_NO_PAD.encode(nonce)
}

/// When we made a nonce; nothing if we did not.
fn nonce_time(provider: &Provider, nonce: &str) -> Option<UnixTime> {
    let bytes = URL_SAFE_NO_PAD.decode(nonce).ok()?;
    let (time, presented) = bytes.split_first_chunk::<8>()?;
    let genuine: bool = tag(provider, time).ct_eq(presented).into();
    genuine.then(|| UnixTime::from_seconds(i64::from_be_bytes(*time)))
}

fn tag(provider: &Provider, time: &[u8]) -> Vec<u8> {
    // HMAC takes a key of any length.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&provider.pairwise_key) else { return Vec::new() };
    mac.update(b"latchkey dpop nonce 1");
    mac.update(time);
    mac.finalize().into_bytes().to_vec()
}
