//! Clients prove who they are, and ask for themselves.

use std::time::Duration;

use axum::body::Body;
use axum::http::Request;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use latchkey_idp::tokens::{Jws, PublicKey};
use serde_json::{Value, json};

use crate::rig::{Rig, SECRET, URL, claims};

const SCOPE: &str = "api://files/.default";

#[tokio::test]
async fn a_client_gets_a_token_for_itself() {
    let rig = Rig::start().await;
    let web = rig.web.to_string();
    let fields = [
        ("grant_type", "client_credentials"),
        ("client_id", web.as_str()),
        ("client_secret", SECRET),
        ("scope", SCOPE),
    ];
    rig.database.apps().assign(rig.tenant, rig.api, &web, "Files.Read.All").await.unwrap();
    let answer = rig.token(&fields).await.ok();
    assert_eq!(answer["token_type"], "Bearer");
    assert!((3600..5400).contains(&answer["expires_in"].as_i64().unwrap()));
    assert!(answer["refresh_token"].is_null() && answer["id_token"].is_null());
    let token = claims(&answer["access_token"]);
    let tenant = rig.tenant.to_string();
    for (name, value) in [
        ("aud", rig.api.to_string()),
        ("iss", format!("{URL}/{tenant}/v2.0")),
        ("azp", web.clone()),
        ("azpacr", "1".to_owned()),
        ("tid", tenant.clone()),
        ("ver", "2.0".to_owned()),
        ("sub", web.clone()),
    ] {
        assert_eq!(token[name], value, "{name}");
    }
    assert_eq!(token["roles"], json!(["Files.Read.All"]));
    assert!(token["scp"].is_null());

    // The signature is the published key's.
    let published = rig.get(&format!("/{tenant}/discovery/v2.0/keys"), None).await.ok();
    let jws = Jws::parse(answer["access_token"].as_str().unwrap()).unwrap();
    let keys = published["keys"].as_array().unwrap();
    let key = keys.iter().find(|key| key["kid"].as_str() == jws.header.kid.as_deref()).unwrap();
    assert_eq!(key["alg"], "ES256");
    assert!(key["d"].is_null());
    let verified: Value = jws.verify(&PublicKey::from_jwk(key).unwrap()).unwrap();
    assert_eq!(verified, token);

    // v1.0: numbers are strings; the path in any case, the tenant by its domain.
    let fields = [
        ("grant_type", "client_credentials"),
        ("client_id", web.as_str()),
        ("client_secret", SECRET),
        ("resource", "api://files"),
    ];
    let answer = rig.post("/Example.ORG/oAuth2/Token", &fields).await.ok();
    assert!(answer["expires_in"].is_string() && answer["expires_on"].is_string());
    assert_eq!(answer["resource"], "api://files");
}

#[tokio::test]
async fn what_is_wrong_is_named() {
    let rig = Rig::start().await;
    let (web, native) = (rig.web.to_string(), rig.native.to_string());
    let ask = |client: &str, secret: &str, scope: &str| {
        let fields = [
            ("grant_type", "client_credentials".to_owned()),
            ("client_id", client.to_owned()),
            ("client_secret", secret.to_owned()),
            ("scope", scope.to_owned()),
        ];
        let rig = &rig;
        async move {
            let fields: Vec<_> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
            rig.token(&fields).await
        }
    };
    ask(&web, "wrong", SCOPE).await.refused(401, "invalid_client", 7_000_215);
    ask(&web, "", SCOPE).await.refused(401, "invalid_client", 7_000_218);
    ask(&native, "", SCOPE).await.refused(401, "invalid_client", 7_000_218);
    ask(&native, "x", SCOPE).await.refused(401, "invalid_client", 700_025);
    ask("nobody", SECRET, SCOPE).await.refused(400, "unauthorized_client", 700_016);
    ask("", SECRET, SCOPE).await.refused(400, "invalid_request", 900_144);
    ask(&web, SECRET, "").await.refused(400, "invalid_request", 900_144);
    ask(&web, SECRET, "api://files/Read").await.refused(400, "invalid_scope", 70_011);
    ask(&web, SECRET, "api://none/.default").await.refused(400, "invalid_resource", 500_011);
    ask(&web, SECRET, "api://files/.default api://x/.default").await.refused(400, "invalid_scope", 28_000);
    rig.post("/common/oauth2/v2.0/token", &[("grant_type", "x")]).await.refused(
        400,
        "unsupported_grant_type",
        70_003,
    );
    let twice = [("grant_type", "client_credentials"), ("grant_type", "client_credentials")];
    rig.token(&twice).await.refused(400, "invalid_request", 90_014);
    let common = [
        ("grant_type", "client_credentials"),
        ("client_id", web.as_str()),
        ("client_secret", SECRET),
        ("scope", SCOPE),
    ];
    rig.post("/common/oauth2/v2.0/token", &common).await.refused(400, "invalid_request", 50_059);
    rig.post("/example.com/oauth2/v2.0/token", &common).await.refused(400, "invalid_request", 90_002);
    rig.wait(Duration::from_hours(24));
    ask(&web, SECRET, SCOPE).await.refused(401, "invalid_client", 7_000_215);
    let huge = "x".repeat(70_000);
    assert_eq!(rig.token(&[("grant_type", &huge)]).await.status, 413);
}

