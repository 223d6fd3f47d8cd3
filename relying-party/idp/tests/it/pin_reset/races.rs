//! Many at once, and two processes on one database.

use std::num::NonZeroUsize;
use std::sync::Arc;

use axum::body::{Body, to_bytes};
use axum::http::Request;
use latchkey_idp::clock::Clock;
use latchkey_idp::domain::{Authentication, UserId};
use latchkey_idp::http::pin_reset_router;
use latchkey_idp::password::{Pool, PoolOptions};
use latchkey_idp::pin_reset::{Owner, Purpose};
use latchkey_idp::provider::Provider;
use latchkey_idp::secrets::SealingKeys;
use latchkey_idp::settings::Settings;
use latchkey_idp::storage::Database;
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng as _;
use serde_json::json;
use tower::ServiceExt as _;

use super::device::RegisteredDevice;
use super::scene::{CONTAINER, Scene, protect, token};
use crate::rig::URL;

/// A provider of its own on the same database, as another process has it.
async fn another_process(scene: &Scene) -> Arc<Provider> {
    let database = Database::open(&format!("sqlite:{}", scene.rig.file().display())).await.unwrap();
    let now = scene.rig.now();
    let passwords = Pool::start(&PoolOptions::for_cores(NonZeroUsize::MIN)).unwrap();
    let keys = (Arc::new(SealingKeys::new(&[1; 32], &[])), passwords);
    let settings = Settings::new(URL, None, &[]).unwrap();
    let rng = Box::new(ChaCha20Rng::seed_from_u64(9));
    Arc::new(Provider::open(settings, database, keys, Clock::new(move || now), rng).await.unwrap())
}

/// Sends a body to a router; the status of the answer.
async fn status(router: axum::Router, authorization: String, body: String) -> u16 {
    let request = Request::post("/unprotectsecret/v1").header("authorization", authorization);
    let response = router.oneshot(request.body(Body::from(body)).unwrap()).await.unwrap();
    let status = response.status().as_u16();
    to_bytes(response.into_body(), usize::MAX).await.unwrap();
    status
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_processes_that_race_for_a_nonce_one_wins() {
    let mut scene = Scene::hpke().await;
    let other = another_process(&scene).await;
    let routers = [pin_reset_router(Arc::clone(&scene.rig.provider)), pin_reset_router(other)];
    for _ in 0..3 {
        let reset = scene.reset().await;
        let body = json!({ "protectedSecret": reset.envelope, "request": scene.device.sign(&reset.payload) })
            .to_string();
        let tries: Vec<_> = (0..8)
            .map(|at| {
                tokio::spawn(status(routers[at % 2].clone(), reset.authorization.clone(), body.clone()))
            })
            .collect();
        let mut won = 0;
        for each in tries {
            match each.await.unwrap() {
                200 => won += 1,
                status => assert_eq!(status, 400),
            }
        }
        assert_eq!(won, 1);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_hundred_devices_at_once() {
    let mut scene = Scene::hpke().await;
    let mut requests = Vec::new();
    for number in 0..200_u32 {
        let user = scene.rig.another_user(&format!("user{number}@example.org")).await;
        requests.push(request(&mut scene, user.id).await);
    }
    let router = pin_reset_router(Arc::clone(&scene.rig.provider));
    let tries: Vec<_> = requests
        .into_iter()
        .map(|(authorization, body)| tokio::spawn(status(router.clone(), authorization, body)))
        .collect();
    let mut released = 0;
    for each in tries {
        match each.await.unwrap() {
            200 => released += 1,
            status => assert!(matches!(status, 429 | 503), "told to try again, not {status}"),
        }
    }
    assert!(released >= 100, "{released}");
    scene.rig.provider.verify_audit(None).await.unwrap().unwrap();
}

/// A reset of another user, on a device of theirs.
async fn request(scene: &mut Scene, user: UserId) -> (String, String) {
    let device = RegisteredDevice::register(&scene.rig, (scene.rig.tenant, user)).await;
    let owner =
        Owner { tenant: scene.rig.tenant, user, device: device.id, container: CONTAINER.parse().unwrap() };
    scene.protector = protect(&scene.rig, &owner, "hpke-p256", &mut scene.rng).await;
    let before = scene.rig.user.clone();
    scene.rig.user = scene.rig.database.users().find(user).await.unwrap().unwrap();
    let authentication = Authentication { user, ..scene.authentication() };
    let token = token(&scene.rig, authentication).await;
    scene.rig.user = before;
    let reset = scene.reset_with(&format!("Bearer {token}"), Purpose::Recover).await;
    let body = json!({ "protectedSecret": reset.envelope, "request": device.sign(&reset.payload) });
    (reset.authorization, body.to_string())
}
