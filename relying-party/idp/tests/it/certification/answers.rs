//! Response types, ID tokens and the userinfo endpoint.

use axum::body::Body;
use axum::http::Request;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use latchkey_idp::tokens::Jws;
use serde_json::{Value, json};

use super::Suite;
use crate::rig::{REDIRECT, SECRET};

#[tokio::test]
async fn oidcc_server() {
    let mut suite = Suite::start().await;
    let answer = suite.answer(&[]).await;
    assert_eq!(answer["iss"], suite.metadata().await["issuer"], "RFC 9207");
    let answer = suite.redeem(&answer["code"], &[]).await;
    assert_eq!(answer.headers["cache-control"], "no-store");
    assert_eq!(answer.headers["pragma"], "no-cache");
    let tokens = answer.ok();
    assert_eq!(tokens["token_type"], "Bearer");
    assert!(tokens["expires_in"].is_i64());
    let id_token = suite.verified(&tokens).await;
    assert_eq!(id_token["nonce"], "n");
    assert_eq!(suite.userinfo(&tokens).await["sub"], id_token["sub"]);
}

#[tokio::test]
async fn oidcc_server_client_secret_post() {
    let mut suite = Suite::start().await;
    let answer = suite.answer(&[]).await;
    let web = suite.rig.web.to_string();
    let fields = [
        ("grant_type", "authorization_code"),
        ("code", &answer["code"]),
        ("redirect_uri", REDIRECT),
        ("client_id", &web),
        ("client_secret", SECRET),
    ];
    let tokens = suite.rig.token(&fields).await.ok();
    suite.verified(&tokens).await;
    let supported = suite.metadata().await["token_endpoint_auth_methods_supported"].clone();
    for method in ["client_secret_basic", "client_secret_post"] {
        assert!(supported.as_array().unwrap().contains(&json!(method)), "{supported}");
    }
}

#[tokio::test]
async fn oidcc_response_type_missing() {
    let mut suite = Suite::start().await;
    let answer = suite.answer(&[("response_type", "")]).await;
    assert!(["invalid_request", "unsupported_response_type"].contains(&answer["error"].as_str()));
    assert_eq!(answer["state"], "s");
}

#[tokio::test]
async fn oidcc_idtoken_signature() {
    let mut suite = Suite::start().await;
    let tokens = suite.tokens(&[]).await;
    let jws = Jws::parse(tokens["id_token"].as_str().unwrap()).unwrap();
    assert_eq!(jws.header.alg, "RS256");
    let kid = jws.header.kid.unwrap();
    let keys = suite.rig.get(&format!("/{}/discovery/v2.0/keys", suite.rig.tenant), None).await.ok();
    let keys = keys["keys"].as_array().unwrap();
    assert_eq!(keys.iter().filter(|key| key["kid"] == kid).count(), 1, "a kid names one key");
    for key in keys {
        for private in ["d", "p", "q", "dp", "dq", "qi", "k"] {
            assert!(key[private].is_null(), "{private}");
        }
    }
    suite.verified(&tokens).await;
}

/// Skipped by the suite where `none` is not registered: here it cannot be.
#[tokio::test]
async fn oidcc_idtoken_unsigned() {
    let mut suite = Suite::start().await;
    let supported = suite.metadata().await["id_token_signing_alg_values_supported"].clone();
    assert!(supported.as_array().unwrap().contains(&json!("RS256")));
    assert!(!supported.as_array().unwrap().contains(&json!("none")));
    let tokens = suite.tokens(&[("id_token_signed_response_alg", "none")]).await;
    let token = tokens["id_token"].as_str().unwrap();
    assert!(!token.ends_with('.'));
    let header = URL_SAFE_NO_PAD.decode(token.split('.').next().unwrap()).unwrap();
    assert_eq!(serde_json::from_slice::<Value>(&header).unwrap()["alg"], "RS256");
}

#[tokio::test]
async fn oidcc_userinfo_get() {
    let mut suite = Suite::start().await;
    let tokens = suite.tokens(&[("scope", "openid profile email")]).await;
    let info = suite.userinfo(&tokens).await;
    assert_eq!(info["sub"], suite.verified(&tokens).await["sub"]);
    for name in ["name", "given_name", "preferred_username", "email"] {
        assert!(info[name].is_string(), "{name}: {info}");
    }
    // OIDC Core §5.1: claims that are not known are left out, not null.
    assert!(!info.as_object().unwrap().contains_key("family_name"));
}

#[tokio::test]
async fn oidcc_userinfo_post_header() {
    let mut suite = Suite::start().await;
    let tokens = suite.tokens(&[]).await;
    let bearer = format!("Bearer {}", tokens["access_token"].as_str().unwrap());
    let request = Request::post("/oidc/userinfo").header("authorization", bearer);
    let info = suite.rig.send(request.body(Body::empty()).unwrap()).await.ok();
    assert_eq!(info["sub"], suite.verified(&tokens).await["sub"]);
}

#[tokio::test]
async fn oidcc_userinfo_post_body() {
    let mut suite = Suite::start().await;
    let tokens = suite.tokens(&[]).await;
    let token = tokens["access_token"].as_str().unwrap();
    let info = suite.rig.post("/oidc/userinfo", &[("access_token", token)]).await.ok();
    assert_eq!(info["sub"], suite.verified(&tokens).await["sub"]);
    let wrong = suite.rig.post("/oidc/userinfo", &[("access_token", "x")]).await;
    assert_eq!(wrong.status, 401);
    assert!(wrong.headers["www-authenticate"].to_str().unwrap().starts_with("Bearer "));
    // In the query a token would end up in logs (RFC 6750 §5.3).
    assert_eq!(suite.rig.get(&format!("/oidc/userinfo?access_token={token}"), None).await.status, 401);
}
