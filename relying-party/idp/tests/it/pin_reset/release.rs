//! What is released, to whom, and what stays behind.

use std::collections::BTreeMap;
use std::time::Duration;

use latchkey_idp::domain::Amr;
use latchkey_idp::pin_reset::{Purpose, keys};

use super::ground::{Ground, on_both};
use super::scene::{last_entry, token};

on_both! { "release":
    a_device_gets_its_secret_back
    envelopes_of_older_keys_open_until_the_key_is_retired
    three_an_hour_and_no_more
    asked_a_thousand_times_it_answers_three_times_and_others_as_ever
    whichever_strong_way_but_the_forgotten_one
}

async fn a_device_gets_its_secret_back(ground: &Ground) {
    for protocol in ["hpke-p256", "blind-p256"] {
        let mut scene = ground.scene(protocol).await;
        let reset = scene.reset().await;
        let answer = scene.send(&reset).await;
        assert_eq!(answer.headers["cache-control"], "no-store");
        assert_eq!(scene.opened(&reset, answer), scene.protector.secrets[0]);
        assert_eq!(scene.events().await, ["released"]);
        let entry = last_entry(&scene.rig).await;
        assert_eq!(entry["action"], "pin_reset.released");
        assert_eq!(entry["target"], scene.rig.user.id.to_string());
        assert_eq!(entry["actor"], format!("device:{}", scene.device.id));
        assert_eq!(entry["detail"]["kid"], scene.protector.kid);
        assert_eq!(entry["detail"]["protocol"], protocol);
        scene.rig.provider.verify_audit(None).await.unwrap().unwrap();
    }
}

async fn envelopes_of_older_keys_open_until_the_key_is_retired(ground: &Ground) {
    for protocol in ["hpke-p256", "blind-p256"] {
        let mut scene = ground.scene(protocol).await;
        keys::rotate(&scene.rig.provider).await.unwrap();
        let reset = scene.reset().await;
        let answer = scene.send(&reset).await;
        assert_eq!(scene.opened(&reset, answer), scene.protector.secrets[0]);
        keys::retire(&scene.rig.provider, &scene.protector.kid).await.unwrap();
        let reset = scene.reset().await;
        let answer = scene.send(&reset).await;
        scene.refused(&answer, 403, "key_retired").await;
    }
}

async fn three_an_hour_and_no_more(ground: &Ground) {
    let mut scene = ground.hpke().await;
    for _ in 0..3 {
        let reset = scene.reset().await;
        let answer = scene.send(&reset).await;
        scene.opened(&reset, answer);
        scene.rig.wait(Duration::from_mins(15));
    }
    let reset = scene.reset().await;
    let answer = scene.send(&reset).await;
    assert_eq!(answer.headers["retry-after"], "900");
    scene.refused(&answer, 429, "rate_limited").await;
    scene.rig.wait(Duration::from_mins(15));
    let reset = scene.reset().await;
    assert_eq!(scene.send(&reset).await.status, 200, "the first one was an hour ago");
}

async fn asked_a_thousand_times_it_answers_three_times_and_others_as_ever(ground: &Ground) {
    let mut scene = ground.hpke().await;
    let token = token(&scene.rig, scene.authentication()).await;
    let (same, elsewhere) = (scene.address, "192.0.2.1".parse().unwrap());
    let mut codes = BTreeMap::new();
    for number in 0..1000 {
        let reset = scene.reset_with(&format!("Bearer {token}"), Purpose::Recover).await;
        let answer = scene.send(&reset).await;
        let code = answer.body["error"].as_str().unwrap_or("released").to_owned();
        if let ("rate_limited", 10) = (code.as_str(), number) {
            scene.refused(&answer, 429, "rate_limited").await;
        }
        *codes.entry((answer.status, code)).or_insert(0) += 1;
        if number == 100 {
            let (authorization, body) = scene.reset_of("bob@example.org").await;
            assert_eq!(scene.post_body(&authorization, body).await.status, 200, "of the same office");
        }
    }
    assert_eq!(codes[&(200, "released".to_owned())], 3, "{codes:?}");
    // After 300 the address has none left, and nothing is done for it any more.
    assert_eq!(codes[&(429, "rate_limited".to_owned())], 296, "{codes:?}");
    let refused = scene.events().await.iter().filter(|code| *code == "rate_limited").count();
    assert_eq!(refused, 296);
    for (address, status) in [(same, 429), (elsewhere, 200)] {
        scene.address = address;
        let (authorization, body) = scene.reset_of(&format!("user{status}@example.org")).await;
        assert_eq!(scene.post_body(&authorization, body).await.status, status);
    }
}

async fn whichever_strong_way_but_the_forgotten_one(ground: &Ground) {
    let mut scene = ground.hpke().await;
    for methods in [vec![Amr::Pwd, Amr::Otp, Amr::Mfa, Amr::NgcMfa], vec![Amr::Tap, Amr::Mfa, Amr::NgcMfa]] {
        let mut authentication = scene.authentication();
        authentication.methods = methods;
        let token = token(&scene.rig, authentication).await;
        let reset = scene.reset_with(&format!("Bearer {token}"), Purpose::Recover).await;
        assert_eq!(scene.send(&reset).await.status, 200);
    }
}
