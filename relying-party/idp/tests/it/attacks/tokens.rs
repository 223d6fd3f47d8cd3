//! Tokens that nobody issued, and tokens that are for others.

use std::net::TcpListener;

use aws_lc_rs::hmac;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use axum::body::Body;
use axum::http::Request;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use latchkey_idp::domain::TokenVersion;
use serde_json::{Value, json};

use super::{consent, tokens};
use crate::rig::{Answer, Rig, SECRET, URL, claims};

fn part(value: &Value) -> String {
    URL_SAFE_NO_PAD.encode(value.to_string())
}

/// A token with this header, these claims, and what `sign` makes of both.
fn token(header: &Value, claims: &Value, sign: impl FnOnce(&[u8]) -> Vec<u8>) -> String {
    let signed = format!("{}.{}", part(header), part(claims));
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(sign(signed.as_bytes())))
}

fn header(token: &str) -> Value {
    let bytes = URL_SAFE_NO_PAD.decode(token.split('.').next().unwrap()).unwrap();
    serde_json::from_slice(&bytes).unwrap()
}

fn signature(token: &str) -> Vec<u8> {
    URL_SAFE_NO_PAD.decode(token.rsplit('.').next().unwrap()).unwrap()
}

/// A key of the attacker's, and how it looks as a JWK.
struct Attacker {
    key: EcdsaKeyPair,
    jwk: Value,
}

impl Attacker {
    fn new() -> Self {
        let key = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
        let point = key.public_key().as_ref();
        let (x, y) = (URL_SAFE_NO_PAD.encode(&point[1..33]), URL_SAFE_NO_PAD.encode(&point[33..]));
        let jwk = json!({ "kty": "EC", "crv": "P-256", "x": x, "y": y, "alg": "ES256", "kid": "attacker" });
        Self { key, jwk }
    }

    fn sign(&self, signed: &[u8]) -> Vec<u8> {
        self.key.sign(&SystemRandom::new(), signed).unwrap().as_ref().to_vec()
    }
}

/// The published keys, by algorithm.
async fn published(rig: &Rig, algorithm: &str) -> Value {
    let keys = rig.get(&format!("/{}/discovery/v2.0/keys", rig.tenant), None).await.ok();
    keys["keys"].as_array().unwrap().iter().find(|key| key["alg"] == algorithm).unwrap().clone()
}

/// Everything about a published key that somebody could take for a secret.
fn as_secrets(key: &Value) -> Vec<Vec<u8>> {
    let text = |name: &str| key[name].as_str().unwrap_or_default().to_owned();
    let decoded = |name: &str| URL_SAFE_NO_PAD.decode(text(name)).unwrap();
    vec![
        key.to_string().into_bytes(),
        text("n").into_bytes(),
        decoded("n"),
        [decoded("x"), decoded("y")].concat(),
        [vec![4], decoded("x"), decoded("y")].concat(),
        text("kid").into_bytes(),
        Vec::new(),
    ]
}

async fn at_userinfo(rig: &Rig, token: &str) -> u16 {
    rig.get("/oidc/userinfo", Some(token)).await.status
}

#[tokio::test]
async fn a_token_without_a_signature_is_nobodys() {
    let rig = Rig::start().await;
    let real = tokens(&rig, "openid").await["access_token"].as_str().unwrap().to_owned();
    let claims = claims(&json!(real));
    for algorithm in ["none", "None", "NONE", "nOnE", "", "RS256", "null"] {
        for kid in [header(&real)["kid"].clone(), json!(""), Value::Null] {
            let header = json!({ "alg": algorithm, "kid": kid, "typ": "JWT" });
            assert_eq!(at_userinfo(&rig, &token(&header, &claims, |_| Vec::new())).await, 401, "{header}");
            let kept = signature(&real);
            assert_eq!(at_userinfo(&rig, &token(&header, &claims, |_| kept)).await, 401, "{header}");
        }
    }
    let (head, _) = real.rsplit_once('.').unwrap();
    assert_eq!(at_userinfo(&rig, head).await, 401, "two parts");
    assert_eq!(at_userinfo(&rig, &format!("{real}.x")).await, 401, "four parts");
    assert_eq!(at_userinfo(&rig, &real).await, 200);
}

