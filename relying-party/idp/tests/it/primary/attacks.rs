//! Attacks on primary tokens. Each is refused for a reason of its own, which the audit log names, and each would succeed
//! without the check that refuses it.

use aws_lc_rs::signature::RsaKeyPair;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use latchkey_idp::devices::{Authorities, IssuedFor};
use latchkey_idp::domain::{JoinType, UserId};
use latchkey_idp::secrets::SealingKeys;
use latchkey_idp::storage::Database;
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng as _;
use serde_json::{Value, json};
use uuid::Uuid;

use super::device::{self, Device, Held, HelloKey, ask, nonce, password_request, tagged};
use super::{by_key, by_password, refusals, use_of};
use crate::rig::{Answer, PASSWORD, Rig};

/// A user with an enterprise key on one device, and an attacker with a device of their own in the same tenant.
struct Scene {
    rig: Rig,
    device: Device,
    key: HelloKey,
    attacker: Device,
}

impl Scene {
    async fn new() -> Self {
        let rig = Rig::start().await;
        let device = Device::register(&rig, "Laptop").await;
        let key = device.add_key(&rig, rig.user.id).await;
        let attacker = Device::register(&rig, "Attacker").await;
        Self { rig, device, key, attacker }
    }

    /// Sends an assertion in a request of a device with a fresh nonce.
    async fn present(&self, device: &Device, assertion: &str) -> Answer {
        let payload = device::key_request(&nonce(&self.rig).await, assertion);
        ask(&self.rig, &device.signed(&payload)).await
    }

    async fn assertion(&self) -> String {
        self.key.assertion(&self.rig, &nonce(&self.rig).await)
    }

    /// An assertion with changed claims.
    async fn with_claims(&self, change: impl FnOnce(&mut Value)) -> Answer {
        let mut claims = device::claims(&self.rig, &nonce(&self.rig).await);
        change(&mut claims);
        self.present(&self.device, &self.key.assertion_with(&claims)).await
    }

    #[track_caller]
    fn last(reasons: &[String], expected: &str) {
        assert_eq!(reasons.last().map(String::as_str), Some(expected), "{reasons:?}");
    }

    /// The answer is this refusal, and the audit log names this reason last.
    async fn refused(&self, answer: Answer, error: &str, code: u32, reason: &str) {
        answer.refused(400, error, code);
        Self::last(&refusals(&self.rig).await, reason);
    }
}

#[tokio::test]
async fn a_request_is_good_once() {
    let scene = Scene::new().await;
    let payload = password_request(&nonce(&scene.rig).await, &scene.rig.user.upn, PASSWORD);
    let request = scene.device.signed(&payload);
    ask(&scene.rig, &request).await.ok();
    let again = ask(&scene.rig, &request).await;
    scene.refused(again, "invalid_grant", 16_000, "nonce_not_valid").await;
    // An assertion that was used, in a new request of its own device.
    let assertion = scene.assertion().await;
    scene.present(&scene.device, &assertion).await.ok();
    let again = scene.present(&scene.device, &assertion).await;
    scene.refused(again, "invalid_grant", 16_000, "nonce_not_valid").await;
    for made_up in ["", "guessed"] {
        let payload = password_request(made_up, &scene.rig.user.upn, PASSWORD);
        let answer = ask(&scene.rig, &scene.device.signed(&payload)).await;
        scene.refused(answer, "invalid_grant", 16_000, "nonce_not_valid").await;
    }
    let late = nonce(&scene.rig).await;
    scene.rig.wait(device::NONCE);
    let payload = password_request(&late, &scene.rig.user.upn, PASSWORD);
    let answer = ask(&scene.rig, &scene.device.signed(&payload)).await;
    scene.refused(answer, "invalid_grant", 16_000, "nonce_not_valid").await;
}

#[tokio::test]
async fn a_golden_assertion_is_worth_nothing_on_another_device() {
    let scene = Scene::new().await;
    // Never used, and within its nonce's time: only the device is another one.
    let answer = scene.present(&scene.attacker, &scene.assertion().await).await;
    scene.refused(answer, "invalid_grant", 50_155, "key_of_other_device").await;
    let held = by_key(&scene.rig, &scene.device, &scene.key).await;
    assert_eq!(held.answer["token_type"], "Bearer");
}

