//! What must be refused: one table for sign-in, one for registration; the other side of each rule is in `journey`.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use p256::ecdsa::SigningKey;
use serde_json::{Value, json};

use crate::device::{BE, BS, Device, Handle, UP, UV};
use crate::rig::{ORIGIN, Rig};

type Bend = fn(&mut Device);

/// Rules that hold for both ceremonies.
const BOTH: &[(&str, Bend)] = &[
    ("wrong-origin", |device| device.origin = "http://localhost:8081".into()),
    ("wrong-origin", |device| device.origin = "https://localhost:8080".into()),
    ("wrong-origin", |device| device.origin = "http://localhost".into()),
    ("wrong-origin", |device| device.origin = format!("{ORIGIN}/")),
    ("wrong-origin", |device| device.origin = "http://localhost:8080.evil.example".into()),
    ("wrong-origin", |device| device.origin = "http://LOCALHOST:8080".into()),
    ("cross-origin", |device| device.cross_origin = true),
    ("cross-origin", |device| device.top_origin = Some("https://evil.example".into())),
    ("wrong-rp-id", |device| device.rp_id = "evil.example".into()),
    ("user-not-verified", |device| device.flags = UP),
    ("user-not-present", |device| device.flags = UV),
    ("response-malformed", |device| device.flags = UP | UV | BS),
];

#[tokio::test]
async fn registrations_that_break_a_rule() {
    let mut cases = BOTH.to_vec();
    cases.push(("wrong-type", |device| device.ceremony = Some("webauthn.get")));
    cases.push(("registration-refused", |device| device.algorithm = -8));
    for (code, bend) in cases {
        let rig = Rig::start().await;
        let mut browser = rig.browser();
        browser.get("/register").await;
        let mut device = Device::new();
        bend(&mut device);
        browser.register("alice", &mut device).await.expect_refused(400, code);
        assert!(!browser.signed_in().await);
        // The name is still free: nothing was kept.
        browser.get("/register").await;
        browser.register("alice", &mut Device::new()).await.expect_ok();
    }
}

#[tokio::test]
async fn sign_ins_that_break_a_rule() {
    let mut cases = BOTH.to_vec();
    cases.push(("wrong-type", |device| device.ceremony = Some("webauthn.create")));
    cases.push(("passkey-not-accepted", |device| device.user_handle = Handle::Other(vec![1; 16])));
    cases.push(("passkey-not-accepted", |device| device.user_handle = Handle::Absent));
    cases.push(("passkey-not-accepted", |device| {
        device.keys[0].secret = SigningKey::from_slice(&[9; 32]).unwrap();
    }));
    cases.push(("passkey-not-accepted", |device| device.keys[0].id = vec![9; 32]));
    cases.push(("passkey-not-accepted", |device| device.flags = UP | UV | BE));
    cases.push(("counter-went-back", |device| device.step = 0));
    let rig = Rig::start().await;
    for (number, (code, bend)) in cases.into_iter().enumerate() {
        let mut device = Device::new();
        rig.registered(&format!("user {number}"), &mut device).await;
        let mut browser = rig.browser();
        browser.get("/").await;
        browser.sign_in(None, &mut device).await.expect_ok();
        bend(&mut device);
        let mut browser = rig.browser();
        browser.get("/").await;
        let status = if matches!(code, "passkey-not-accepted" | "counter-went-back") { 403 } else { 400 };
        browser.sign_in(None, &mut device).await.expect_refused(status, code);
        assert!(!browser.signed_in().await, "case {number}: {code}");
        rig.wait(Duration::from_mins(10));
    }
}

#[tokio::test]
async fn a_counter_that_went_back_is_shown() {
    let rig = Rig::start().await;
    let mut device = Device::new();
    let mut browser = rig.registered("alice", &mut device).await;
    browser.sign_in(None, &mut device).await.expect_ok();
    browser.get("/account").await;
    assert!(!browser.get("/account").await.body.contains("passkey-warning"));
    device.count = 0;
    let mut thief = rig.browser();
    thief.get("/").await;
    thief.sign_in(None, &mut device).await.expect_refused(403, "counter-went-back");
    assert!(browser.get("/account").await.body.contains("passkey-warning"));
}

