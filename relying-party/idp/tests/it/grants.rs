//! What users give to clients: codes, refresh tokens, device codes, and taking it back.

use std::time::Duration;

use latchkey_idp::domain::{OpaqueHash, Scopes};
use latchkey_idp::storage::Approval;
use serde_json::Value;

use crate::rig::{REDIRECT, Rig, SECRET, URL, VERIFIER, claims};

const OPENID: &str = "openid profile offline_access";

#[tokio::test]
async fn a_code_becomes_tokens() {
    let rig = Rig::start().await;
    let answer = rig.redeem(&rig.code(OPENID).await).await.ok();
    let id_token = claims(&answer["id_token"]);
    assert_eq!(id_token["iss"], format!("{URL}/{}/v2.0", rig.tenant));
    assert_eq!(id_token["aud"], rig.web.to_string());
    assert_eq!(id_token["nonce"], "n");
    assert_eq!(id_token["preferred_username"], "alice@example.org");
    assert!(id_token["email"].is_null(), "not asked for");
    assert_eq!(id_token["auth_time"], rig.now().seconds());
    assert!(answer["client_info"].is_string());
    let scopes = Scopes::parse(answer["scope"].as_str().unwrap()).unwrap();
    assert!(scopes.covers(&Scopes::parse(OPENID).unwrap()), "MSAL looks for what it asked");
    let info = rig.get("/oidc/UserInfo", answer["access_token"].as_str()).await.ok();
    assert_eq!(info["sub"], id_token["sub"]);
    assert_eq!(info["name"], "Alice");
    assert_eq!(rig.get("/oidc/userinfo", answer["id_token"].as_str()).await.status, 401);
    assert_eq!(rig.get("/oidc/userinfo", None).await.status, 401);
    rig.wait(Duration::from_mins(91));
    assert_eq!(rig.get("/oidc/userinfo", answer["access_token"].as_str()).await.status, 401);
}

#[tokio::test]
async fn a_code_used_twice_takes_back_what_it_gave() {
    let rig = Rig::start().await;
    let code = rig.code(OPENID).await;
    let answer = rig.redeem(&code).await.ok();
    rig.redeem(&code).await.refused(400, "invalid_grant", 54_005);
    rig.refresh(&answer["refresh_token"]).await.refused(400, "invalid_grant", 50_173);
    assert_eq!(rig.get("/oidc/userinfo", answer["access_token"].as_str()).await.status, 401);
}

#[tokio::test]
async fn a_code_is_its_clients_in_its_place_with_its_verifier() {
    let rig = Rig::start().await;
    let (web, native) = (rig.web.to_string(), rig.native.to_string());
    let verifier_of_another = "another-verifier-that-is-long-enough-for-the-rules";
    for (client, redirect, verifier, code) in [
        (&web, REDIRECT, "", 501_481),
        (&web, REDIRECT, verifier_of_another, 501_481),
        (&web, REDIRECT, "short", 50_147),
        (&web, "https://app.example.org/other", VERIFIER, 70_000),
        (&native, REDIRECT, VERIFIER, 70_000),
    ] {
        let issued = rig.code(OPENID).await;
        let secret = if client == &web { SECRET } else { "" };
        let fields = [
            ("grant_type", "authorization_code"),
            ("client_id", client.as_str()),
            ("client_secret", secret),
            ("code", &issued),
            ("redirect_uri", redirect),
            ("code_verifier", verifier),
        ];
        rig.token(&fields).await.refused(400, "invalid_grant", code);
        rig.redeem(&issued).await.refused(400, "invalid_grant", 54_005);
    }
    let late = rig.code(OPENID).await;
    rig.wait(Duration::from_mins(5));
    rig.redeem(&late).await.refused(400, "invalid_grant", 70_008);
    rig.redeem("unknown").await.refused(400, "invalid_grant", 70_000);
}

