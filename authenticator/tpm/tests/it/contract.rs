//! What every provider promises, run on each.

use latchkey_container::secret::Secret32;
use latchkey_container::tpm::{
    AdminKeyBlob, KeyAlgorithm, KeyBlob, PinCount, PinIndex, PinSlot, PublicKey, Tpm, TpmError,
};

use crate::providers::{Device, Provider, Software, auth, index};

const LIMIT: u32 = 3;

macro_rules! contract {
    ($($name:ident),+ $(,)?) => {
        mod software {
            use super::*;
            $(#[test] fn $name() { super::$name(&Software::new(1), &Software::new(2)); })+
        }
        mod device {
            use super::*;
            $(#[test] fn $name() { super::$name(&Device::new(), &Device::new()); })+
        }
    };
}

pub mod device_keys;
mod sealed;

contract!(
    sealed_secret_needs_index_and_auth,
    wrong_tries_are_counted_and_survive_a_restart,
    a_right_try_clears_the_count,
    an_exhausted_index_refuses_the_right_value,
    an_index_is_defined_once,
    only_the_admin_key_defines,
    an_index_belongs_to_its_admin_key,
    undefining_kills_what_was_sealed,
    slots_are_independent,
    bound_secret_opens_on_this_device_only,
    blobs_of_another_device_are_told_apart,
    damaged_blobs_are_refused,
    es256_signs_verifiably,
    es384_signs_verifiably,
    rs256_signs_verifiably,
    keys_sign_under_their_auth_only,
    many_keys_sign_in_turn,
    identity_is_stable,
    an_idle_device_is_not_locked_out,
);

fn admin(tpm: &mut dyn Tpm) -> AdminKeyBlob {
    tpm.create_admin_key(&auth(0xAD)).expect("an administrative key")
}

fn define(tpm: &mut dyn Tpm, index: PinIndex<'_>, fill: u8) {
    tpm.define_pin_index(index, &auth(fill), LIMIT, &auth(0xAD)).expect("the index is defined");
}

fn indices(admin: &AdminKeyBlob) -> [PinIndex<'_>; 2] {
    PinSlot::BOTH.map(|slot| index(slot, admin))
}

fn is_taken(result: &Result<(), TpmError>) -> bool {
    matches!(result, Err(TpmError::SlotTaken(_)))
}

fn count(failures: u32) -> PinCount {
    PinCount { failures, limit: LIMIT }
}

fn sealed_secret_needs_index_and_auth(provider: &dyn Provider, _other: &dyn Provider) {
    let mut tpm = provider.open();
    let admin = admin(&mut *tpm);
    let [a, _] = indices(&admin);
    assert_eq!(tpm.pin_count(a), Ok(None));
    assert_eq!(tpm.seal(a, &Secret32::new([7; 32]), &auth(2)), Err(TpmError::SlotEmpty));
    define(&mut *tpm, a, 1);
    let blob = tpm.seal(a, &Secret32::new([7; 32]), &auth(2)).expect("sealed");
    let opened = tpm.unseal(a, &blob, &auth(1), &auth(2)).expect("opened");
    assert_eq!(opened.expose(), &[7; 32]);
    let wrong_index = tpm.unseal(a, &blob, &auth(9), &auth(2));
    assert_eq!(wrong_index.err(), Some(TpmError::WrongAuth));
    let wrong_seal = tpm.unseal(a, &blob, &auth(1), &auth(9));
    assert_eq!(wrong_seal.err(), Some(TpmError::WrongAuth));
    let again = provider.open().unseal(a, &blob, &auth(1), &auth(2)).expect("opened after a restart");
    assert_eq!(again.expose(), &[7; 32]);
}

fn wrong_tries_are_counted_and_survive_a_restart(provider: &dyn Provider, _other: &dyn Provider) {
    let mut tpm = provider.open();
    let admin = admin(&mut *tpm);
    let [a, _] = indices(&admin);
    define(&mut *tpm, a, 1);
    assert_eq!(tpm.pin_count(a), Ok(Some(count(0))));
    let blob = tpm.seal(a, &Secret32::new([7; 32]), &auth(2)).expect("sealed");
    for failures in 1..LIMIT {
        let wrong = tpm.unseal(a, &blob, &auth(9), &auth(2));
        assert_eq!(wrong.err(), Some(TpmError::WrongAuth));
        assert_eq!(tpm.pin_count(a), Ok(Some(count(failures))));
        drop(tpm);
        tpm = provider.open();
        assert_eq!(tpm.pin_count(a), Ok(Some(count(failures))), "counted for good");
    }
    assert_eq!(tpm.lockout().expect("readable").failures, 0, "the shared counter is not touched");
}

fn a_right_try_clears_the_count(provider: &dyn Provider, _other: &dyn Provider) {
    let mut tpm = provider.open();
    let admin = admin(&mut *tpm);
    let [a, _] = indices(&admin);
    define(&mut *tpm, a, 1);
    let blob = tpm.seal(a, &Secret32::new([7; 32]), &auth(2)).expect("sealed");
    for _ in 0..2 {
        for _ in 1..LIMIT {
            assert_eq!(tpm.unseal(a, &blob, &auth(9), &auth(2)).err(), Some(TpmError::WrongAuth));
        }
        tpm.unseal(a, &blob, &auth(1), &auth(2)).expect("one try is left");
        assert_eq!(tpm.pin_count(a), Ok(Some(count(0))));
    }
}

fn an_exhausted_index_refuses_the_right_value(provider: &dyn Provider, _other: &dyn Provider) {
    let mut tpm = provider.open();
    let admin = admin(&mut *tpm);
    let [a, _] = indices(&admin);
    define(&mut *tpm, a, 1);
    let blob = tpm.seal(a, &Secret32::new([7; 32]), &auth(2)).expect("sealed");
    for _ in 0..LIMIT {
        assert_eq!(tpm.unseal(a, &blob, &auth(9), &auth(2)).err(), Some(TpmError::WrongAuth));
    }
    for given in [1, 9] {
        let refused = tpm.unseal(a, &blob, &auth(given), &auth(2));
        assert_eq!(refused.err(), Some(TpmError::PinExhausted));
    }
    assert_eq!(tpm.pin_count(a), Ok(Some(count(LIMIT))));
    tpm.undefine_pin_index(a).expect("an exhausted index can be removed");
}

fn an_index_is_defined_once(provider: &dyn Provider, _other: &dyn Provider) {
    let mut tpm = provider.open();
    let admin = admin(&mut *tpm);
    let [_, b] = indices(&admin);
    tpm.define_pin_index(b, &auth(1), LIMIT, &auth(0xAD)).expect("the first");
    let second = tpm.define_pin_index(b, &auth(2), LIMIT, &auth(0xAD));
    assert!(is_taken(&second), "{second:?}");
    let blob = tpm.seal(b, &Secret32::new([7; 32]), &auth(3)).expect("sealed");
    tpm.unseal(b, &blob, &auth(1), &auth(3)).expect("the first definition stands");
}

fn only_the_admin_key_defines(provider: &dyn Provider, other: &dyn Provider) {
    let mut tpm = provider.open();
    let own = admin(&mut *tpm);
    let [a, _] = indices(&own);
    let refused = tpm.define_pin_index(a, &auth(1), LIMIT, &auth(0xBB));
    assert_eq!(refused, Err(TpmError::WrongAuth));
    assert_eq!(tpm.require_free(PinSlot::A), Ok(()), "nothing is left behind");
    let foreign = admin(&mut *other.open());
    let refused = tpm.define_pin_index(indices(&foreign)[0], &auth(1), LIMIT, &auth(0xAD));
    assert_eq!(refused, Err(TpmError::ForeignBlob));
    tpm.define_pin_index(a, &auth(1), LIMIT, &auth(0xAD)).expect("still possible");
}

/// What another administrative key defined is neither read, counted against, opened nor removed.
fn an_index_belongs_to_its_admin_key(provider: &dyn Provider, _other: &dyn Provider) {
    let mut tpm = provider.open();
    let (own, stranger) = (admin(&mut *tpm), admin(&mut *tpm));
    let ([a, b], [theirs, _]) = (indices(&own), indices(&stranger));
    define(&mut *tpm, a, 1);
    let blob = tpm.seal(a, &Secret32::new([7; 32]), &auth(2)).expect("sealed");
    for reopened in [false, true] {
        if reopened {
            drop(tpm);
            tpm = provider.open();
        }
        assert_eq!(tpm.pin_count(theirs), Ok(None));
        assert_eq!(tpm.unseal(theirs, &blob, &auth(9), &auth(2)).err(), Some(TpmError::SlotEmpty));
        assert_eq!(tpm.seal(theirs, &Secret32::new([7; 32]), &auth(2)), Err(TpmError::SlotEmpty));
        assert_eq!(tpm.undefine_pin_index(theirs), Ok(()), "nothing of theirs is there");
        assert!(is_taken(&tpm.define_pin_index(theirs, &auth(3), LIMIT, &auth(0xAD))));
        assert!(is_taken(&tpm.require_free(PinSlot::A)));
        assert_eq!(tpm.require_free(PinSlot::B), Ok(()));
        assert_eq!(tpm.pin_count(a), Ok(Some(count(0))), "not a try was counted");
        tpm.unseal(a, &blob, &auth(1), &auth(2)).expect("opened");
    }
    // Once it is theirs, it is not ours, also for a program that has just used it.
    let mut second = provider.open();
    second.undefine_pin_index(a).expect("removed");
    second.define_pin_index(theirs, &auth(3), LIMIT, &auth(0xAD)).expect("defined");
    drop(second);
    let mut tpm = if provider.shared() { tpm } else { provider.open() };
    assert_eq!(tpm.pin_count(a), Ok(None));
    assert_eq!(tpm.undefine_pin_index(a), Ok(()));
    assert_eq!(tpm.pin_count(theirs), Ok(Some(count(0))));
    assert_eq!(tpm.pin_count(b), Ok(None));
    tpm.unseal(theirs, &blob, &auth(3), &auth(2)).expect_err("sealed to the index that is gone");
}

fn undefining_kills_what_was_sealed(provider: &dyn Provider, _other: &dyn Provider) {
    let mut tpm = provider.open();
    let admin = admin(&mut *tpm);
    let [a, _] = indices(&admin);
    assert_eq!(tpm.undefine_pin_index(a), Ok(()), "nothing to do is not an error");
    define(&mut *tpm, a, 1);
    let blob = tpm.seal(a, &Secret32::new([7; 32]), &auth(2)).expect("sealed");
    tpm.undefine_pin_index(a).expect("removed");
    assert_eq!(tpm.pin_count(a), Ok(None));
    assert_eq!(tpm.unseal(a, &blob, &auth(1), &auth(2)).err(), Some(TpmError::SlotEmpty));
    define(&mut *tpm, a, 3);
    tpm.unseal(a, &blob, &auth(1), &auth(2)).expect_err("the old value is worth nothing at the new index");
}

fn slots_are_independent(provider: &dyn Provider, _other: &dyn Provider) {
    let mut tpm = provider.open();
    let admin = admin(&mut *tpm);
    let [a, b] = indices(&admin);
    define(&mut *tpm, a, 1);
    let old = tpm.seal(a, &Secret32::new([7; 32]), &auth(2)).expect("sealed");
    define(&mut *tpm, b, 3);
    let new = tpm.seal(b, &Secret32::new([8; 32]), &auth(4)).expect("sealed");
    assert_eq!(tpm.unseal(b, &new, &auth(9), &auth(4)).err(), Some(TpmError::WrongAuth));
    assert_eq!(tpm.pin_count(a), Ok(Some(count(0))));
    assert_eq!(tpm.pin_count(b), Ok(Some(count(1))));
    tpm.unseal(b, &old, &auth(3), &auth(2)).expect_err("sealed to the other slot");
    tpm.undefine_pin_index(a).expect("removed");
    let opened = tpm.unseal(b, &new, &auth(3), &auth(4)).expect("the new slot stands");
    assert_eq!(opened.expose(), &[8; 32]);
}

fn bound_secret_opens_on_this_device_only(provider: &dyn Provider, other: &dyn Provider) {
    let blob = provider.open().bind(&Secret32::new([5; 32])).expect("bound");
    assert_eq!(provider.open().unbind(&blob).expect("opened").expose(), &[5; 32]);
    assert_eq!(other.open().unbind(&blob).err(), Some(TpmError::ForeignBlob));
}

fn blobs_of_another_device_are_told_apart(provider: &dyn Provider, other: &dyn Provider) {
    let (mut tpm, mut stranger) = (provider.open(), other.open());
    let admin = admin(&mut *tpm);
    let [a, _] = indices(&admin);
    define(&mut *tpm, a, 1);
    let their_admin = self::admin(&mut *stranger);
    let [theirs, _] = indices(&their_admin);
    define(&mut *stranger, theirs, 1);
    let sealed = stranger.seal(theirs, &Secret32::new([7; 32]), &auth(2)).expect("sealed");
    let key = stranger.create_key(KeyAlgorithm::Es256, &auth(3)).expect("a key");
    let opened = tpm.unseal(a, &sealed, &auth(1), &auth(2));
    assert_eq!(opened.err(), Some(TpmError::ForeignBlob));
    assert_eq!(tpm.sign(&key.blob, &auth(3), &[0; 32]).err(), Some(TpmError::ForeignBlob));
}

fn damaged_blobs_are_refused(provider: &dyn Provider, _other: &dyn Provider) {
    let mut tpm = provider.open();
    let key = tpm.create_key(KeyAlgorithm::Es256, &auth(3)).expect("a key");
    let mut blobs = vec![Vec::new(), vec![0], vec![0xFF; 200], key.blob.0[..key.blob.0.len() / 2].to_vec()];
    // One bit in the wrapped part, which begins after the header.
    let mut flipped = key.blob.0.clone();
    flipped[40] ^= 1;
    blobs.push(flipped);
    for blob in blobs {
        let refused = tpm.sign(&KeyBlob(blob), &auth(3), &[0; 32]);
        assert_eq!(refused.err(), Some(TpmError::ForeignBlob));
    }
    tpm.sign(&key.blob, &auth(3), &[0; 32]).expect("nothing was disturbed");
}

fn es256_signs_verifiably(provider: &dyn Provider, _other: &dyn Provider) {
    use p256::ecdsa::signature::hazmat::PrehashVerifier;
    let mut tpm = provider.open();
    let key = tpm.create_key(KeyAlgorithm::Es256, &auth(3)).expect("a key");
    let PublicKey::P256 { x, y } = key.public else { panic!("an ES256 key is a P-256 key") };
    let point = p256::Sec1Point::from_affine_coordinates(&x.into(), &y.into(), false);
    let verifier = p256::ecdsa::VerifyingKey::from_sec1_point(&point).expect("on the curve");
    for round in 0..24 {
        let digest = [round; 32];
        let der = tpm.sign(&key.blob, &auth(3), &digest).expect("signed");
        let signature = p256::ecdsa::Signature::from_der(&der).expect("strict DER");
        verifier.verify_prehash(&digest, &signature).expect("the signature holds");
    }
}

fn es384_signs_verifiably(provider: &dyn Provider, _other: &dyn Provider) {
    use aws_lc_rs::signature::{ECDSA_P384_SHA384_ASN1, UnparsedPublicKey};
    use sha2::{Digest, Sha256, Sha384};
    let mut tpm = provider.open();
    assert_eq!(tpm.identity().key_algorithms, KeyAlgorithm::ALL, "swtpm has P-384, too");
    let key = tpm.create_key(KeyAlgorithm::Es384, &auth(3)).expect("a key");
    let PublicKey::P384 { x, y } = key.public else { panic!("an ES384 key is a P-384 key") };
    let public = UnparsedPublicKey::new(&ECDSA_P384_SHA384_ASN1, [&[4], &x[..], &y].concat());
    for message in [b"one".as_slice(), b"two", b"three", b"four"] {
        let signature = tpm.sign(&key.blob, &auth(3), &Sha384::digest(message)).expect("signed");
        public.verify(message, &signature).expect("the signature holds");
    }
    tpm.sign(&key.blob, &auth(3), &Sha256::digest(b"one")).expect_err("the digest of another hash");
}

fn rs256_signs_verifiably(provider: &dyn Provider, _other: &dyn Provider) {
    use aws_lc_rs::signature::{RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents};
    use sha2::{Digest, Sha256};
    let mut tpm = provider.open();
    let key = tpm.create_key(KeyAlgorithm::Rs256, &auth(3)).expect("a key");
    let PublicKey::Rsa { modulus, exponent } = key.public else { panic!("an RS256 key is an RSA key") };
    assert_eq!((modulus.len(), exponent), (256, 65537));
    let public = RsaPublicKeyComponents { n: modulus, e: [1_u8, 0, 1].to_vec() };
    for message in [b"one".as_slice(), b"two"] {
        let signature = tpm.sign(&key.blob, &auth(3), &Sha256::digest(message)).expect("signed");
        public.verify(&RSA_PKCS1_2048_8192_SHA256, message, &signature).expect("the signature holds");
    }
}

fn keys_sign_under_their_auth_only(provider: &dyn Provider, _other: &dyn Provider) {
    let mut tpm = provider.open();
    let key = tpm.create_key(KeyAlgorithm::Es256, &auth(3)).expect("a key");
    assert_eq!(tpm.sign(&key.blob, &auth(4), &[1; 32]).err(), Some(TpmError::WrongAuth), "cold");
    tpm.sign(&key.blob, &auth(3), &[1; 32]).expect("signed");
    assert_eq!(tpm.sign(&key.blob, &auth(4), &[1; 32]).err(), Some(TpmError::WrongAuth), "hot");
    tpm.sign(&key.blob, &auth(3), &[1; 32]).expect("still loaded");
    tpm.forget_keys();
    assert_eq!(tpm.sign(&key.blob, &auth(4), &[1; 32]).err(), Some(TpmError::WrongAuth), "forgotten");
    provider.open().sign(&key.blob, &auth(3), &[1; 32]).expect("signed after a restart");
}

fn many_keys_sign_in_turn(provider: &dyn Provider, _other: &dyn Provider) {
    let mut tpm = provider.open();
    let admin = admin(&mut *tpm);
    let [a, _] = indices(&admin);
    let keys: Vec<_> =
        (1..=6).map(|n| (n, tpm.create_key(KeyAlgorithm::Es256, &auth(n)).expect("a key"))).collect();
    for _ in 0..2 {
        for (n, key) in &keys {
            tpm.sign(&key.blob, &auth(*n), &[1; 32]).expect("signed");
        }
    }
    // With keys loaded, everything else still finds room.
    define(&mut *tpm, a, 1);
    let blob = tpm.seal(a, &Secret32::new([7; 32]), &auth(2)).expect("sealed");
    tpm.unseal(a, &blob, &auth(1), &auth(2)).expect("opened");
}

fn identity_is_stable(provider: &dyn Provider, other: &dyn Provider) {
    let first = provider.open().identity().clone();
    assert_eq!(&first, provider.open().identity());
    assert_ne!(first.storage_root_name, other.open().identity().storage_root_name);
    assert!(!first.description.is_empty());
}

fn an_idle_device_is_not_locked_out(provider: &dyn Provider, _other: &dyn Provider) {
    let lockout = provider.open().lockout().expect("readable");
    assert!(!lockout.locked);
    assert_eq!(lockout.failures, 0);
    assert!(lockout.limit > 0);
}
