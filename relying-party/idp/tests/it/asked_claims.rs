//! What the `claims` parameter asks for: single claims, contexts, and newer tokens.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use latchkey_idp::domain::{Amr, TenantPolicy};
use latchkey_idp::oauth::ClaimsRequest;
use latchkey_idp::strength::Strength;
use serde_json::{Value, json};

use crate::browser::{Browser, Passkey};
use crate::rig::{Rig, URL, claims};
use crate::sign_in::{NAME, PASSWORD, finish, rig};

fn context(value: &str) -> String {
    json!({ "access_token": { "acrs": { "essential": true, "value": value } } }).to_string()
}

#[tokio::test]
async fn claims_are_told_that_were_asked_for_by_name() {
    let rig = Rig::start().await;
    let asked = json!({
        "userinfo": { "given_name": { "essential": true }, "email": null },
        "id_token": { "auth_time": { "essential": true }, "name": null, "acr": { "values": ["1", "2"] }, "unknown": null },
    });
    let code = rig.code_with("openid offline_access", &[("claims", &asked.to_string())]).await;
    let answer = rig.redeem(&code).await.ok();
    let told = claims(&answer["id_token"]);
    assert_eq!((&told["name"], &told["acr"]), (&json!("Alice"), &json!("1")));
    assert!(told["auth_time"].is_i64() && told["email"].is_null() && told["given_name"].is_null());
    let info = rig.get("/oidc/userinfo", answer["access_token"].as_str()).await.ok();
    assert_eq!((&info["given_name"], &info["email"]), (&json!("Alice"), &json!("alice@example.org")));
    assert!(info["name"].is_null() && info["preferred_username"].is_null());
    // The refreshed token still answers; a request without claims does not.
    let renewed = rig.refresh(&answer["refresh_token"]).await.ok();
    assert_eq!(claims(&renewed["id_token"])["name"], "Alice");
    let plain = rig.redeem(&rig.code("openid").await).await.ok();
    let told = claims(&plain["id_token"]);
    assert!(told["name"].is_null() && told["acr"].is_null());
}

#[test]
fn a_class_that_cannot_be_had_is_refused_only_if_essential() {
    let ask = |acr: Value| ClaimsRequest::parse(Some(&json!({ "id_token": { "acr": acr } }).to_string()));
    assert!(ask(json!({ "values": ["urn:x"] })).is_ok());
    assert!(ask(json!({ "essential": true })).is_ok());
    assert!(ask(json!({ "essential": true, "values": ["urn:x", "1"] })).is_ok());
    let refused = ask(json!({ "essential": true, "value": "urn:x" })).unwrap_err();
    assert_eq!(refused.row().error, "unmet_authentication_requirements");
}

#[test]
fn contexts_are_c1_to_c99() {
    for good in ["c1", "c9", "c99"] {
        assert_eq!(ClaimsRequest::parse(Some(&context(good))).unwrap().essential, [good]);
    }
    for wrong in ["c0", "c100", "c", "C1", "c+1", "c-1", "c01x", "x1", ""] {
        assert!(ClaimsRequest::parse(Some(&context(wrong))).is_err(), "{wrong}");
    }
    for wrong in ["", "[]", "1", "{", "{\"access_token\":{\"acrs\":{\"value\":1}}}"] {
        assert!(ClaimsRequest::parse(Some(wrong)).is_err(), "{wrong}");
    }
    let deep = "{\"access_token\":".repeat(200);
    assert!(ClaimsRequest::parse(Some(&deep)).is_err());
    let wished = json!({ "access_token": { "acrs": { "value": "c1" } } }).to_string();
    let wished = ClaimsRequest::parse(Some(&wished)).unwrap();
    assert!(wished.essential.is_empty() && wished.contexts == ["c1"]);
}

