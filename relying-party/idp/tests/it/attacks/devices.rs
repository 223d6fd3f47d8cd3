//! Device codes in the hands of somebody who wants another's sign-in (RFC 8628 §5).

use std::time::Duration;

use latchkey_idp::domain::OpaqueHash;
use latchkey_idp::storage::Approval;
use serde_json::Value;

use crate::rig::Rig;
use crate::sign_in::PASSWORD;

async fn begin(rig: &Rig, authority: &str) -> Value {
    let native = rig.native.to_string();
    let fields = [("client_id", native.as_str()), ("scope", "openid")];
    rig.post(&format!("/{authority}/oauth2/v2.0/devicecode"), &fields).await.ok()
}

async fn poll(rig: &Rig, client: &str, codes: &Value) -> crate::rig::Answer {
    rig.token(&[
        ("grant_type", "urn:ietf:params:oauth:grant-type:device_code"),
        ("client_id", client),
        ("device_code", codes["device_code"].as_str().unwrap()),
    ])
    .await
}

/// The person types the code themselves, from the device in front of them: no link carries it (RFC 8628 §5.4).
#[tokio::test]
async fn a_user_code_is_short_lived_and_in_no_link() {
    let rig = Rig::start().await;
    let codes = begin(&rig, "organizations").await;
    assert!(codes["verification_uri_complete"].is_null());
    let code = codes["user_code"].as_str().unwrap();
    assert!(!codes["verification_uri"].as_str().unwrap().contains(code));
    assert!(code.bytes().all(|letter| b"BCDFGHJKLMNPQRSTVWXZ".contains(&letter)), "{code}");
    assert!(codes["expires_in"].as_i64().unwrap() <= 900 && codes["interval"].as_i64().unwrap() >= 5);
    assert_ne!(begin(&rig, "organizations").await["user_code"], codes["user_code"]);
    rig.wait(Duration::from_mins(15));
    let approval = Approval::Approved(rig.authentication());
    let late = rig.database.device_codes().answer(&OpaqueHash::of(code), &approval, rig.now()).await.unwrap();
    assert!(!late, "a code that was mailed to somebody is worth nothing later");
}

#[tokio::test]
async fn a_device_code_is_its_clients_and_its_tenants() {
    let rig = Rig::start().await;
    let other = rig.another_tenant(30, "example.net").await;
    let mallory = rig.user_with_password(other, "mallory@example.net", PASSWORD).await;
    let native = rig.native.to_string();
    let answer = async |codes: &Value, approval: Approval| {
        let code = OpaqueHash::of(codes["user_code"].as_str().unwrap());
        rig.database.device_codes().answer(&code, &approval, rig.now()).await.unwrap()
    };
    // Another client that saw the device code.
    let codes = begin(&rig, "organizations").await;
    assert!(answer(&codes, Approval::Approved(rig.authentication())).await);
    poll(&rig, &rig.api.to_string(), &codes).await.refused(400, "bad_verification_code", 70_018);
    // Answered once: a second person cannot take the device over, nor take the answer back.
    assert!(!answer(&codes, Approval::Denied).await);
    poll(&rig, &native, &codes).await.ok();
    poll(&rig, &native, &codes).await.refused(400, "bad_verification_code", 70_018);
    // A user of another tenant.
    let codes = begin(&rig, &rig.tenant.to_string()).await;
    let mut foreign = rig.authentication();
    foreign.user = mallory.id;
    assert!(answer(&codes, Approval::Approved(foreign)).await);
    let fields = [
        ("grant_type", "urn:ietf:params:oauth:grant-type:device_code"),
        ("client_id", native.as_str()),
        ("device_code", codes["device_code"].as_str().unwrap()),
    ];
    rig.register(rig.native, |registration| registration.multi_tenant = true).await;
    let refused = rig.post("/organizations/oauth2/v2.0/token", &fields).await;
    assert_eq!((refused.status, refused.body["access_token"].is_null()), (400, true));
    // Revoked or disabled between the answer and the poll.
    let codes = begin(&rig, "organizations").await;
    assert!(answer(&codes, Approval::Approved(rig.authentication())).await);
    rig.database.users().set_enabled(rig.user.id, false, rig.now()).await.unwrap();
    assert_eq!(poll(&rig, &native, &codes).await.status, 400);
}
