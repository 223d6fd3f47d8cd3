//! Scopes, and which claims follow from them.

use serde_json::{Value, json};

use super::Suite;

/// Userinfo and ID token of a sign-in with this scope.
async fn with_scope(scope: &str) -> (Value, Value) {
    let mut suite = Suite::start().await;
    let tokens = suite.tokens(&[("scope", scope)]).await;
    let (info, id_token) = (suite.userinfo(&tokens).await, suite.verified(&tokens).await);
    assert_eq!(info["sub"], id_token["sub"]);
    (info, id_token)
}

#[tokio::test]
async fn oidcc_scope_profile() {
    let (info, id_token) = with_scope("openid profile").await;
    assert_eq!(info["name"], "Alice");
    assert_eq!(info["preferred_username"], "alice@example.org");
    assert_eq!(id_token["name"], "Alice");
    assert!(info["email"].is_null() && id_token["email"].is_null(), "not asked for");
}

#[tokio::test]
async fn oidcc_scope_email() {
    let (info, _) = with_scope("openid email").await;
    assert_eq!(info["email"], "alice@example.org");
    assert!(info["name"].is_null(), "not asked for");
}

/// No address is kept, so there is none to tell: voluntary claims may be left out (OIDC Core §5.4).
#[tokio::test]
async fn oidcc_scope_address() {
    let (info, _) = with_scope("openid address").await;
    assert_eq!(info.as_object().unwrap().len(), 1, "{info}");
}

#[tokio::test]
async fn oidcc_scope_phone() {
    let (info, _) = with_scope("openid phone").await;
    assert_eq!(info.as_object().unwrap().len(), 1, "{info}");
}

#[tokio::test]
async fn oidcc_scope_all() {
    let (info, _) = with_scope("openid profile email address phone").await;
    assert_eq!((&info["name"], &info["email"]), (&json!("Alice"), &json!("alice@example.org")));
}

#[tokio::test]
async fn oidcc_ensure_other_scope_order_succeeds() {
    let (info, _) = with_scope("email openid").await;
    assert_eq!(info["email"], "alice@example.org");
}

#[tokio::test]
async fn oidcc_claims_essential() {
    let mut suite = Suite::start().await;
    let claims = json!({ "userinfo": { "name": { "essential": true } } }).to_string();
    let tokens = suite.tokens(&[("claims", &claims)]).await;
    suite.verified(&tokens).await;
    let info = suite.userinfo(&tokens).await;
    if suite.metadata().await["claims_parameter_supported"] == true {
        assert_eq!(info["name"], "Alice");
    }
}
