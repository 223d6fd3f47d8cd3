//! What works: register, sign out, sign in with and without a name, add, rename, delete.

use axum::http::StatusCode;
use serde_json::json;

use crate::device::{BE, BS, Device, Handle, UP, UV};
use crate::rig::Rig;

#[tokio::test]
async fn register_sign_out_sign_in() {
    let rig = Rig::start().await;
    let mut device = Device::new();
    let mut browser = rig.registered("  Alice Example ", &mut device).await;
    let account = browser.get("/account?done=registered").await;
    assert!(account.body.contains("Alice Example"));
    assert!(account.body.contains("Welcome!"));
    assert!(account.body.contains("Passkey 1"));
    assert!(account.body.contains("Not yet"));
    assert!(account.body.contains("Stays on one device"));

    let out = browser.form("/sign-out", "").await;
    assert_eq!((out.status, out.header("location")), (StatusCode::SEE_OTHER, "/?done=signed-out"));
    assert!(!browser.signed_in().await);

    for name in [None, Some("alice example"), Some("ALICE EXAMPLE")] {
        let mut browser = rig.browser();
        browser.get("/").await;
        let answer = browser.sign_in(name, &mut device).await.expect_ok();
        assert_eq!(answer["next"], "/account");
        let account = browser.get("/account").await;
        assert_eq!(account.status, StatusCode::OK);
        assert!(!account.body.contains("Not yet"));
    }
}

#[tokio::test]
async fn a_sign_in_with_a_name_needs_no_user_handle() {
    let rig = Rig::start().await;
    let mut device = Device::new();
    rig.registered("alice", &mut device).await;
    device.user_handle = Handle::Absent;
    let mut browser = rig.browser();
    browser.get("/").await;
    browser.sign_in(Some("alice"), &mut device).await.expect_ok();
    assert!(browser.signed_in().await);
}

#[tokio::test]
async fn a_device_that_does_not_count_may_sign_in_again_and_again() {
    let rig = Rig::start().await;
    let mut device = Device::new();
    device.step = 0;
    rig.registered("alice", &mut device).await;
    for _ in 0..2 {
        let mut browser = rig.browser();
        browser.get("/").await;
        browser.sign_in(None, &mut device).await.expect_ok();
    }
}

#[tokio::test]
async fn the_backup_state_is_shown_and_followed() {
    let rig = Rig::start().await;
    let mut device = Device::new();
    device.flags = UP | UV | BE;
    let mut browser = rig.registered("alice", &mut device).await;
    assert!(browser.get("/account").await.body.contains("but is not yet"));
    device.flags = UP | UV | BE | BS;
    browser.sign_in(None, &mut device).await.expect_ok();
    assert!(browser.get("/account").await.body.contains("available on several devices"));
}

#[tokio::test]
async fn options_ask_for_what_the_site_needs() {
    let rig = Rig::start().await;
    let mut device = Device::new();
    let mut browser = rig.browser();
    browser.get("/register").await;
    let options = browser.call("/api/register/options", &json!({"username": "alice"})).await.expect_ok();
    let options = &options["publicKey"];
    assert_eq!(options["rp"], json!({"id": "localhost", "name": "Latchkey demo"}));
    assert_eq!(options["user"]["name"], "alice");
    assert_eq!(options["authenticatorSelection"]["residentKey"], "required");
    assert_eq!(options["authenticatorSelection"]["userVerification"], "required");
    assert_eq!(options["attestation"], "none");
    assert!(options["challenge"].as_str().unwrap().len() >= 43);
    browser.register("alice", &mut device).await.expect_ok();

    let mut browser = rig.browser();
    browser.get("/").await;
    let options = browser.sign_in_options(None).await;
    assert_eq!(options["allowCredentials"], json!([]));
    assert_eq!(options["userVerification"], "required");
    assert_eq!(options["rpId"], "localhost");
    let options = browser.sign_in_options(Some("alice")).await;
    assert_eq!(options["allowCredentials"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn two_open_pages_do_not_disturb_each_other() {
    let rig = Rig::start().await;
    let mut device = Device::new();
    rig.registered("alice", &mut device).await;
    let mut browser = rig.browser();
    browser.get("/").await;
    let first = browser.sign_in_options(None).await;
    let _second = browser.sign_in_options(None).await;
    let credential = device.get(&first);
    browser.call("/api/sign-in/finish", &json!({ "credential": credential })).await.expect_ok();
}
