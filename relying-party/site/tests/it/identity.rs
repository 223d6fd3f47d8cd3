//! Sign-in at an identity provider: what is let through, and every answer that is not.

use std::time::Duration;

use axum::http::StatusCode;
use latchkey_site::Settings;
use serde_json::{Value, json};

use crate::device::Device;
use crate::issuer::{Change, Issuer, Part};
use crate::rig::{Answer, Browser, ORIGIN, Rig};

async fn site() -> (Rig, Issuer) {
    let issuer = Issuer::start().await;
    let mut settings = Settings::new(ORIGIN, None).unwrap();
    settings.identity_provider = Some(issuer.settings());
    (Rig::with(settings).await, issuer)
}

/// Presses the button, and returns where it leads.
async fn begin(browser: &mut Browser) -> String {
    browser.get("/").await;
    let answer = browser.form("/identity/sign-in", "").await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.body);
    answer.header("location").to_owned()
}

async fn sign_in(browser: &mut Browser, issuer: &Issuer) -> Answer {
    let location = begin(browser).await;
    browser.get(&issuer.signed_in(&location)).await
}

#[track_caller]
fn refused(answer: &Answer, status: u16, code: &str) {
    assert_eq!(answer.status.as_u16(), status, "{}", answer.body);
    assert!(answer.body.contains(&format!("data-code=\"{code}\"")), "{code}: {}", answer.body);
}

#[tokio::test]
async fn an_account_of_the_provider_signs_in_and_out_of_both() {
    let (rig, issuer) = site().await;
    let mut browser = rig.browser();
    assert!(browser.get("/").await.body.contains("Sign in with Latchkey ID"));
    let before = browser.cookie.clone();
    let answer = sign_in(&mut browser, &issuer).await;
    assert_eq!((answer.status.as_u16(), answer.header("location")), (303, "/account"));
    assert_ne!(browser.cookie, before, "signing in makes a new session");
    let account = browser.get("/account").await.body;
    assert!(account.contains("Ann Example") && account.contains("ann@example.org"), "{account}");
    assert!(account.contains("signed in with Latchkey ID"));

    let out = browser.form("/identity/sign-out", "").await;
    assert!(out.header("set-cookie").contains("Max-Age=0"));
    let there = url::Url::parse(out.header("location")).unwrap();
    let given = |name| there.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned());
    assert!(there.as_str().starts_with(&format!("{}/logout?", issuer.url)));
    assert_eq!(given("post_logout_redirect_uri").unwrap(), format!("{ORIGIN}/identity/signed-out"));
    assert_eq!(given("client_id").unwrap(), "demo-site");
    assert_eq!(given("id_token_hint").unwrap().split('.').count(), 3);
    let back = browser.get("/identity/signed-out").await;
    assert_eq!(back.header("location"), "/?done=signed-out-everywhere");
    assert!(!browser.signed_in().await);
}

#[tokio::test]
async fn a_site_without_provider_offers_none() {
    let rig = Rig::start().await;
    let mut browser = rig.browser();
    assert!(!browser.get("/").await.body.contains("Latchkey ID"));
    refused(&browser.form("/identity/sign-in", "").await, 404, "not-found");
    refused(&browser.get("/identity/answer?code=c&state=s").await, 404, "not-found");
}

