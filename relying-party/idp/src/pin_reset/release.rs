//! The reset itself: `unprotectsecret/v1`. The checks, in this order; the first that fails decides what is answered, and each
//! refusal is an event:
//!
//! 1. the form of the body;
//! 2. who asks: a token for this service, of the PIN reset client, with two factors that are ten minutes old at most and are not
//!    the key whose PIN was forgotten; or a helpdesk's one-time code ([`admission`](super::admission));
//! 3. the device: a request that an enabled device of the same tenant signed with its own key, meant for this address and for
//!    a purpose that whoever asks may have;
//! 4. the nonce, which is gone with this: whatever follows, another try needs another request;
//! 5. the envelope: the one that the device signed for, of the same tenant, user and device;
//! 6. whether the user may: not disabled, and the tenant's policy and rules allow it;
//! 7. the key: known, not retired, of the envelope's protocol; the points are points;
//! 8. a place that works with keys is free: who finds none has lost no try;
//! 9. rates: three an hour for a user, and what the service bears; a helpdesk's code is used up here;
//! 10. the private operation. What was bound to another envelope does not open.
//!
//! Only then, and only when the event is stored, the answer is sealed to the key that the device signed.

use std::net::IpAddr;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use p256::PublicKey;
use serde::Deserialize;
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;
use uuid::Uuid;
use zeroize::Zeroizing;

use super::admission::{Admitted, admit};
use super::envelope::{Envelope, Protocol, Purpose};
use super::events::Attempt;
use super::refusal::ResetRefusal;
use super::{hpke, keys, limit, point, rules};
use crate::devices::{self, Signed};
use crate::domain::{Authority, OpaqueHash, User};
use crate::oauth::bearer::Sent;
use crate::provider::Provider;
use crate::storage::{self, StoredResetKey};

/// The path of the endpoint; with the service's address it is what requests must be meant for.
pub const PATH: &str = "/unprotectsecret/v1";
/// `typ` of a request that a device signed.
const TYPE: &str = "pin-reset+jwt";
/// `info` of what is sealed to the service.
const SEALED: &[u8] = b"latchkey pin reset 1";
/// `info` of what is sealed to the device.
const ANSWER: &[u8] = b"latchkey pin reset answer 1";

/// A request as it came.
pub struct Call<'a> {
    /// What its headers say about who sends it.
    pub sent: Sent<'a>,
    /// Its body.
    pub body: &'a [u8],
    /// The peer's address.
    pub address: IpAddr,
    /// The request's own name.
    pub trace: Uuid,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Body<'a> {
    #[serde(borrow)]
    protected_secret: &'a str,
    request: &'a str,
}

/// What the device signed.
#[derive(Deserialize)]
struct Payload {
    nonce: String,
    purpose: Purpose,
    envelope: String,
    key: String,
    blinded: Option<String>,
    aud: String,
}

/// The points of a request: where the answer goes, and what is to be opened or multiplied.
struct Points<'a> {
    answer: PublicKey,
    work: Work<'a>,
}

enum Work<'a> {
    Open(hpke::Sealed<'a>),
    Evaluate(PublicKey),
}

/// Releases what an envelope protects, sealed to the device that asks: `enc || ct`, base64url.
///
/// # Errors
/// With the first check that failed. It is an event already.
pub async fn unprotect(provider: &Provider, call: &Call<'_>) -> Result<String, ResetRefusal> {
    let mut attempt = Attempt::begin(call.address, call.trace);
    match release(provider, call, &mut attempt).await {
        Ok(sealed) => Ok(URL_SAFE_NO_PAD.encode(sealed)),
        Err(refusal) => {
            attempt.refused(provider, &refusal).await;
            Err(refusal)
        }
    }
}

async fn release(
    provider: &Provider,
    call: &Call<'_>,
    attempt: &mut Attempt,
) -> Result<Vec<u8>, ResetRefusal> {
    let body: Body<'_> =
        serde_json::from_slice(call.body).map_err(|_| ResetRefusal::Malformed("The request's body"))?;
    let admitted = admit(provider, &call.sent, attempt).await?;
    let payload = signed_by_device(provider, body.request, &admitted, attempt).await?;
    let nonce = OpaqueHash::of(&payload.nonce);
    if !provider.database.nonces().take(&nonce, storage::Purpose::Broker, provider.now()).await? {
        return Err(ResetRefusal::Nonce);
    }
    let envelope = envelope(body.protected_secret, &payload, &admitted, attempt)?;
    let user = may_reset(provider, &admitted).await?;
    let key = live_key(provider, &envelope).await?;
    let points = points(&payload, &envelope)?;
    let _turn = provider.reset_places.turn().ok_or(ResetRefusal::Busy)?;
    limit::user(provider, user.id).await?;
    limit::service(provider).await?;
    admitted.use_up(provider).await?;
    let secret = work(provider, &key, &envelope, (payload.purpose, &points.work)).await?;
    attempt.released(provider).await?;
    let request_hash = Sha256::digest(body.request);
    Ok(provider.draw(|rng| hpke::seal(&points.answer, (ANSWER, &request_hash), &secret, rng)))
}