#[tokio::test]
async fn a_public_key_is_no_secret_and_an_algorithm_is_the_keys() {
    let rig = Rig::start().await;
    let real = tokens(&rig, "openid").await["access_token"].as_str().unwrap().to_owned();
    let claims = claims(&json!(real));
    let [rsa, ec] = [published(&rig, "RS256").await, published(&rig, "ES256").await];
    for key in [&rsa, &ec] {
        for algorithm in ["HS256", "RS256", "ES256"] {
            for secret in as_secrets(key) {
                let header = json!({ "alg": algorithm, "kid": key["kid"], "typ": "JWT" });
                let secret = hmac::Key::new(hmac::HMAC_SHA256, &secret);
                let forged = token(&header, &claims, |signed| hmac::sign(&secret, signed).as_ref().to_vec());
                assert_eq!(at_userinfo(&rig, &forged).await, 401, "{header}");
            }
        }
        // The all-zero signature (CVE-2022-21449), and a good one under the other key's name or algorithm.
        for algorithm in ["RS256", "PS256", "ES256", "ES384"] {
            let header = json!({ "alg": algorithm, "kid": key["kid"], "typ": "JWT" });
            for forged in [vec![0; 64], vec![0; 256], vec![0x30, 6, 2, 1, 0, 2, 1, 0], signature(&real)] {
                let forged = token(&header, &claims, |_| forged);
                assert_eq!(at_userinfo(&rig, &forged).await, 401, "{header}");
            }
        }
    }
    assert_eq!(at_userinfo(&rig, &real).await, 200);
}

#[tokio::test]
async fn a_token_does_not_say_where_its_key_is() {
    let rig = Rig::start().await;
    let real = tokens(&rig, "openid").await["access_token"].as_str().unwrap().to_owned();
    let claims = claims(&json!(real));
    let attacker = Attacker::new();
    let elsewhere = TcpListener::bind("127.0.0.1:0").unwrap();
    elsewhere.set_nonblocking(true).unwrap();
    let url = format!("http://{}/keys", elsewhere.local_addr().unwrap());
    let ec = published(&rig, "ES256").await["kid"].clone();
    for kid in [
        ec,
        json!("attacker"),
        json!("../../../../dev/null"),
        json!("/dev/null"),
        json!("' UNION SELECT 'x' --"),
        json!("x' OR '1'='1"),
        json!("|/usr/bin/id"),
        json!(url),
        json!(""),
        json!(0),
        json!(["a"]),
        Value::Null,
    ] {
        let header = json!({
            "alg": "ES256", "typ": "JWT", "kid": kid,
            "jwk": attacker.jwk, "jku": url, "x5u": url, "x5c": ["MIIB"],
        });
        let forged = token(&header, &claims, |signed| attacker.sign(signed));
        assert_eq!(at_userinfo(&rig, &forged).await, 401, "{header}");
        assert_eq!(assertion(&rig, &forged).await.status, 401, "{header}");
        let own = json!({ "iss": rig.web, "sub": rig.web, "aud": audience(&rig), "jti": "1", "exp": rig.now().seconds() + 60 });
        let forged = token(&header, &own, |signed| attacker.sign(signed));
        assertion(&rig, &forged).await.refused(401, "invalid_client", 50_027);
    }
    // Nobody was asked for a key (conformance, R11).
    assert!(elsewhere.accept().is_err());
    let critical = json!({ "alg": "RS256", "kid": header(&real)["kid"], "crit": ["exp"], "exp": 1 });
    assert_eq!(at_userinfo(&rig, &token(&critical, &claims, |_| signature(&real))).await, 401);
}

fn audience(rig: &Rig) -> String {
    format!("{URL}/{}/oauth2/v2.0/token", rig.tenant)
}

async fn assertion(rig: &Rig, assertion: &str) -> Answer {
    let web = rig.web.to_string();
    rig.token(&[
        ("grant_type", "client_credentials"),
        ("client_id", &web),
        ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"),
        ("client_assertion", assertion),
        ("scope", "api://files/.default"),
    ])
    .await
}

