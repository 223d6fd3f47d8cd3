//! Signing in with the enterprise key, and what the primary refresh token is used for. The token lies in the container
//! under the authentication key; its session key lies there as it came, under the transport key, and is decrypted for each
//! request: once for what is sent and what comes back, because that is the one thing that a TPM does for a token.

use latchkey_container::secret::Secret32;
use latchkey_container::{Error as ContainerError, TpmError};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use zeroize::{Zeroize as _, Zeroizing};

use super::Refusal;
use super::execute::{Desk, Place};
use super::facts::{PrtAttempt, PrtTimes};
use super::message::{AccessToken, Answer, CompartmentName};
use super::session::HandedToken;
use crate::secret::Secret;
use crate::wire::WireError;
use crate::wire::jwe::{Compact, Protection};
use crate::wire::prt::{self, Granted, Issued, Wish};
use crate::wire::rsa_key::RsaKey;
use crate::wire::session_key::{self, CONTEXT_LENGTH};

/// Under which name the container keeps it.
const NAME: &str = "primary refresh token";

/// A primary refresh token as it is kept.
#[derive(Serialize, Deserialize)]
struct Primary {
    token: Secret,
    session_key: String,
}

pub(super) fn build_sign_in(
    desk: &mut Desk<'_>,
    at: &CompartmentName,
    user_nonce: &str,
    device_nonce: &str,
) -> Result<Answer, Refusal> {
    let compartment = desk.find(at)?;
    let place = Place::of(&compartment)?;
    let certificate = place.facts.device()?.certificate()?;
    let key = compartment.enterprise_key.as_ref().and_then(|key| RsaKey::of(&key.public));
    let key = key.ok_or(Refusal::NotProvisioned)?;
    let (user, tenant) = (&place.facts.user.upn, &place.facts.provider.tenant);
    let unsigned = prt::assertion(user, tenant, &key, user_nonce, desk.now);
    let unlocked = desk.session.unlocked()?;
    let signature = desk.container.enterprise_sign(unlocked, place.id, &[unsigned.signing_input()])?;
    let assertion = unsigned.signed(&signature.bytes);
    let unsigned = prt::request(user, &assertion, &certificate, device_nonce);
    Ok(Answer::Signed(desk.sign_with_device_key(place.id, unsigned)?))
}

pub(super) fn finish_sign_in(
    desk: &mut Desk<'_>,
    at: &CompartmentName,
    answer: &Secret,
) -> Result<Answer, Refusal> {
    let mut place = desk.place(at)?;
    let (token, session_key, lifetime) = Issued::read(answer.expose().as_bytes())?.into_parts();
    keep(desk, &mut place, &Primary { token, session_key }, lifetime)
}

/// Opens the session key once before anything is kept: a token that cannot be used must not displace one that can.
fn keep(desk: &mut Desk<'_>, place: &mut Place, primary: &Primary, lifetime: u64) -> Result<Answer, Refusal> {
    drop(open_session_key(desk, place, &primary.session_key)?);
    let bytes = serde_json::to_vec(primary).map(Zeroizing::new).map_err(|_| Refusal::Facts)?;
    desk.container.put_token(desk.session.unlocked()?, place.id, NAME, &bytes, desk.rng)?;
    let (updated, expires) = (desk.now.0, desk.now.0.saturating_add(lifetime));
    place.facts.prt = Some(PrtTimes { updated, expires });
    place.facts.prt_attempt = None;
    desk.keep(place)
}

pub(super) fn build(
    desk: &mut Desk<'_>,
    at: &CompartmentName,
    wish: &Wish<'_>,
    nonce: &str,
) -> Result<Answer, Refusal> {
    let now = desk.now;
    let proved = prove(desk, at, |token| prt::token_request(wish, token, nonce, now))?;
    desk.session.keep_session_key(proved.sealed_key, proved.session_key);
    Ok(Answer::Signed(proved.request))
}

/// A request for an access token, which some program of the user will get.
pub(super) fn build_token(
    desk: &mut Desk<'_>,
    at: &CompartmentName,
    wish: &Wish<'_>,
    nonce: &str,
) -> Result<Answer, Refusal> {
    let answer = build(desk, at, wish, nonce)?;
    let target = wish.resource.unwrap_or(wish.scope).to_owned();
    let client = Some(wish.client.to_owned());
    desk.session.hand_out(HandedToken { at: desk.now.0, client, target: Some(target) });
    Ok(answer)
}

