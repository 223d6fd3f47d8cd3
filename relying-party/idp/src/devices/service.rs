//! The registration service: who asks, what is done, and the row of the audit log about it.

use std::collections::BTreeMap;
use std::net::IpAddr;

use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use uuid::Uuid;

use super::asker::{Asker, Done};
use super::attestation::{self, Begin};
use super::join::{self, Join};
use super::key::{self, Provision};
use super::refused::RegistrationRefusal;
use super::requests::{Nothing, SignedRequest, asked};
use crate::domain::{DeviceId, first_party};
use crate::oauth::Refusal;
use crate::oauth::bearer::{self, OnBehalf, Sent};
use crate::provider::Provider;
use crate::storage::KeyPlaced;

/// A request as it came.
pub struct Call<'a> {
    /// What its headers say about who sends it.
    pub sent: Sent<'a>,
    /// Its body.
    pub body: &'a [u8],
    /// The peer's address.
    pub address: IpAddr,
}

/// Gives a TPM a challenge.
///
/// # Errors
/// When the token is not good for this, or the TPM's keys cannot prove anything.
pub async fn challenge(provider: &Provider, call: &Call<'_>) -> Result<Value, RegistrationRefusal> {
    let mut asker = Asker::at(call.address);
    let work = async {
        let on_behalf = on_behalf(provider, &call.sent, &mut asker).await?;
        let begin: Begin = read(call.body)?;
        attestation::begin(provider, on_behalf.user.id, &begin).await
    };
    let result = work.await;
    asker.refused(provider, "attestation.refused", result).await
}

/// Registers a device.
///
/// # Errors
/// When it is refused; then nothing was changed.
pub async fn register(provider: &Provider, call: &Call<'_>) -> Result<Value, RegistrationRefusal> {
    let mut asker = Asker::at(call.address);
    let work = async {
        let on_behalf = on_behalf(provider, &call.sent, &mut asker).await?;
        let request: Join = read(call.body)?;
        let (device, answer) = join::join(provider, &on_behalf, &request).await?;
        let detail = BTreeMap::from([
            ("name".to_owned(), device.name.clone()),
            ("attestation".to_owned(), device.attestation.to_string()),
        ]);
        Ok(Done { target: device.id.to_string(), detail, answer })
    };
    let result = work.await;
    asker.noted(provider, ("device.registered", "device.refused"), result).await
}

/// Registers an enterprise key.
///
/// # Errors
/// When it is refused; then nothing was changed.
pub async fn register_key(provider: &Provider, call: &Call<'_>) -> Result<Value, RegistrationRefusal> {
    let mut asker = Asker::at(call.address);
    let work = async {
        let on_behalf = on_behalf(provider, &call.sent, &mut asker).await?;
        let request: Provision = read(call.body)?;
        let key::Provisioned { key, placed, answer } =
            key::provision(provider, &on_behalf, &request, &mut asker).await?;
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
    let result = work.await;
    asker.noted(provider, ("enterprise_key.registered", "enterprise_key.refused"), result).await
}

/// Tells a registered device the policy.
///
/// # Errors
/// When the device is not believed, or asks for something else.
pub async fn policy(provider: &Provider, call: &Call<'_>) -> Result<Value, RegistrationRefusal> {
    let mut asker = Asker::at(call.address);
    let result = super::policy::of_device(provider, call.body, &mut asker).await;
    asker.refused(provider, "device.request_refused", result).await
}

/// A device removes itself. The request that it signs stands in the body or in a header: a TLS client certificate does not
/// come through proxies.
///
/// # Errors
/// When the device is not believed, or it is about another one.
pub async fn remove(
    provider: &Provider,
    (id, header): (&str, Option<&str>),
    call: &Call<'_>,
) -> Result<(), RegistrationRefusal> {
    let mut asker = Asker::at(call.address);
    let work = async {
        let id: DeviceId = id.parse().map_err(|_| RegistrationRefusal::NotFound)?;
        let known = provider.database.devices().find(id).await?.ok_or(RegistrationRefusal::NotFound)?;
        let text = match header {
            Some(text) => text.to_owned(),
            None => SignedRequest::read(call.body)?.request,
        };
        let path = format!("/EnrollmentServer/device/{id}");
        let (device, _) = asked::<Nothing>(provider, (&text, &path), Some(known.tenant), &mut asker).await?;
        if device.id != id {
            return Err(RegistrationRefusal::OtherDevice);
        }
        provider.database.devices().remove((device.tenant, id), provider.now()).await?;
        let detail = BTreeMap::from([("name".to_owned(), device.name)]);
        Ok(Done { target: id.to_string(), detail, answer: Value::Null })
    };
    let result = work.await;
    asker.noted(provider, ("device.left", "device.leave_refused"), result).await.map(drop)
}

/// For whom a client calls.
async fn on_behalf(
    provider: &Provider,
    sent: &Sent<'_>,
    asker: &mut Asker,
) -> Result<OnBehalf, RegistrationRefusal> {
    // A token of ours says who tries, also when it is not good for this.
    if let Some((tenant, subject)) = bearer::named(provider, sent) {
        asker.is(tenant, subject);
    }
    match bearer::check_at(provider, sent, first_party::DEVICE_REGISTRATION).await?.caller {
        bearer::Caller::User(on_behalf) => Ok(*on_behalf),
        bearer::Caller::App { .. } => Err(Refusal::AccessToken.into()),
    }
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
