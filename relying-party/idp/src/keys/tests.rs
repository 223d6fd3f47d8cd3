use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng as _;
use serde_json::{Value, json};

use super::*;
use crate::tokens::{Jws, JwsError};

const NOW: UnixTime = UnixTime::from_seconds(1_750_000_000);

async fn database() -> (tempfile::TempDir, Database) {
    let directory = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}", directory.path().join("idp.db").display());
    (directory, Database::open(&url).await.unwrap())
}

fn sealing() -> Arc<SealingKeys> {
    Arc::new(SealingKeys::new(&[7; 32], &[]))
}

fn names(keys: &SigningKeys) -> Vec<String> {
    let jwks: Value = serde_json::from_str(&keys.jwks()).unwrap();
    jwks["keys"].as_array().unwrap().iter().map(|key| key["kid"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn a_key_is_known_before_it_signs_and_until_its_last_token_is_over() {
    let (_directory, database) = database().await;
    let mut rng = ChaCha20Rng::seed_from_u64(1);
    let keys = SigningKeys::open(&database, sealing(), NOW, &mut rng).await.unwrap();
    let first = keys.signing(SigningAlgorithm::Rs256, NOW).unwrap().kid.clone();
    assert_eq!(names(&keys).len(), 2);

    let later = NOW.plus(LIFETIME);
    keys.tend(&database, later, &mut rng).await.unwrap();
    assert_eq!(names(&keys).len(), 4, "old and new are published");
    assert_eq!(keys.signing(SigningAlgorithm::Rs256, later).unwrap().kid, first, "the old one still signs");
    let taken_over = later.plus(LEAD);
    let second = keys.signing(SigningAlgorithm::Rs256, taken_over).unwrap().kid.clone();
    assert_ne!(second, first);
    assert!(keys.verifying(&first).is_some());

    keys.tend(&database, taken_over.plus(AFTERGLOW).plus(Duration::from_secs(1)), &mut rng).await.unwrap();
    assert_eq!(names(&keys).len(), 2);
    assert!(keys.verifying(&first).is_none());
    assert_eq!(keys.signing(SigningAlgorithm::Rs256, taken_over).unwrap().kid, second);
}

#[tokio::test]
async fn processes_agree_on_their_keys() {
    let (_directory, database) = database().await;
    let mut rng = ChaCha20Rng::seed_from_u64(1);
    let one = SigningKeys::open(&database, sealing(), NOW, &mut rng).await.unwrap();
    let two = SigningKeys::open(&database, sealing(), NOW, &mut rng).await.unwrap();
    assert_eq!(names(&one), names(&two));
    one.rotate(&database, NOW, &mut rng).await.unwrap();
    two.rotate(&database, NOW, &mut rng).await.unwrap();
    one.tend(&database, NOW, &mut rng).await.unwrap();
    assert_eq!(names(&one), names(&two));
    assert_eq!(names(&one).len(), 4, "two rotations at once are one");
}

#[tokio::test]
async fn keys_do_not_open_without_the_sealing_key() {
    let (_directory, database) = database().await;
    let mut rng = ChaCha20Rng::seed_from_u64(1);
    SigningKeys::open(&database, sealing(), NOW, &mut rng).await.unwrap();
    let other = Arc::new(SealingKeys::new(&[8; 32], &[]));
    let opened = SigningKeys::open(&database, other, NOW, &mut rng).await;
    assert!(matches!(opened, Err(Error::Sealed(_))));
}

#[test]
fn a_signature_is_verified_with_the_algorithm_of_its_key() {
    for algorithm in ALGORITHMS {
        let (key, _) = SigningKey::generate(algorithm, NOW).unwrap();
        let token = key.sign(b"{\"a\":1}").unwrap();
        let claims: Value = Jws::parse(&token).unwrap().verify(key.public_key()).unwrap();
        assert_eq!(claims, json!({ "a": 1 }));
        // Another key of the same kind.
        let (other, _) = SigningKey::generate(algorithm, NOW).unwrap();
        let verified = Jws::parse(&token).unwrap().verify::<Value>(other.public_key());
        assert_eq!(verified.unwrap_err(), JwsError::Signature);
        // Another algorithm in the header: none, a MAC keyed with the public key, the other kind of key.
        let (_, rest) = token.split_once('.').unwrap();
        for alg in ["none", "None", "HS256", "RS384", "ES256K", "RS1", ""] {
            use base64::Engine as _;
            let header = json!({ "alg": alg, "kid": key.kid }).to_string();
            let header = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(header);
            let forged = format!("{header}.{rest}");
            let verified = Jws::parse(&forged).unwrap().verify::<Value>(key.public_key());
            assert_eq!(verified.unwrap_err(), JwsError::Algorithm, "{alg}");
        }
    }
}
