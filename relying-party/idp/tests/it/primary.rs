//! Primary refresh tokens: what registered devices get for their users, and what they get with it.

mod attacks;
mod browser;
mod device;
mod doors;
mod renewals;
mod requests;
mod revocations;
mod uses;

use latchkey_idp::domain::first_party;
use serde_json::{Value, json};

use crate::rig::{Answer, Rig};
use device::{Device, Held, HelloKey};

/// What the audit log says about such events, the oldest first.
async fn events(rig: &Rig, action: &str) -> Vec<Value> {
    let entries = rig.provider.audit_entries(1, 1000).await.unwrap();
    let records = entries.iter().map(|entry| serde_json::from_str::<Value>(&entry.record).unwrap());
    records.filter(|record| record["action"] == action).collect()
}

/// Why requests were refused, the oldest first.
async fn refusals(rig: &Rig) -> Vec<String> {
    let events = events(rig, "primary_token.refused").await;
    events.iter().map(|event| event["detail"]["reason"].as_str().unwrap().to_owned()).collect()
}

/// A primary token of a password.
async fn by_password(rig: &Rig, device: &Device) -> Held {
    let nonce = device::nonce(rig).await;
    let payload = device::password_request(&nonce, &rig.user.upn, crate::rig::PASSWORD);
    device.held(device.ask(rig, &device.signed(&payload)).await.ok())
}

/// A primary token of an enterprise key.
async fn by_key(rig: &Rig, device: &Device, key: &HelloKey) -> Held {
    let assertion = key.assertion(rig, &device::nonce(rig).await);
    let payload = device::key_request(&device::nonce(rig).await, &assertion);
    device.held(device.ask(rig, &device.signed(&payload)).await.ok())
}

/// Asks for a token of the directory with a primary token.
async fn token(rig: &Rig, held: &Held) -> Value {
    let payload = use_of(rig, held, &json!({})).await;
    held.opened(&held.send(rig, &held.message(&payload)).await)
}

/// What comes of asking with a primary token.
async fn used(rig: &Rig, held: &Held) -> Answer {
    let message = held.message(&use_of(rig, held, &json!({})).await);
    held.send(rig, &message).await
}

/// What a broker says to get a token of the directory for the rig's program, with some members changed.
async fn use_of(rig: &Rig, held: &Held, more: &Value) -> Value {
    let mut payload = json!({
        "scope": "openid",
        "resource": "https://graph.microsoft.com",
        "request_nonce": device::nonce(rig).await,
        "refresh_token": held.token,
        "grant_type": "refresh_token",
        "client_id": first_party::LINUX_BROKER,
        "iss": "aad:brokerplugin",
        "aud": "login.microsoftonline.com",
        "iat": rig.now().seconds().to_string(),
        "exp": (rig.now().seconds() + 3600).to_string(),
    });
    for (name, value) in more.as_object().unwrap() {
        payload[name] = value.clone();
    }
    payload
}
