//! Registration of passkeys (WebAuthn L3 §7.1): one core for the sign-in, the user's own page and the API.
//!
//! [`begin`] gives the options for `navigator.credentials.create`, [`finish`] takes the browser's answer and returns the
//! stored passkey or says no; between the two the ceremony lies in the database, where its challenge is taken once,
//! before anything in the answer is believed (conformance R6). It belongs to one user and one place: an answer that comes
//! back elsewhere finds nothing (R7). Who may register, and how fresh their proof must be, the callers decide.
//!
//! Whatever the options ask for is judged again here (R2): user verification by its flag, discoverability as far as the
//! client reports it (`credProps` is unsigned, so a "no" is believed and silence is not held against anybody), the model by
//! its attestation and the tenant's policy of now, not of when the ceremony began (R3).

mod answer;
mod refused;
mod verify;

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use webauthn_rs::Webauthn;
use webauthn_rs::prelude::{
    AttestationCaList, AttestedPasskeyRegistration, CredentialID, PasskeyRegistration,
};

use crate::audit_chain::Event;
use crate::clock::UnixTime;
use crate::domain::{Authority, OpaqueHash, TenantPolicy, User};
use crate::provider::Provider;
use crate::storage::{self, NewPasskey};
use answer::Answer;
pub use refused::PasskeyRefused;
pub(crate) use refused::sentence;

/// How long a challenge lives where nobody asks for something else.
pub const LIFETIME: Duration = Duration::from_mins(5);
/// More passkeys than a person has; a bound for the exclude list.
pub const MOST_PASSKEYS: usize = 20;
const LONGEST_NAME: usize = 64;

/// Whose passkey is registered, where, and by whom.
#[derive(Clone, Copy, Debug)]
pub struct Enrolment<'a> {
    /// Whose passkey it is to be.
    pub user: &'a User,
    /// What the ceremony is bound to, as any text that only this place has: a sign-in's `ctx`, a session's ID, the client and
    /// actor of an API call. A ceremony of another place is not found.
    pub place: &'a str,
    /// Who is written into the audit log: the user's ID, or an administrator's or application's.
    pub actor: &'a str,
}

/// A registration that has begun.
#[derive(Clone, Debug)]
pub struct Begun {
    /// `PublicKeyCredentialCreationOptionsJSON` (WebAuthn L3 §5.1.8).
    pub options: Value,
    /// Until when it can be finished.
    pub expires_at: UnixTime,
}

/// The WebAuthn library's state of a ceremony, with or without attestation.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Pending {
    Plain(PasskeyRegistration),
    Attested(AttestedPasskeyRegistration),
}

/// Whether a registration could begin now.
///
/// # Errors
/// When it could not, with the reason.
pub async fn possible(provider: &Provider, user: &User) -> Result<(), PasskeyRefused> {
    prepare(provider, user).await.map(drop)
}

/// What a registration begins with.
struct Prepared<'a> {
    webauthn: &'a Webauthn,
    exclude: Vec<CredentialID>,
    /// Where the model must be proved.
    anchors: Option<AttestationCaList>,
}

async fn prepare<'a>(provider: &'a Provider, user: &User) -> Result<Prepared<'a>, PasskeyRefused> {
    let webauthn = provider.webauthn.as_ref().ok_or(PasskeyRefused::NoRelyingParty)?;
    let present = provider.database.passkeys().of_user(user.id).await?;
    if present.len() >= MOST_PASSKEYS {
        return Err(PasskeyRefused::TooMany);
    }
    let policy = policy(provider, user).await?.passkeys;
    let metadata = provider.models.metadata();
    let blob = metadata.as_deref().map(|metadata| &metadata.blob);
    let asks = policy.needs_attestation();
    let anchors = asks.then(|| policy.anchors(blob, provider.models.own())).transpose()?;
    let exclude = present.into_iter().map(|stored| stored.passkey.credential_id).collect();
    Ok(Prepared { webauthn, exclude, anchors })
}

/// Begins a registration: the user's passkeys are excluded, and the tenant's policy says whether the model must be proved.
///
/// # Errors
/// When the user cannot register one, or it cannot be stored.
pub async fn begin(
    provider: &Provider,
    enrolment: &Enrolment<'_>,
    lifetime: Duration,
) -> Result<Begun, PasskeyRefused> {
    let user = enrolment.user;
    let Prepared { webauthn, exclude, anchors } = prepare(provider, user).await?;
    let (id, name, shown, exclude) = (user.id.guid(), &user.upn, &user.display_name, Some(exclude));
    let (options, pending) = if let Some(anchors) = anchors {
        let begun = webauthn.start_attested_passkey_registration(id, name, shown, exclude, anchors, None);
        let (options, state) = begun.map_err(PasskeyRefused::Library)?;
        (options, Pending::Attested(state))
    } else {
        let begun = webauthn.start_passkey_registration(id, name, shown, exclude);
        let (options, state) = begun.map_err(PasskeyRefused::Library)?;
        (options, Pending::Plain(state))
    };
    let record = serde_json::to_string(&pending).map_err(|_| storage::Error::Damaged)?;
    let challenge = OpaqueHash::of(&URL_SAFE_NO_PAD.encode(&options.public_key.challenge));
    let expires_at = provider.now().plus(lifetime);
    let whose = (user.id, &OpaqueHash::of(enrolment.place));
    provider.database.ceremonies().begin(&challenge, whose, &record, expires_at).await?;
    let options = serde_json::to_value(&options.public_key).map_err(|_| storage::Error::Damaged)?;
    Ok(Begun { options: with_demands(options, lifetime), expires_at })
}

