//! What is released, to whom, and what stays behind.

use std::time::Duration;

use latchkey_idp::domain::Amr;
use latchkey_idp::pin_reset::keys;

use super::scene::{Scene, last_entry, token};

#[tokio::test]
async fn a_device_gets_its_secret_back() {
    for protocol in ["hpke-p256", "blind-p256"] {
        let mut scene = Scene::of(protocol).await;
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

#[tokio::test]
async fn envelopes_of_older_keys_open_until_the_key_is_retired() {
    for protocol in ["hpke-p256", "blind-p256"] {
        let mut scene = Scene::of(protocol).await;
        scene.rig.wait(Duration::from_secs(1));
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

#[tokio::test]
async fn three_an_hour_and_no_more() {
    let mut scene = Scene::hpke().await;
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

#[tokio::test]
async fn asked_a_thousand_times_it_answers_three_times() {
    let mut scene = Scene::hpke().await;
    let token = token(&scene.rig, scene.authentication()).await;
    let mut codes = std::collections::BTreeMap::new();
    for _ in 0..1000 {
        let reset =
            scene.reset_with(&format!("Bearer {token}"), latchkey_idp::pin_reset::Purpose::Recover).await;
        let answer = scene.send(&reset).await;
        let code = answer.body["error"].as_str().unwrap_or("released").to_owned();
        *codes.entry((answer.status, code)).or_insert(0) += 1;
    }
    assert_eq!(codes[&(200, "released".to_owned())], 3, "{codes:?}");
    // After 300 the address has none left, and nothing is done for it any more.
    assert_eq!(codes[&(429, "rate_limited".to_owned())], 297, "{codes:?}");
    let refused = scene.events().await.iter().filter(|code| *code == "rate_limited").count();
    assert_eq!(refused, 297);
}

#[tokio::test]
async fn no_secret_of_a_user_stays_behind() {
    for protocol in ["hpke-p256", "blind-p256"] {
        let mut scene = Scene::of(protocol).await;
        let reset = scene.reset().await;
        let answer = scene.send(&reset).await;
        let secret = scene.opened(&reset, answer);
        scene.rig.database.close().await;
        let folder = scene.rig.file().parent().unwrap().to_owned();
        let mut read = 0;
        for file in std::fs::read_dir(folder).unwrap() {
            let bytes = std::fs::read(file.unwrap().path()).unwrap();
            read += bytes.len();
            let found = |needle: &[u8]| bytes.windows(needle.len()).any(|window| window == needle);
            assert!(!found(&secret) && !found(&scene.protector.secrets[1]));
            for text in [super::protector::text(&secret), scene.protector.envelope.clone()] {
                assert!(!found(text.as_bytes()), "{protocol}");
            }
        }
        assert!(read > 100_000, "the database was looked at");
    }
}

#[tokio::test]
async fn whichever_strong_way_but_the_forgotten_one() {
    let mut scene = Scene::hpke().await;
    for methods in [vec![Amr::Pwd, Amr::Otp, Amr::Mfa, Amr::NgcMfa], vec![Amr::Tap, Amr::Mfa, Amr::NgcMfa]] {
        let mut authentication = scene.authentication();
        authentication.methods = methods;
        let token = token(&scene.rig, authentication).await;
        let reset =
            scene.reset_with(&format!("Bearer {token}"), latchkey_idp::pin_reset::Purpose::Recover).await;
        assert_eq!(scene.send(&reset).await.status, 200);
    }
}
