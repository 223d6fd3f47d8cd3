//! Secrets move from one sealing key to another.

use latchkey_idp::reseal::{ResealError, Resealed, reseal};
use latchkey_idp::secrets::{OpenError, Place, Purpose, SealingKeys};
use latchkey_idp::sign_in::add_totp;
use latchkey_idp::storage::{Database, SealedTable};
use latchkey_idp::totp::{Algorithm, TotpSecret};
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng as _;
use zeroize::Zeroizing;

use crate::rig::Rig;

const OLD: [u8; 32] = [1; 32];
const NEW: [u8; 32] = [2; 32];

/// What storage does with them, on either database.
pub async fn sealed_texts(database: &Database) {
    database.signing_keys().service_key("x", &[1, 2]).await.unwrap();
    let row = database.sealed().rows(SealedTable::ServiceKeys).await.unwrap().remove(0);
    assert_eq!((row.key.as_str(), row.sealed.as_slice()), ("x", &[1, 2][..]));
    assert!(database.sealed().replace(&row, &[3]).await.unwrap());
    assert!(!database.sealed().replace(&row, &[4]).await.unwrap(), "what was read is no longer there");
    assert_eq!(database.signing_keys().service_key("x", &[9]).await.unwrap(), [3]);
    for table in [SealedTable::SigningKeys, SealedTable::Totp] {
        assert!(database.sealed().rows(table).await.unwrap().is_empty());
    }
}

async fn outdated(database: &Database, keys: &SealingKeys) -> usize {
    let mut count = 0;
    for table in SealedTable::ALL {
        let rows = database.sealed().rows(table).await.unwrap();
        count += rows.iter().filter(|row| keys.is_outdated(&row.sealed)).count();
    }
    count
}

#[tokio::test]
async fn everything_is_sealed_again_and_the_old_key_can_go() {
    let rig = Rig::start().await;
    let mut rng = ChaCha20Rng::seed_from_u64(7);
    let seed = TotpSecret::from_bytes(Algorithm::Sha1, Zeroizing::new(vec![9; 20])).unwrap();
    add_totp(&rig.provider, rig.user.id, "app", &seed, None).await.unwrap();
    let alone = SealingKeys::new(&NEW, &[]);
    let all = outdated(&rig.database, &alone).await;
    assert!(all >= 5, "two signing keys, two service keys and a seed: {all}");

    // Without the old key nothing is touched.
    let refused = reseal(&rig.database, &alone, &mut rng).await;
    assert!(matches!(refused, Err(ResealError::Sealed { error: OpenError::UnknownKey, .. })), "{refused:?}");
    assert_eq!(outdated(&rig.database, &alone).await, all);

    let both = SealingKeys::new(&NEW, &[]).with_former(SealingKeys::new(&OLD, &[]));
    let count = u64::try_from(all).unwrap();
    let first = reseal(&rig.database, &both, &mut rng).await.unwrap();
    assert_eq!(first, Resealed { changed: count, unchanged: 0 });
    let second = reseal(&rig.database, &both, &mut rng).await.unwrap();
    assert_eq!(second, Resealed { changed: 0, unchanged: count });

    // What was sealed for one row still opens for that row only, with the new key alone.
    let stored = rig.database.totp().of_user(rig.user.id).await.unwrap().remove(0);
    let place = Place { purpose: Purpose::TotpSecret, row: stored.id.as_bytes() };
    let text = alone.open(place, &stored.sealed).unwrap();
    assert!(text.ends_with(&[9; 20]));
    let elsewhere = Place { purpose: Purpose::TotpSecret, row: &[0; 16] };
    assert_eq!(alone.open(elsewhere, &stored.sealed).unwrap_err(), OpenError::Damaged);
    for row in rig.database.sealed().rows(SealedTable::SigningKeys).await.unwrap() {
        let place = Place { purpose: Purpose::SigningKey, row: row.key.as_bytes() };
        alone.open(place, &row.sealed).unwrap();
    }
}