/// A provider that says that, in place of what it should.
const LIES: [(&str, Part, Change); 18] = [
    ("another nonce", Part::Claims, |claims| claims["nonce"] = json!("another")),
    ("no nonce", Part::Claims, |claims| claims["nonce"] = Value::Null),
    ("another issuer", Part::Claims, |claims| claims["iss"] = json!("https://evil.example/t")),
    ("another audience", Part::Claims, |claims| claims["aud"] = json!("another-site")),
    ("one audience more", Part::Claims, |claims| claims["aud"] = json!(["demo-site", "another-site"])),
    ("an ID token that is over", Part::Claims, |claims| claims["exp"] = json!(1_749_999_999)),
    ("another access token", Part::Claims, |claims| claims["at_hash"] = json!("AAAAAAAAAAAAAAAAAAAAAA")),
    ("no subject", Part::Claims, |claims| drop(claims.as_object_mut().unwrap().remove("sub"))),
    ("another key", Part::Signature, |signature| *signature = json!("another")),
    ("an unknown key", Part::Header, |header| header["kid"] = json!("key-9")),
    ("no signature", Part::Header, |header| header["alg"] = json!("none")),
    ("a signature by the client secret", Part::Header, |header| header["alg"] = json!("HS256")),
    ("an access token as ID token", Part::Header, |header| header["typ"] = json!("at+jwt")),
    ("no ID token", Part::Tokens, |tokens| drop(tokens.as_object_mut().unwrap().remove("id_token"))),
    ("no JWT as ID token", Part::Tokens, |tokens| tokens["id_token"] = json!("x")),
    ("no access token", Part::Tokens, |tokens| drop(tokens.as_object_mut().unwrap().remove("access_token"))),
    ("another person's user info", Part::Person, |person| person["sub"] = json!("subject-2")),
    ("an endless answer", Part::Person, |person| person["name"] = json!("x".repeat(300_000))),
];

#[tokio::test]
async fn answers_that_do_not_hold_sign_nobody_in() {
    for (lie, part, change) in LIES {
        let (rig, issuer) = site().await;
        issuer.change(part, change);
        let mut browser = rig.browser();
        let answer = sign_in(&mut browser, &issuer).await;
        println!("{lie}");
        refused(&answer, 403, "identity-not-proven");
        assert!(!browser.signed_in().await, "{lie}");
    }
}

#[tokio::test]
async fn metadata_that_does_not_hold_sends_nobody_there() {
    let lies: [(&str, Change); 3] = [
        ("another issuer", |metadata| metadata["issuer"] = json!("https://evil.example/t")),
        ("no keys", |metadata| metadata["jwks_uri"] = Value::Null),
        ("endless", |metadata| metadata["more"] = json!("x".repeat(300_000))),
    ];
    for (lie, change) in lies {
        let (rig, issuer) = site().await;
        issuer.change(Part::Metadata, change);
        let mut browser = rig.browser();
        browser.get("/").await;
        println!("{lie}");
        refused(&browser.form("/identity/sign-in", "").await, 502, "identity-unreachable");
    }
}

#[tokio::test]
async fn an_answer_serves_once_in_the_session_that_asked() {
    let (rig, issuer) = site().await;
    let mut browser = rig.browser();
    let location = begin(&mut browser).await;
    let answer = issuer.signed_in(&location);
    // An attacker's own answer in the victim's browser would sign the victim in as the attacker.
    let mut victim = rig.browser();
    victim.get("/").await;
    refused(&victim.get(&answer).await, 400, "identity-answer-unknown");
    // It was bound to its session, so it still serves there; but not again.
    let cookie = browser.cookie.clone();
    assert_eq!(browser.get(&answer).await.status, 303);
    refused(&browser.get(&answer).await, 400, "identity-answer-unknown");
    browser.cookie = cookie;
    refused(&browser.get(&answer).await, 400, "identity-answer-unknown");
}

#[tokio::test]
async fn an_answer_expires() {
    let (rig, issuer) = site().await;
    let mut browser = rig.browser();
    let location = begin(&mut browser).await;
    rig.wait(Duration::from_mins(30));
    refused(&browser.get(&issuer.signed_in(&location)).await, 400, "challenge-expired");
}

#[tokio::test]
async fn an_answer_names_the_issuer_that_was_asked() {
    let (rig, issuer) = site().await;
    for issuer_parameter in ["", "&iss=https%3A%2F%2Fevil.example%2Ft"] {
        let mut browser = rig.browser();
        let state = issuer.see(&begin(&mut browser).await);
        let answer = browser.get(&format!("/identity/answer?code=c&state={state}{issuer_parameter}")).await;
        refused(&answer, 400, "identity-mix-up");
    }
}