#[tokio::test]
async fn a_swapped_assertion_is_noticed() {
    let scene = Scene::new().await;
    let (rig, key) = (&scene.rig, &scene.key);
    // The outer request was signed around another assertion.
    let inner = scene.assertion().await;
    let payload = device::key_request(&nonce(rig).await, &inner);
    let request = scene.device.signed(&payload);
    let mut parts: Vec<_> = request.split('.').map(str::to_owned).collect();
    let other = device::key_request(payload["request_nonce"].as_str().unwrap(), &scene.assertion().await);
    parts[1] = URL_SAFE_NO_PAD.encode(other.to_string());
    let answer = ask(rig, &parts.join(".")).await;
    scene.refused(answer, "invalid_grant", 50_155, "wrong_signature").await;
    // The claims were exchanged, the name of the key, the key.
    let assertion = scene.assertion().await;
    let mut parts: Vec<_> = assertion.split('.').map(str::to_owned).collect();
    parts[1] = URL_SAFE_NO_PAD.encode(device::claims(rig, &nonce(rig).await).to_string());
    let answer = scene.present(&scene.device, &parts.join(".")).await;
    scene.refused(answer, "invalid_grant", 130_005, "wrong_key_signature").await;
    let bob = rig.another_user("bob@example.org").await;
    let of_bob = scene.device.add_key(rig, bob.id).await;
    let claims = device::claims(rig, &nonce(rig).await);
    let header = json!({ "alg": "RS256", "kid": key.kid, "use": "ngc" });
    let answer = scene.present(&scene.device, &of_bob.assertion_under(&header, &claims)).await;
    scene.refused(answer, "invalid_grant", 130_005, "wrong_key_signature").await;
    let answer = scene.present(&scene.device, &of_bob.assertion_with(&claims)).await;
    scene.refused(answer, "invalid_grant", 130_005, "wrong_issuer").await;
    let stranger = device::new_key();
    let header = json!({ "alg": "RS256", "kid": STANDARD.encode([7; 32]), "use": "ngc" });
    let answer = scene.present(&scene.device, &device::signed_by(&stranger, &header, &claims)).await;
    scene.refused(answer, "invalid_grant", 130_004, "key_not_found").await;
    // Something else that the key signed.
    for header in
        [json!({ "alg": "RS256", "kid": key.kid }), json!({ "alg": "PS256", "kid": key.kid, "use": "ngc" })]
    {
        let claims = device::claims(rig, &nonce(rig).await);
        let answer = scene.present(&scene.device, &key.assertion_under(&header, &claims)).await;
        scene.refused(answer, "invalid_request", 50_027, "wrong_algorithm").await;
    }
}

#[tokio::test]
async fn an_assertion_is_for_here_and_now_and_its_user() {
    let scene = Scene::new().await;
    let now = scene.rig.now().seconds();
    for (iat, exp) in
        [(now - 900, now - 301), (now + 301, now + 900), (now - 10_000, now + 10_000), (now, now)]
    {
        let answer =
            scene.with_claims(|claims| (claims["iat"], claims["exp"]) = (iat.into(), exp.into())).await;
        scene.refused(answer, "invalid_grant", 500_133, "outside_time_range").await;
    }
    let answer = scene.with_claims(|claims| claims["aud"] = "other.example".into()).await;
    scene.refused(answer, "invalid_grant", 500_131, "wrong_audience").await;
    let answer = scene.with_claims(|claims| claims["iss"] = "bob@example.org".into()).await;
    scene.refused(answer, "invalid_grant", 130_005, "wrong_issuer").await;
    scene.with_claims(|claims| claims["aud"] = "common".into()).await.ok();
    scene.rig.decide(|policy| policy.require_equal_nonce = true).await;
    let answer = scene.with_claims(|_| {}).await;
    scene.refused(answer, "invalid_grant", 16_000, "nonces_differ").await;
    scene.rig.database.users().set_enabled(scene.rig.user.id, false, scene.rig.now()).await.unwrap();
    let answer = scene.with_claims(|_| {}).await;
    scene.refused(answer, "invalid_grant", 50_057, "invalid_grant").await;
}

/// A certificate for a device's key by a CA of the attacker's own.
async fn forged(rig: &Rig, device: &Device, key: &RsaKeyPair) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let database = Database::open(&format!("sqlite:{}", folder.path().join("x").display())).await.unwrap();
    let mut rng = ChaCha20Rng::seed_from_u64(4);
    let sealing = SealingKeys::new(&[5; 32], &[]);
    let foreign = Authorities::open(&database, &sealing, rig.now(), &mut rng);
    let issued_for =
        IssuedFor { device: device.id, user: rig.user.id, tenant: rig.tenant, join: JoinType::Joined };
    let times = (rig.now(), Uuid::from_u128(5));
    foreign.await.unwrap().device.certify_device(&issued_for, &device::spki(key), times).unwrap()
}

