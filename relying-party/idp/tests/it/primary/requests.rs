//! How a device gets a primary token: by a password, by a broker's refresh token, by an enterprise key.

use latchkey_idp::domain::{Amr, AskedClaims, Authentication, GrantId, Scopes, first_party};
use latchkey_idp::storage::{Grant, SignInFilter};
use serde_json::{Value, json};
use uuid::Uuid;

use super::device::{self, Device, ask_with, nonce, password_request, refresh_request};
use super::{by_key, by_password, events, refusals, token};
use crate::rig::{PASSWORD, Rig, claims};

#[tokio::test]
async fn a_password_on_a_device_becomes_a_primary_token() {
    let rig = Rig::start().await;
    let device = Device::register(&rig, "Laptop").await;
    let held = by_password(&rig, &device).await;
    let answer = &held.answer;
    // Brokers read exactly these kinds of values.
    for name in ["token_type", "expires_in", "ext_expires_in", "expires_on", "refresh_token", "client_info"] {
        assert!(answer[name].is_string(), "{name}: {answer}");
    }
    assert_eq!(answer["refresh_token_expires_in"], 14 * 24 * 3600);
    assert_eq!(answer["device_tenant_id"], rig.tenant.to_string());
    assert!(held.token.contains('.'), "brokers take a text without a dot for base64");
    let id_token = claims(&answer["id_token"]);
    assert_eq!(id_token["upn"], rig.user.upn);
    assert_eq!((&id_token["tid"], &id_token["oid"]), (&json!(rig.tenant), &json!(rig.user.id)));
    assert_eq!(id_token["aud"], first_party::PRT.to_string());
    let answer = token(&rig, &held).await;
    let access = claims(&answer["access_token"]);
    assert_eq!(access["deviceid"], device.id.to_string());
    assert_eq!(access["amr"], json!(["pwd"]));
    assert!(answer["expires_in"].is_string() && answer["refresh_token"].is_string(), "{answer}");
}

#[tokio::test]
async fn an_enterprise_key_becomes_a_primary_token_of_two_factors() {
    let rig = Rig::start().await;
    let device = Device::register(&rig, "Laptop").await;
    let key = device.add_key(&rig, rig.user.id).await;
    let held = by_key(&rig, &device, &key).await;
    let access = claims(&token(&rig, &held).await["access_token"]);
    assert_eq!(access["amr"], json!(["rsa", "mfa", "ngcmfa"]), "nothing says that it is in hardware");
    // The same nonce in both is one nonce.
    let one = nonce(&rig).await;
    let payload = device::key_request(&one, &key.assertion(&rig, &one));
    device.ask(&rig, &device.signed(&payload)).await.ok();
    rig.decide(|policy| policy.require_equal_nonce = true).await;
    let one = nonce(&rig).await;
    let payload = device::key_request(&one, &key.assertion(&rig, &one));
    device.ask(&rig, &device.signed(&payload)).await.ok();
    // What was fresh is not so for ever.
    rig.wait(std::time::Duration::from_mins(11));
    let access = claims(&token(&rig, &held).await["access_token"]);
    assert_eq!(access["amr"], json!(["rsa", "mfa"]));
}

/// A refresh token of a client, as a sign-in of two factors gave it.
async fn refresh_token(rig: &Rig, client: latchkey_idp::domain::ClientId) -> String {
    let grant = Grant {
        id: GrantId::new(Uuid::new_v4()),
        tenant: rig.tenant,
        client,
        authentication: Authentication {
            methods: vec![Amr::Pwd, Amr::Otp, Amr::Mfa, Amr::NgcMfa],
            ..rig.authentication()
        },
        scopes: Scopes::parse("openid").unwrap(),
        resource: None,
        ends_at: None,
        asked: AskedClaims::default(),
        key: None,
        created_at: rig.now(),
    };
    let (token, ends) = (Uuid::new_v4().to_string(), rig.now().plus(std::time::Duration::from_hours(1)));
    rig.database.grants().create(&grant, ends).await.unwrap();
    let hash = latchkey_idp::domain::OpaqueHash::of(&token);
    rig.database.refresh_tokens().issue(&hash, grant.id, ends, rig.now()).await.unwrap();
    token
}