#[tokio::test]
async fn refusals_say_what_to_do() {
    let (rig, issuer) = site().await;
    for (error, status, code) in
        [("access_denied", 403, "identity-declined"), ("server_error", 502, "identity-refused")]
    {
        let mut browser = rig.browser();
        let location = begin(&mut browser).await;
        let answer = issuer.signed_in(&location).replace("code=the+code", &format!("error={error}"));
        let answer = browser.get(&format!("{answer}&error_description=Call+0900-12345")).await;
        refused(&answer, status, code);
        assert!(!answer.body.contains("0900"), "a text of the URL is on the page");
    }
    issuer.refuse(StatusCode::BAD_REQUEST);
    refused(&sign_in(&mut rig.browser(), &issuer).await, 502, "identity-refused");
    for malformed in ["", "?state=s", "?code=c", "?code=c&error=e&state=s", "?code=c&code=d&state=s"] {
        refused(&rig.browser().get(&format!("/identity/answer{malformed}")).await, 400, "malformed");
    }
}

#[tokio::test]
async fn a_name_joins_no_accounts() {
    let (rig, issuer) = site().await;
    let mut device = Device::new();
    rig.registered("ann@example.org", &mut device).await;
    // The same name at the provider is another account, without the passkeys of the first.
    let mut browser = rig.browser();
    sign_in(&mut browser, &issuer).await;
    let account = browser.get("/account").await.body;
    assert!(account.contains("signed in with Latchkey ID") && !account.contains("passkey-list"));
    browser.call("/api/passkeys/options", &json!({})).await.expect_refused(409, "kept-elsewhere");
    // Two subjects are two accounts, whatever they are called; one subject is one.
    issuer.sign_in_as("subject-2");
    sign_in(&mut rig.browser(), &issuer).await;
    issuer.sign_in_as("subject-1");
    sign_in(&mut rig.browser(), &issuer).await;
    let mut local = rig.browser();
    local.get("/").await;
    local.sign_in(Some("ann@example.org"), &mut device).await.expect_ok();
    assert!(local.get("/account").await.body.contains("passkey-list"));
}

#[tokio::test]
async fn the_provider_ends_its_own_sessions_and_no_others() {
    let (rig, issuer) = site().await;
    let mut browser = rig.browser();
    sign_in(&mut browser, &issuer).await;
    let mut provider = rig.browser();
    let issuer_url: String = url::form_urlencoded::byte_serialize(issuer.url.as_bytes()).collect();
    for (iss, sid) in [(issuer_url.as_str(), "session-2"), ("https%3A%2F%2Fevil.example", "session-1")] {
        let answer = provider.get(&format!("/identity/front-channel-sign-out?iss={iss}&sid={sid}")).await;
        assert_eq!(answer.status, 200);
        assert!(browser.signed_in().await, "{iss} {sid}");
    }
    let answer =
        provider.get(&format!("/identity/front-channel-sign-out?iss={issuer_url}&sid=session-1")).await;
    let origin = issuer.url.trim_end_matches("/t");
    let policy = answer.header("content-security-policy");
    assert!(policy.ends_with(&format!("frame-ancestors {origin}")), "the provider may frame it: {policy}");
    assert!(!browser.signed_in().await);
    refused(&provider.get("/identity/front-channel-sign-out?sid=session-1").await, 400, "malformed");
}

#[tokio::test]
async fn metadata_is_kept_for_a_while_and_read_again_for_a_new_key() {
    let (rig, issuer) = site().await;
    sign_in(&mut rig.browser(), &issuer).await;
    sign_in(&mut rig.browser(), &issuer).await;
    assert_eq!(issuer.reads(), 1);
    issuer.change(Part::Header, |header| header["kid"] = json!("key-9"));
    refused(&sign_in(&mut rig.browser(), &issuer).await, 403, "identity-not-proven");
    assert_eq!(issuer.reads(), 2);
}

#[tokio::test]
async fn a_provider_without_sign_out_still_lets_go_here() {
    let (rig, issuer) = site().await;
    issuer.change(Part::Metadata, |metadata| metadata["end_session_endpoint"] = Value::Null);
    let mut browser = rig.browser();
    sign_in(&mut browser, &issuer).await;
    browser.get("/account").await;
    let out = browser.form("/identity/sign-out", "").await;
    assert_eq!(out.header("location"), "/?done=signed-out-here");
    assert!(!browser.signed_in().await);
}