#[tokio::test]
async fn a_device_is_known_by_its_own_certificate() {
    let scene = Scene::new().await;
    let rig = &scene.rig;
    let stranger = device::new_key();
    let request = async |certificate: &[u8], key: &RsaKeyPair| {
        let payload = password_request(&nonce(rig).await, &rig.user.upn, PASSWORD);
        let header = json!({ "alg": "RS256", "x5c": [STANDARD.encode(certificate)] });
        ask(rig, &device::signed_by(key, &header, &payload)).await
    };
    let answer = request(&forged(rig, &scene.device, &stranger).await, &stranger).await;
    scene.refused(answer, "invalid_grant", 50_155, "foreign_certificate").await;
    // The certificate of another device with a key that is not in it.
    let answer = request(&scene.device.certificate, &stranger).await;
    scene.refused(answer, "invalid_grant", 50_155, "wrong_signature").await;
    // A certificate of ours that is not the one that the device has now.
    let earlier = device::certificate(rig, scene.device.id, &stranger).await;
    let answer = request(&earlier, &stranger).await;
    scene.refused(answer, "invalid_grant", 130_008, "device_unknown").await;
    rig.wait(std::time::Duration::from_hours(24 * 365 * 11));
    let payload = password_request(&nonce(rig).await, &rig.user.upn, PASSWORD);
    let answer = ask(rig, &scene.device.signed(&payload)).await;
    scene.refused(answer, "invalid_grant", 50_155, "certificate_expired").await;
}

#[tokio::test]
async fn keys_of_one_kind_are_not_taken_for_another() {
    let scene = Scene::new().await;
    let (rig, device) = (&scene.rig, &scene.device);
    let held = by_password(rig, device).await;
    // HS256 under what everyone can know: the certificate, the public key, nothing.
    let payload = password_request(&nonce(rig).await, &rig.user.upn, PASSWORD);
    let x5c = STANDARD.encode(&device.certificate);
    let header = json!({ "alg": "HS256", "x5c": x5c, "ctx": STANDARD.encode([7; 24]) });
    for key in [device.certificate.clone(), Vec::new()] {
        let answer = ask(rig, &tagged(&header, &payload, &key)).await;
        scene.refused(answer, "invalid_request", 50_027, "malformed_request").await;
        let used = use_of(rig, &held, &json!({})).await;
        let answer = ask(rig, &tagged(&header, &used, &key)).await;
        scene.refused(answer, "invalid_request", 50_027, "wrong_session_key").await;
    }
    // A primary token in a request that is signed with the device's key, and with nothing.
    let used = use_of(rig, &held, &json!({})).await;
    let answer = ask(rig, &device.signed(&used)).await;
    answer.refused(400, "invalid_grant", 70_000);
    for alg in ["none", "None", "RS512", "ES256", ""] {
        let header = json!({ "alg": alg, "x5c": x5c });
        let answer = ask(rig, &device.signed_under(&header, &payload)).await;
        scene.refused(answer, "invalid_request", 50_027, "wrong_algorithm").await;
    }
}

#[tokio::test]
async fn a_primary_token_is_worth_nothing_without_its_session_key() {
    let scene = Scene::new().await;
    let rig = &scene.rig;
    let held = by_password(rig, &scene.device).await;
    let other = by_password(rig, &scene.attacker).await;
    // Its own session key around somebody else's token.
    let mixed = Held { token: held.token.clone(), session_key: other.session_key, answer: Value::Null };
    let answer = ask(rig, &mixed.message(&use_of(rig, &mixed, &json!({})).await)).await;
    scene.refused(answer, "invalid_request", 50_027, "wrong_session_key").await;
    // As a refresh token of an application, and as a cookie of ours.
    let broker = latchkey_idp::domain::first_party::LINUX_BROKER.to_string();
    let fields = [("grant_type", "refresh_token"), ("client_id", &broker), ("refresh_token", &held.token)];
    rig.token(&fields).await.refused(400, "invalid_grant", 70_000);
    // And a refresh token as a primary one.
    let message = held.message(&use_of(rig, &held, &json!({})).await);
    let given = held.opened(&ask(rig, &message).await);
    let text = given["refresh_token"].as_str().unwrap().to_owned();
    let mixed = Held { token: text, session_key: held.session_key, answer: Value::Null };
    let answer = ask(rig, &mixed.message(&use_of(rig, &mixed, &json!({})).await)).await;
    scene.refused(answer, "invalid_grant", 70_000, "token_unknown").await;
    // The same message again.
    let answer = ask(rig, &message).await;
    scene.refused(answer, "invalid_grant", 16_000, "nonce_not_valid").await;
}