#[tokio::test]
async fn id_and_raw_id_must_name_one_passkey() {
    let rig = Rig::start().await;
    let mut device = Device::new();
    rig.registered("alice", &mut device).await;
    let mut browser = rig.browser();
    browser.get("/").await;
    let changes: [fn(&mut Value); 3] = [
        |credential| credential["id"] = json!("AAAA"),
        |credential| credential["rawId"] = json!("AAAA"),
        |credential| credential["type"] = json!("password"),
    ];
    for change in changes {
        let options = browser.sign_in_options(None).await;
        let mut credential = device.get(&options);
        change(&mut credential);
        let answer = browser.call("/api/sign-in/finish", &json!({ "credential": credential })).await;
        assert_eq!(answer.status, 400, "{}", answer.body);
    }
    // Registration: the ID that the attestation object carries counts as well.
    browser.get("/").await;
    let options = browser.call("/api/register/options", &json!({"username": "bob"})).await.expect_ok();
    let mut credential = device.create(&options["publicKey"]);
    credential["id"] = json!("AAAA");
    credential["rawId"] = json!("AAAA");
    let answer = browser.call("/api/register/finish", &json!({ "credential": credential })).await;
    answer.expect_refused(400, "id-mismatch");
}

#[tokio::test]
async fn a_response_counts_once() {
    let rig = Rig::start().await;
    let mut device = Device::new();
    let mut browser = rig.browser();
    browser.get("/register").await;
    let options = browser.call("/api/register/options", &json!({"username": "alice"})).await.expect_ok();
    let body = json!({ "credential": device.create(&options["publicKey"]) });
    let before = (browser.cookie.clone(), browser.csrf.clone());
    browser.call("/api/register/finish", &body).await.expect_ok();
    // In the new session it is unknown; the old session is gone.
    browser.get("/account").await;
    browser.call("/api/register/finish", &body).await.expect_refused(400, "challenge-unknown");
    (browser.cookie, browser.csrf) = before;
    browser.call("/api/register/finish", &body).await.expect_refused(403, "stale-page");
}

#[tokio::test]
async fn a_failed_response_cannot_be_tried_again() {
    let rig = Rig::start().await;
    let mut device = Device::new();
    rig.registered("alice", &mut device).await;
    let mut browser = rig.browser();
    browser.get("/").await;
    let options = browser.sign_in_options(None).await;
    let good = device.get(&options);
    let mut bad = good.clone();
    bad["response"]["signature"] = json!("MAYCAQECAQE");
    let answer = browser.call("/api/sign-in/finish", &json!({ "credential": bad })).await;
    answer.expect_refused(403, "passkey-not-accepted");
    let answer = browser.call("/api/sign-in/finish", &json!({ "credential": good })).await;
    answer.expect_refused(400, "challenge-unknown");
}

#[tokio::test]
async fn a_challenge_lives_five_minutes() {
    let rig = Rig::start().await;
    let mut device = Device::new();
    rig.registered("alice", &mut device).await;
    for (wait, refused) in [(299, false), (300, true)] {
        let mut browser = rig.browser();
        browser.get("/").await;
        let options = browser.sign_in_options(None).await;
        let credential = device.get(&options);
        rig.wait(Duration::from_secs(wait));
        let answer = browser.call("/api/sign-in/finish", &json!({ "credential": credential })).await;
        if refused {
            answer.expect_refused(400, "challenge-expired");
        } else {
            answer.expect_ok();
        }
    }
}

