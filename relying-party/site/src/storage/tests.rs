use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng as _;
use tempfile::TempDir;

use super::*;

async fn database() -> (TempDir, Database) {
    let directory = tempfile::tempdir().unwrap();
    let database = Database::open(&directory.path().join("site.db")).await.unwrap();
    (directory, database)
}

fn token(seed: u64) -> SessionToken {
    SessionToken::random(&mut ChaCha20Rng::seed_from_u64(seed))
}

fn pending() -> Pending {
    Pending { user: None, user_name: None, state: "{}".to_owned() }
}

const NOW: UnixTime = UnixTime::from_seconds(1_000_000);

#[tokio::test]
async fn of_many_who_take_one_challenge_one_gets_it() {
    let (_directory, database) = database().await;
    let session = database.sessions().start(&token(1), NOW).await.unwrap();
    for round in 0..20_u8 {
        let challenge = [round; 32];
        let challenges = database.challenges();
        challenges.issue(&challenge, &session.id, Ceremony::SignIn, &pending(), NOW).await.unwrap();
        let take = || challenges.take(&challenge, &session.id, Ceremony::SignIn, NOW);
        let taken = tokio::join!(take(), take(), take(), take());
        let ready = [taken.0, taken.1, taken.2, taken.3]
            .into_iter()
            .filter(|taken| matches!(taken, Ok(Taken::Ready(_))))
            .count();
        assert_eq!(ready, 1);
    }
}

#[tokio::test]
async fn a_challenge_answers_its_own_ceremony_in_its_own_session() {
    let (_directory, database) = database().await;
    let mine = database.sessions().start(&token(1), NOW).await.unwrap().id;
    let theirs = database.sessions().start(&token(2), NOW).await.unwrap().id;
    let challenges = database.challenges();
    challenges.issue(&[1; 32], &mine, Ceremony::Register, &pending(), NOW).await.unwrap();
    for (challenge, session, ceremony) in [
        ([1; 32], &mine, Ceremony::Add),
        ([1; 32], &mine, Ceremony::SignIn),
        ([1; 32], &theirs, Ceremony::Register),
        ([2; 32], &mine, Ceremony::Register),
    ] {
        let taken = challenges.take(&challenge, session, ceremony, NOW).await.unwrap();
        assert!(matches!(taken, Taken::Unknown));
    }
    let taken = challenges.take(&[1; 32], &mine, Ceremony::Register, NOW).await.unwrap();
    assert!(matches!(taken, Taken::Ready(found) if found == pending()));
    // Ending a session ends what it had begun.
    challenges.issue(&[3; 32], &mine, Ceremony::Register, &pending(), NOW).await.unwrap();
    database.sessions().end(&mine).await.unwrap();
    let taken = challenges.take(&[3; 32], &mine, Ceremony::Register, NOW).await.unwrap();
    assert!(matches!(taken, Taken::Unknown));
}

#[tokio::test]
async fn a_session_keeps_its_newest_challenges() {
    let (_directory, database) = database().await;
    let session = database.sessions().start(&token(1), NOW).await.unwrap();
    for number in 0..20_u8 {
        let challenges = database.challenges();
        challenges.issue(&[number; 32], &session.id, Ceremony::SignIn, &pending(), NOW).await.unwrap();
    }
    for number in 0..20_u8 {
        let taken =
            database.challenges().take(&[number; 32], &session.id, Ceremony::SignIn, NOW).await.unwrap();
        assert_eq!(matches!(taken, Taken::Ready(_)), number >= 4, "{number}");
    }
}

#[tokio::test]
async fn purging_forgets_what_is_over_and_nothing_else() {
    let (_directory, database) = database().await;
    let old = token(1);
    let new = token(2);
    let session = database.sessions().start(&old, NOW).await.unwrap();
    let later = NOW.plus(Duration::from_hours(2));
    database.sessions().start(&new, later).await.unwrap();
    database.challenges().issue(&[1; 32], &session.id, Ceremony::Add, &pending(), NOW).await.unwrap();
    database.purge(NOW.plus(Duration::from_mins(6))).await.unwrap();
    let taken = database.challenges().take(&[1; 32], &session.id, Ceremony::Add, later).await.unwrap();
    assert!(matches!(taken, Taken::Expired), "late answers hear why");
    database.purge(later).await.unwrap();
    assert!(database.sessions().find(&old, NOW).await.unwrap().is_none());
    assert!(database.sessions().find(&new, later).await.unwrap().is_some());
}

#[tokio::test]
async fn the_site_key_stays() {
    let (_directory, database) = database().await;
    assert_eq!(database.site_key([1; 32]).await.unwrap(), [1; 32]);
    assert_eq!(database.site_key([2; 32]).await.unwrap(), [1; 32]);
}

#[tokio::test]
async fn the_database_holds_no_token() {
    let (directory, database) = database().await;
    let token = token(1);
    database.sessions().start(&token, NOW).await.unwrap();
    database.close().await;
    for file in std::fs::read_dir(directory.path()).unwrap() {
        let bytes = std::fs::read(file.unwrap().path()).unwrap();
        let secret = token.expose().as_bytes();
        assert!(!bytes.windows(secret.len()).any(|window| window == secret));
    }
}
