//! An API goes on to another API for the user who called it.

use std::time::Duration;

use latchkey_idp::domain::{
    App, AppKind, ClientId, ClientSecret, OpaqueHash, Registration, Scopes, TokenVersion,
};
use latchkey_idp::strength::Strength;
use serde_json::{Value, json};

use crate::rig::{Answer, Rig, SECRET, claims};

const OBO: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";
const SCOPE: &str = "openid offline_access api://files/Read";

/// The API `api://files` can prove itself, and the user let everybody do what they ask for.
async fn rig() -> Rig {
    let rig = Rig::start().await;
    change(&rig, rig.api, |registration| {
        registration.kind = AppKind::Confidential;
        registration.secrets.push(ClientSecret {
            id: uuid::Uuid::from_u128(9),
            hash: encode(OpaqueHash::of("api-secret").as_bytes()),
            description: String::new(),
            hint: "api".to_owned(),
            expires_at: rig.now().plus(Duration::from_hours(24)),
        });
    })
    .await;
    consent(&rig, rig.web, rig.api, "Read").await;
    rig
}

fn encode(bytes: &[u8]) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(bytes)
}

async fn change(rig: &Rig, id: ClientId, change: impl FnOnce(&mut Registration)) {
    let mut app = rig.database.apps().find(id).await.unwrap().unwrap();
    change(&mut app.registration);
    rig.database.apps().update(&app).await.unwrap();
    rig.wait(Duration::from_secs(6));
}

async fn consent(rig: &Rig, client: ClientId, api: ClientId, scopes: &str) {
    let scopes = Scopes::parse(scopes).unwrap();
    let user = Some(rig.user.id);
    rig.database.consents().give(rig.tenant, user, (client, api), &scopes, rig.now()).await.unwrap();
}

const GRAPH: ClientId = latchkey_idp::domain::first_party::GRAPH;

async fn on_behalf(rig: &Rig, assertion: &Value, more: &[(&str, &str)]) -> Answer {
    let api = rig.api.to_string();
    let mut fields = std::collections::BTreeMap::from([
        ("grant_type", OBO),
        ("client_id", api.as_str()),
        ("client_secret", "api-secret"),
        ("assertion", assertion.as_str().unwrap()),
        ("requested_token_use", "on_behalf_of"),
        ("scope", "openid User.Read offline_access"),
    ]);
    fields.extend(more.iter().copied());
    let fields: Vec<_> = fields.into_iter().filter(|(_, value)| !value.is_empty()).collect();
    rig.token(&fields).await
}

#[tokio::test]
async fn an_api_goes_on_for_the_user_who_called_it() {
    let rig = rig().await;
    let called = rig.redeem(&rig.code(SCOPE).await).await.ok();
    let token = &called["access_token"];
    on_behalf(&rig, token, &[]).await.refused(400, "invalid_grant", 65_001);
    consent(&rig, rig.api, GRAPH, "User.Read").await;
    let signed_in = claims(&called["id_token"])["auth_time"].clone();
    rig.wait(Duration::from_mins(10));
    let answer = on_behalf(&rig, token, &[("client_info", "1")]).await.ok();
    let given = claims(&answer["access_token"]);
    assert_eq!(given["aud"], "https://graph.microsoft.com");
    assert_eq!(given["appid"], rig.api.to_string());
    assert_eq!(given["oid"], rig.user.id.to_string());
    assert_eq!(given["auth_time"], signed_in, "the sign-in is still the first one");
    assert_eq!(given["amr"], json!(["fido", "mfa"]));
    assert!(answer["client_info"].is_string() && answer["id_token"].is_string());
    rig.get("/oidc/userinfo", answer["access_token"].as_str()).await.ok();
    // Its own refresh token, of a family of its own.
    let api = rig.api.to_string();
    let fields = [
        ("grant_type", "refresh_token"),
        ("client_id", api.as_str()),
        ("client_secret", "api-secret"),
        ("refresh_token", answer["refresh_token"].as_str().unwrap()),
    ];
    rig.token(&fields).await.ok();
    let once = on_behalf(&rig, token, &[("scope", "User.Read")]).await.ok();
    assert!(once["refresh_token"].is_null() && once["id_token"].is_null());
}

