//! What may be used once is used once, also when two processes try at the same time.

use std::sync::Arc;
use std::time::Duration;

use latchkey_idp::domain::{GrantId, OpaqueHash};
use latchkey_idp::storage::{Approval, IssuedCode};
use latchkey_idp::storage::{Database, DeviceRequest, Poll, Purpose, Redemption, Rotation};

use crate::postgres::Postgres;
use crate::storage::{NOW, Seeded, noted, seed};

/// So many try for each of the single-use things.
const ATTEMPTS: usize = 1_000;
/// So many at a time.
const AT_ONCE: usize = 32;

/// Runs `attempt` [`ATTEMPTS`] times, alternating between two pools; how many won.
async fn winners<F, A>(databases: &[Database; 2], attempt: A) -> usize
where
    A: Fn(Database) -> F,
    F: Future<Output = bool> + Send + 'static,
{
    let gate = Arc::new(tokio::sync::Semaphore::new(AT_ONCE));
    let mut tasks = tokio::task::JoinSet::new();
    for number in 0..ATTEMPTS {
        let permit = Arc::clone(&gate).acquire_owned().await.unwrap();
        let attempt = attempt(databases[number % 2].clone());
        tasks.spawn(async move {
            let won = attempt.await;
            drop(permit);
            won
        });
    }
    tasks.join_all().await.into_iter().filter(|won| *won).count()
}

async fn races(databases: [Database; 2]) {
    let Seeded { client, grant, user, .. } = seed(&databases[0]).await;
    let later = NOW.plus(Duration::from_hours(1));

    let nonce = OpaqueHash::of("nonce");
    databases[0].nonces().issue(&nonce, Purpose::Broker, later).await.unwrap();
    let take = |database: Database| async move {
        database.nonces().take(&nonce, Purpose::Broker, NOW).await.unwrap()
    };
    assert_eq!(winners(&databases, take).await, 1, "nonce");

    let jti = OpaqueHash::of("jti");
    let first = |database: Database| async move {
        database.nonces().first_time(&jti, Purpose::ClientAssertion, later).await.unwrap()
    };
    assert_eq!(winners(&databases, first).await, 1, "jti");

    let code = OpaqueHash::of("code");
    let issued =
        IssuedCode { redirect_uri: "x:y".to_owned(), challenge: None, nonce: None, spa: false, key: None };
    let sign_in = noted((grant.tenant, user), client);
    databases[0].codes().issue(&code, &issued, &grant, (later, later), &sign_in).await.unwrap();
    let redeem = |database: Database| async move {
        matches!(database.codes().redeem(&code, NOW).await.unwrap(), Redemption::First { .. })
    };
    assert_eq!(winners(&databases, redeem).await, 1, "code");
    assert!(!databases[1].grants().stands(grant.id).await.unwrap(), "code reuse takes the grant back");

    let mut family = grant.clone();
    family.id = GrantId::new(uuid::Uuid::from_u128(77));
    databases[0].grants().create(&family, later).await.unwrap();
    let token = OpaqueHash::of("refresh");
    databases[0].refresh_tokens().issue(&token, family.id, later, NOW).await.unwrap();
    let number = Arc::new(std::sync::atomic::AtomicU64::new(0));
    let rotate = |database: Database| {
        let number = number.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        async move {
            let next = OpaqueHash::of(&format!("refresh {number}"));
            let rotation = database.refresh_tokens().rotate(&token, &next, later, NOW).await.unwrap();
            rotation == Rotation::Next
        }
    };
    assert_eq!(winners(&databases, rotate).await, 1, "refresh token");
    assert!(!databases[0].grants().stands(family.id).await.unwrap(), "reuse kills the family");

    let (device_code, user_code) = (OpaqueHash::of("device"), OpaqueHash::of("user"));
    let request = DeviceRequest {
        client,
        tenant: None,
        scopes: grant.scopes.clone(),
        resource: None,
        address: String::new(),
        asked_at: None,
        fresh_mfa: false,
    };
    databases[0].device_codes().issue((&device_code, &user_code), &request, later).await.unwrap();
    let approval = Approval::Approved(grant.authentication.clone());
    let answer = |database: Database| {
        let approval = approval.clone();
        async move { database.device_codes().answer(&user_code, &approval, NOW).await.unwrap() }
    };
    assert_eq!(winners(&databases, answer).await, 1, "answer to a device");
    let poll = |database: Database| async move {
        matches!(database.device_codes().poll(&device_code, client, NOW).await.unwrap(), Poll::Answered(..))
    };
    assert_eq!(winners(&databases, poll).await, 1, "device code");

    let link = OpaqueHash::of("link");
    let browser = OpaqueHash::of("browser");
    databases[0].invitations().add(user, &link, later).await.unwrap();
    assert!(databases[0].invitations().open(&link, &browser, NOW).await.unwrap().is_some());
    let accept =
        |database: Database| async move { database.invitations().claim(&link, &browser, NOW).await.unwrap() };
    assert_eq!(winners(&databases, accept).await, 1, "invitation");

    // Counters lose no change.
    let count = |database: Database| async move {
        let count = |state: Option<u64>| (state.unwrap_or(0) + 1, later, ());
        database.limits().update("bucket", NOW, count).await.unwrap();
        true
    };
    assert_eq!(winners(&databases, count).await, ATTEMPTS);
    assert_eq!(databases[1].limits().state::<u64>("bucket", NOW).await.unwrap(), Some(1_000));
    for database in databases {
        database.close().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_a_thousand_attempts_one_wins_on_postgres() {
    let postgres = Postgres::start().await;
    let url = postgres.database("races").await;
    let databases = [Database::open(&url).await.unwrap(), Database::open(&url).await.unwrap()];
    races(databases).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_a_thousand_attempts_one_wins_on_sqlite() {
    let directory = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}", directory.path().join("idp.db").display());
    let databases = [Database::open(&url).await.unwrap(), Database::open(&url).await.unwrap()];
    races(databases).await;
}