#[tokio::test]
async fn a_refresh_token_is_used_once_and_reuse_kills_the_family() {
    let rig = Rig::start().await;
    let first = rig.redeem(&rig.code(OPENID).await).await.ok();
    let second = rig.refresh(&first["refresh_token"]).await.ok();
    let third = rig.refresh(&second["refresh_token"]).await.ok();
    assert!(third["id_token"].is_string());
    rig.refresh(&first["refresh_token"]).await.refused(400, "invalid_grant", 70_000);
    rig.refresh(&third["refresh_token"]).await.refused(400, "invalid_grant", 50_173);
    // Another client's, and one that nobody made.
    let mine = rig.redeem(&rig.code(OPENID).await).await.ok();
    let native = rig.native.to_string();
    let stolen = [
        ("grant_type", "refresh_token"),
        ("client_id", native.as_str()),
        ("refresh_token", mine["refresh_token"].as_str().unwrap()),
    ];
    rig.token(&stolen).await.refused(400, "invalid_grant", 70_000);
    rig.refresh(&Value::from("unknown")).await.refused(400, "invalid_grant", 70_000);
    let kept = rig.refresh(&mine["refresh_token"]).await.ok();
    rig.wait(Duration::from_hours(23));
    rig.refresh(&kept["refresh_token"]).await.ok();
}

#[tokio::test]
async fn scopes_need_consent_and_must_exist() {
    let rig = Rig::start().await;
    let scope = "openid offline_access api://files/Read";
    rig.redeem(&rig.code(scope).await).await.refused(400, "invalid_grant", 65_001);
    let read = Scopes::parse("Read").unwrap();
    let pair = (rig.web, rig.api);
    rig.database.consents().give(rig.tenant, Some(rig.user.id), pair, &read, rig.now()).await.unwrap();
    let answer = rig.redeem(&rig.code(scope).await).await.ok();
    let token = claims(&answer["access_token"]);
    assert_eq!(token["aud"], rig.api.to_string());
    assert!(token["scp"].as_str().unwrap().split(' ').any(|scope| scope == "Read"));
    rig.redeem(&rig.code("openid api://files/Write").await).await.refused(400, "invalid_scope", 70_011);
    rig.database.consents().withdraw(rig.tenant, Some(rig.user.id), rig.web).await.unwrap();
    rig.refresh(&answer["refresh_token"]).await.refused(400, "invalid_grant", 65_001);
}

#[tokio::test]
async fn sign_ins_can_be_taken_back() {
    let rig = Rig::start().await;
    let answer = rig.redeem(&rig.code(OPENID).await).await.ok();
    rig.wait(Duration::from_secs(1));
    rig.database.users().revoke_sessions(rig.user.id, rig.now()).await.unwrap();
    rig.refresh(&answer["refresh_token"]).await.refused(400, "invalid_grant", 50_173);
    assert_eq!(rig.get("/oidc/userinfo", answer["access_token"].as_str()).await.status, 401);
    let answer = rig.redeem(&rig.code(OPENID).await).await.ok();
    rig.database.users().set_enabled(rig.user.id, false, rig.now()).await.unwrap();
    rig.refresh(&answer["refresh_token"]).await.refused(400, "invalid_grant", 50_057);
}

#[tokio::test]
async fn a_user_ends_their_own_sign_ins() {
    let rig = Rig::start().await;
    let path = "/v1.0/me/revokeSignInSessions";
    let plain = rig.redeem(&rig.code(OPENID).await).await.ok();
    let bearer = |answer: &Value| format!("Bearer {}", answer["access_token"].as_str().unwrap());
    let post = async |authorization: String| {
        let request = axum::http::Request::post(path).header("authorization", authorization);
        rig.send(request.body(axum::body::Body::empty()).unwrap()).await
    };
    assert_eq!(post(bearer(&plain)).await.status, 403, "the scope is missing");
    let scope = Scopes::parse("User.RevokeSessions.All").unwrap();
    let pair = (rig.web, latchkey_idp::domain::first_party::GRAPH);
    rig.database.consents().give(rig.tenant, Some(rig.user.id), pair, &scope, rig.now()).await.unwrap();
    let answer = rig.redeem(&rig.code("openid offline_access User.RevokeSessions.All").await).await.ok();
    assert_eq!(post(bearer(&answer)).await.ok()["value"], true);
    rig.refresh(&plain["refresh_token"]).await.refused(400, "invalid_grant", 50_173);
}

