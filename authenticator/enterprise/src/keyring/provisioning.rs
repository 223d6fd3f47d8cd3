//! The enterprise key: made in the container, registered at the provider, and only then in use.

use serde_json::to_value;

use latchkey_container::{Error as ContainerError, TpmError};

use super::Refusal;
use super::execute::Desk;
use super::facts::RegisteredKey;
use super::message::{Answer, CompartmentName};
use crate::wire::key::{Registered, body, certified_over, request};
use crate::wire::rsa_key::RsaKey;

/// Done again after an interruption, it registers the same key.
pub(super) fn build(
    desk: &mut Desk<'_>,
    at: &CompartmentName,
    nonce: &str,
    audience: &str,
) -> Result<Answer, Refusal> {
    let place = desk.place(at)?;
    let certificate = place.facts.device()?.certificate()?;
    let unlocked = desk.session.unlocked()?;
    let made = desk.container.make_enterprise_key(unlocked, place.id, desk.rng)?;
    let key = RsaKey::of(&made.public).ok_or(Refusal::Facts)?;
    // First, because the TPM has the device key loaded: the policy was just asked for with it.
    let request =
        desk.sign_with_device_key(place.id, request(&key, &certificate, nonce, audience, desk.now))?;
    let unlocked = desk.session.unlocked()?;
    let certification =
        match desk.container.certify_enterprise_key(unlocked, place.id, &certified_over(nonce)) {
            Ok(certification) => Some(certification),
            Err(ContainerError::Tpm(TpmError::NoAttestation)) => None,
            Err(error) => return Err(error.into()),
        };
    let body = body(&key, nonce, certification.as_ref(), request);
    to_value(body).map(Answer::Body).map_err(|_| Refusal::Facts)
}

pub(super) fn finish(
    desk: &mut Desk<'_>,
    at: &CompartmentName,
    registered: Registered,
) -> Result<Answer, Refusal> {
    let mut place = desk.place(at)?;
    let unlocked = desk.session.unlocked()?;
    place.facts.key = Some(RegisteredKey { kid: registered.kid, registered: desk.now.0 });
    desk.container.activate_enterprise_key(unlocked, place.id, &place.facts.bytes()?, desk.rng)?;
    desk.show(place.id)
}
