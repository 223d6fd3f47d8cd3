//! The verification itself, and what it says about the authenticator's model.

use uuid::Uuid;
use webauthn_rs::Webauthn;
use webauthn_rs::prelude::{AttestedPasskey, ParsedAttestationData, WebauthnError};

use super::answer::Answer;
use super::{PasskeyRefused, Pending};
use crate::attestation::{AttestationPolicy, AttestationRefused, Outcome, Verified};
use crate::mds::Blob;
use crate::provider::Provider;
use crate::storage;

/// What was found out.
pub(super) struct Judged {
    /// The WebAuthn library's record of the passkey, JSON.
    pub(super) record: String,
    pub(super) outcome: Outcome,
    /// The model, where it was proved.
    pub(super) model: Option<Uuid>,
}

/// Verifies the answer against the ceremony that was taken, and the authenticator against the policy of now.
pub(super) fn verify(
    provider: &Provider,
    pending: &Pending,
    answer: &Answer,
    policy: &AttestationPolicy,
) -> Result<Judged, PasskeyRefused> {
    let webauthn = provider.webauthn.as_ref().ok_or(PasskeyRefused::NoRelyingParty)?;
    let record = registered(webauthn, pending, answer)?;
    // Both kinds of record have one form; the attested one can be asked about its chain.
    let passkey: AttestedPasskey = serde_json::from_str(&record).map_err(|_| storage::Error::Damaged)?;
    if passkey.cred_id() != &answer.credential_id {
        return Err(PasskeyRefused::Answer("it names two different passkeys"));
    }
    let metadata = provider.models.metadata();
    let blob = metadata.as_deref().map(|metadata| &metadata.blob);
    let verified = trusted(provider, &passkey, blob, policy)?;
    policy.accept(verified.as_ref(), blob)?;
    AttestationPolicy::refuse_compromised(answer.aaguid, blob)?;
    let outcome = match (&verified, &passkey.attestation().data) {
        (Some(verified), _) => Outcome::Verified(verified.format()),
        (None, ParsedAttestationData::None) => Outcome::None,
        (None, ParsedAttestationData::Self_) => Outcome::SelfSigned,
        (
            None,
            ParsedAttestationData::Basic(_)
            | ParsedAttestationData::AttCa(_)
            | ParsedAttestationData::AnonCa(_)
            | ParsedAttestationData::ECDAA
            | ParsedAttestationData::Uncertain,
        ) => Outcome::UnknownRoot(answer.format.clone()),
    };
    Ok(Judged { record, outcome, model: verified.map(|verified| verified.aaguid()) })
}

/// The library's verification: challenge, origin, RP ID hash, flags, key, statement; for an attested ceremony the chain too.
fn registered(webauthn: &Webauthn, pending: &Pending, answer: &Answer) -> Result<String, PasskeyRefused> {
    let record = match pending {
        Pending::Plain(state) => {
            let passkey = webauthn.finish_passkey_registration(&answer.response, state);
            serde_json::to_string(&passkey.map_err(refused)?)
        }
        Pending::Attested(state) => {
            let passkey = webauthn.finish_attested_passkey_registration(&answer.response, state);
            serde_json::to_string(&passkey.map_err(refused)?)
        }
    };
    record.map_err(|_| storage::Error::Damaged.into())
}

/// What of the library's errors the person can do something about.
#[allow(
    clippy::wildcard_enum_match_arm,
    reason = "the library has eighty errors, nearly all of which mean a forged answer"
)]
fn refused(error: WebauthnError) -> PasskeyRefused {
    tracing::info!(%error, "a passkey registration was refused");
    match error {
        WebauthnError::UserNotVerified | WebauthnError::UserNotPresent => PasskeyRefused::NotVerified,
        WebauthnError::AttestationNotVerifiable => AttestationRefused::NotVerified.into(),
        WebauthnError::AttestationUntrustedAaguid
        | WebauthnError::AttestationChainNotTrusted(_)
        | WebauthnError::AttestationFormatMissingAaguid => AttestationRefused::NotTrusted.into(),
        error => PasskeyRefused::Invalid(error),
    }
}

/// The model, if its chain leads to an anchor for it. Without any anchor, or for a policy that needs no proof, an unproved
/// model is no error.
fn trusted(
    provider: &Provider,
    passkey: &AttestedPasskey,
    blob: Option<&Blob>,
    policy: &AttestationPolicy,
) -> Result<Option<Verified>, PasskeyRefused> {
    let verified = match policy.anchors(blob, provider.models.own()) {
        Ok(anchors) => Verified::of(passkey, &anchors),
        Err(_) if !policy.needs_attestation() => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    match verified {
        Ok(verified) => Ok(Some(verified)),
        Err(_) if !policy.needs_attestation() => Ok(None),
        Err(refused) => Err(refused.into()),
    }
}
