//! Many at once, and two processes on one database.

use std::num::NonZeroUsize;
use std::sync::Arc;

use axum::body::{Body, to_bytes};
use axum::http::Request;
use latchkey_idp::clock::Clock;
use latchkey_idp::http::pin_reset_router;
use latchkey_idp::password::{Pool, PoolOptions};
use latchkey_idp::provider::Provider;
use latchkey_idp::secrets::SealingKeys;
use latchkey_idp::settings::Settings;
use latchkey_idp::storage::Database;
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng as _;
use serde_json::json;
use tower::ServiceExt as _;

use super::ground::Ground;
use super::scene::Scene;
use crate::rig::{Rig, SEALING, URL};

/// A provider of its own on a database of the rig's, as another process has it. For it time stands still.
pub async fn another_process(rig: &Rig, url: &str) -> Arc<Provider> {
    let database = Database::open(url).await.unwrap();
    let now = rig.now();
    let passwords = Pool::start(&PoolOptions::for_cores(NonZeroUsize::MIN)).unwrap();
    let keys = (Arc::new(SealingKeys::new(&SEALING, &[])), passwords);
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
async fn they_race_for_a_nonce_on_sqlite() {
    of_two_processes_that_race_for_a_nonce_one_wins(Ground::Sqlite.hpke().await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn they_race_for_a_nonce_on_postgres() {
    let ground = Ground::postgres("races").await;
    of_two_processes_that_race_for_a_nonce_one_wins(ground.hpke().await).await;
}

async fn of_two_processes_that_race_for_a_nonce_one_wins(mut scene: Scene) {
    let other = another_process(&scene.rig, &scene.rig.url).await;
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
        requests.push(scene.reset_of(&format!("user{number}@example.org")).await);
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