#[tokio::test]
async fn a_device_gets_tokens_after_a_person_answered() {
    let rig = Rig::start().await;
    let native = rig.native.to_string();
    let start = async || {
        let fields = [("client_id", native.as_str()), ("scope", OPENID)];
        rig.post("/organizations/oauth2/v2.0/devicecode", &fields).await.ok()
    };
    let poll = async |code: &Value| {
        rig.token(&[
            ("grant_type", "urn:ietf:params:oauth:grant-type:device_code"),
            ("client_id", &native),
            ("device_code", code.as_str().unwrap()),
        ])
        .await
    };
    let answer = async |codes: &Value, approval: Approval| {
        let code = OpaqueHash::of(codes["user_code"].as_str().unwrap());
        assert!(rig.database.device_codes().answer(&code, &approval, rig.now()).await.unwrap());
    };
    let codes = start().await;
    assert_eq!(codes["user_code"].as_str().unwrap().len(), 9);
    let code = &codes["device_code"];
    poll(code).await.refused(400, "authorization_pending", 70_016);
    poll(code).await.refused(400, "slow_down", 70_016);
    answer(&codes, Approval::Approved(rig.authentication())).await;
    let tokens = poll(code).await.ok();
    assert!(tokens["refresh_token"].is_string() && tokens["id_token"].is_string());
    poll(code).await.refused(400, "bad_verification_code", 70_018);

    let denied = start().await;
    answer(&denied, Approval::Denied).await;
    poll(&denied["device_code"]).await.refused(400, "authorization_declined", 65_004);
    let late = start().await;
    rig.wait(Duration::from_mins(15));
    poll(&late["device_code"]).await.refused(400, "expired_token", 70_019);
    let web = rig.web.to_string();
    let spa = [("client_id", web.as_str()), ("scope", OPENID)];
    assert_eq!(rig.post("/organizations/oauth2/v2.0/devicecode", &spa).await.status, 200);
}

#[tokio::test]
async fn a_broker_gets_a_nonce_without_a_content_type() {
    let rig = Rig::start().await;
    let answer = rig.post("/common/oauth2/token", &[("grant_type", "srv_challenge")]).await.ok();
    assert!(answer["Nonce"].as_str().unwrap().len() > 40);
}

#[tokio::test]
async fn clients_find_their_way() {
    let rig = Rig::start().await;
    let tenant = rig.tenant.to_string();
    let document = rig.get("/Example.org/v2.0/.well-known/openid-configuration", None).await.ok();
    assert_eq!(document["issuer"], format!("{URL}/{tenant}/v2.0"));
    assert_eq!(document["token_endpoint"], format!("{URL}/example.org/oauth2/v2.0/token"));
    let document = rig.get("/common/v2.0/.well-known/openid-configuration", None).await.ok();
    assert_eq!(document["issuer"], format!("{URL}/{{tenantid}}/v2.0"));
    rig.get("/example.com/v2.0/.well-known/openid-configuration", None).await.refused(
        400,
        "invalid_request",
        90_002,
    );
    let instance = rig.get("/common/discovery/instance?api-version=1.1", None).await.ok();
    assert_eq!(instance["metadata"][0]["aliases"][0], "id.example.org");
    for user in ["alice@example.org", "nobody@example.org"] {
        let realm = rig.get(&format!("/common/UserRealm/{user}?api-version=1.0"), None).await.ok();
        assert_eq!(realm["account_type"], "Managed", "accounts cannot be searched for");
    }
    assert_eq!(rig.get("/nothing/here", None).await.status, 404);
    assert_eq!(rig.get(&format!("/{tenant}/oauth2/token"), None).await.status, 405);
}
