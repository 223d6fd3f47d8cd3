//! Sessions, CSRF, headers, sizes, and text that tries to be markup.

use std::time::Duration;

use axum::body::Body;
use axum::http::Request;
use latchkey_site::Settings;
use serde_json::json;

use crate::device::Device;
use crate::rig::{ORIGIN, Rig};

#[tokio::test]
async fn a_call_needs_the_token_of_its_session() {
    let rig = Rig::start().await;
    let mut browser = rig.browser();
    let mut other = rig.browser();
    browser.get("/").await;
    other.get("/").await;
    let own = browser.csrf.clone();
    for token in ["", "wrong", other.csrf.as_str()] {
        browser.csrf = token.to_owned();
        browser.call("/api/sign-in/options", &json!({})).await.expect_refused(403, "stale-page");
    }
    browser.csrf = own;
    browser.call("/api/sign-in/options", &json!({})).await.expect_ok();
    browser.cookie = None;
    browser.call("/api/sign-in/options", &json!({})).await.expect_refused(403, "stale-page");
}

#[tokio::test]
async fn a_form_needs_the_token_of_its_session() {
    let rig = Rig::start().await;
    let mut browser = rig.registered("alice", &mut Device::new()).await;
    let own = std::mem::replace(&mut browser.csrf, "wrong".to_owned());
    for path in ["/sign-out", "/account/passkeys/1/rename", "/account/passkeys/1/delete"] {
        let answer = browser.form(path, "name=x").await;
        assert_eq!(answer.status, 403, "{path}");
        assert!(answer.body.contains("data-code=\"stale-page\""));
    }
    assert!(browser.signed_in().await);
    browser.csrf = own;
    assert_eq!(browser.form("/sign-out", "").await.status, 303);
    assert!(!browser.signed_in().await);
}

#[tokio::test]
async fn another_origin_cannot_post() {
    let rig = Rig::start().await;
    let mut browser = rig.browser();
    browser.get("/").await;
    for origin in ["https://evil.example", "null", "http://127.0.0.1:8080", "https://localhost:8080"] {
        browser.origin = Some(origin.to_owned());
        browser.call("/api/sign-in/options", &json!({})).await.expect_refused(403, "foreign-origin");
    }
    for origin in [Some(ORIGIN.to_owned()), None] {
        browser.origin = origin;
        browser.call("/api/sign-in/options", &json!({})).await.expect_ok();
    }
}

#[tokio::test]
async fn signing_in_makes_a_new_session() {
    let rig = Rig::start().await;
    let mut device = Device::new();
    rig.registered("alice", &mut device).await;
    let mut victim = rig.browser();
    victim.get("/").await;
    let (planted, planted_csrf) = (victim.cookie.clone(), victim.csrf.clone());
    let answer = victim.sign_in(None, &mut device).await;
    let cookie = answer.header("set-cookie").to_owned();
    assert!(cookie.starts_with("session="));
    assert!(cookie.contains("; Path=/; HttpOnly; SameSite=Lax"), "{cookie}");
    assert!(!cookie.contains("Secure"));
    assert_ne!(victim.cookie, planted);
    assert!(victim.signed_in().await);
    // Whoever planted the old token has nothing.
    let mut attacker = rig.browser();
    attacker.cookie = planted;
    attacker.csrf.clone_from(&planted_csrf);
    attacker.call("/api/sign-in/options", &json!({})).await.expect_refused(403, "stale-page");
    assert!(!attacker.signed_in().await);
}

#[tokio::test]
async fn signing_out_ends_the_session_on_the_server() {
    let rig = Rig::start().await;
    let mut browser = rig.registered("alice", &mut Device::new()).await;
    let stolen = browser.cookie.clone();
    let answer = browser.form("/sign-out", "").await;
    assert!(answer.header("set-cookie").contains("Max-Age=0"));
    browser.cookie = stolen;
    assert!(!browser.signed_in().await);
}

#[tokio::test]
async fn sessions_end_after_their_time() {
    let rig = Rig::start().await;
    let mut browser = rig.registered("alice", &mut Device::new()).await;
    rig.wait(Duration::from_secs(43_199));
    assert!(browser.signed_in().await);
    rig.wait(Duration::from_secs(1));
    assert!(!browser.signed_in().await);
}

