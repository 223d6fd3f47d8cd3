//! Tokens that are bound to a key (RFC 9449).

use std::time::Duration;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use axum::body::Body;
use axum::http::Request;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use latchkey_idp::domain::{App, Registration};
use latchkey_idp::tokens::PublicKey;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use url::form_urlencoded;

use crate::rig::{Answer, Rig, SECRET, URL, VERIFIER, claims};

const NATIVE: &str = "http://localhost:4000";

/// A client's key.
pub struct Key {
    pair: EcdsaKeyPair,
    number: u32,
}

/// What a proof says, to be changed by tests.
pub struct Proof {
    pub header: Value,
    pub claims: Value,
}

impl Key {
    pub fn new() -> Self {
        Self { pair: EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap(), number: 0 }
    }

    pub fn jwk(&self) -> Value {
        let point = self.pair.public_key().as_ref();
        let text = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        json!({ "kty": "EC", "crv": "P-256", "x": text(&point[1..33]), "y": text(&point[33..]) })
    }

    pub fn thumbprint(&self) -> String {
        PublicKey::from_jwk(&self.jwk()).unwrap().thumbprint()
    }

    /// A proof that is good now; each has its own jti.
    pub fn proof(&mut self, rig: &Rig, method: &str, path: &str) -> Proof {
        self.number += 1;
        let header = json!({ "typ": "dpop+jwt", "alg": "ES256", "jwk": self.jwk() });
        let claims = json!({
            "jti": format!("{}-{}", self.thumbprint(), self.number),
            "htm": method,
            "htu": format!("{URL}{path}"),
            "iat": rig.now().seconds(),
        });
        Proof { header, claims }
    }

    pub fn sign(&self, proof: &Proof) -> String {
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let signed = format!("{}.{}", part(&proof.header), part(&proof.claims));
        let signature = self.pair.sign(&SystemRandom::new(), signed.as_bytes()).unwrap();
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature.as_ref()))
    }

    fn for_token(&mut self, rig: &Rig) -> String {
        let proof = self.proof(rig, "POST", &format!("/{}/oauth2/v2.0/token", rig.tenant));
        self.sign(&proof)
    }

    fn for_userinfo(&mut self, rig: &Rig, token: &Value) -> String {
        let mut proof = self.proof(rig, "GET", "/oidc/userinfo");
        proof.claims["ath"] = URL_SAFE_NO_PAD.encode(Sha256::digest(token.as_str().unwrap())).into();
        self.sign(&proof)
    }
}

/// Posts to the token endpoint with these proofs.
async fn post(rig: &Rig, proofs: &[&str], fields: &[(&str, &str)]) -> Answer {
    let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
    let mut request = Request::post(format!("/{}/oauth2/v2.0/token", rig.tenant));
    for proof in proofs {
        request = request.header("DPoP", *proof);
    }
    rig.send(request.body(Body::from(body)).unwrap()).await
}

async fn for_itself(rig: &Rig, proofs: &[&str]) -> Answer {
    let web = rig.web.to_string();
    let fields = [
        ("grant_type", "client_credentials"),
        ("client_id", web.as_str()),
        ("client_secret", SECRET),
        ("scope", "api://files/.default"),
    ];
    post(rig, proofs, &fields).await
}

async fn userinfo(rig: &Rig, scheme: &str, token: &Value, proofs: &[&str]) -> Answer {
    let authorization = format!("{scheme} {}", token.as_str().unwrap());
    let mut request = Request::get("/oidc/userinfo").header("authorization", authorization);
    for proof in proofs {
        request = request.header("dpop", *proof);
    }
    rig.send(request.body(Body::empty()).unwrap()).await
}

/// Tokens of the native client for a code.
async fn native(rig: &Rig, more: &[(&str, &str)], proofs: &[&str]) -> Answer {
    let native = rig.native.to_string();
    let fields = [&[("client_id", native.as_str()), ("redirect_uri", NATIVE), ("nonce", "")], more].concat();
    let code = rig.code_with("openid offline_access", &fields).await;
    let fields = [
        ("grant_type", "authorization_code"),
        ("client_id", native.as_str()),
        ("code", &code),
        ("redirect_uri", NATIVE),
        ("code_verifier", VERIFIER),
    ];
    post(rig, proofs, &fields).await
}

async fn refresh(rig: &Rig, token: &Value, proofs: &[&str]) -> Answer {
    let native = rig.native.to_string();
    let fields = [
        ("grant_type", "refresh_token"),
        ("client_id", native.as_str()),
        ("refresh_token", token.as_str().unwrap()),
    ];
    post(rig, proofs, &fields).await
}

