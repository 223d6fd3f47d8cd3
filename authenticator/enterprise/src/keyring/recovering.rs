//! The PIN reset protector: whose key it is made with, and the request that opens it.

use base64::prelude::{BASE64_STANDARD, Engine as _};
use latchkey_container::{Binding, RecoveryPurpose};

use super::Refusal;
use super::execute::Desk;
use super::facts::Facts;
use super::message::{Answer, CompartmentName};
use crate::wire::recovery::{ServiceKey, body, request};

/// Takes a key only when the anchor vouches for it that came with the policy.
pub(super) fn set(
    desk: &mut Desk<'_>,
    at: &CompartmentName,
    key: Option<&ServiceKey>,
) -> Result<Answer, Refusal> {
    let mut place = desk.place(at)?;
    place.facts.reset_key_until = key.map(ServiceKey::until).transpose()?;
    let service = match key {
        Some(key) => Some(key.verified(&anchor(&place.facts)?, binding(&place.facts)?, &at.0, desk.now)?),
        None => None,
    };
    desk.container.want_recovery(place.id, service.as_ref(), desk.rng)?;
    desk.keep(&place)
}

fn anchor(facts: &Facts) -> Result<Vec<u8>, Refusal> {
    let anchor = facts.reset_anchor.as_ref().ok_or(Refusal::NoResetService)?;
    BASE64_STANDARD.decode(anchor).map_err(|_| Refusal::Facts)
}

fn binding(facts: &Facts) -> Result<Binding, Refusal> {
    Ok(Binding {
        tenant: facts.provider.tenant.clone(),
        user: facts.user.object.clone(),
        device: facts.device()?.id.clone(),
    })
}

/// Needs no gesture: the PIN is forgotten.
pub(super) fn build(
    desk: &mut Desk<'_>,
    at: &CompartmentName,
    nonce: &str,
    audience: &str,
    rearm: bool,
) -> Result<Answer, Refusal> {
    let place = desk.place(at)?;
    let certificate = place.facts.device()?.certificate()?;
    let purpose = if rearm { RecoveryPurpose::Administer } else { RecoveryPurpose::Recover };
    let (recovery, pending) = desk.container.begin_recovery(place.id, purpose, desk.rng)?;
    let unsigned = request(&recovery, purpose, &certificate, nonce, audience, desk.now);
    let signed = desk.sign_with_device_key(place.id, unsigned)?;
    desk.session.begin_recovery(purpose, pending, &signed);
    Ok(Answer::Body(body(&recovery.protected_secret, &signed)))
}