/// The request, if the device signed it for this service and for a purpose that whoever asks may have.
async fn signed_by_device(
    provider: &Provider,
    request: &str,
    admitted: &Admitted,
    attempt: &mut Attempt,
) -> Result<Payload, ResetRefusal> {
    let Signed { device, payload, header }: Signed<Payload> =
        devices::signed(provider, request, Some(admitted.tenant)).await?;
    attempt.device = Some(device.id);
    attempt.purpose = Some(payload.purpose);
    if header.typ.as_deref() != Some(TYPE) {
        return Err(ResetRefusal::Malformed("The type of the device's request"));
    }
    if payload.aud != format!("{}{PATH}", provider.settings.pin_reset_url()) {
        return Err(ResetRefusal::RequestAudience);
    }
    if admitted.device.is_some_and(|named| named != device.id) {
        return Err(ResetRefusal::OtherDevice);
    }
    let keys = provider.database.enterprise_keys();
    if device.owner != admitted.user
        && !keys.of_user(admitted.user).await?.iter().any(|key| key.device == device.id)
    {
        return Err(ResetRefusal::OtherDevice);
    }
    if payload.purpose != admitted.purpose {
        return Err(ResetRefusal::WrongPurpose);
    }
    Ok(payload)
}

/// The envelope, if it is the one that the device signed for and is whoever's asks.
fn envelope(
    text: &str,
    payload: &Payload,
    admitted: &Admitted,
    attempt: &mut Attempt,
) -> Result<Envelope, ResetRefusal> {
    let signed = URL_SAFE_NO_PAD.decode(&payload.envelope).unwrap_or_default();
    if !bool::from(signed.as_slice().ct_eq(&Sha256::digest(text))) {
        return Err(ResetRefusal::OtherEnvelope);
    }
    let envelope = Envelope::parse(text).ok_or(ResetRefusal::Malformed("The envelope"))?;
    attempt.protocol = Some(envelope.protocol);
    attempt.kid.clone_from(&envelope.kid);
    if envelope.owner.tenant != admitted.tenant {
        return Err(ResetRefusal::EnvelopeOfTenant);
    }
    if envelope.owner.user != admitted.user {
        return Err(ResetRefusal::EnvelopeOfUser);
    }
    if Some(envelope.owner.device) != attempt.device {
        return Err(ResetRefusal::EnvelopeOfDevice);
    }
    Ok(envelope)
}

/// The user, if they may reset a PIN.
async fn may_reset(provider: &Provider, admitted: &Admitted) -> Result<User, ResetRefusal> {
    let user = provider.database.users().find(admitted.user).await?.filter(|user| user.enabled);
    let user = user.ok_or(ResetRefusal::UserDisabled)?;
    let tenant = provider.tenant(&Authority::Tenant(admitted.tenant)).await?;
    let tenant = tenant.ok_or(ResetRefusal::UnknownTenant)?;
    if !tenant.policy.enable_pin_recovery {
        return Err(ResetRefusal::PolicyOff);
    }
    if !rules::allowed(provider, &tenant, user.id).await? {
        return Err(ResetRefusal::Forbidden);
    }
    Ok(user)
}

async fn live_key(provider: &Provider, envelope: &Envelope) -> Result<StoredResetKey, ResetRefusal> {
    let key = provider.database.reset_keys().find(&envelope.kid).await?;
    let key = key.filter(|key| key.protocol == envelope.protocol).ok_or(ResetRefusal::UnknownKey)?;
    if key.retired_at.is_some() { Err(ResetRefusal::RetiredKey) } else { Ok(key) }
}

fn points<'a>(payload: &Payload, envelope: &'a Envelope) -> Result<Points<'a>, ResetRefusal> {
    let read = |text: &str| URL_SAFE_NO_PAD.decode(text).ok().and_then(|bytes| point::parse(&bytes));
    let answer = read(&payload.key).ok_or(ResetRefusal::Point("key"))?;
    let part = envelope.part(payload.purpose);
    let work = match (envelope.protocol, &payload.blinded) {
        (Protocol::Hpke, None) => Work::Open(hpke::Sealed::parse(part).ok_or(ResetRefusal::Point("part"))?),
        (Protocol::Blind, Some(blinded)) => {
            Work::Evaluate(read(blinded).ok_or(ResetRefusal::Point("blinded"))?)
        }
        (Protocol::Hpke, Some(_)) | (Protocol::Blind, None) => {
            return Err(ResetRefusal::Malformed("The blinded point"));
        }
    };
    Ok(Points { answer, work })
}

/// The private operation: what the device gets, in the clear.
async fn work(
    provider: &Provider,
    key: &StoredResetKey,
    envelope: &Envelope,
    (purpose, work): (Purpose, &Work<'_>),
) -> Result<Zeroizing<Vec<u8>>, ResetRefusal> {
    match work {
        Work::Open(sealed) => {
            let recipient = point::parse(&key.public).ok_or(super::Error::Damaged)?;
            let shared = keys::agree(provider, key, sealed.encapsulated()).await?;
            let binding = envelope.binding(purpose);
            let secret = sealed.open(&recipient, &shared, (SEALED, binding.as_bytes()));
            secret.map_err(|_| ResetRefusal::NotOpened)
        }
        Work::Evaluate(blinded) => {
            let words = envelope.owner.scalar_words(purpose, &key.kid);
            let scalar = keys::master(provider, key)?.scalar(&words);
            let evaluation = provider.draw(|rng| scalar.evaluate(blinded, rng));
            Ok(Zeroizing::new(evaluation.bytes()))
        }
    }
}
