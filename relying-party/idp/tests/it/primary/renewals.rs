//! How a primary token is renewed, and when it ends.

use std::time::Duration;

use latchkey_idp::domain::first_party;
use serde_json::{Value, json};

use super::device::{Device, Held};
use super::{by_password, token, use_of};
use crate::rig::Rig;

const DAY: Duration = Duration::from_hours(24);

/// A renewal as roadtx asks for it.
async fn renewal(rig: &Rig, held: &Held) -> Value {
    let more = json!({ "client_id": first_party::PRT, "scope": "openid aza ugs", "resource": null });
    let message = held.message(&use_of(rig, held, &more).await);
    held.opened(&held.send(rig, &message).await)
}

fn renewed(device: &Device, held: &Held, answer: Value) -> Held {
    let jwe = answer["session_key_jwe"].as_str();
    let session_key = jwe.map_or(held.session_key, |jwe| device.session_key(jwe));
    Held { token: answer["refresh_token"].as_str().unwrap().to_owned(), session_key, answer }
}

async fn status(rig: &Rig, held: &Held) -> u64 {
    let message = held.message(&use_of(rig, held, &json!({})).await);
    let answer = held.send(rig, &message).await;
    answer.body["error_codes"][0].as_u64().unwrap_or_default()
}

#[tokio::test]
async fn it_lives_as_long_as_it_is_renewed_and_an_old_one_ends_soon() {
    let rig = Rig::start().await;
    let device = Device::register(&rig, "Laptop").await;
    let first = by_password(&rig, &device).await;
    rig.wait(4 * Duration::from_hours(1));
    let lost = renewal(&rig, &first).await;
    assert!(lost["refresh_token_expires_in"].is_number());
    assert!(lost["session_key_jwe"].is_null(), "the session key is young");
    // The answer was lost: the old one goes on, also after a while.
    rig.wait(DAY);
    let second = renewed(&device, &first, renewal(&rig, &first).await);
    rig.wait(13 * DAY);
    assert_eq!(status(&rig, &first).await, 700_082, "fourteen days are over");
    assert_eq!(status(&rig, &second).await, 0);
    rig.wait(Duration::from_secs(1));
    let third = renewed(&device, &second, renewal(&rig, &second).await);
    assert_eq!(status(&rig, &third).await, 0);
    assert_eq!(status(&rig, &second).await, 0, "whoever has asked already is answered");
    rig.wait(Duration::from_mins(10));
    assert_eq!(status(&rig, &second).await, 700_082, "its successor has been used");
    assert_eq!(status(&rig, &third).await, 0);
    rig.wait(14 * DAY);
    assert_eq!(status(&rig, &third).await, 700_082);
}

#[tokio::test]
async fn an_old_session_key_gets_a_successor() {
    let rig = Rig::start().await;
    let device = Device::register(&rig, "Laptop").await;
    let mut held = by_password(&rig, &device).await;
    let first = held.session_key;
    for _ in 0..3 {
        rig.wait(10 * DAY);
        held = renewed(&device, &held, renewal(&rig, &held).await);
        assert_eq!(held.session_key, first);
    }
    rig.wait(DAY);
    held = renewed(&device, &held, renewal(&rig, &held).await);
    assert_ne!(held.session_key, first);
    token(&rig, &held).await;
    // The one before keeps its own.
    let mixed = Held { token: held.token, session_key: first, answer: Value::Null };
    assert_eq!(status(&rig, &mixed).await, 50_027);
}
