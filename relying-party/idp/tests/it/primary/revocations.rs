//! When a primary token ends before its time, and with it what came of it.

use latchkey_idp::sign_in::set_password;
use serde_json::Value;

use super::device::{Device, nonce, password_request};
use super::{by_key, by_password, token, used};
use crate::rig::{Answer, PASSWORD, Rig};

async fn refreshed(rig: &Rig, answer: &Value) -> Answer {
    let broker = latchkey_idp::domain::first_party::LINUX_BROKER.to_string();
    let token = answer["refresh_token"].as_str().unwrap();
    rig.token(&[("grant_type", "refresh_token"), ("client_id", &broker), ("refresh_token", token)]).await
}

/// Two devices, so that it is seen what ends and what does not.
struct Scene {
    rig: Rig,
    device: Device,
    other: Device,
}

impl Scene {
    async fn new() -> Self {
        let rig = Rig::start().await;
        let device = Device::register(&rig, "Laptop").await;
        let other = Device::register(&rig, "Desktop").await;
        Self { rig, device, other }
    }
}

#[tokio::test]
async fn a_disabled_or_deleted_device_ends_its_own() {
    let Scene { rig, device, other } = Scene::new().await;
    for (gone, code) in [(false, 135_011), (true, 130_008)] {
        let (held, spared) = (by_password(&rig, &device).await, by_password(&rig, &other).await);
        let given = token(&rig, &held).await;
        let devices = rig.database.devices();
        if gone {
            assert!(devices.remove((rig.tenant, device.id), rig.now()).await.unwrap());
        } else {
            assert!(devices.set_enabled((rig.tenant, device.id), false, rig.now()).await.unwrap());
        }
        used(&rig, &held).await.refused(400, "invalid_grant", code);
        refreshed(&rig, &given).await.refused(400, "invalid_grant", 50_173);
        assert_eq!(rig.get("/oidc/userinfo", given["access_token"].as_str()).await.status, 401);
        let payload = password_request(&nonce(&rig).await, &rig.user.upn, PASSWORD);
        device.ask(&rig, &device.signed(&payload)).await.refused(400, "invalid_grant", code);
        assert_eq!(used(&rig, &spared).await.status, 200);
        if !gone {
            assert!(devices.set_enabled((rig.tenant, device.id), true, rig.now()).await.unwrap());
            used(&rig, &held).await.refused(400, "invalid_grant", 50_173);
        }
    }
}

#[tokio::test]
async fn a_disabled_user_and_a_revocation_end_all() {
    let Scene { rig, device, other } = Scene::new().await;
    let (first, second) = (by_password(&rig, &device).await, by_password(&rig, &other).await);
    rig.wait(std::time::Duration::from_secs(1));
    rig.database.users().revoke_sessions(rig.user.id, rig.now()).await.unwrap();
    used(&rig, &first).await.refused(400, "invalid_grant", 50_173);
    used(&rig, &second).await.refused(400, "invalid_grant", 50_173);
    let again = by_password(&rig, &device).await;
    rig.database.users().set_enabled(rig.user.id, false, rig.now()).await.unwrap();
    used(&rig, &again).await.refused(400, "invalid_grant", 50_057);
}

#[tokio::test]
async fn a_new_password_ends_what_came_before_it() {
    let Scene { rig, device, .. } = Scene::new().await;
    let held = by_password(&rig, &device).await;
    rig.wait(std::time::Duration::from_secs(1));
    set_password(&rig.provider, rig.user.id, "another password 17").await.unwrap();
    used(&rig, &held).await.refused(400, "invalid_grant", 50_173);
}

#[tokio::test]
async fn a_deleted_key_ends_what_it_signed_in() {
    let Scene { rig, device, .. } = Scene::new().await;
    let key = device.add_key(&rig, rig.user.id).await;
    let (held, spared) = (by_key(&rig, &device, &key).await, by_password(&rig, &device).await);
    assert_eq!(used(&rig, &held).await.status, 200);
    rig.database.enterprise_keys().remove(rig.user.id, key.id).await.unwrap().unwrap();
    used(&rig, &held).await.refused(400, "invalid_grant", 130_004);
    assert_eq!(used(&rig, &spared).await.status, 200);
}

#[tokio::test]
async fn the_device_is_among_the_users_sessions_and_is_signed_out_there() {
    let Scene { rig, device, .. } = Scene::new().await;
    let held = by_password(&rig, &device).await;
    let given = token(&rig, &held).await;
    let sessions = rig.database.sessions().of_user(rig.user.id, rig.now()).await.unwrap();
    let [session] = &sessions[..] else { panic!("{sessions:?}") };
    assert_eq!((session.agent.as_str(), session.authentication.device), ("Device Laptop", Some(device.id)));
    assert_eq!(crate::rig::claims(&given["access_token"])["sid"], session.id.to_string());
    rig.database.sessions().end(session.id, rig.now()).await.unwrap();
    rig.database.grants().revoke_of_session(session.id, rig.now()).await.unwrap();
    used(&rig, &held).await.refused(400, "invalid_grant", 50_173);
    refreshed(&rig, &given).await.refused(400, "invalid_grant", 50_173);
}