#[tokio::test]
async fn a_challenge_belongs_to_its_session_ceremony_and_user() {
    let rig = Rig::start().await;
    let mut alice = Device::new();
    let mut signed_in = rig.registered("alice", &mut alice).await;
    let mut bob = Device::new();
    rig.registered("bob", &mut bob).await;

    // Another session.
    let mut mine = rig.browser();
    mine.get("/").await;
    let mut theirs = rig.browser();
    theirs.get("/").await;
    let options = mine.sign_in_options(None).await;
    let body = json!({ "credential": alice.get(&options) });
    theirs.call("/api/sign-in/finish", &body).await.expect_refused(400, "challenge-unknown");
    mine.call("/api/sign-in/finish", &body).await.expect_ok();

    // Another ceremony: what was asked for an account cannot add a passkey to another account.
    let options = signed_in.call("/api/register/options", &json!({"username": "carol"})).await.expect_ok();
    let body = json!({ "credential": Device::new().create(&options["publicKey"]) });
    signed_in.call("/api/passkeys/finish", &body).await.expect_refused(400, "challenge-unknown");

    // Another user: Bob's passkey does not answer a sign-in as Alice.
    let mut browser = rig.browser();
    browser.get("/").await;
    let options = browser.sign_in_options(Some("alice")).await;
    let body = json!({ "credential": bob.get(&options) });
    browser.call("/api/sign-in/finish", &body).await.expect_refused(403, "passkey-not-accepted");
}

#[tokio::test]
async fn unknown_names_look_like_known_ones() {
    let rig = Rig::start().await;
    let mut device = Device::new();
    rig.registered("alice", &mut device).await;
    let mut browser = rig.browser();
    browser.get("/").await;
    let known = browser.sign_in_options(Some("alice")).await;
    let unknown = browser.sign_in_options(Some("mallory")).await;
    let again = browser.sign_in_options(Some("Mallory")).await;
    let other = browser.sign_in_options(Some("oscar")).await;
    assert_eq!(unknown["allowCredentials"], again["allowCredentials"]);
    assert_ne!(unknown["allowCredentials"], other["allowCredentials"]);
    let shape = |options: &Value| {
        let entry = options["allowCredentials"][0].as_object().unwrap().clone();
        (entry.keys().cloned().collect::<Vec<_>>(), entry["id"].as_str().unwrap().len())
    };
    assert_eq!(shape(&known), shape(&unknown));
    // And so do the refusals of answers that are made up.
    for (options, name) in [(known, "alice"), (unknown, "mallory")] {
        let mut forger = Device::new();
        forger.create(&json!({"challenge": "AA", "user": {"id": "AA"}}));
        forger.keys[0].id = base64_of(&options["allowCredentials"][0]["id"]);
        forger.user_handle = Handle::Absent;
        let body = json!({ "credential": forger.get(&options) });
        let answer = browser.call("/api/sign-in/finish", &body).await;
        assert_eq!(answer.code(), "passkey-not-accepted", "{name}");
    }
}

#[tokio::test]
async fn a_passkey_is_registered_once_and_a_name_too() {
    let rig = Rig::start().await;
    let mut device = Device::new();
    rig.registered("Alice", &mut device).await;
    let mut browser = rig.browser();
    browser.get("/register").await;
    for name in ["Alice", "alice", " ALICE ", "Ａｌｉｃｅ"] {
        browser.register(name, &mut Device::new()).await.expect_refused(409, "name-taken");
    }
    for name in ["", "   ", "a\u{202E}b", &"x".repeat(65)] {
        browser.register(name, &mut Device::new()).await.expect_refused(422, "name");
    }
    // Two who ask for one free name at once: the first to finish has it.
    let mut slow = rig.browser();
    slow.get("/register").await;
    let options = slow.call("/api/register/options", &json!({"username": "bob"})).await.expect_ok();
    browser.register("bob", &mut Device::new()).await.expect_ok();
    let body = json!({ "credential": Device::new().create(&options["publicKey"]) });
    slow.call("/api/register/finish", &body).await.expect_refused(409, "name-taken");
}

fn base64_of(value: &Value) -> Vec<u8> {
    URL_SAFE_NO_PAD.decode(value.as_str().unwrap()).unwrap()
}
