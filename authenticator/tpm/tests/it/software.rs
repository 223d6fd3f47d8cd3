//! What only the software provider promises: about its file, and about speed.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use latchkey_container::StorageProblem;
use latchkey_container::secret::Secret32;
use latchkey_container::tpm::{PinCount, PinSlot, Tpm, TpmClass, TpmError};
use latchkey_tpm::SoftwareTpm;
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng;
use tempfile::TempDir;

use crate::providers::{auth, index};

fn open(dir: &Path) -> Result<SoftwareTpm, TpmError> {
    SoftwareTpm::open(dir, Box::new(ChaCha20Rng::seed_from_u64(3)))
}

#[test]
fn the_state_is_private_and_replaced_as_a_whole() {
    let dir = TempDir::new().expect("a temporary directory");
    let home = dir.path().join("not/there/yet");
    let mut tpm = open(&home).expect("made");
    assert_eq!(tpm.identity().class, TpmClass::Software);
    let mode = |path: &Path| fs::metadata(path).expect("there").permissions().mode() & 0o777;
    assert_eq!(mode(&home), 0o700);
    let state = home.join("software-tpm.state");
    assert_eq!(mode(&state), 0o600);
    // What a crash left of an unfinished write is not looked at.
    fs::write(home.join("software-tpm.new"), b"half").expect("written");
    tpm.create_admin_key(&auth(1)).expect("works");
    open(&home).expect("works");
}

#[test]
fn a_damaged_or_unreadable_state_is_named() {
    let dir = TempDir::new().expect("a temporary directory");
    drop(open(dir.path()).expect("made"));
    let state = dir.path().join("software-tpm.state");
    let whole = fs::read(&state).expect("there");
    for damaged in [&b""[..], b"nonsense", &whole[..whole.len() / 2]] {
        fs::write(&state, damaged).expect("written");
        assert_eq!(problem(open(dir.path())), Some(StorageProblem::Damaged));
    }
    fs::remove_file(&state).expect("removed");
    fs::create_dir(&state).expect("a directory in its place");
    assert!(open(dir.path()).is_err());
}

#[test]
fn what_cannot_be_written_did_not_happen() {
    let dir = TempDir::new().expect("a temporary directory");
    let mut tpm = open(dir.path()).expect("made");
    let admin = tpm.create_admin_key(&auth(0xAD)).expect("an administrative key");
    let a = index(PinSlot::A, &admin);
    tpm.define_pin_index(a, &auth(1), 8, &auth(0xAD)).expect("defined");
    let blob = tpm.seal(a, &Secret32::new([7; 32]), &auth(2)).expect("sealed");
    // A directory where the new file would go: writing fails for root too.
    let block = dir.path().join("software-tpm.new");
    fs::create_dir(&block).expect("blocked");
    let refused = tpm.unseal(a, &blob, &auth(1), &auth(2));
    assert!(matches!(refused, Err(TpmError::Storage(_))), "no try without counting it: {refused:?}");
    assert!(tpm.undefine_pin_index(a).is_err());
    assert_eq!(tpm.pin_count(a), Ok(Some(PinCount { failures: 0, limit: 8 })));
    fs::remove_dir(&block).expect("unblocked");
    tpm.unseal(a, &blob, &auth(1), &auth(2)).expect("nothing was lost");
}

#[test]
fn a_full_disk_is_called_full() {
    let dir = TempDir::new().expect("a temporary directory");
    let mut tpm = open(dir.path()).expect("made");
    let admin = tpm.create_admin_key(&auth(0xAD)).expect("an administrative key");
    let a = index(PinSlot::A, &admin);
    let full = dir.path().join("software-tpm.new");
    std::os::unix::fs::symlink("/dev/full", &full).expect("a file that takes nothing");
    assert_eq!(problem(tpm.define_pin_index(a, &auth(1), 8, &auth(0xAD))), Some(StorageProblem::Full));
    assert_eq!(tpm.pin_count(a), Ok(None));
    fs::remove_file(&full).expect("removed");
    tpm.define_pin_index(a, &auth(1), 8, &auth(0xAD)).expect("room again");
}

fn problem<T>(result: Result<T, TpmError>) -> Option<StorageProblem> {
    match result {
        Err(TpmError::Storage(error)) => Some(error.problem),
        _ => None,
    }
}
