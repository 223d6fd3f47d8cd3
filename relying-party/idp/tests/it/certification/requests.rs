//! Requests that are unusual, and those that are not to be answered.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::json;
use url::form_urlencoded;

use super::Suite;
use crate::browser::request;
use crate::rig::REDIRECT;

#[tokio::test]
async fn oidcc_ensure_request_without_nonce_succeeds_for_code_flow() {
    let mut suite = Suite::start().await;
    let tokens = suite.tokens(&[("nonce", "")]).await;
    assert!(suite.verified(&tokens).await["nonce"].is_null());
}

#[tokio::test]
async fn oidcc_ensure_request_with_unknown_parameter_succeeds() {
    let mut suite = Suite::start().await;
    suite.tokens(&[("extra", "foobar")]).await;
}

#[tokio::test]
async fn oidcc_claims_locales() {
    let mut suite = Suite::start().await;
    suite.tokens(&[("claims_locales", "se"), ("scope", "openid profile")]).await;
}

#[tokio::test]
async fn oidcc_ensure_request_with_acr_values_succeeds() {
    let mut suite = Suite::start().await;
    let tokens = suite.tokens(&[("acr_values", "1 2")]).await;
    let acr = suite.verified(&tokens).await["acr"].clone();
    assert!(acr.is_null() || acr.is_string(), "{acr}");
}

#[tokio::test]
async fn oidcc_ensure_registered_redirect_uri() {
    let mut suite = Suite::start().await;
    let page = suite.authorize(&[("redirect_uri", "https://app.example.org/cb/not-registered")]).await;
    assert_eq!((page.status, page.location), (400, None));
    assert!(page.html.contains("50011"));
}

/// From the suite's comprehensive plan, as are the next two.
#[tokio::test]
async fn oidcc_redirect_uri_query_ok() {
    let mut suite = Suite::start().await;
    let uri = format!("{REDIRECT}?foo=bar");
    suite.register(&uri).await;
    let page = suite.authorize(&[("redirect_uri", &uri)]).await;
    let location = suite.through(page).await.location.unwrap();
    assert!(location.starts_with(&format!("{uri}&code=")), "{location}");
}

#[tokio::test]
async fn oidcc_redirect_uri_query_mismatch() {
    let mut suite = Suite::start().await;
    suite.register(&format!("{REDIRECT}?foo=bar")).await;
    let page = suite.authorize(&[("redirect_uri", &format!("{REDIRECT}?bar=foo"))]).await;
    assert_eq!((page.status, page.location), (400, None));
}

#[tokio::test]
async fn oidcc_redirect_uri_query_added() {
    let mut suite = Suite::start().await;
    let page = suite.authorize(&[("redirect_uri", &format!("{REDIRECT}?foo=bar"))]).await;
    assert_eq!((page.status, page.location), (400, None));
}

#[tokio::test]
async fn oidcc_ensure_post_request_succeeds() {
    let mut suite = Suite::start().await;
    let query = request(&suite.rig, &[("scope", "openid")]);
    let fields: Vec<(String, String)> = form_urlencoded::parse(query.as_bytes()).into_owned().collect();
    let fields: Vec<_> = fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let path = format!("/{}/oauth2/v2.0/authorize", suite.rig.tenant);
    let page = suite.browser.post(&path, &fields).await;
    let page = suite.browser.get(&page.location.unwrap()).await;
    assert!(suite.through(page).await.answer().contains_key("code"));
}

/// An unsigned request object with these parameters.
fn object(parameters: &serde_json::Value) -> String {
    let part = |value: &serde_json::Value| URL_SAFE_NO_PAD.encode(value.to_string());
    format!("{}.{}.", part(&json!({ "alg": "none" })), part(parameters))
}

#[tokio::test]
async fn oidcc_unsigned_request_object_supported_correctly_or_rejected_as_unsupported() {
    let mut suite = Suite::start().await;
    let answer = suite.answer(&[("request", &object(&json!({ "nonce": "other" })))]).await;
    assert_eq!((answer["error"].as_str(), answer["state"].as_str()), ("request_not_supported", "s"));
    assert_eq!(suite.metadata().await["request_parameter_supported"], false);
}

#[tokio::test]
async fn oidcc_request_uri_unsigned_supported_correctly_or_rejected_as_unsupported() {
    let mut suite = Suite::start().await;
    let answer = suite.answer(&[("request_uri", "https://app.example.org/request.jwt")]).await;
    assert_eq!((answer["error"].as_str(), answer["state"].as_str()), ("request_uri_not_supported", "s"));
    assert_eq!(suite.metadata().await["request_uri_parameter_supported"], false);
}

/// The redirect URI beside the object is not registered: whatever the object says, nothing is sent there.
#[tokio::test]
async fn oidcc_ensure_request_object_with_redirect_uri() {
    let mut suite = Suite::start().await;
    let object = object(&json!({ "redirect_uri": REDIRECT }));
    let evil = [("request", object.as_str()), ("redirect_uri", "https://app.example.org/other")];
    let page = suite.authorize(&evil).await;
    assert_eq!((page.status, page.location), (400, None));
    assert!(page.html.contains("50011"));
}
