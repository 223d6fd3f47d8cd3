//! The registration service: who asks, what is done, and one row of the audit log for each answer that changed something or
//! refused somebody whom we know.

use std::collections::BTreeMap;

use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use uuid::Uuid;

use super::attestation::{self, Begin};
use super::join::{self, Join};
use super::key::{self, Provision};
use super::refused::RegistrationRefusal;
use super::requests::{Nothing, SignedRequest, asked};
use crate::audit_chain::Event;
use crate::domain::{Device, DeviceId, TenantId, first_party};
use crate::oauth::Refusal;
use crate::oauth::bearer::{self, OnBehalf, Sent};
use crate::provider::Provider;
use crate::storage::KeyPlaced;

/// What happened, for the audit log.
struct Done {
    target: String,
    detail: BTreeMap<String, String>,
    answer: Value,
}

/// Gives a TPM a challenge.
///
/// # Errors
/// When the token is not good for this, or the TPM's keys cannot prove anything.
pub async fn challenge(
    provider: &Provider,
    sent: &Sent<'_>,
    body: &[u8],
) -> Result<Value, RegistrationRefusal> {
    let on_behalf = on_behalf(provider, sent, "attestation").await?;
    let work = async {
        let begin: Begin = read(body)?;
        attestation::begin(provider, on_behalf.user.id, &begin).await
    };
    let result = work.await;
    if let Err(refusal) = &result {
        refused(provider, user(&on_behalf), "attestation.refused", refusal).await?;
    }
    result
}

/// Registers a device.
///
/// # Errors
/// When it is refused; then nothing was changed.
pub async fn register(
    provider: &Provider,
    sent: &Sent<'_>,
    body: &[u8],
) -> Result<Value, RegistrationRefusal> {
    let on_behalf = on_behalf(provider, sent, "device").await?;
    let work = async {
        let request: Join = read(body)?;
        let (device, answer) = join::join(provider, &on_behalf, &request).await?;
        let detail = BTreeMap::from([
            ("name".to_owned(), device.name.clone()),
            ("attestation".to_owned(), device.attestation.to_string()),
        ]);
        Ok(Done { target: device.id.to_string(), detail, answer })
    };
    finished(provider, &on_behalf, ("device.registered", "device.refused"), work.await).await
}

/// Registers an enterprise key.
///
/// # Errors
/// When it is refused; then nothing was changed.
pub async fn register_key(
    provider: &Provider,
    sent: &Sent<'_>,
    body: &[u8],
) -> Result<Value, RegistrationRefusal> {
    let on_behalf = on_behalf(provider, sent, "key").await?;
    let work = async {
        let request: Provision = read(body)?;
        let key::Provisioned { key, placed, answer } = key::provision(provider, &on_behalf, &request).await?;
        let mut detail = BTreeMap::from([
            ("device".to_owned(), key.device.to_string()),
            ("attestation".to_owned(), key.attestation.to_string()),
        ]);
        match placed {
            KeyPlaced::Replaced(older) => drop(detail.insert("replaces".to_owned(), older.to_string())),
            KeyPlaced::Known(_) => drop(detail.insert("again".to_owned(), true.to_string())),
            KeyPlaced::Added | KeyPlaced::Taken => {}
        }
        Ok(Done { target: key.id.to_string(), detail, answer })
    };
    let actions = ("enterprise_key.registered", "enterprise_key.refused");
    finished(provider, &on_behalf, actions, work.await).await
}

