//! Calls that meet share a statement; each gets its own answer all the same.

use std::time::Duration;

use latchkey_idp::domain::{GrantId, OpaqueHash};
use latchkey_idp::storage::{Database, Error, Grant, IssuedCode, Redemption, Rotation};
use tokio::task::JoinSet;
use uuid::Uuid;

use crate::postgres::Postgres;
use crate::storage::{NOW, Seeded, noted, seed};

/// So many meet.
const MANY: u128 = 100;

/// A token of the family with this number.
fn token(family: u128, number: u32) -> OpaqueHash {
    OpaqueHash::of(&format!("{family} {number}"))
}

/// Stores the families and the first token of each.
async fn families(database: &Database, grant: &Grant) -> Vec<GrantId> {
    let later = NOW.plus(Duration::from_hours(1));
    let mut families = Vec::new();
    for number in 0..MANY {
        let family = Grant { id: GrantId::new(Uuid::from_u128(100 + number)), ..grant.clone() };
        database.grants().create(&family, later).await.unwrap();
        database.refresh_tokens().issue(&token(number, 0), family.id, later, NOW).await.unwrap();
        families.push(family.id);
    }
    families
}

/// Calls all at once; the answers, each with the number of its call.
async fn meeting<A, F>(call: impl Fn(u128) -> F) -> Vec<(u128, A)>
where
    A: Send + 'static,
    F: Future<Output = A> + Send + 'static,
{
    let mut calls = JoinSet::new();
    for number in 0..MANY {
        let call = call(number);
        calls.spawn(async move { (number, call.await) });
    }
    let mut answers = calls.join_all().await;
    answers.sort_by_key(|(number, _)| *number);
    answers
}

async fn rotations(database: &Database, grant: &Grant) {
    let later = NOW.plus(Duration::from_hours(1));
    let families = families(database, grant).await;
    database.grants().revoke(families[5], NOW).await.unwrap();

    let find = |number| {
        let database = database.clone();
        async move { database.refresh_tokens().find(&token(number, u32::from(number == 3))).await.unwrap() }
    };
    for (family, (number, found)) in families.iter().zip(meeting(find).await) {
        assert_eq!(found.as_ref().map(|found| found.grant.id), (number != 3).then_some(*family));
        assert_eq!(found.is_some_and(|found| found.revoked), number == 5);
    }

    // 3: nobody knows it; 4: its time is over; 5: revoked; 7 is presented again as 8.
    let rotate = |number| {
        let database = database.clone();
        async move {
            let family = if number == 8 { 7 } else { number };
            let old = token(family, if number == 3 { 9 } else { 0 });
            let now = if number == 4 { later } else { NOW };
            database.refresh_tokens().rotate(&old, &token(number, 1), later, now).await.unwrap()
        }
    };
    let answers = meeting(rotate).await;
    for (number, answer) in &answers {
        let expected = match number {
            3 => Rotation::Unknown,
            4 => Rotation::Expired,
            5 => Rotation::Revoked,
            7 | 8 => continue,
            _ => Rotation::Next,
        };
        assert_eq!(*answer, expected, "{number}");
    }
    let twice = [answers[7].1, answers[8].1];
    assert!(twice.contains(&Rotation::Next) && twice.contains(&Rotation::Reused), "{twice:?}");
    assert!(!database.grants().stands(families[7]).await.unwrap(), "reuse kills the family");
    assert!(database.grants().stands(families[8]).await.unwrap(), "and no other");
    let next = database.refresh_tokens().find(&token(9, 1)).await.unwrap().unwrap();
    assert_eq!((next.grant.id, next.used), (families[9], false));
    assert!(database.refresh_tokens().find(&token(9, 0)).await.unwrap().unwrap().used);
}

async fn codes(database: &Database, seeded: &Seeded) {
    let later = NOW.plus(Duration::from_hours(1));
    let issued =
        IssuedCode { redirect_uri: "x:y".to_owned(), challenge: None, nonce: None, spa: false, key: None };
    // 3 has the name of another one's code: it alone is not stored.
    let issue = |number| {
        let (database, issued) = (database.clone(), issued.clone());
        let grant = Grant { id: GrantId::new(Uuid::from_u128(500 + number)), ..seeded.grant.clone() };
        let sign_in = noted((seeded.tenant, seeded.user), seeded.client);
        async move {
            let code = token(if number == 3 { 2 } else { number }, 2);
            database.codes().issue(&code, &issued, &grant, (later, later), &sign_in).await
        }
    };
    let answers = meeting(issue).await;
    let refused: Vec<_> = answers.iter().filter(|(_, answer)| answer.is_err()).collect();
    assert!(matches!(refused.as_slice(), [(2 | 3, Err(Error::Taken))]), "{refused:?}");
    let redeem = |number| {
        let database = database.clone();
        async move { database.codes().redeem(&token(number, 2), NOW).await.unwrap() }
    };
    for (number, answer) in meeting(redeem).await {
        match answer {
            Redemption::First { grant, .. } if number != 2 => {
                assert_eq!(grant.id, GrantId::new(Uuid::from_u128(500 + number)));
            }
            Redemption::First { .. } => assert_eq!(number, 2),
            Redemption::Unknown => assert_eq!(number, 3),
            Redemption::Again | Redemption::Expired => panic!("{number}: {answer:?}"),
        }
    }
}

/// Two processes rotate their own families while a user's grants are revoked: nobody gets an error, and nothing outlives it.
async fn against_a_revocation(databases: [Database; 2], seeded: &Seeded) {
    let later = NOW.plus(Duration::from_hours(1));
    let rotate = |number: u128| {
        let database = databases[usize::from(number.is_multiple_of(2))].clone();
        let user = seeded.user;
        async move {
            if number == 50 {
                database.grants().revoke_of_user(user, None, NOW).await.unwrap();
            }
            for next in 1..20 {
                let (old, new) = (token(number, 99 + next), token(number, 100 + next));
                match database.refresh_tokens().rotate(&old, &new, later, NOW).await.unwrap() {
                    Rotation::Next => {}
                    Rotation::Revoked => return,
                    rotation @ (Rotation::Reused | Rotation::Expired | Rotation::Unknown) => {
                        panic!("{rotation:?}")
                    }
                }
            }
        }
    };
    for number in 0..MANY {
        let family = GrantId::new(Uuid::from_u128(900 + number));
        let grant = Grant { id: family, ..seeded.grant.clone() };
        databases[0].grants().create(&grant, later).await.unwrap();
        databases[0].refresh_tokens().issue(&token(number, 100), family, later, NOW).await.unwrap();
    }
    let _done = meeting(rotate).await;
    for number in 0..MANY {
        assert!(!databases[0].grants().stands(GrantId::new(Uuid::from_u128(900 + number))).await.unwrap());
    }
}

async fn all(url: &str) {
    let databases = [Database::open(url).await.unwrap(), Database::open(url).await.unwrap()];
    let seeded = seed(&databases[0]).await;
    rotations(&databases[0], &seeded.grant).await;
    codes(&databases[0], &seeded).await;
    against_a_revocation(databases.clone(), &seeded).await;
    for database in databases {
        database.close().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn calls_that_meet_get_their_own_answers_on_postgres() {
    let postgres = Postgres::start().await;
    all(&postgres.database("gathered").await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn calls_that_meet_get_their_own_answers_on_sqlite() {
    let directory = tempfile::tempdir().unwrap();
    all(&format!("sqlite:{}", directory.path().join("idp.db").display())).await;
}