/// What is asked for beside the library's own demands.
fn with_demands(mut options: Value, lifetime: Duration) -> Value {
    let demands = json!({
        // The autofill list and the sign-in without a name need a passkey that the authenticator finds by itself.
        "authenticatorSelection": {
            "residentKey": "required", "requireResidentKey": true, "userVerification": "required",
        },
        // Not enforced: authenticators that do not know credential protection would refuse.
        "extensions": {
            "credProps": true,
            "credentialProtectionPolicy": "userVerificationRequired",
            "enforceCredentialProtectionPolicy": false,
        },
        "timeout": u64::try_from(lifetime.as_millis()).unwrap_or(u64::MAX),
    });
    if let (Some(options), Value::Object(demands)) = (options.as_object_mut(), demands) {
        options.extend(demands);
    }
    options
}

/// Verifies the browser's answer and stores the passkey. `credential` is `RegistrationResponseJSON` (WebAuthn L3 §5.1.8);
/// `rawId` and `type`, which some clients leave out, follow from the rest. An empty `name` gets one.
///
/// A new passkey ends no session and no token: it is written into the audit log as `passkey.added`.
///
/// # Errors
/// When anything about it is not as it must be; nothing is stored then, and the ceremony must begin anew.
pub async fn finish(
    provider: &Provider,
    enrolment: &Enrolment<'_>,
    credential: &str,
    name: &str,
) -> Result<NewPasskey, PasskeyRefused> {
    let name = read_name(name)?;
    let answer = Answer::parse(credential, &provider.settings)?;
    let pending = take(provider, enrolment, &answer).await?;
    let user = enrolment.user;
    let policy = policy(provider, user).await?.passkeys;
    let verified = verify::verify(provider, &pending, &answer, &policy)?;
    let present = provider.database.passkeys().of_user(user.id).await?;
    if present.len() >= MOST_PASSKEYS {
        return Err(PasskeyRefused::TooMany);
    }
    let passkey = NewPasskey {
        id: provider.guid(),
        user: user.id,
        credential_id: answer.credential_id,
        record: verified.record,
        name: name.unwrap_or_else(|| default_name(provider, verified.model, present.len())),
        aaguid: answer.aaguid,
        attestation: verified.outcome.to_string(),
        signature_count: answer.signature_count,
        backup_eligible: answer.backup_eligible,
        backed_up: answer.backed_up,
    };
    match provider.database.passkeys().add(&passkey, provider.now()).await {
        Ok(()) => {}
        // Whose it is stays unsaid.
        Err(storage::Error::Taken) => return Err(PasskeyRefused::Duplicate),
        Err(error) => return Err(error.into()),
    }
    note(provider, enrolment, &passkey).await?;
    Ok(passkey)
}

/// The ceremony that the answer is for. From here on it is spent, whatever else is found.
async fn take(
    provider: &Provider,
    enrolment: &Enrolment<'_>,
    answer: &Answer,
) -> Result<Pending, PasskeyRefused> {
    let challenge = OpaqueHash::of(&answer.challenge);
    let taken = provider.database.ceremonies().take(&challenge, provider.now()).await?;
    let taken = taken.ok_or(PasskeyRefused::Ceremony)?;
    if taken.user != enrolment.user.id || taken.place != OpaqueHash::of(enrolment.place).as_bytes() {
        tracing::warn!(user = %enrolment.user.id, "a passkey registration came back elsewhere than it began");
        return Err(PasskeyRefused::Ceremony);
    }
    Ok(serde_json::from_str(&taken.record).map_err(|_| storage::Error::Damaged)?)
}

async fn policy(provider: &Provider, user: &User) -> Result<TenantPolicy, storage::Error> {
    let tenant = provider.tenant(&Authority::Tenant(user.tenant)).await?;
    tenant.map(|tenant| tenant.policy.clone()).ok_or(storage::Error::Damaged)
}

/// `None`: none was typed.
fn read_name(typed: &str) -> Result<Option<String>, PasskeyRefused> {
    let name = typed.trim();
    if name.chars().count() > LONGEST_NAME || name.chars().any(char::is_control) {
        return Err(PasskeyRefused::Name);
    }
    Ok((!name.is_empty()).then(|| name.to_owned()))
}

/// The model's name where it was proved; else a number.
fn default_name(provider: &Provider, model: Option<uuid::Uuid>, present: usize) -> String {
    let known = model.and_then(|model| provider.models.model(model).name);
    known.map_or_else(
        || format!("Passkey {}", present.saturating_add(1)),
        |known| known.chars().take(LONGEST_NAME).collect(),
    )
}

async fn note(
    provider: &Provider,
    enrolment: &Enrolment<'_>,
    passkey: &NewPasskey,
) -> Result<(), storage::Error> {
    let detail = [
        ("passkey", passkey.id.to_string()),
        ("aaguid", passkey.aaguid.to_string()),
        ("attestation", passkey.attestation.clone()),
    ];
    let event = Event {
        at: provider.now(),
        tenant: Some(enrolment.user.tenant.guid()),
        actor: enrolment.actor.to_owned(),
        action: "passkey.added".to_owned(),
        target: enrolment.user.id.to_string(),
        detail: detail.map(|(name, value)| (name.to_owned(), value)).into(),
    };
    provider.audit(&event).await
}
