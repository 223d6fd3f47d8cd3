//! A user registers the key that they sign in with on a device (MS-KPP 3.1.5.1; wire reference, section 1.6).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use serde_json::{Value, json};

use super::asker::Asker;
use super::attestation::{self, Binary, KeyEvidence};
use super::refused::RegistrationRefusal;
use super::requests::{asked, take_nonce};
use super::{AttestationFault, DeviceRefusal};
use crate::domain::{
    Amr, Authentication, Authority, Device, DeviceAttestation, EnterpriseKey, EnterpriseKeyId, JoinType,
    Rsa1, User,
};
use crate::oauth::bearer::OnBehalf;
use crate::provider::Provider;
use crate::storage::KeyPlaced;
use crate::strength::FRESH;

const PATH: &str = "/EnrollmentServer/key/";

/// The request.
#[derive(Debug, Deserialize)]
pub struct Provision {
    kngc: Binary,
    attestation: Option<KeyEvidence>,
    /// What the device signed, when the token does not name it.
    request: Option<String>,
}

/// What a device says when it registers a key.
#[derive(Debug, Deserialize)]
struct OfKey {
    /// SHA-256 of the blob, base64url.
    kngc: String,
}

/// A key that was registered.
#[derive(Debug)]
pub struct Provisioned {
    /// The key.
    pub key: EnterpriseKey,
    /// What became of it.
    pub placed: KeyPlaced,
    /// The answer.
    pub answer: Value,
}

/// Registers a key for the user of a token, in place of the one that the user has on this device. Done twice with one key
/// it is the same one.
///
/// # Errors
/// When the tenant does not allow it, the user's two factors are not of the last ten minutes, the device is not known, or
/// the attestation does not hold; then nothing was changed.
pub(super) async fn provision(
    provider: &Provider,
    on_behalf: &OnBehalf,
    provision: &Provision,
    who: &mut Asker,
) -> Result<Provisioned, RegistrationRefusal> {
    let user = &on_behalf.user;
    let tenant =
        provider.tenant(&Authority::Tenant(user.tenant)).await?.ok_or(RegistrationRefusal::Tenant)?;
    let allowed = &tenant.policy.devices;
    if !allowed.hello.enabled {
        return Err(RegistrationRefusal::HelloDisabled);
    }
    fresh(provider, &on_behalf.grant.authentication)?;
    let key = Rsa1::parse(&provision.kngc.0).ok_or(RegistrationRefusal::Key("key in kngc"))?;
    let device = device(provider, on_behalf, (provision, &key), who).await?;
    usable(&device, user)?;
    let attestation = match &provision.attestation {
        Some(evidence) => attestation::enterprise_key(&device, evidence, &key)?,
        None => DeviceAttestation::None,
    };
    if !allowed.attestation.satisfied_by(attestation)
        || (allowed.hello.requires_tpm && attestation == DeviceAttestation::None)
    {
        return Err(RegistrationRefusal::AttestationRequired("the request does not show that this one is"));
    }
    let mut key = EnterpriseKey {
        id: EnterpriseKeyId::new(provider.guid()),
        key,
        tenant: tenant.id,
        user: user.id,
        device: device.id,
        multifactor: true,
        attestation,
        created_at: provider.now(),
        last_used_at: None,
    };
    let placed = provider.database.enterprise_keys().place(&key).await?;
    match placed {
        KeyPlaced::Added | KeyPlaced::Replaced(_) => {}
        KeyPlaced::Known(id) => key.id = id,
        KeyPlaced::Taken => return Err(RegistrationRefusal::KeyTaken),
    }
    let answer = json!({ "kid": key.id, "upn": user.upn, "krctx": "" });
    Ok(Provisioned { key, placed, answer })
}

/// Refuses whoever did not show two factors in the last ten minutes.
fn fresh(provider: &Provider, authentication: &Authentication) -> Result<(), RegistrationRefusal> {
    let (now, at) = (provider.now(), authentication.at);
    if !authentication.methods.contains(&Amr::Mfa) {
        return Err(RegistrationRefusal::Multifactor);
    }
    if !authentication.methods.contains(&Amr::NgcMfa) || at > now || now.since(at) > FRESH {
        return Err(RegistrationRefusal::Stale);
    }
    Ok(())
}

/// The device that the token was given on, that signed the request, or both. A nonce is used up on the way.
async fn device(
    provider: &Provider,
    on_behalf: &OnBehalf,
    (provision, key): (&Provision, &Rsa1),
    who: &mut Asker,
) -> Result<Device, RegistrationRefusal> {
    let of_token = on_behalf.grant.authentication.device;
    let of_attestation = provision.attestation.as_ref().map(|evidence| evidence.nonce.as_str());
    let Some(request) = &provision.request else {
        let id = of_token.ok_or(RegistrationRefusal::NoDevice)?;
        if let Some(nonce) = of_attestation {
            take_nonce(provider, nonce).await?;
        }
        return Ok(provider.database.devices().find(id).await?.ok_or(DeviceRefusal::Unknown)?);
    };
    let tenant = Some(on_behalf.user.tenant);
    let (device, asked) = asked::<OfKey>(provider, (request, PATH), tenant, who).await?;
    if asked.more.kngc != URL_SAFE_NO_PAD.encode(key.key_id()) {
        return Err(AttestationFault::OtherKey("key in kngc").into());
    }
    if of_attestation.is_some_and(|nonce| nonce != asked.nonce()) {
        return Err(RegistrationRefusal::Nonce);
    }
    if of_token.is_some_and(|of_token| of_token != device.id) {
        return Err(RegistrationRefusal::OtherDevice);
    }
    Ok(device)
}

/// A joined device is for all users of its tenant, a registered one for its owner.
fn usable(device: &Device, user: &User) -> Result<(), RegistrationRefusal> {
    if device.tenant != user.tenant {
        return Err(DeviceRefusal::Unknown.into());
    }
    if !device.enabled {
        return Err(DeviceRefusal::disabled(device).into());
    }
    if device.system.join == JoinType::Registered && device.owner != user.id {
        return Err(RegistrationRefusal::OtherDevice);
    }
    Ok(())
}