#[tokio::test]
async fn a_derived_key_signs_one_message_where_the_tenant_wants_it() {
    let scene = Scene::new().await;
    let rig = &scene.rig;
    let held = by_password(rig, &scene.device).await;
    // Somebody once saw the key of one message of the first derivation: it signs any other one.
    let stolen = held.derived(1, &[7; 24], &[]);
    let header = json!({ "alg": "HS256", "ctx": STANDARD.encode([7; 24]) });
    let payload = use_of(rig, &held, &json!({})).await;
    assert_eq!(ask(rig, &tagged(&header, &payload, &stolen)).await.status, 200);
    rig.decide(|policy| policy.require_kdf_v2 = true).await;
    let payload = use_of(rig, &held, &json!({})).await;
    let answer = ask(rig, &tagged(&header, &payload, &stolen)).await;
    scene.refused(answer, "invalid_request", 50_027, "old_derivation").await;
    let payload = use_of(rig, &held, &json!({})).await;
    let stolen = held.derived(2, &[7; 24], payload.to_string().as_bytes());
    let header = json!({ "alg": "HS256", "kdf_ver": 2, "ctx": STANDARD.encode([7; 24]) });
    let another = use_of(rig, &held, &json!({ "resource": "https://graph.windows.net" })).await;
    let answer = ask(rig, &tagged(&header, &another, &stolen)).await;
    scene.refused(answer, "invalid_request", 50_027, "wrong_session_key").await;
    assert_eq!(ask(rig, &tagged(&header, &payload, &stolen)).await.status, 200);
}

#[tokio::test]
async fn oversized_and_deep_requests_are_refused_before_they_are_read() {
    let scene = Scene::new().await;
    let rig = &scene.rig;
    let deep = format!("{}1{}", "[".repeat(5000), "]".repeat(5000));
    let part = |text: &str| URL_SAFE_NO_PAD.encode(text);
    let header = part(r#"{"alg":"HS256","ctx":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}"#);
    for request in [
        format!("{header}.{}.AA", part(&format!("{{\"refresh_token\":{deep}}}"))),
        format!("{}.{}.AA", part(&format!("{{\"alg\":\"HS256\",\"a\":{deep}}}")), part("{}")),
        format!("{header}.{}.AA", "A".repeat(20_000)),
        format!("{header}.{header}"),
        ".".repeat(10_000),
        String::from("x"),
    ] {
        let answer = ask(rig, &request).await;
        scene.refused(answer, "invalid_request", 50_027, "malformed_request").await;
    }
    // In every other way as it should be.
    let held = by_password(rig, &scene.device).await;
    let long = use_of(rig, &held, &json!({ "padding": "x".repeat(16 * 1024) })).await;
    let answer = ask(rig, &held.message(&long)).await;
    scene.refused(answer, "invalid_request", 50_027, "malformed_request").await;
    // A request in a request in a request is one request: only what stands in the right place counts.
    let nested =
        scene.device.signed(&device::key_request(&nonce(rig).await, &scene.device.signed(&json!({}))));
    let answer = ask(rig, &nested).await;
    scene.refused(answer, "invalid_request", 50_027, "wrong_algorithm").await;
}

#[tokio::test]
async fn another_tenants_people_and_devices_are_strangers() {
    let scene = Scene::new().await;
    let rig = &scene.rig;
    let elsewhere = rig.another_tenant(77, "elsewhere.example").await;
    let eve = rig.user_with_password(elsewhere, "eve@elsewhere.example", "eves own password").await;
    let payload = password_request(&nonce(rig).await, &eve.upn, "eves own password");
    ask(rig, &scene.device.signed(&payload)).await.refused(400, "invalid_grant", 50_126);
    let key = scene.device.add_key(rig, UserId::new(eve.id.guid())).await;
    let mut claims = device::claims(rig, &nonce(rig).await);
    claims["iss"] = eve.upn.into();
    let answer = scene.present(&scene.device, &key.assertion_with(&claims)).await;
    scene.refused(answer, "invalid_grant", 50_155, "user_of_other_tenant").await;
    // The endpoint of another tenant.
    let held = by_password(rig, &scene.device).await;
    let message = held.message(&use_of(rig, &held, &json!({})).await);
    let fields = [("grant_type", device::JWT_BEARER), ("request", message.as_str())];
    let answer = rig.post("/elsewhere.example/oauth2/token", &fields).await;
    scene.refused(answer, "invalid_grant", 50_155, "user_of_other_tenant").await;
    let payload = password_request(&nonce(rig).await, &rig.user.upn, PASSWORD);
    let signed = scene.device.signed(&payload);
    let fields = [("grant_type", device::JWT_BEARER), ("request", signed.as_str())];
    let answer = rig.post("/elsewhere.example/oauth2/token", &fields).await;
    scene.refused(answer, "invalid_grant", 130_008, "device_unknown").await;
}
