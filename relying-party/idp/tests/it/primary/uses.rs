//! What a primary token is good for.

use latchkey_idp::domain::{SecondFactor, first_party};
use latchkey_idp::strength::Strength;
use serde_json::{Value, json};

use super::device::{Device, ask_with};
use super::{by_key, by_password, token, use_of};
use crate::rig::{Rig, claims};

#[tokio::test]
async fn answers_are_sealed_as_the_client_can_read_them() {
    let rig = Rig::start().await;
    let device = Device::register(&rig, "Laptop").await;
    let held = by_password(&rig, &device).await;
    for (more, iv) in
        [(&[][..], 16), (&[("latchkey_answer", "gcm")][..], 12), (&[("prt_protocol_version", "3.0")][..], 12)]
    {
        let message = held.message(&use_of(&rig, &held, &json!({})).await);
        let answer = ask_with(&rig, &message, more).await;
        let decoded = |part: &str| {
            base64::Engine::decode(&base64::engine::general_purpose::URL_SAFE_NO_PAD, part).unwrap()
        };
        assert_eq!(decoded(answer.text.split('.').nth(2).unwrap()).len(), iv);
        assert!(held.opened(&answer)["access_token"].is_string());
    }
    // libhimmelblau knows the first derivation only.
    let message = held.message_of(1, &use_of(&rig, &held, &json!({})).await);
    assert!(held.opened(&held.send(&rig, &message).await)["id_token"].is_string());
}

#[tokio::test]
async fn the_token_is_for_what_was_asked_and_its_refresh_token_goes_on() {
    let rig = Rig::start().await;
    rig.register(rig.native, |app| app.consented = true).await;
    let device = Device::register(&rig, "Laptop").await;
    let held = by_password(&rig, &device).await;
    let more = json!({ "client_id": rig.native, "resource": "api://files", "scope": "openid aza ugs" });
    let answer = held.opened(&held.send(&rig, &held.message(&use_of(&rig, &held, &more).await)).await);
    let access = claims(&answer["access_token"]);
    assert_eq!((&access["aud"], &access["azp"]), (&json!(rig.api), &json!(rig.native)));
    assert_eq!(answer["resource"], "api://files");
    assert!(answer["refresh_token"].as_str().unwrap().starts_with("1."), "the next primary token");
    let more = json!({ "client_id": rig.native, "resource": "api://files" });
    let answer = held.opened(&held.send(&rig, &held.message(&use_of(&rig, &held, &more).await)).await);
    let native = rig.native.to_string();
    let refreshed = rig
        .token(&[
            ("grant_type", "refresh_token"),
            ("client_id", &native),
            ("refresh_token", answer["refresh_token"].as_str().unwrap()),
        ])
        .await
        .ok();
    assert_eq!(claims(&refreshed["access_token"])["deviceid"], device.id.to_string());
}

#[tokio::test]
async fn conditions_are_looked_at_when_the_token_is_used() {
    let rig = Rig::start().await;
    let device = Device::register(&rig, "Laptop").await;
    let key = device.add_key(&rig, rig.user.id).await;
    rig.decide(|policy| policy.strength = Strength::PhishingResistant).await;
    let by_password = by_password(&rig, &device).await;
    let by_key = by_key(&rig, &device, &key).await;
    let use_it = async |held: &super::Held| {
        let message = held.message(&use_of(&rig, held, &json!({})).await);
        held.send(&rig, &message).await
    };
    let refused = use_it(&by_password).await;
    refused.refused(400, "interaction_required", 50_076);
    assert!(refused.body["claims"].is_string());
    assert_eq!(use_it(&by_key).await.status, 200);
    rig.decide(|policy| policy.strength = Strength::SingleFactor).await;
    assert_eq!(use_it(&by_password).await.status, 200);
    rig.decide(|policy| policy.second_factor = SecondFactor::Required).await;
    use_it(&by_password).await.refused(400, "interaction_required", 50_076);
    assert_eq!(use_it(&by_key).await.status, 200);
}

#[tokio::test]
async fn applications_get_no_more_than_they_would_get_by_themselves() {
    let rig = Rig::start().await;
    let device = Device::register(&rig, "Laptop").await;
    let held = by_password(&rig, &device).await;
    let ask = async |more: Value| {
        let message = held.message(&use_of(&rig, &held, &more).await);
        held.send(&rig, &message).await
    };
    // Without consent, unknown, with a secret of its own, bound to a key.
    ask(json!({ "client_id": rig.native, "resource": "api://files" })).await.refused(
        400,
        "invalid_grant",
        65_001,
    );
    let unknown = latchkey_idp::domain::ClientId::new(uuid::Uuid::from_u128(99));
    ask(json!({ "client_id": unknown })).await.refused(400, "unauthorized_client", 700_016);
    ask(json!({ "client_id": rig.web })).await.refused(401, "invalid_client", 7_000_218);
    rig.register(rig.native, |app| app.dpop_bound = true).await;
    ask(json!({ "client_id": rig.native })).await.refused(400, "invalid_dpop_proof", 50_027);
    ask(json!({ "resource": "https://nowhere.example" })).await.refused(400, "invalid_resource", 500_011);
    ask(json!({ "grant_type": "password" })).await.refused(400, "unsupported_grant_type", 70_003);
    let over = (rig.now().seconds() - 301).to_string();
    ask(json!({ "exp": over })).await.refused(400, "invalid_grant", 500_133);
    let wanted = json!({ "client_id": first_party::BROKER, "resource": "urn:ms-drs:enterpriseregistration.windows.net" });
    let answer = held.opened(&ask(wanted).await);
    assert_eq!(claims(&answer["access_token"])["aud"], "urn:ms-drs:enterpriseregistration.windows.net");
    assert!(token(&rig, &held).await["access_token"].is_string());
}

#[tokio::test]
async fn the_database_knows_neither_the_token_nor_its_session_key() {
    let rig = Rig::start().await;
    let device = Device::register(&rig, "Laptop").await;
    let held = by_password(&rig, &device).await;
    token(&rig, &held).await;
    let mut seen = 0;
    for file in std::fs::read_dir(rig.file().parent().unwrap()).unwrap() {
        let bytes = std::fs::read(file.unwrap().path()).unwrap();
        let holds = |text: &[u8]| bytes.windows(text.len()).any(|window| window == text);
        assert!(!holds(held.token.as_bytes()) && !holds(&held.session_key));
        seen += usize::from(holds(b"Device Laptop"));
    }
    assert!(seen > 0, "the rows were looked at");
}