#[tokio::test]
async fn a_client_may_prove_itself_in_the_header() {
    let rig = Rig::start().await;
    let path = format!("/{}/oauth2/v2.0/token", rig.tenant);
    let body = "grant_type=client_credentials&scope=api%3A%2F%2Ffiles%2F.default";
    for (secret, body, status) in [
        (SECRET, body.to_owned(), 200),
        ("wrong", body.to_owned(), 401),
        (SECRET, format!("{body}&client_secret={SECRET}"), 400),
        (SECRET, format!("{body}&client_id={}", rig.native), 400),
    ] {
        let credentials = STANDARD.encode(format!("{}:{secret}", rig.web));
        let request = Request::post(&path).header("authorization", format!("Basic {credentials}"));
        let answer = rig.send(request.body(Body::from(body)).unwrap()).await;
        assert_eq!(answer.status, status, "{}", answer.body);
    }
}

#[tokio::test]
async fn an_assertion_is_good_once_for_us_and_in_time() {
    let rig = Rig::start().await;
    let (web, now) = (rig.web.to_string(), rig.now().seconds());
    let audience = format!("{URL}/{}/oauth2/v2.0/token", rig.tenant);
    let good = json!({
        "iss": web, "sub": web, "aud": audience, "jti": "1", "exp": now + 300, "nbf": now,
    });
    let with = |name: &str, value: Value| {
        let mut claims = good.clone();
        claims[name] = value;
        rig.key.sign(claims.to_string().as_bytes()).unwrap()
    };
    let ask = async |assertion: &str| {
        rig.token(&[
            ("grant_type", "client_credentials"),
            ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"),
            ("client_assertion", assertion),
            ("scope", SCOPE),
        ])
        .await
    };
    let first = with("jti", json!("2"));
    let answer = ask(&first).await.ok();
    assert_eq!(claims(&answer["access_token"])["azpacr"], "2");
    ask(&first).await.refused(401, "invalid_client", 50_027);
    for (name, value) in [
        ("aud", json!("https://other.example")),
        ("aud", json!([audience, "https://other.example"])),
        ("exp", json!(now - 301)),
        ("exp", json!(now + 100_000)),
        ("nbf", json!(now + 301)),
        ("iss", json!(rig.native)),
    ] {
        ask(&with(name, value)).await.refused(401, "invalid_client", 50_027);
    }
    // Unsigned, and signed by another's key of the same name.
    let (_, rest) = first.split_once('.').unwrap();
    let header = json!({ "alg": "none", "kid": rig.key.kid }).to_string();
    let unsigned = format!("{}.{}.", URL_SAFE_NO_PAD.encode(header), rest.split('.').next().unwrap());
    ask(&unsigned).await.refused(401, "invalid_client", 50_027);
    ask("x").await.refused(401, "invalid_client", 50_027);
    assert_eq!(ask(&with("jti", json!("3"))).await.status, 200);
}
