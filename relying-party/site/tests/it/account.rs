//! Looking after passkeys.

use std::time::Duration;

use serde_json::json;

use crate::device::Device;
use crate::rig::Rig;

#[tokio::test]
async fn add_rename_and_delete() {
    let rig = Rig::start().await;
    let mut first = Device::new();
    let mut second = Device::new();
    let mut browser = rig.registered("alice", &mut first).await;
    browser.add_passkey("Blue key", &mut second).await.expect_ok();
    let page = browser.get("/account?done=added").await.body;
    assert!(page.contains("Blue key") && page.contains("The passkey was added."));
    assert!(!page.contains("passkey-only"));

    let answer = browser.form("/account/passkeys/2/rename", "name=Red+key").await;
    assert_eq!((answer.status.as_u16(), answer.header("location")), (303, "/account?done=renamed"));
    let page = browser.get("/account").await.body;
    assert!(page.contains("Red key") && !page.contains("Blue key"));

    let answer = browser.form("/account/passkeys/1/delete", "").await;
    assert_eq!((answer.status.as_u16(), answer.header("location")), (303, "/account?done=deleted"));
    let mut visitor = rig.browser();
    visitor.get("/").await;
    visitor.sign_in(None, &mut first).await.expect_refused(403, "passkey-not-accepted");
    visitor.sign_in(None, &mut second).await.expect_ok();
}

#[tokio::test]
async fn the_only_passkey_stays() {
    let rig = Rig::start().await;
    let mut device = Device::new();
    let mut browser = rig.registered("alice", &mut device).await;
    let page = browser.get("/account").await.body;
    assert!(page.contains("passkey-only") && !page.contains("passkey-delete-confirm"));
    let answer = browser.form("/account/passkeys/1/delete", "").await;
    assert_eq!(answer.status, 409);
    assert!(answer.body.contains("data-code=\"last-passkey\""));
    assert!(answer.body.contains("nobody can sign in"));
    browser.get("/account").await;
    browser.sign_in(None, &mut device).await.expect_ok();
}

#[tokio::test]
async fn other_peoples_passkeys_are_out_of_reach() {
    let rig = Rig::start().await;
    let mut alices = Device::new();
    let mut alice = rig.registered("alice", &mut alices).await;
    alice.add_passkey("second", &mut Device::new()).await.expect_ok();
    let mut bob = rig.registered("bob", &mut Device::new()).await;
    bob.add_passkey("second", &mut Device::new()).await.expect_ok();
    for path in ["/account/passkeys/1/delete", "/account/passkeys/1/rename", "/account/passkeys/999/delete"] {
        assert_eq!(bob.form(path, "name=mine").await.status, 404, "{path}");
    }
    assert_eq!(bob.form("/account/passkeys/x/delete", "").await.status, 404);
    alice.sign_in(None, &mut alices).await.expect_ok();
}

#[tokio::test]
async fn signed_out_visitors_can_change_nothing() {
    let rig = Rig::start().await;
    rig.registered("alice", &mut Device::new()).await;
    let mut browser = rig.browser();
    browser.get("/").await;
    assert_eq!(browser.form("/account/passkeys/1/delete", "").await.status, 401);
    assert_eq!(browser.form("/account/passkeys/1/rename", "name=x").await.status, 401);
    browser.add_passkey("x", &mut Device::new()).await.expect_refused(401, "sign-in-first");
    assert_eq!(browser.get("/confirm").await.header("location"), "/?done=sign-in-first");
}

#[tokio::test]
async fn changes_need_a_fresh_sign_in() {
    let rig = Rig::start().await;
    let mut device = Device::new();
    let mut browser = rig.registered("alice", &mut device).await;
    rig.wait(Duration::from_mins(10));
    browser.add_passkey("in time", &mut Device::new()).await.expect_ok();
    rig.wait(Duration::from_secs(1));
    browser.add_passkey("late", &mut Device::new()).await.expect_refused(403, "confirm-first");
    let answer = browser.form("/account/passkeys/2/delete", "").await;
    assert_eq!(answer.status, 403);
    assert!(answer.body.contains("href=\"/confirm\""));
    // Renaming does not open the account to anyone.
    assert_eq!(browser.form("/account/passkeys/2/rename", "name=x").await.status, 303);

    assert!(browser.get("/confirm").await.body.contains("data-username=\"alice\""));
    let answer = browser.sign_in(Some("alice"), &mut device).await.expect_ok();
    assert_eq!(answer["next"], "/account?done=confirmed");
    browser.get("/account").await;
    browser.add_passkey("now", &mut Device::new()).await.expect_ok();
}

#[tokio::test]
async fn a_device_that_is_registered_is_excluded() {
    let rig = Rig::start().await;
    let mut device = Device::new();
    let mut browser = rig.registered("alice", &mut device).await;
    let options = browser.call("/api/passkeys/options", &json!({})).await.expect_ok();
    let options = &options["publicKey"];
    assert_eq!(options["excludeCredentials"].as_array().unwrap().len(), 1);
    assert_eq!(options["user"]["name"], "alice");
}

#[tokio::test]
async fn a_credential_id_of_somebody_else_is_refused() {
    let rig = Rig::start().await;
    let mut device = Device::new();
    let mut alice = rig.registered("alice", &mut device).await;
    let mut bob = rig.registered("bob", &mut Device::new()).await;
    let options = bob.call("/api/passkeys/options", &json!({})).await.expect_ok();
    let stolen = device.keys[0].id.clone();
    let mut thief = Device::new();
    thief.fixed_id = Some(stolen);
    let body = json!({ "credential": thief.create(&options["publicKey"]) });
    bob.call("/api/passkeys/finish", &body).await.expect_refused(409, "passkey-exists");
    alice.sign_in(None, &mut device).await.expect_ok();
}

#[tokio::test]
async fn names_of_passkeys_have_rules() {
    let rig = Rig::start().await;
    let mut browser = rig.registered("alice", &mut Device::new()).await;
    for name in ["", "+", "a%00b", &"x".repeat(65)] {
        let answer = browser.form("/account/passkeys/1/rename", &format!("name={name}")).await;
        assert_eq!(answer.status, 422, "{name:?}");
    }
    browser.add_passkey("a\u{202E}b", &mut Device::new()).await.expect_refused(422, "name");
    // An empty name is no name: the site makes one up.
    browser.add_passkey(" ", &mut Device::new()).await.expect_ok();
    assert!(browser.get("/account").await.body.contains("Passkey 2"));
}

#[tokio::test]
async fn an_account_has_at_most_twenty_passkeys() {
    let rig = Rig::start().await;
    let mut browser = rig.registered("alice", &mut Device::new()).await;
    for number in 2..=20 {
        browser.add_passkey(&number.to_string(), &mut Device::new()).await.expect_ok();
    }
    browser.add_passkey("21", &mut Device::new()).await.expect_refused(409, "too-many-passkeys");
}
