//! Secrets under an authorisation value alone, and the count that the administrative key sets back.

use latchkey_container::tpm::{Lifetime, MAX_SEALED, SealedBlob};

use super::*;

contract!(
    what_is_sealed_under_a_value_opens_under_it_only,
    lifetimes_do_not_open_each_other,
    sealed_payloads_have_a_size,
    the_admin_key_sets_the_count_back,
    nobody_else_sets_the_count_back,
);

const LIFETIMES: [Lifetime; 2] = [Lifetime::Persistent, Lifetime::Boot];

fn what_is_sealed_under_a_value_opens_under_it_only(provider: &dyn Provider, other: &dyn Provider) {
    for lifetime in LIFETIMES {
        let mut tpm = provider.open();
        let blob = tpm.seal_under(&[7; 60], &auth(1), lifetime).expect("sealed");
        for _ in 0..2 {
            let refused = tpm.unseal_under(&blob, &auth(2), lifetime);
            assert_eq!(refused.err(), Some(TpmError::WrongAuth), "{lifetime:?}");
        }
        assert_eq!(**tpm.unseal_under(&blob, &auth(1), lifetime).expect("opened"), [7; 60]);
        let lockout = tpm.lockout().expect("readable");
        assert_eq!(lockout.failures, 0, "the shared counter is not touched");
        drop(tpm);
        let again = provider.open().unseal_under(&blob, &auth(1), lifetime);
        assert_eq!(**again.expect("opened after a restart of the program"), [7; 60]);
        let foreign = other.open().unseal_under(&blob, &auth(1), lifetime);
        assert_eq!(foreign.err(), Some(TpmError::ForeignBlob), "{lifetime:?}");
        for damaged in [Vec::new(), vec![0xFF; 200], blob.0[..blob.0.len() / 2].to_vec()] {
            let refused = provider.open().unseal_under(&SealedBlob(damaged), &auth(1), lifetime);
            assert_eq!(refused.err(), Some(TpmError::ForeignBlob));
        }
    }
}

fn lifetimes_do_not_open_each_other(provider: &dyn Provider, _other: &dyn Provider) {
    let mut tpm = provider.open();
    for [made, asked] in [LIFETIMES, [Lifetime::Boot, Lifetime::Persistent]] {
        let blob = tpm.seal_under(&[7; 32], &auth(1), made).expect("sealed");
        assert_eq!(tpm.unseal_under(&blob, &auth(1), asked).err(), Some(TpmError::ForeignBlob), "{made:?}");
    }
}

fn sealed_payloads_have_a_size(provider: &dyn Provider, _other: &dyn Provider) {
    let mut tpm = provider.open();
    for lifetime in LIFETIMES {
        for length in [1, MAX_SEALED] {
            let blob = tpm.seal_under(&vec![9; length], &auth(1), lifetime).expect("sealed");
            assert_eq!(tpm.unseal_under(&blob, &auth(1), lifetime).expect("opened").len(), length);
        }
        for length in [0, MAX_SEALED + 1] {
            let refused = tpm.seal_under(&vec![9; length], &auth(1), lifetime);
            assert!(matches!(refused, Err(TpmError::Unexpected(_))), "{refused:?}");
        }
    }
}

fn the_admin_key_sets_the_count_back(provider: &dyn Provider, _other: &dyn Provider) {
    let mut tpm = provider.open();
    let admin = admin(&mut *tpm);
    let [a, b] = indices(&admin);
    assert_eq!(tpm.rearm_pin_index(a, &auth(0xAD)), Err(TpmError::SlotEmpty));
    define(&mut *tpm, a, 1);
    define(&mut *tpm, b, 3);
    let blob = tpm.seal(a, &Secret32::new([7; 32]), &auth(2)).expect("sealed");
    for failures in [1, LIMIT] {
        for _ in 0..failures {
            assert_eq!(tpm.unseal(a, &blob, &auth(9), &auth(2)).err(), Some(TpmError::WrongAuth));
        }
        tpm.rearm_pin_index(a, &auth(0xAD)).expect("armed again");
        assert_eq!(tpm.pin_count(a), Ok(Some(count(0))), "and the limit stands");
        tpm.unseal(a, &blob, &auth(1), &auth(2)).expect("what was sealed to it still opens");
    }
    assert_eq!(tpm.pin_count(b), Ok(Some(count(0))));
}

fn nobody_else_sets_the_count_back(provider: &dyn Provider, other: &dyn Provider) {
    let mut tpm = provider.open();
    let (own, stranger) = (admin(&mut *tpm), admin(&mut *tpm));
    let ([a, _], [theirs, _]) = (indices(&own), indices(&stranger));
    let foreign = admin(&mut *other.open());
    define(&mut *tpm, a, 1);
    let blob = tpm.seal(a, &Secret32::new([7; 32]), &auth(2)).expect("sealed");
    tpm.unseal(a, &blob, &auth(9), &auth(2)).expect_err("wrong");
    assert_eq!(tpm.rearm_pin_index(a, &auth(0xBB)), Err(TpmError::WrongAuth));
    assert_eq!(tpm.rearm_pin_index(theirs, &auth(0xAD)), Err(TpmError::SlotEmpty));
    assert_eq!(tpm.rearm_pin_index(indices(&foreign)[0], &auth(0xAD)), Err(TpmError::SlotEmpty));
    assert_eq!(tpm.pin_count(a), Ok(Some(count(1))), "the count stands");
}

fn boot_secrets_die_at_a_restart(provider: &mut dyn Provider) {
    let mut tpm = provider.open();
    let [kept, dying] = LIFETIMES.map(|life| tpm.seal_under(&[7; 32], &auth(1), life).expect("sealed"));
    provider.restart();
    // A program that lives through the restart of its TPM, and one that starts after it.
    if provider.shared() {
        only_persistent_ones_open(&mut *tpm, &kept, &dying);
    }
    drop(tpm);
    only_persistent_ones_open(&mut *provider.open(), &kept, &dying);
}

fn only_persistent_ones_open(tpm: &mut dyn Tpm, kept: &SealedBlob, dying: &SealedBlob) {
    let gone = tpm.unseal_under(dying, &auth(1), Lifetime::Boot);
    assert_eq!(gone.err(), Some(TpmError::ForeignBlob));
    tpm.unseal_under(kept, &auth(1), Lifetime::Persistent).expect("the other one stays");
    let new = tpm.seal_under(&[8; 32], &auth(1), Lifetime::Boot).expect("sealed anew");
    tpm.unseal_under(&new, &auth(1), Lifetime::Boot).expect("opened");
}

#[test]
fn boot_secrets_die_with_the_tpms_reset() {
    boot_secrets_die_at_a_restart(&mut Device::new());
}

#[test]
fn boot_secrets_die_with_the_runtime_directory() {
    boot_secrets_die_at_a_restart(&mut Software::new(1));
}
