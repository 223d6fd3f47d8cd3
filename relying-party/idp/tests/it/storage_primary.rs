//! Primary tokens, on both databases.

use std::time::Duration;

use latchkey_idp::clock::UnixTime;
use latchkey_idp::domain::{DeviceId, GrantId, OpaqueHash, SessionId};
use latchkey_idp::storage::{BrowserSession, Database, NewPrimaryToken, SealedTable};
use uuid::Uuid;

use crate::postgres::Postgres;
use crate::storage::{NOW, Seeded, seed};

const HOUR: Duration = Duration::from_hours(1);

fn token(number: u128, grant: GrantId, issued_at: UnixTime) -> NewPrimaryToken {
    NewPrimaryToken {
        id: Uuid::from_u128(number),
        hash: OpaqueHash::of(&number.to_string()),
        grant,
        key_id: (number == 1).then_some([7; 32]),
        sealed: number.to_be_bytes().to_vec(),
        key_made_at: NOW,
        issued_at,
        expires_at: issued_at.plus(2 * HOUR),
    }
}

async fn begin(database: &Database, seeded: &mut Seeded) -> NewPrimaryToken {
    let device = DeviceId::new(Uuid::from_u128(9));
    seeded.grant.authentication.device = Some(device);
    let session = BrowserSession {
        id: seeded.grant.authentication.session.unwrap_or(SessionId::new(Uuid::nil())),
        authentication: seeded.grant.authentication.clone(),
        persistent: true,
        address: "192.0.2.1".to_owned(),
        agent: "Device Laptop".to_owned(),
        created_at: NOW,
        seen_at: NOW,
        expires_at: NOW.plus(2 * HOUR),
    };
    let first = token(1, seeded.grant.id, NOW);
    let (tokens, cookie) = (database.primary_tokens(), OpaqueHash::of("cookie"));
    tokens.begin((&seeded.grant, &session), &cookie, &first).await.unwrap();
    first
}

async fn primary_tokens(database: &Database) {
    let mut seeded = seed(database).await;
    let first = begin(database, &mut seeded).await;
    let tokens = database.primary_tokens();
    let find = async |token: &NewPrimaryToken| tokens.find(&token.hash).await.unwrap();
    let stored = find(&first).await.unwrap();
    assert_eq!((stored.token.key_id, &stored.token.sealed), (Some([7; 32]), &first.sealed));
    assert_eq!((stored.grant, stored.user.id, stored.revoked), (seeded.grant.clone(), seeded.user, false));
    assert!(tokens.find(&OpaqueHash::of("unknown")).await.unwrap().is_none());
    // The session is the user's, and nobody's cookie opens it while its device is not there.
    assert_eq!(database.sessions().of_user(seeded.user, NOW).await.unwrap().len(), 1);
    assert!(database.sessions().find(&OpaqueHash::of("cookie"), NOW).await.unwrap().is_none());
    // A renewal keeps all of it alive.
    let later = NOW.plus(HOUR);
    let second = token(2, seeded.grant.id, later);
    assert!(tokens.renew(&second).await.unwrap());
    assert_eq!(find(&second).await.unwrap().token.key_id, None);
    assert_eq!(database.sessions().of_user(seeded.user, NOW.plus(2 * HOUR)).await.unwrap().len(), 1);
    tokens.supersede(&second, later).await.unwrap();
    assert_eq!(find(&first).await.unwrap().token.expires_at, later);
    assert_eq!(find(&second).await.unwrap().token.expires_at, second.expires_at);
    // What is over is forgotten, and nothing else.
    database.purge(NOW.plus(HOUR + Duration::from_secs(1))).await.unwrap();
    assert!(find(&first).await.is_none() && find(&second).await.is_some());
    let rows = database.sealed().rows(SealedTable::PrimaryTokens).await.unwrap();
    assert_eq!(rows.iter().map(|row| row.key.clone()).collect::<Vec<_>>(), [second.id.to_string()]);
    assert!(database.sealed().replace(&rows[0], &[3]).await.unwrap());
    assert_eq!(find(&second).await.unwrap().token.sealed, [3]);
    // After a revocation there is no successor.
    database.grants().revoke(seeded.grant.id, later).await.unwrap();
    assert!(find(&second).await.unwrap().revoked);
    let third = token(3, seeded.grant.id, later);
    assert!(!tokens.renew(&third).await.unwrap() && find(&third).await.is_none());
}

#[tokio::test]
async fn primary_tokens_on_sqlite() {
    let directory = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}", directory.path().join("idp.db").display());
    primary_tokens(&Database::open(&url).await.unwrap()).await;
}

#[tokio::test]
async fn primary_tokens_on_postgres() {
    let postgres = Postgres::start().await;
    primary_tokens(&Database::open(&postgres.database("primary_tokens").await).await.unwrap()).await;
}
