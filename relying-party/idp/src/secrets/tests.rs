use std::os::unix::fs::PermissionsExt as _;

use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng as _;

use super::*;

const PLACE: Place<'_> = Place { purpose: Purpose::TotpSecret, row: b"user 1" };

fn rng() -> ChaCha20Rng {
    ChaCha20Rng::seed_from_u64(1)
}

#[test]
fn what_is_sealed_opens_in_its_place_only() {
    let keys = SealingKeys::new(&[1; 32], &[]);
    let sealed = keys.seal(PLACE, b"seed", &mut rng());
    assert_eq!(&**keys.open(PLACE, &sealed).unwrap(), b"seed");
    for place in [
        Place { row: b"user 2", ..PLACE },
        Place { row: b"", ..PLACE },
        Place { purpose: Purpose::SigningKey, ..PLACE },
    ] {
        assert_eq!(keys.open(place, &sealed).unwrap_err(), OpenError::Damaged, "{place:?}");
    }
}

#[test]
fn two_seals_of_one_text_differ() {
    let keys = SealingKeys::new(&[1; 32], &[]);
    let mut rng = rng();
    assert_ne!(keys.seal(PLACE, b"seed", &mut rng), keys.seal(PLACE, b"seed", &mut rng));
}

#[test]
fn any_changed_or_missing_byte_is_seen() {
    let keys = SealingKeys::new(&[1; 32], &[]);
    let sealed = keys.seal(PLACE, b"seed", &mut rng());
    for place in 0..sealed.len() {
        let mut changed = sealed.clone();
        changed[place] ^= 1;
        assert!(keys.open(PLACE, &changed).is_err(), "byte {place}");
        assert!(keys.open(PLACE, &sealed[..place]).is_err(), "length {place}");
    }
}

#[test]
fn an_older_key_opens_and_asks_to_seal_again() {
    let before = SealingKeys::new(&[1; 32], &[]);
    let sealed = before.seal(PLACE, b"seed", &mut rng());
    assert!(!before.is_outdated(&sealed));

    let after = SealingKeys::new(&[2; 32], &[[1; 32]]);
    assert_eq!(&**after.open(PLACE, &sealed).unwrap(), b"seed");
    assert!(after.is_outdated(&sealed));
    assert!(!after.is_outdated(&after.seal(PLACE, b"seed", &mut rng())));

    let without = SealingKeys::new(&[2; 32], &[]);
    assert_eq!(without.open(PLACE, &sealed).unwrap_err(), OpenError::UnknownKey);
}

#[test]
fn the_key_file_is_private_and_made_once() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keys");
    let made = SealingKeys::create(&path, &mut rng()).unwrap();
    let sealed = made.seal(PLACE, b"seed", &mut rng());
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(&**SealingKeys::load(&path).unwrap().open(PLACE, &sealed).unwrap(), b"seed");
    assert!(matches!(SealingKeys::create(&path, &mut rng()), Err(KeyFileError::File { .. })));

    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
    assert!(matches!(SealingKeys::load(&path), Err(KeyFileError::Exposed(_))));
}

#[test]
fn a_key_file_holds_keys_and_remarks() {
    let one = STANDARD.encode([1; 32]);
    let two = STANDARD.encode([2; 32]);
    let keys = SealingKeys::parse(&format!("# since May\n{two}\n\n{one}\n")).unwrap();
    let sealed = SealingKeys::new(&[1; 32], &[]).seal(PLACE, b"seed", &mut rng());
    assert!(keys.open(PLACE, &sealed).is_ok());
    assert!(keys.is_outdated(&sealed));
    for text in ["", "# nothing\n", "AAAA\n", "not base64!\n"] {
        assert!(matches!(SealingKeys::parse(text), Err(KeyFileError::Malformed)), "{text:?}");
    }
}