/// Keeps what the provider said. The time is this device's own.
pub(super) fn note_attempt(
    desk: &mut Desk<'_>,
    at: &CompartmentName,
    attempt: PrtAttempt,
) -> Result<Answer, Refusal> {
    let mut place = desk.place(at)?;
    place.facts.prt_attempt = Some(PrtAttempt { at: desk.now.0, ..attempt });
    desk.keep(&place)
}

pub(super) fn build_credential(
    desk: &mut Desk<'_>,
    at: &CompartmentName,
    nonce: &str,
) -> Result<Answer, Refusal> {
    let proved = prove(desk, at, |token| prt::browser_credential(token, nonce))?;
    desk.session.hand_out(HandedToken { at: desk.now.0, client: None, target: None });
    Ok(Answer::Signed(proved.request))
}

/// A request, and the session key that proves it: as the container keeps it, and opened.
struct Proved {
    request: String,
    sealed_key: String,
    session_key: Secret32,
}

fn prove(
    desk: &mut Desk<'_>,
    at: &CompartmentName,
    payload: impl FnOnce(&str) -> Value,
) -> Result<Proved, Refusal> {
    let place = desk.place(at)?;
    let primary = primary(desk, &place)?;
    let session_key = open_session_key(desk, &place, &primary.session_key)?;
    let mut context = [0; CONTEXT_LENGTH];
    desk.rng.fill_bytes(&mut context);
    let request = session_key::prove(&session_key, &context, &payload(primary.token.expose()));
    Ok(Proved { request, sealed_key: primary.session_key, session_key })
}

pub(super) fn finish(desk: &mut Desk<'_>, at: &CompartmentName, answer: &Secret) -> Result<Answer, Refusal> {
    let mut place = desk.place(at)?;
    let primary = primary(desk, &place)?;
    let session_key = match desk.session.take_session_key(&primary.session_key) {
        Some(key) => key,
        // Another command has asked for something in between.
        None => open_session_key(desk, &place, &primary.session_key)?,
    };
    let opened = session_key::open(&session_key, answer.expose(), Protection::Authenticated)?;
    let granted = Granted::read(&opened)?;
    if let (Some(token), Some(lifetime)) = (granted.refresh_token, granted.refresh_token_expires_in) {
        // The session key stays the same unless the provider sends another.
        let session_key = granted.session_key_jwe.unwrap_or(primary.session_key);
        let _shown = keep(desk, &mut place, &Primary { token, session_key }, lifetime)?;
    }
    let token = granted.access_token.map(|token| AccessToken {
        access_token: token,
        expires_in: granted.expires_in,
        scope: granted.scope,
        resource: granted.resource,
    });
    Ok(Answer::Token(token))
}

pub(super) fn sign_out(desk: &mut Desk<'_>, at: &CompartmentName) -> Result<Answer, Refusal> {
    let mut place = desk.place(at)?;
    desk.container.drop_tokens(place.id)?;
    desk.session.close();
    (place.facts.prt, place.facts.prt_attempt) = (None, None);
    desk.keep(&place)
}

fn primary(desk: &mut Desk<'_>, place: &Place) -> Result<Primary, Refusal> {
    let unlocked = desk.session.unlocked()?;
    if !place.facts.prt.is_some_and(|times| times.is_good(desk.now)) {
        return Err(Refusal::NotSignedIn);
    }
    let bytes = desk.container.token(unlocked, place.id, NAME)?.ok_or(Refusal::NotSignedIn)?;
    serde_json::from_slice(&bytes).map_err(|_| Refusal::NotSignedIn)
}

/// The session key is the content encryption key of its JWE, encrypted to this device's transport key.
fn open_session_key(desk: &mut Desk<'_>, place: &Place, sealed: &str) -> Result<Secret32, Refusal> {
    let foreign = WireError::Unverified("a session key");
    let jwe = Compact::parse(sealed)?;
    let opened = match desk.container.transport_decrypt(place.id, jwe.sealed_key()?) {
        Ok(opened) => opened,
        // Made for another device, or altered.
        Err(ContainerError::Tpm(TpmError::BadCiphertext)) => return Err(foreign.into()),
        Err(error) => return Err(error.into()),
    };
    let mut bytes: [u8; 32] = opened.as_slice().try_into().map_err(|_| foreign.clone())?;
    let key = Secret32::new(bytes);
    bytes.zeroize();
    jwe.open(&key, Protection::Authenticated).map_err(|_| foreign)?;
    Ok(key)
}
