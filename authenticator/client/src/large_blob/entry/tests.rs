//! Entries, those of another implementation too.

use super::*;

/// Counts up.
fn key() -> [u8; 32] {
    std::array::from_fn(|at| at.try_into().unwrap())
}

fn rng() -> rand_chacha::ChaCha20Rng {
    rand_chacha::rand_core::SeedableRng::seed_from_u64(7)
}

/// Made by python-fido2 2.2.1 under [`key`], with the nonce 0, 1, …, 11.
fn foreign() -> Value {
    let ciphertext = "6ccb9e4eedab0e56d86958a4fbc0ae3cab174c33f0e0f4e312b888fdbe765362d8a5305941";
    let ciphertext: Vec<u8> = (0..ciphertext.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&ciphertext[at..at + 2], 16).unwrap())
        .collect();
    Value::Map(vec![
        (1.into(), ciphertext.into()),
        (2.into(), (0..12).collect::<Vec<u8>>().into()),
        (3.into(), 46.into()),
    ])
}

/// An entry with another value for one member.
fn with(entry: &Value, label: i64, value: Value) -> Value {
    let mut members = entry.as_map().unwrap().clone();
    members.retain(|(key, _)| *key != Value::from(label));
    members.push((label.into(), value));
    Value::Map(members)
}

#[test]
fn a_blob_comes_back_and_only_under_its_key() {
    for blob in [Vec::new(), b"a".to_vec(), vec![7; 100_000]] {
        let entry = seal(&blob, &key(), &mut rng());
        assert_eq!(open(&entry, &key()), Some(blob));
        assert_eq!((open(&entry, &[0; 32]), is_under(&entry, &[0; 32])), (None, false));
    }
}

#[test]
fn another_implementations_entry_is_read() {
    let read = open(&foreign(), &key());
    assert_eq!(read.as_deref(), Some(&b"the same words, the same words, the same words"[..]));
}

#[test]
fn what_is_damaged_or_none_is_passed_over() {
    let entry = foreign();
    let ciphertext = entry.as_map().unwrap()[0].1.as_bytes().unwrap().clone();
    for damaged in [
        with(&entry, 3, 47.into()),
        with(&entry, 3, (-1).into()),
        with(&entry, 2, vec![0_u8; 12].into()),
        with(&entry, 2, vec![0_u8; 11].into()),
        with(&entry, 1, ciphertext[..ciphertext.len() - 1].to_vec().into()),
        with(&entry, 1, vec![0_u8; 3].into()),
        with(&entry, 1, Value::Null),
        Value::Map(Vec::new()),
        Value::from(7),
    ] {
        assert_eq!(open(&damaged, &key()), None, "{damaged:?}");
    }
}

#[test]
fn a_bomb_stays_packed() {
    let zeros = vec![0; LONGEST + 1];
    let entry = seal(&zeros, &key(), &mut rng());
    assert!(is_under(&entry, &key()));
    assert_eq!(open(&entry, &key()), None);
}