#[tokio::test]
async fn a_token_is_bound_to_the_key_of_the_proof() {
    let rig = Rig::start().await;
    let mut key = Key::new();
    let plain = for_itself(&rig, &[]).await.ok();
    assert_eq!(plain["token_type"], "Bearer");
    assert!(claims(&plain["access_token"])["cnf"].is_null());
    let proof = key.for_token(&rig);
    let bound = for_itself(&rig, &[&proof]).await.ok();
    assert_eq!(bound["token_type"], "DPoP");
    assert_eq!(claims(&bound["access_token"])["cnf"], json!({ "jkt": key.thumbprint() }));
    for_itself(&rig, &[&proof]).await.refused(400, "invalid_dpop_proof", 50_027);
    let two = [key.for_token(&rig), key.for_token(&rig)];
    for_itself(&rig, &[&two[0], &two[1]]).await.refused(400, "invalid_dpop_proof", 50_027);
}

#[tokio::test]
async fn a_proof_that_is_not_exactly_right_is_none() {
    let rig = Rig::start().await;
    let mut key = Key::new();
    let path = format!("/{}/oauth2/v2.0/token", rig.tenant);
    let other = Key::new();
    let mut private = key.jwk();
    private["d"] = "AAAA".into();
    let cases: [(&str, &str, Value); 13] = [
        ("header", "typ", json!("JWT")),
        ("header", "typ", Value::Null),
        ("header", "alg", json!("none")),
        ("header", "alg", json!("HS256")),
        ("header", "alg", json!("RS256")),
        ("header", "jwk", Value::Null),
        ("header", "jwk", private),
        ("header", "jwk", other.jwk()),
        ("claims", "htm", json!("GET")),
        ("claims", "htu", json!(format!("{URL}/oidc/userinfo"))),
        ("claims", "htu", json!(format!("https://evil.example{path}"))),
        ("claims", "jti", json!("")),
        ("claims", "jti", Value::Null),
    ];
    for (part, name, value) in cases {
        let mut proof = key.proof(&rig, "POST", &path);
        let object = if part == "header" { &mut proof.header } else { &mut proof.claims };
        object[name] = value.clone();
        let refused = for_itself(&rig, &[&key.sign(&proof)]).await;
        assert_eq!(refused.body["error"], "invalid_dpop_proof", "{name}={value}: {}", refused.body);
    }
    for_itself(&rig, &["x"]).await.refused(400, "invalid_dpop_proof", 50_027);
    // A query is no part of the address, and the path is found in any case.
    let mut proof = key.proof(&rig, "POST", &path);
    proof.claims["htu"] = format!("{URL}/{}/oAuth2/v2.0/Token?x=1", rig.tenant).into();
    for_itself(&rig, &[&key.sign(&proof)]).await.ok();
}

#[tokio::test]
async fn a_wrong_clock_is_helped_with_a_nonce() {
    let rig = Rig::start().await;
    let mut key = Key::new();
    let path = format!("/{}/oauth2/v2.0/token", rig.tenant);
    let now = rig.now().seconds();
    for (seconds, good) in [(-61, false), (-60, true), (60, true), (61, false), (100_000, false)] {
        let mut proof = key.proof(&rig, "POST", &path);
        proof.claims["iat"] = (now + seconds).into();
        let answer = for_itself(&rig, &[&key.sign(&proof)]).await;
        if good {
            answer.ok();
            continue;
        }
        answer.refused(400, "use_dpop_nonce", 50_027);
        let nonce = answer.headers["dpop-nonce"].to_str().unwrap().to_owned();
        let mut proof = key.proof(&rig, "POST", &path);
        proof.claims["iat"] = (now + seconds).into();
        proof.claims["nonce"] = nonce.clone().into();
        let signed = key.sign(&proof);
        for_itself(&rig, &[&signed]).await.ok();
        for_itself(&rig, &[&signed]).await.refused(400, "invalid_dpop_proof", 50_027);
        // Not ours: another time under the same MAC.
        let mut bytes = URL_SAFE_NO_PAD.decode(&nonce).unwrap();
        bytes[7] ^= 1;
        let mut proof = key.proof(&rig, "POST", &path);
        proof.claims["nonce"] = URL_SAFE_NO_PAD.encode(bytes).into();
        for_itself(&rig, &[&key.sign(&proof)]).await.refused(400, "use_dpop_nonce", 50_027);
    }
    let mut proof = key.proof(&rig, "POST", &path);
    proof.claims["iat"] = 0.into();
    let nonce =
        for_itself(&rig, &[&key.sign(&proof)]).await.headers["dpop-nonce"].to_str().unwrap().to_owned();
    rig.wait(Duration::from_mins(5));
    let mut proof = key.proof(&rig, "POST", &path);
    proof.claims["nonce"] = nonce.into();
    for_itself(&rig, &[&key.sign(&proof)]).await.refused(400, "use_dpop_nonce", 50_027);
}