/// A device removes itself. The request that it signs stands in the body or in a header: a TLS client certificate does not
/// come through proxies.
///
/// # Errors
/// When the device is not believed, or it is about another one.
pub async fn remove(
    provider: &Provider,
    id: &str,
    (header, body): (Option<&str>, &[u8]),
) -> Result<(), RegistrationRefusal> {
    let id: DeviceId = id.parse().map_err(|_| RegistrationRefusal::NotFound)?;
    let known = provider.database.devices().find(id).await?.ok_or(RegistrationRefusal::NotFound)?;
    let text = match header {
        Some(text) => text.to_owned(),
        None => SignedRequest::read(body)?.request,
    };
    let path = format!("/EnrollmentServer/device/{id}");
    let work = async {
        let (device, _) = asked::<Nothing>(provider, &text, &path, Some(known.tenant)).await?;
        if device.id != id {
            return Err(RegistrationRefusal::OtherDevice);
        }
        provider.database.devices().remove((device.tenant, id), provider.now()).await?;
        Ok(device)
    };
    match work.await {
        Ok(Device { tenant, name, .. }) => {
            let detail = BTreeMap::from([("name".to_owned(), name)]);
            record(provider, (tenant, format!("device:{id}")), ("device.left", id.to_string()), detail).await
        }
        Err(refusal) => {
            let who = (known.tenant, format!("device:{id}"));
            refused(provider, who, "device.leave_refused", &refusal).await?;
            Err(refusal)
        }
    }
}

/// For whom a client calls.
async fn on_behalf(
    provider: &Provider,
    sent: &Sent<'_>,
    what: &str,
) -> Result<OnBehalf, RegistrationRefusal> {
    let checked = bearer::check_at(provider, sent, first_party::DEVICE_REGISTRATION).await;
    let refusal = match checked.map(|bearer| bearer.caller) {
        Ok(bearer::Caller::User(on_behalf)) => return Ok(*on_behalf),
        Ok(bearer::Caller::App { .. }) => Refusal::AccessToken,
        Err(refusal) => refusal,
    };
    let refusal = RegistrationRefusal::from(refusal);
    // A token of ours that is not good for this says who tries.
    if let Some((tenant, subject)) = bearer::named(provider, sent) {
        refused(provider, (tenant, subject.to_string()), &format!("{what}.refused"), &refusal).await?;
    }
    Err(refusal)
}

async fn finished(
    provider: &Provider,
    on_behalf: &OnBehalf,
    (done, denied): (&str, &str),
    result: Result<Done, RegistrationRefusal>,
) -> Result<Value, RegistrationRefusal> {
    match result {
        Ok(Done { target, detail, answer }) => {
            record(provider, user(on_behalf), (done, target), detail).await?;
            Ok(answer)
        }
        Err(refusal) => {
            refused(provider, user(on_behalf), denied, &refusal).await?;
            Err(refusal)
        }
    }
}

fn user(on_behalf: &OnBehalf) -> (TenantId, String) {
    (on_behalf.user.tenant, on_behalf.user.id.to_string())
}

/// Notes who was refused, and why.
pub(super) async fn refused(
    provider: &Provider,
    who: (TenantId, String),
    action: &str,
    refusal: &RegistrationRefusal,
) -> Result<(), RegistrationRefusal> {
    let row = refusal.row();
    if row.status >= 500 {
        return Ok(());
    }
    let target = who.1.clone();
    let detail = BTreeMap::from([("reason".to_owned(), row.code.to_owned())]);
    record(provider, who, (action, target), detail).await
}

async fn record(
    provider: &Provider,
    (tenant, actor): (TenantId, String),
    (action, target): (&str, String),
    detail: BTreeMap<String, String>,
) -> Result<(), RegistrationRefusal> {
    let (at, tenant): (_, Option<Uuid>) = (provider.now(), Some(tenant.guid()));
    let event = Event { at, tenant, actor, action: action.to_owned(), target, detail };
    Ok(provider.audit(&event).await?)
}

fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, RegistrationRefusal> {
    serde_json::from_slice(body)
        .map_err(|_| RegistrationRefusal::Malformed("the body is not the JSON that is expected here"))
}

/// What an answer about a nonce looks like. The first member is written as brokers expect it.
#[must_use]
pub fn nonce_answer(nonce: &Value, (trace, time): (Uuid, &str)) -> Value {
    json!({ "ReponseStatus": { "message": null, "traceId": trace, "time": time }, "Value": nonce })
}