#[tokio::test]
async fn a_v1_token_names_the_api_by_its_uri() {
    let rig = rig().await;
    consent(&rig, rig.api, GRAPH, "User.Read").await;
    change(&rig, rig.api, |registration| registration.access_token_version = TokenVersion::V1).await;
    let called = rig.redeem(&rig.code(SCOPE).await).await.ok();
    assert_eq!(claims(&called["access_token"])["aud"], "api://files");
    on_behalf(&rig, &called["access_token"], &[]).await.ok();
}

#[tokio::test]
async fn only_the_access_token_of_a_user_for_this_api_will_do() {
    let rig = rig().await;
    consent(&rig, rig.api, GRAPH, "User.Read").await;
    let called = rig.redeem(&rig.code(SCOPE).await).await.ok();
    // An ID token for the API itself, and a token for another API.
    let own = rig.redeem(&rig.code("openid User.Read").await).await;
    own.refused(400, "invalid_grant", 65_001);
    consent(&rig, rig.web, GRAPH, "User.Read").await;
    let other = rig.redeem(&rig.code("openid User.Read").await).await.ok();
    on_behalf(&rig, &other["access_token"], &[]).await.refused(400, "invalid_grant", 500_131);
    on_behalf(&rig, &called["id_token"], &[]).await.refused(400, "invalid_grant", 50_013);
    let exchanged = on_behalf(&rig, &called["access_token"], &[]).await.ok();
    assert_eq!(claims(&exchanged["id_token"])["aud"], rig.api.to_string());
    on_behalf(&rig, &exchanged["id_token"], &[]).await.refused(400, "invalid_grant", 50_013);
    // Changed after it was signed.
    let token = called["access_token"].as_str().unwrap();
    let (signed, signature) = token.rsplit_once('.').unwrap();
    let first = if signature.starts_with('A') { "B" } else { "A" };
    let forged = format!("{signed}.{first}{}", &signature[1..]);
    on_behalf(&rig, &forged.into(), &[]).await.refused(400, "invalid_grant", 50_013);
    on_behalf(&rig, &"x".into(), &[]).await.refused(400, "invalid_grant", 50_013);
    // A client's own token.
    let web = rig.web.to_string();
    let fields = [
        ("grant_type", "client_credentials"),
        ("client_id", web.as_str()),
        ("client_secret", SECRET),
        ("scope", "api://files/.default"),
    ];
    let app_only = rig.token(&fields).await.ok();
    on_behalf(&rig, &app_only["access_token"], &[]).await.refused(400, "invalid_grant", 50_013);
    for (name, value, status, error, code) in [
        ("client_secret", "wrong", 401, "invalid_client", 7_000_215),
        ("client_secret", "", 401, "invalid_client", 7_000_218),
        ("requested_token_use", "", 400, "unsupported_grant_type", 70_003),
        ("scope", "", 400, "invalid_request", 900_144),
    ] {
        on_behalf(&rig, &called["access_token"], &[(name, value)]).await.refused(status, error, code);
    }
    rig.wait(Duration::from_mins(91));
    on_behalf(&rig, &called["access_token"], &[]).await.refused(400, "invalid_grant", 50_013);
}