#[tokio::test]
async fn a_client_assertion_is_the_clients_for_us_and_once() {
    let rig = Rig::start().await;
    let other = rig.another_tenant(30, "example.net").await;
    let now = rig.now().seconds();
    let good = json!({ "iss": rig.web, "sub": rig.web, "aud": audience(&rig), "jti": "a", "exp": now + 60 });
    let with = |change: &[(&str, Value)]| {
        let mut claims = good.clone();
        for (name, value) in change {
            claims[*name] = value.clone();
        }
        claims
    };
    let sign = |claims: &Value| rig.key.sign(claims.to_string().as_bytes()).unwrap();
    // The registered public key as a secret; no signature at all.
    for secret in as_secrets(rig.key.jwk()) {
        let header = json!({ "alg": "HS256", "kid": rig.key.kid });
        let secret = hmac::Key::new(hmac::HMAC_SHA256, &secret);
        let forged = token(&header, &good, |signed| hmac::sign(&secret, signed).as_ref().to_vec());
        assertion(&rig, &forged).await.refused(401, "invalid_client", 50_027);
    }
    for algorithm in ["none", "NONE", "ES256"] {
        let header = json!({ "alg": algorithm, "kid": rig.key.kid });
        let forged = token(&header, &good, |_| Vec::new());
        assertion(&rig, &forged).await.refused(401, "invalid_client", 50_027);
    }
    // Meant for another service, another tenant, or several; another client's; too long; too late.
    for change in [
        ("aud", json!("https://login.example.com/token")),
        ("aud", json!(format!("{URL}.evil.example/{}/oauth2/v2.0/token", rig.tenant))),
        ("aud", json!(format!("{URL}/{other}/oauth2/v2.0/token"))),
        ("aud", json!(URL)),
        ("aud", json!([audience(&rig), "https://login.example.com"])),
        ("aud", json!([])),
        ("aud", Value::Null),
        ("iss", json!(rig.native)),
        ("sub", json!(rig.native)),
        ("exp", json!(now - 600)),
        ("exp", json!(now + 10 * 24 * 3600)),
        ("exp", json!(1e300)),
        ("exp", Value::Null),
        ("nbf", json!(now + 600)),
        ("jti", Value::Null),
    ] {
        let forged = sign(&with(std::slice::from_ref(&change)));
        assertion(&rig, &forged).await.refused(401, "invalid_client", 50_027);
    }
    let once = sign(&good);
    assert_eq!(assertion(&rig, &once).await.status, 200);
    assertion(&rig, &once).await.refused(401, "invalid_client", 50_027);
    // The same name in another assertion is the same assertion.
    assertion(&rig, &sign(&with(&[("exp", json!(now + 90))]))).await.refused(401, "invalid_client", 50_027);
}

#[tokio::test]
async fn userinfo_takes_only_what_is_meant_for_it() {
    let rig = Rig::start().await;
    consent(&rig, rig.api, "Read").await;
    let own = tokens(&rig, "openid").await;
    let for_api = tokens(&rig, "openid api://files/Read").await;
    // One that looks like userinfo's own in everything but its audience.
    rig.register(rig.api, |registration| registration.access_token_version = TokenVersion::V1).await;
    let alike = tokens(&rig, "openid api://files/Read").await;
    assert_eq!(claims(&alike["access_token"])["ver"], "1.0");
    let fields = [
        ("grant_type", "client_credentials"),
        ("client_id", &rig.web.to_string()),
        ("client_secret", SECRET),
        ("scope", "https://graph.microsoft.com/.default"),
    ];
    let of_app = rig.token(&fields).await.ok();
    for (name, token) in [
        ("of another audience", &for_api["access_token"]),
        ("of another audience, v1.0", &alike["access_token"]),
        ("an ID token", &own["id_token"]),
        ("a refresh token", &tokens(&rig, "openid offline_access").await["refresh_token"]),
        ("an application's own", &of_app["access_token"]),
    ] {
        assert_eq!(at_userinfo(&rig, token.as_str().unwrap()).await, 401, "{name}");
    }
    let token = own["access_token"].as_str().unwrap();
    for scheme in ["Basic", "DPoP", "bearer,", ""] {
        let request = Request::get("/oidc/userinfo").header("authorization", format!("{scheme} {token}"));
        assert_eq!(rig.send(request.body(Body::empty()).unwrap()).await.status, 401, "{scheme}");
    }
    // Two headers: one for whoever looks at the first, one for whoever looks at the last.
    let twice = Request::get("/oidc/userinfo")
        .header("authorization", format!("Bearer {token}"))
        .header("authorization", "Bearer x");
    assert_eq!(rig.send(twice.body(Body::empty()).unwrap()).await.status, 401);
    assert_eq!(at_userinfo(&rig, token).await, 200);
}