#[tokio::test]
async fn a_brokers_refresh_token_becomes_a_primary_token_once() {
    let rig = Rig::start().await;
    let device = Device::register(&rig, "Laptop").await;
    let token_of_broker = refresh_token(&rig, first_party::BROKER).await;
    let request = async |text: &str| {
        let payload = refresh_request(&nonce(&rig).await, text);
        device.ask(&rig, &device.signed(&payload)).await
    };
    let held = device.held(request(&token_of_broker).await.ok());
    let access = claims(&token(&rig, &held).await["access_token"]);
    assert_eq!(access["amr"], json!(["pwd", "otp", "mfa", "ngcmfa"]));
    request(&token_of_broker).await.refused(400, "invalid_grant", 70_000);
    let of_another = refresh_token(&rig, rig.native).await;
    request(&of_another).await.refused(400, "invalid_grant", 70_000);
    request("unknown").await.refused(400, "invalid_grant", 70_000);
    assert!(refusals(&rig).await.contains(&"refresh_token_not_of_broker".to_owned()));
}

#[tokio::test]
async fn passwords_are_counted_and_logged_as_on_pages() {
    let rig = Rig::start().await;
    let device = Device::register(&rig, "Laptop").await;
    let payload = password_request(&nonce(&rig).await, &rig.user.upn, "wrong");
    device.ask(&rig, &device.signed(&payload)).await.refused(400, "invalid_grant", 50_126);
    let payload = password_request(&nonce(&rig).await, "nobody@example.org", PASSWORD);
    device.ask(&rig, &device.signed(&payload)).await.refused(400, "invalid_grant", 50_126);
    by_password(&rig, &device).await;
    let filter = SignInFilter { user: Some(rig.user.id), ..SignInFilter::default() };
    let log = rig.database.sign_in_log().page(rig.tenant, &filter, 10).await.unwrap();
    let mut errors: Vec<_> = log.iter().map(|entry| entry.error).collect();
    errors.sort_unstable();
    assert_eq!(errors, [0, 50_126]);
    assert_eq!(events(&rig, "primary_token.issued").await.len(), 1);
}

#[tokio::test]
async fn only_brokers_ask_and_only_with_grants_that_are_there() {
    let rig = Rig::start().await;
    let device = Device::register(&rig, "Laptop").await;
    let mut payload = password_request(&nonce(&rig).await, &rig.user.upn, PASSWORD);
    payload["client_id"] = rig.native.to_string().into();
    device.ask(&rig, &device.signed(&payload)).await.refused(400, "unauthorized_client", 700_030);
    let mut payload = password_request(&nonce(&rig).await, &rig.user.upn, PASSWORD);
    payload["grant_type"] = "urn:ietf:params:oauth:grant-type:saml1_1-bearer".into();
    device.ask(&rig, &device.signed(&payload)).await.refused(400, "unsupported_grant_type", 70_003);
    // libhimmelblau writes the certificate as an array.
    let x5c = [base64::Engine::encode(&base64::engine::general_purpose::STANDARD, &device.certificate)];
    let payload = password_request(&nonce(&rig).await, &rig.user.upn, PASSWORD);
    let header = json!({ "alg": "RS256", "typ": "JWT", "x5c": x5c, "kid": "x" });
    device.ask(&rig, &device.signed_under(&header, &payload)).await.ok();
    // A password that an administrator gave is changed on a page first.
    let users = rig.database.users();
    let (_, hash) = users.by_upn(&rig.user.upn).await.unwrap().unwrap();
    users.set_temporary_password(rig.user.id, &hash.unwrap(), rig.now()).await.unwrap();
    let payload = password_request(&nonce(&rig).await, &rig.user.upn, PASSWORD);
    let answer = ask_with(&rig, &device.signed(&payload), &[]).await;
    answer.refused(400, "interaction_required", 50_055);
}

#[tokio::test]
async fn a_device_learns_the_names_of_a_user() {
    let rig = Rig::start().await;
    let device = Device::register(&rig, "Laptop").await;
    let ask = async |payload: Value| {
        let signed = device.signed(&payload);
        let fields = [("windows_api_version", "2.2"), ("signedRequest", signed.as_str())];
        let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        let request = axum::http::Request::get("/common/sidtoname").body(axum::body::Body::from(body));
        rig.send(request.unwrap()).await
    };
    let once = nonce(&rig).await;
    let payload = json!({ "nonce": once, "username": rig.user.upn, "win_ver": "10", "version": "1" });
    let answer = ask(payload.clone()).await.ok();
    assert_eq!(answer["upn"], rig.user.upn);
    // The GUID 00000000-0000-0000-0000-000000000002.
    assert_eq!(answer["sid"], "S-1-12-1-0-0-0-33554432");
    ask(payload).await.refused(400, "invalid_grant", 16_000);
    let nobody = json!({ "nonce": nonce(&rig).await, "username": "nobody@example.org" });
    ask(nobody).await.refused(400, "invalid_grant", 50_034);
}