#[tokio::test]
async fn a_bound_token_is_worth_nothing_without_its_key() {
    let rig = Rig::start().await;
    let (mut key, mut thief) = (Key::new(), Key::new());
    let proof = key.for_token(&rig);
    let tokens = native(&rig, &[], &[&proof]).await.ok();
    let token = &tokens["access_token"];
    let proof = key.for_userinfo(&rig, token);
    let answer = userinfo(&rig, "DPoP", token, &[&proof]).await.ok();
    assert!(answer["sub"].is_string());
    userinfo(&rig, "DPoP", token, &[&proof]).await.refused(401, "invalid_dpop_proof", 50_027);
    let stolen = thief.for_userinfo(&rig, token);
    userinfo(&rig, "DPoP", token, &[&stolen]).await.refused(401, "invalid_token", 50_027);
    userinfo(&rig, "DPoP", token, &[]).await.refused(401, "invalid_token", 50_027);
    let proof = key.for_userinfo(&rig, token);
    userinfo(&rig, "Bearer", token, &[&proof]).await.refused(401, "invalid_token", 50_027);
    userinfo(&rig, "Bearer", token, &[]).await.refused(401, "invalid_token", 50_027);
    // A proof for another token, and one for none.
    let other = key.for_userinfo(&rig, &tokens["id_token"]);
    userinfo(&rig, "DPoP", token, &[&other]).await.refused(401, "invalid_dpop_proof", 50_027);
    let mut bare = key.proof(&rig, "GET", "/oidc/userinfo");
    let signed = key.sign(&bare);
    userinfo(&rig, "DPoP", token, &[&signed]).await.refused(401, "invalid_dpop_proof", 50_027);
    bare.claims["iat"] = 0.into();
    bare.claims["ath"] = URL_SAFE_NO_PAD.encode(Sha256::digest(token.as_str().unwrap())).into();
    let late = userinfo(&rig, "DPoP", token, &[&key.sign(&bare)]).await;
    late.refused(401, "use_dpop_nonce", 50_027);
    assert!(late.headers["www-authenticate"].to_str().unwrap().starts_with("DPoP error=\"use_dpop_nonce\""));
    assert!(late.headers.contains_key("dpop-nonce"));
    // A plain token stays plain.
    let plain = native(&rig, &[], &[]).await.ok();
    let token = &plain["access_token"];
    let proof = key.for_userinfo(&rig, token);
    userinfo(&rig, "DPoP", token, &[&proof]).await.refused(401, "invalid_token", 50_027);
    userinfo(&rig, "Bearer", token, &[]).await.ok();
}

#[tokio::test]
async fn refresh_tokens_of_public_clients_are_bound_too() {
    let rig = Rig::start().await;
    let (mut key, mut thief) = (Key::new(), Key::new());
    let proof = key.for_token(&rig);
    let first = native(&rig, &[], &[&proof]).await.ok();
    let token = &first["refresh_token"];
    refresh(&rig, token, &[]).await.refused(400, "invalid_grant", 50_027);
    let stolen = thief.for_token(&rig);
    refresh(&rig, token, &[&stolen]).await.refused(400, "invalid_grant", 50_027);
    // The failed tries used nothing up.
    let proof = key.for_token(&rig);
    let second = refresh(&rig, token, &[&proof]).await.ok();
    assert_eq!(second["token_type"], "DPoP");
    let stolen = thief.for_token(&rig);
    refresh(&rig, &second["refresh_token"], &[&stolen]).await.refused(400, "invalid_grant", 50_027);
    // A plain one becomes bound by the first proof that comes with it.
    let plain = native(&rig, &[], &[]).await.ok();
    let proof = key.for_token(&rig);
    let bound = refresh(&rig, &plain["refresh_token"], &[&proof]).await.ok();
    refresh(&rig, &bound["refresh_token"], &[]).await.refused(400, "invalid_grant", 50_027);
}

#[tokio::test]
async fn a_code_can_be_bound_to_a_key() {
    let rig = Rig::start().await;
    let (mut key, mut thief) = (Key::new(), Key::new());
    let thumbprint = key.thumbprint();
    let bound = [("dpop_jkt", thumbprint.as_str())];
    native(&rig, &bound, &[]).await.refused(400, "invalid_grant", 50_027);
    let stolen = thief.for_token(&rig);
    native(&rig, &bound, &[&stolen]).await.refused(400, "invalid_grant", 50_027);
    let proof = key.for_token(&rig);
    native(&rig, &bound, &[&proof]).await.ok();
}

#[tokio::test]
async fn an_application_may_be_held_to_it() {
    let rig = Rig::start().await;
    let app = rig.database.apps().find(rig.web).await.unwrap().unwrap();
    let registration = Registration { dpop_bound: true, ..app.registration.clone() };
    rig.database.apps().update(&App { registration, ..app }).await.unwrap();
    for_itself(&rig, &[]).await.refused(400, "invalid_dpop_proof", 50_027);
    let mut key = Key::new();
    let proof = key.for_token(&rig);
    for_itself(&rig, &[&proof]).await.ok();
}
