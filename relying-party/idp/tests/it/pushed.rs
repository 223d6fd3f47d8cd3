//! Pushed authorization requests (RFC 9126).

use std::time::Duration;

use latchkey_idp::domain::{App, Registration};
use url::form_urlencoded;

use crate::browser::{Browser, Page, request};
use crate::dpop::Key;
use crate::rig::{Answer, Rig, SECRET};
use crate::sign_in::{NAME, PASSWORD, finish, rig};

/// Pushes the web application's request with some fields changed; an empty value leaves one out.
async fn push(rig: &Rig, more: &[(&str, &str)]) -> Answer {
    let query = request(rig, more);
    let fields: Vec<(String, String)> = form_urlencoded::parse(query.as_bytes()).into_owned().collect();
    let mut fields: Vec<_> = fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    if !more.iter().any(|(name, _)| *name == "client_secret") {
        fields.push(("client_secret", SECRET));
    }
    rig.post(&format!("/{}/oauth2/v2.0/par", rig.tenant), &fields).await
}

async fn open(rig: &Rig, browser: &mut Browser, client: &str, uri: &str, more: &str) -> Page {
    let query = form_urlencoded::Serializer::new(String::new())
        .extend_pairs([("client_id", client), ("request_uri", uri)])
        .finish();
    browser.get(&format!("/{}/oauth2/v2.0/authorize?{query}{more}", rig.tenant)).await
}

#[tokio::test]
async fn a_pushed_request_is_carried_out_once() {
    let rig = rig().await;
    let answer = push(&rig, &[]).await;
    assert_eq!((answer.status, answer.body["expires_in"].as_i64()), (201, Some(90)), "{}", answer.body);
    assert_eq!(answer.headers["cache-control"], "no-store");
    let uri = answer.body["request_uri"].as_str().unwrap();
    assert!(uri.starts_with("urn:ietf:params:oauth:request_uri:") && uri.len() > 70, "{uri}");
    let (web, native) = (rig.web.to_string(), rig.native.to_string());
    let mut browser = Browser::new(&rig);
    // Another client's attempt neither works nor uses it up.
    let page = open(&rig, &mut browser, &native, uri, "").await;
    assert!(page.status == 400 && page.location.is_none() && page.html.contains("900146"), "{}", page.html);
    // What else the query says does not count.
    let evil = "&redirect_uri=https%3A%2F%2Fevil.example&scope=User.Read&state=evil";
    let page = open(&rig, &mut browser, &web, uri, evil).await;
    page.shows("user");
    let page = browser.submit(&page, "user", &[("loginfmt", NAME)]).await;
    let page = browser.submit(&page, "password", &[("passwd", PASSWORD)]).await;
    finish(&rig, &mut browser, &page).await;
    let page = open(&rig, &mut browser, &web, uri, "").await;
    assert!(page.status == 400 && page.html.contains("900146"), "{}", page.html);

    let late = push(&rig, &[]).await.body["request_uri"].as_str().unwrap().to_owned();
    rig.wait(Duration::from_secs(90));
    let page = open(&rig, &mut browser, &web, &late, "").await;
    assert!(page.status == 400 && page.html.contains("900146"), "{}", page.html);
}

#[tokio::test]
async fn everything_is_checked_when_it_is_pushed() {
    let rig = Rig::start().await;
    for (name, value, status, error, code) in [
        ("client_secret", "wrong", 401, "invalid_client", 7_000_215),
        ("client_secret", "", 401, "invalid_client", 7_000_218),
        ("redirect_uri", "https://evil.example/", 400, "invalid_request", 50_011),
        ("response_type", "token", 400, "unsupported_response_type", 70_005),
        ("scope", "a\"b", 400, "invalid_scope", 70_011),
        ("code_challenge_method", "plain", 400, "invalid_request", 9_002_325),
        ("request_uri", "urn:ietf:params:oauth:request_uri:x", 400, "invalid_request", 90_014),
        ("request_uri", "https://evil.example/", 400, "invalid_request", 90_014),
        ("request", "x", 400, "request_not_supported", 90_014),
        ("prompt", "sometimes", 400, "invalid_request", 90_014),
        ("client_id", "00000000-0000-0000-0000-000000000001", 400, "unauthorized_client", 700_016),
    ] {
        push(&rig, &[(name, value)]).await.refused(status, error, code);
    }
    let path = format!("/{}/oauth2/v2.0/par", rig.tenant);
    assert_eq!(rig.get(&path, None).await.status, 405);
    // A public client has only its name to show.
    let native = rig.native.to_string();
    let fields =
        [("client_id", native.as_str()), ("redirect_uri", "http://localhost"), ("client_secret", "")];
    assert_eq!(push(&rig, &fields).await.status, 201);
}

#[tokio::test]
async fn a_request_must_be_pushed_where_the_application_says_so() {
    let rig = rig().await;
    let app = rig.database.apps().find(rig.web).await.unwrap().unwrap();
    let registration = Registration { pushed_requests: true, ..app.registration.clone() };
    rig.database.apps().update(&App { registration, ..app }).await.unwrap();
    rig.wait(Duration::from_secs(6));
    let mut browser = Browser::new(&rig);
    let refused = browser.authorize(&rig, &[]).await.answer();
    assert_eq!(refused["error"], "invalid_request");
    let uri = push(&rig, &[]).await.body["request_uri"].as_str().unwrap().to_owned();
    open(&rig, &mut browser, &rig.web.to_string(), &uri, "").await.shows("user");
    let foreign = browser.authorize(&rig, &[("request_uri", "https://evil.example/r")]).await.answer();
    assert_eq!(foreign["error"], "request_uri_not_supported");
}

#[tokio::test]
async fn the_key_of_the_push_is_the_key_of_the_code() {
    let rig = Rig::start().await;
    let path = format!("/{}/oauth2/v2.0/par", rig.tenant);
    let mut key = Key::new();
    let (thumbprint, other) = (key.thumbprint(), Key::new().thumbprint());
    for (named, status) in [("", 201), (thumbprint.as_str(), 201), (other.as_str(), 400)] {
        let proof = key.proof(&rig, "POST", &path);
        let body = format!("{}&client_secret={SECRET}", request(&rig, &[("dpop_jkt", named)]));
        let request = axum::http::Request::post(&path).header("dpop", key.sign(&proof));
        let answer = rig.send(request.body(axum::body::Body::from(body)).unwrap()).await;
        assert_eq!(answer.status, status, "{}", answer.body);
    }
}