#[tokio::test]
async fn tokens_that_nobody_issued_open_nothing() {
    let rig = Rig::start().await;
    let mut browser = rig.browser();
    for cookie in ["session=", "session=x", &format!("session={}", "A".repeat(43)), "other=1; session"] {
        browser.cookie = Some(cookie.to_owned());
        let answer = browser.get("/account").await;
        assert_eq!(answer.header("location"), "/?done=sign-in-first");
        assert!(answer.header("set-cookie").starts_with("session="), "a new session replaces {cookie:?}");
    }
}

#[tokio::test]
async fn every_answer_has_the_security_headers() {
    let rig = Rig::start().await;
    let mut browser = rig.registered("alice", &mut Device::new()).await;
    for path in ["/", "/account", "/static/site.css", "/static/nope", "/nope", "/api/sign-in/options"] {
        let answer = browser.get(path).await;
        let policy = answer.header("content-security-policy");
        assert!(policy.starts_with("default-src 'none'; script-src 'self'; style-src 'self'"), "{path}");
        assert!(policy.contains("frame-ancestors 'none'") && policy.contains("base-uri 'none'"), "{path}");
        assert!(!policy.contains("unsafe"), "{path}");
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(answer.header("referrer-policy"), "same-origin", "{path}");
        let caching = if path == "/static/site.css" { "no-cache" } else { "no-store" };
        assert_eq!(answer.header("cache-control"), caching, "{path}");
        assert!(!answer.body.contains(" style=") && !answer.body.contains(" onclick="), "{path}");
    }
}

#[tokio::test]
async fn over_https_cookies_are_bound_to_the_host() {
    let rig = Rig::with(Settings::new("https://example.org", None).unwrap()).await;
    let mut browser = rig.browser();
    let answer = browser.get("/").await;
    let cookie = answer.header("set-cookie");
    assert!(cookie.starts_with("__Host-session="), "{cookie}");
    assert!(cookie.ends_with("; Path=/; HttpOnly; SameSite=Lax; Secure"), "{cookie}");
    assert_eq!(answer.header("strict-transport-security"), "max-age=31536000");
    // The session is found again under that name.
    assert_eq!(browser.get("/").await.header("set-cookie"), "");
}

#[tokio::test]
async fn bodies_have_a_size_and_a_form() {
    let rig = Rig::start().await;
    let mut browser = rig.browser();
    browser.get("/").await;
    let body = |bytes: usize| json!({"username": "x".repeat(bytes - r#"{"username":""}"#.len())});
    let start = "/api/register/options";
    browser.call(start, &body(64 * 1024)).await.expect_refused(422, "name");
    browser.call(start, &body(64 * 1024 + 1)).await.expect_refused(413, "too-large");
    for text in ["", "{", "[]", r#"{"username": 1}"#, &"[".repeat(10_000)] {
        let request = Request::post(start)
            .header("content-type", "application/json")
            .header("x-csrf-token", browser.csrf.as_str());
        browser.send(request, Body::from(text.to_owned())).await.expect_refused(400, "malformed");
    }
    let request = Request::post(start)
        .header("content-type", "text/plain")
        .header("x-csrf-token", browser.csrf.as_str());
    let answer = browser.send(request, Body::from(r#"{"username":"a"}"#)).await;
    answer.expect_refused(400, "malformed");
}

#[tokio::test]
async fn names_are_text_not_markup() {
    let rig = Rig::start().await;
    let mut device = Device::new();
    let name = r#"<script>alert("x")</script>"#;
    let mut browser = rig.registered(name, &mut device).await;
    browser.form("/account/passkeys/1/rename", "name=%22%3E%3Cimg+src%3Dx+onerror%3Dalert(1)%3E").await;
    let page = browser.get("/account").await.body;
    assert!(!page.contains("<script>alert") && !page.contains("<img src=x"));
    assert!(page.contains("&#60;script&#62;alert") && page.contains("&#60;img src=x"));
    // Nothing of the URL is shown.
    let page = browser.get("/account?done=%3Cb%3Ehello").await.body;
    assert!(!page.contains("hello"));
}

#[tokio::test]
async fn unknown_pages_and_wrong_methods_say_so() {
    let rig = Rig::start().await;
    let mut browser = rig.browser();
    let answer = browser.get("/nope").await;
    assert_eq!(answer.status, 404);
    assert!(answer.body.contains("There is no such page."));
    assert_eq!(browser.get("/sign-out").await.status, 405);
    let style = browser.get("/static/site.css").await;
    assert_eq!((style.status.as_u16(), style.header("content-type")), (200, "text/css; charset=utf-8"));
    let request = Request::get("/static/site.css").header("if-none-match", style.header("etag"));
    assert_eq!(browser.send(request, Body::empty()).await.status, 304);
}
