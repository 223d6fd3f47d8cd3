//! The service's keys on the administrators' pages and in the API.

use std::time::Duration;

use latchkey_idp::administration::Administrator;
use latchkey_idp::pin_reset::keys::{self, State};
use serde_json::{Value, json};

use super::scene::{Scene, last_entry};
use crate::admin_pages::{Desk, ada, enrol, has};
use crate::administration::other_tenant;
use crate::browser::Page;
use crate::graph::{Graph, refused};

/// Each key of the page: its name and its state.
fn rows(page: &Page) -> Vec<(String, String)> {
    let rows = page.html.split("data-kid=\"").skip(1);
    let word = |rest: &str| rest.split_once('"').unwrap().0.to_owned();
    rows.map(|row| (word(row), word(row.split_once("data-state=\"").unwrap().1))).collect()
}

fn of_state(page: &Page, state: &str) -> Vec<String> {
    rows(page).into_iter().filter(|(_, known)| known == state).map(|(kid, _)| kid).collect()
}

#[tokio::test]
async fn keys_are_rotated_and_retired_with_their_consequences() {
    let mut scene = Scene::hpke().await;
    let ada = ada(&scene.rig).await;
    let mut desk = Desk::of(&scene.rig, &ada).await;
    let page = desk.get("/pin-resets/keys").await;
    assert_eq!(of_state(&page, "current").len(), 2, "one a protocol");
    has(&page, "In software, sealed at rest");
    let anchor = page.html.split_once("id=\"anchor\">").unwrap().1.split_once('<').unwrap().0;
    assert_eq!(anchor.len(), 64, "{anchor}");
    let kid = |scene: &Scene| {
        let parts = latchkey_idp::pin_reset::Envelope::parse(&scene.protector.envelope).unwrap();
        parts.kid
    };
    let in_use = kid(&scene);
    let retire = [("kid", in_use.as_str())];
    desk.refused("/pin-resets/keys/retire", &retire, 409, "rotate the keys first").await;

    scene.rig.wait(Duration::from_secs(1));
    let page = desk.done("/pin-resets/keys/rotate", &[]).await;
    assert_eq!(last_entry(&scene.rig).await["action"], "pin_reset.keys_rotated");
    assert!(of_state(&page, "old").contains(&in_use), "{:?}", rows(&page));
    has(&page, "a forgotten PIN can be reset there only by losing its passkeys and keys");
    // What was made for the old key opens still, and the page says that it did.
    let reset = scene.reset().await;
    let answer = scene.send(&reset).await;
    scene.opened(&reset, answer);
    let page = desk.get("/pin-resets/keys").await;
    assert_eq!(page.html.matches("<dd>Never</dd>").count(), 3, "of four keys one was used");

    let page = desk.done("/pin-resets/keys/retire", &retire).await;
    assert_eq!(last_entry(&scene.rig).await["action"], "pin_reset.key_retired");
    assert_eq!(of_state(&page, "retired"), std::slice::from_ref(&in_use));
    let reset = scene.reset().await;
    let answer = scene.send(&reset).await;
    assert_eq!(answer.body["error"], "key_retired", "{}", answer.body);
    desk.refused("/pin-resets/keys/retire", &retire, 404, "no such live key").await;
    desk.refused("/pin-resets/keys/retire", &[("kid", "x")], 404, "no such live key").await;
}

#[tokio::test]
async fn all_tenants_use_the_keys_and_the_first_one_changes_them() {
    let scene = Scene::hpke().await;
    let rig = &scene.rig;
    let eve = other_tenant(rig).await;
    enrol(rig, &eve).await;
    let mut desk = Desk::of(rig, &eve).await;
    let page = desk.get("/pin-resets/keys").await;
    assert!(rows(&page).len() == 2 && !page.html.contains("keys-rotate"), "{}", page.html);
    let kid = rows(&page)[0].0.clone();
    let home = "Only administrators of the first tenant";
    desk.refused("/pin-resets/keys/rotate", &[], 403, home).await;
    desk.refused("/pin-resets/keys/retire", &[("kid", &kid)], 403, home).await;
    assert_eq!(desk.get("/pin-resets/keys").await.html.matches("data-kid").count(), 2);

    // The same through the API, where names of keys are no part of a path.
    let reader = Graph::app(rig, &["Policy.Read.All"]).await;
    let shown = reader.get("/v1.0/pinReset/keys").await.ok();
    assert_eq!(shown["anchorSha256"].as_str().unwrap().len(), 64, "{shown}");
    refused(&reader.post("/v1.0/pinReset/keys/rotate", json!({})).await, 403, "Authorization_RequestDenied");
    let writer = Graph::app(rig, &["Policy.ReadWrite.DeviceConfiguration"]).await;
    let new = writer.post("/v1.0/pinReset/keys/rotate", json!({})).await.ok();
    assert_eq!(new["value"].as_array().unwrap().len(), 2, "{new}");
    refused(
        &writer.post("/v1.0/pinReset/keys/retire", json!({ "id": new["value"][0] })).await,
        409,
        "Request_Conflict",
    );
    let retire = json!({ "id": kid });
    assert_eq!(writer.post("/v1.0/pinReset/keys/retire", retire.clone()).await.status, 204);
    refused(&writer.post("/v1.0/pinReset/keys/retire", retire).await, 404, "Request_ResourceNotFound");
    let states = reader.get("/v1.0/pinReset/keys").await.ok();
    let retired: Vec<&Value> =
        states["value"].as_array().unwrap().iter().filter(|key| key["state"] == "retired").collect();
    assert!(retired.len() == 1 && retired[0]["id"] == json!(kid), "{states}");
}

/// As if the key had been made by a process with a TPM: this one has none.
async fn move_away(scene: &Scene) {
    let url = format!("sqlite:{}", scene.rig.file().display());
    let pool = sqlx::SqlitePool::connect(&url).await.unwrap();
    let moved = "UPDATE reset_keys SET place = 'tpm' WHERE protocol = 'hpke-p256'";
    assert_eq!(sqlx::query(moved).execute(&pool).await.unwrap().rows_affected(), 1);
    pool.close().await;
}

#[tokio::test]
async fn a_process_without_the_place_of_a_key_neither_replaces_nor_retires_it() {
    let scene = Scene::hpke().await;
    let ada = ada(&scene.rig).await;
    let mut desk = Desk::of(&scene.rig, &ada).await;
    move_away(&scene).await;
    has(&desk.get("/pin-resets/keys").await, "In the TPM of the machine");
    let why = "give --pin-reset-keys tpm";
    desk.refused("/pin-resets/keys/rotate", &[], 409, why).await;
    // Nor when its time has come.
    scene.rig.wait(Duration::from_hours(181 * 24));
    scene.rig.provider.tend().await;
    let states = keys::states(&scene.rig.provider).await.unwrap();
    let hpke: Vec<_> = states.iter().filter(|(key, _)| key.place == "tpm").collect();
    assert!(matches!(hpke[..], [(_, State::Current)]), "{}", states.len());
    // The operator, who chooses the place, leaves it; what was made there stays where it is.
    let operator = Administrator::operator_of_installation(&scene.rig.provider).await.unwrap();
    operator.rotate_reset_keys().await.unwrap();
    let refused = operator.retire_reset_key(&hpke[0].0.kid).await.unwrap_err();
    assert!(refused.to_string().contains(why), "{refused}");
    let all = operator.reset_keys().await.unwrap().keys;
    let left = all.iter().find(|key| key.place == "tpm").unwrap();
    assert_eq!(left.state, State::Old, "it is not half retired");
}