#[tokio::test]
async fn what_was_taken_back_is_not_passed_on() {
    let rig = rig().await;
    consent(&rig, rig.api, GRAPH, "User.Read").await;
    let code = rig.code(SCOPE).await;
    let called = rig.redeem(&code).await.ok();
    rig.redeem(&code).await.refused(400, "invalid_grant", 54_005);
    on_behalf(&rig, &called["access_token"], &[]).await.refused(400, "invalid_grant", 50_173);
    let called = rig.redeem(&rig.code(SCOPE).await).await.ok();
    rig.wait(Duration::from_secs(1));
    rig.database.users().revoke_sessions(rig.user.id, rig.now()).await.unwrap();
    on_behalf(&rig, &called["access_token"], &[]).await.refused(400, "invalid_grant", 50_173);
    let called = rig.redeem(&rig.code(SCOPE).await).await.ok();
    rig.database.users().set_enabled(rig.user.id, false, rig.now()).await.unwrap();
    on_behalf(&rig, &called["access_token"], &[]).await.refused(400, "invalid_grant", 50_057);
}

#[tokio::test]
async fn a_stronger_sign_in_is_asked_for_with_claims() {
    let rig = rig().await;
    consent(&rig, rig.api, GRAPH, "User.Read").await;
    let weak = {
        let mut authentication = rig.authentication();
        authentication.methods = vec![latchkey_idp::domain::Amr::Pwd];
        rig.code_of(SCOPE, &[], authentication).await
    };
    let called = rig.redeem(&weak).await.ok();
    let token = &called["access_token"];
    let c1 = r#"{"access_token":{"acrs":{"essential":true,"value":"c1"}}}"#;
    let refused = on_behalf(&rig, token, &[("claims", c1)]).await;
    refused.refused(400, "interaction_required", 50_076);
    assert_eq!(
        serde_json::from_str::<Value>(refused.body["claims"].as_str().unwrap()).unwrap(),
        json!({
            "access_token": { "acrs": { "essential": true, "value": "c1" } }
        })
    );
    on_behalf(&rig, token, &[]).await.ok();
    // The API behind asks for more than the one before it.
    change(&rig, rig.api, |registration| registration.strength = Strength::PhishingResistant).await;
    let refused = on_behalf(&rig, token, &[]).await;
    refused.refused(400, "interaction_required", 50_076);
    assert!(refused.body["claims"].as_str().unwrap().contains("phishing_resistant"));
    // A context that the tenant has given this meaning stands for it.
    let mut policy = latchkey_idp::domain::TenantPolicy::default();
    policy.contexts.insert("c7".to_owned(), Strength::PhishingResistant);
    rig.database.tenants().set_policy(rig.tenant, &policy).await.unwrap();
    rig.wait(Duration::from_secs(6));
    let refused = on_behalf(&rig, token, &[]).await;
    assert!(refused.body["claims"].as_str().unwrap().contains("\"c7\""), "{}", refused.body);
    let strong = rig.redeem(&rig.code(SCOPE).await).await.ok();
    let c7 = r#"{"access_token":{"acrs":{"essential":true,"value":"c7"}}}"#;
    let answer = on_behalf(&rig, &strong["access_token"], &[("claims", c7)]).await.ok();
    assert_eq!(claims(&answer["access_token"])["acrs"], json!(["c7"]));
    let without = on_behalf(&rig, &strong["access_token"], &[]).await.ok();
    assert!(claims(&without["access_token"])["acrs"].is_null(), "only what was asked for");
}

#[tokio::test]
async fn a_public_client_has_nobody_to_act_for() {
    let rig = rig().await;
    let called = rig.redeem(&rig.code(SCOPE).await).await.ok();
    let native = rig.native.to_string();
    let fields = [("client_id", native.as_str()), ("client_secret", "")];
    on_behalf(&rig, &called["access_token"], &fields).await.refused(401, "invalid_client", 7_000_218);
    let app = rig.database.apps().find(rig.web).await.unwrap().unwrap();
    let elsewhere = App { id: ClientId::new(uuid::Uuid::from_u128(88)), identifier_uri: None, ..app };
    rig.database.apps().register(&elsewhere).await.unwrap();
    let id = elsewhere.id.to_string();
    let fields = [("client_id", id.as_str()), ("client_secret", SECRET)];
    on_behalf(&rig, &called["access_token"], &fields).await.refused(400, "invalid_grant", 500_131);
}