#[tokio::test]
async fn a_context_is_what_the_tenant_says() {
    let rig = rig().await;
    let mut policy = TenantPolicy { offer_passkey: false, ..TenantPolicy::default() };
    policy.contexts.insert("c2".to_owned(), Strength::PhishingResistant);
    policy.contexts.insert("c3".to_owned(), Strength::SingleFactor);
    rig.database.tenants().set_policy(rig.tenant, &policy).await.unwrap();
    // A password alone: enough for c3, and c1 is not named when it is only wished for.
    let mut browser = Browser::new(&rig);
    let asked = json!({ "access_token": { "acrs": { "values": ["c1", "c2", "c3"] } } }).to_string();
    let page = browser.authorize(&rig, &[("claims", &asked)]).await;
    let page = browser.submit(&page, "user", &[("loginfmt", NAME)]).await;
    let page = browser.submit(&page, "password", &[("passwd", PASSWORD)]).await;
    assert_eq!(finish(&rig, &mut browser, &page).await["acrs"], json!(["c3"]));
    // What is essential must be proved; the session of a password is not enough for it, and the account has nothing better.
    let silent = browser.authorize(&rig, &[("claims", &context("c2")), ("prompt", "none")]).await.answer();
    assert_eq!(silent["error"], "interaction_required");
    let mut passkey = Passkey::enrol(&rig).await;
    let page = browser.authorize(&rig, &[("claims", &context("c2"))]).await;
    page.shows("passkey");
    let credential = passkey.sign(&page.attribute("data-options"), URL);
    let page = browser.submit(&page, "passkey", &[("credential", &credential)]).await;
    assert_eq!(finish(&rig, &mut browser, &page).await["acrs"], json!(["c2"]));
    let again = browser.authorize(&rig, &[("claims", &asked)]).await.answer();
    let token = rig.redeem(&again["code"]).await.ok();
    assert_eq!(claims(&token["access_token"])["acrs"], json!(["c1", "c2", "c3"]));
    assert!(claims(&rig.redeem(&rig.code("openid").await).await.ok()["access_token"])["acrs"].is_null());
}

#[tokio::test]
async fn a_refresh_can_ask_for_what_the_sign_in_was_strong_enough_for() {
    let rig = Rig::start().await;
    let web = rig.web.to_string();
    let refresh = async |token: &Value, asked: &str| {
        rig.token(&[
            ("grant_type", "refresh_token"),
            ("client_id", &web),
            ("client_secret", crate::rig::SECRET),
            ("refresh_token", token.as_str().unwrap()),
            ("claims", asked),
        ])
        .await
    };
    let strong = rig.redeem(&rig.code("openid offline_access").await).await.ok();
    let answer = refresh(&strong["refresh_token"], &context("c5")).await.ok();
    assert_eq!(claims(&answer["access_token"])["acrs"], json!(["c5"]));
    let mut authentication = rig.authentication();
    authentication.methods = vec![Amr::Pwd];
    let weak = rig.redeem(&rig.code_of("openid offline_access", &[], authentication).await).await.ok();
    let refused = refresh(&weak["refresh_token"], &context("c5")).await;
    refused.refused(400, "interaction_required", 50_076);
    assert_eq!(
        serde_json::from_str::<Value>(refused.body["claims"].as_str().unwrap()).unwrap()["access_token"]["acrs"]
            ["value"],
        "c1"
    );
    // The refused token is not used up. Brokers ask by the method instead.
    let mfa = json!({ "access_token": { "amr": { "values": ["ngcmfa", "mfa"] } } }).to_string();
    refresh(&weak["refresh_token"], &mfa).await.refused(400, "interaction_required", 50_076);
    refresh(&weak["refresh_token"], "").await.ok();
}

#[tokio::test]
async fn who_handles_challenges_gets_one_when_the_sign_in_is_revoked() {
    let rig = Rig::start().await;
    let able = json!({ "access_token": { "xms_cc": { "values": ["cp1"] } } }).to_string();
    let code = rig.code_with("openid offline_access", &[("claims", &able)]).await;
    let answer = rig.redeem(&code).await.ok();
    assert_eq!(claims(&answer["access_token"])["xms_cc"], json!(["cp1"]));
    let plain = rig.redeem(&rig.code("openid").await).await.ok();
    assert!(claims(&plain["access_token"])["xms_cc"].is_null());
    rig.get("/oidc/userinfo", answer["access_token"].as_str()).await.ok();
    rig.wait(Duration::from_secs(1));
    rig.database.users().revoke_sessions(rig.user.id, rig.now()).await.unwrap();
    let refused = rig.get("/oidc/userinfo", answer["access_token"].as_str()).await;
    refused.refused(401, "insufficient_claims", 50_173);
    let challenge = refused.headers["www-authenticate"].to_str().unwrap();
    let encoded = challenge.split_once("claims=\"").unwrap().1.strip_suffix('"').unwrap();
    let wanted: Value = serde_json::from_slice(&STANDARD.decode(encoded).unwrap()).unwrap();
    assert_eq!(wanted["access_token"]["nbf"]["essential"], true);
    rig.get("/oidc/userinfo", plain["access_token"].as_str()).await.refused(401, "invalid_token", 50_027);
    // What the client does with it: a new sign-in that carries the challenge.
    let code = rig.code_with("openid", &[("claims", &wanted.to_string())]).await;
    let newer = rig.redeem(&code).await.ok();
    rig.get("/oidc/userinfo", newer["access_token"].as_str()).await.ok();
}
