//! Codes, PKCE and refresh tokens.

use std::time::Duration;

use serde_json::Value;

use super::Suite;
use crate::browser::challenge;
use crate::rig::VERIFIER;

#[tokio::test]
async fn oidcc_codereuse() {
    let mut suite = Suite::start().await;
    let answer = suite.answer(&[]).await;
    suite.redeem(&answer["code"], &[]).await.ok();
    let again = suite.redeem(&answer["code"], &[]).await;
    assert_eq!((again.status, again.body["error"].as_str()), (400, Some("invalid_grant")));
}

#[tokio::test]
async fn oidcc_codereuse_30seconds() {
    let mut suite = Suite::start().await;
    let answer = suite.answer(&[("scope", "openid offline_access")]).await;
    let tokens = suite.redeem(&answer["code"], &[]).await.ok();
    suite.userinfo(&tokens).await;
    suite.rig.wait(Duration::from_secs(30));
    let again = suite.redeem(&answer["code"], &[]).await;
    assert_eq!((again.status, again.body["error"].as_str()), (400, Some("invalid_grant")));
    // What the code gave is revoked (RFC 6749 §4.1.2).
    let refused = suite.rig.get("/oidc/userinfo", tokens["access_token"].as_str()).await;
    assert_eq!(refused.status, 401);
    assert_eq!(refresh(&suite, &tokens).await.status, 400);
}

#[tokio::test]
async fn oidcc_refresh_token() {
    let mut suite = Suite::start().await;
    let tokens = suite.tokens(&[("scope", "openid offline_access")]).await;
    let first = suite.verified(&tokens).await;
    suite.rig.wait(Duration::from_secs(2));
    let answer = refresh(&suite, &tokens).await;
    assert_eq!(answer.headers["cache-control"], "no-store");
    let renewed = answer.ok();
    assert_ne!(renewed["access_token"], tokens["access_token"]);
    // OIDC Core §12.2.
    let second = suite.verified(&renewed).await;
    for same in ["iss", "sub", "aud", "auth_time"] {
        assert_eq!(first[same], second[same], "{same}");
    }
    assert!(second["iat"].as_i64() > first["iat"].as_i64());
    suite.userinfo(&renewed).await;
    // Another client's it is not.
    let native = suite.rig.native.to_string();
    let stolen = [
        ("grant_type", "refresh_token"),
        ("client_id", native.as_str()),
        ("refresh_token", renewed["refresh_token"].as_str().unwrap()),
    ];
    let refused = suite.rig.token(&stolen).await;
    assert_eq!((refused.status, refused.body["error"].as_str()), (400, Some("invalid_grant")));
}

#[tokio::test]
async fn oidcc_ensure_request_with_valid_pkce_succeeds() {
    let mut suite = Suite::start().await;
    let pkce = [("code_challenge", challenge()), ("code_challenge_method", "S256".to_owned())];
    let pkce: Vec<_> = pkce.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let answer = suite.answer(&pkce).await;
    let tokens = suite.redeem(&answer["code"], &[("code_verifier", VERIFIER)]).await.ok();
    suite.verified(&tokens).await;
    let answer = suite.answer(&pkce).await;
    let wrong = suite.redeem(&answer["code"], &[("code_verifier", &"x".repeat(43))]).await;
    assert_eq!((wrong.status, wrong.body["error"].as_str()), (400, Some("invalid_grant")));
}

async fn refresh(suite: &Suite, tokens: &Value) -> crate::rig::Answer {
    let token = tokens["refresh_token"].as_str().unwrap();
    suite.as_client(&[("grant_type", "refresh_token"), ("refresh_token", token)]).await
}
