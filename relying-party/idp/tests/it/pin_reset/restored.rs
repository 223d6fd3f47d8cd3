//! An older copy of the database takes the place of the one in use.

use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::http::Request;
use latchkey_idp::administration::Administrator;
use latchkey_idp::audit_chain::Fault;
use latchkey_idp::http::pin_reset_router;
use latchkey_idp::pin_reset::Purpose;
use latchkey_idp::provider::Provider;
use serde_json::{Value, json};
use tower::ServiceExt as _;

use super::races::another_process;
use super::scene::{Reset, Scene};

/// A copy of the database as it is now: its URL.
async fn copied(scene: &Scene) -> String {
    let name = format!("{}.db", uuid::Uuid::new_v4());
    let copy = scene.rig.file().with_file_name(name);
    let pool = sqlx::SqlitePool::connect(&scene.rig.url).await.unwrap();
    sqlx::query("VACUUM INTO $1").bind(copy.display().to_string()).execute(&pool).await.unwrap();
    pool.close().await;
    format!("sqlite:{}", copy.display())
}

/// What another service answers: the error, or nothing.
async fn asked(scene: &Scene, service: &Arc<Provider>, reset: &Reset) -> (u16, Value) {
    let router = pin_reset_router(Arc::clone(service));
    let body = json!({ "protectedSecret": reset.envelope, "request": scene.device.sign(&reset.payload) });
    let request = Request::post("/unprotectsecret/v1").header("authorization", &reset.authorization);
    let response = router.oneshot(request.body(Body::from(body.to_string())).unwrap()).await.unwrap();
    let status = response.status().as_u16();
    let bytes = to_bytes(response.into_body(), usize::MAX).await.unwrap();
    let answer: Value = serde_json::from_slice(&bytes).unwrap();
    (status, answer["error"].clone())
}

#[tokio::test]
async fn what_was_asked_since_is_strange_to_it_and_the_kept_head_tells() {
    let mut scene = Scene::hpke().await;
    let early = scene.reset().await;
    let copy = copied(&scene).await;
    let answer = scene.send(&early).await;
    scene.opened(&early, answer);
    // With a nonce of after the copy, and with a sign-in of after it.
    let nonce = scene.reset_with(&early.authorization, Purpose::Recover).await;
    let token = scene.reset().await;
    for late in [&nonce, &token] {
        let answer = scene.send(late).await;
        scene.opened(late, answer);
    }
    let operator = Administrator::operator_of_installation(&scene.rig.provider).await.unwrap();
    operator.rotate_reset_keys().await.unwrap();
    operator.retire_reset_key(&scene.protector.kid).await.unwrap();
    let head = scene.rig.provider.verify_audit(None).await.unwrap().unwrap();

    let restored = another_process(&scene.rig, &copy).await;
    assert_eq!(asked(&scene, &restored, &nonce).await, (400, "nonce_invalid".into()));
    assert_eq!(asked(&scene, &restored, &token).await, (401, "token_revoked".into()));
    // The copy has the nonce of the first request unused, and the key that was retired since: it answers once more, to the one
    // ephemeral key that the device signed and has forgotten.
    assert_eq!(asked(&scene, &restored, &early).await, (200, Value::Null));
    assert_eq!(asked(&scene, &restored, &early).await, (400, "nonce_invalid".into()));
    let broken = restored.verify_audit(Some(head)).await.unwrap().unwrap_err();
    assert_eq!(broken.fault, Fault::Missing, "the newest entries are not there");
    let same = another_process(&scene.rig, &copied(&scene).await).await;
    assert!(same.verify_audit(Some(head)).await.unwrap().is_ok(), "a copy of now is no older one");

    // Five minutes later the nonces of the copy are worth nothing either.
    let late = scene.reset().await;
    let copy = copied(&scene).await;
    scene.rig.wait(Duration::from_mins(5));
    let restored = another_process(&scene.rig, &copy).await;
    assert_eq!(asked(&scene, &restored, &late).await, (400, "nonce_invalid".into()));
}
