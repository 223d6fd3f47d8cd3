//! What only a TPM does: die, restart, be full, lock out, belong to somebody else.

use std::process::Command;

use latchkey_container::secret::Secret32;
use latchkey_container::tpm::{KeyAlgorithm, PinCount, PinSlot, SealedBlob, Tpm, TpmClass, TpmError};
use latchkey_tests::tpm_proxy::{Action, Moment, TpmProxy};
use latchkey_tpm::{DeviceOptions, DeviceTpm};
use zeroize::Zeroizing;

use crate::providers::{Device, auth};

fn sealed(tpm: &mut DeviceTpm) -> SealedBlob {
    let admin = tpm.create_admin_key(&auth(0xAD)).expect("an administrative key");
    tpm.define_pin_index(PinSlot::A, &auth(1), 8, &admin, &auth(0xAD)).expect("defined");
    tpm.seal(PinSlot::A, &Secret32::new([7; 32]), &auth(2)).expect("sealed")
}

fn opens(tpm: &mut DeviceTpm, blob: &SealedBlob) {
    let opened = tpm.unseal(PinSlot::A, blob, &auth(1), &auth(2)).expect("opened");
    assert_eq!(opened.expose(), &[7; 32]);
}

fn is_unreachable<T>(result: &Result<T, TpmError>) -> bool {
    matches!(result, Err(TpmError::Unreachable(_)))
}

fn tpm2(device: &Device, tool: &str, arguments: &[&str]) {
    let status = Command::new(tool)
        .args(["-T", &device.swtpm.tcti()])
        .args(arguments)
        .output()
        .unwrap_or_else(|error| panic!("{tool} (package tpm2-tools): {error}"));
    assert!(status.status.success(), "{tool}: {}", String::from_utf8_lossy(&status.stderr));
}

#[test]
fn swtpm_calls_itself_virtual() {
    let tpm = Device::new().open_device();
    let identity = tpm.identity();
    assert_eq!(identity.class, TpmClass::Virtual);
    assert_eq!(identity.storage_root_name.len(), 34, "SHA-256 with the algorithm in front");
    assert!(identity.description.starts_with("IBM SW"), "{}", identity.description);
}

#[test]
fn no_tpm_is_unreachable() {
    for tcti in ["swtpm:path=/nonexistent/socket", "device:/nonexistent/tpm", "carrier-pigeon:coop=1"] {
        let opened = DeviceTpm::open(&DeviceOptions::new(tcti));
        assert!(is_unreachable(&opened.map(|_| ())), "{tcti}");
    }
}

#[test]
fn an_existing_storage_root_key_is_used() {
    let device = Device::new();
    tpm2(&device, "tpm2_createprimary", &["-Q", "-C", "o", "-G", "rsa2048", "-c", "/dev/null"]);
    let first = device.open_device().identity().storage_root_name.clone();
    let mut again = device.open_device();
    assert_eq!(again.identity().storage_root_name, first);
    let blob = sealed(&mut again);
    opens(&mut again, &blob);
}

#[test]
fn a_restart_between_calls_goes_unnoticed() {
    let mut device = Device::new();
    tpm2(&device, "tpm2_dictionarylockout", &["-s", "-n", "100", "-t", "1000", "-l", "1000"]);
    let mut tpm = device.open_device();
    let blob = sealed(&mut tpm);
    let key = tpm.create_key(KeyAlgorithm::Es256, &auth(3)).expect("a key");
    tpm.sign(&key.blob, &auth(3), &[1; 32]).expect("signed");
    for _ in 0..3 {
        device.swtpm.restart();
        tpm.sign(&key.blob, &auth(3), &[1; 32]).expect("the key is loaded again");
        device.swtpm.restart();
        opens(&mut tpm, &blob);
    }
}

#[test]
fn a_dead_tpm_is_unreachable_until_it_is_back() {
    let mut device = Device::new();
    let mut tpm = device.open_device();
    let blob = sealed(&mut tpm);
    device.swtpm.kill();
    for _ in 0..2 {
        assert!(is_unreachable(&tpm.unseal(PinSlot::A, &blob, &auth(1), &auth(2))));
        assert!(is_unreachable(&tpm.pin_count(PinSlot::A)));
    }
    tpm.forget_keys();
    device.swtpm.restart();
    opens(&mut tpm, &blob);
}

/// Killed before and after each command of an unlock: the call fails, nothing is lost, the next connection works.
#[test]
fn a_tpm_that_dies_in_an_unlock_comes_back() {
    let mut device = Device::new();
    // Each power loss after a protected use counts as a failure at the next boot (container.md).
    tpm2(&device, "tpm2_dictionarylockout", &["-s", "-n", "100", "-t", "1000", "-l", "1000"]);
    let proxy = TpmProxy::start(&device.swtpm.socket());
    let mut tpm = DeviceTpm::open(&DeviceOptions::new(proxy.tcti())).expect("swtpm answers");
    let blob = sealed(&mut tpm);
    for moment in [Moment::BeforeForward, Moment::AfterForward] {
        for command in 1..=5 {
            opens(&mut tpm, &blob);
            proxy.at_command(command, Action::KillPid { pid: device.swtpm.pid(), moment });
            let failed = tpm.unseal(PinSlot::A, &blob, &auth(1), &auth(2));
            assert!(is_unreachable(&failed), "{moment:?} command {command}: {failed:?}");
            device.swtpm.restart();
        }
    }
    opens(&mut tpm, &blob);
}

/// Killed before and after each command of a definition: afterwards the slot is empty, or it is defined and can be
/// removed, which is what the container does with a slot that it does not know.
#[test]
fn a_tpm_that_dies_in_a_definition_leaves_a_removable_slot() {
    let mut device = Device::new();
    let proxy = TpmProxy::start(&device.swtpm.socket());
    let mut tpm = DeviceTpm::open(&DeviceOptions::new(proxy.tcti())).expect("swtpm answers");
    let admin = tpm.create_admin_key(&auth(0xAD)).expect("an administrative key");
    for moment in [Moment::BeforeForward, Moment::AfterForward] {
        for command in 1..=5 {
            tpm.pin_count(PinSlot::A).expect("the connection is open before the action is armed");
            proxy.at_command(command, Action::KillPid { pid: device.swtpm.pid(), moment });
            let failed = tpm.define_pin_index(PinSlot::A, &auth(1), 8, &admin, &auth(0xAD));
            assert!(is_unreachable(&failed), "{moment:?} command {command}: {failed:?}");
            device.swtpm.restart();
            let left = tpm.pin_count(PinSlot::A).expect("readable");
            assert!(
                [None, Some(PinCount { failures: 0, limit: 0 }), Some(PinCount { failures: 0, limit: 8 })]
                    .contains(&left)
            );
            tpm.undefine_pin_index(PinSlot::A).expect("removed");
            assert_eq!(tpm.pin_count(PinSlot::A), Ok(None));
        }
    }
    let blob = sealed(&mut tpm);
    opens(&mut tpm, &blob);
}

/// On a TPM without a resource manager, a killed program leaves its session and its loaded keys behind.
#[test]
fn leftovers_of_dead_programs_do_not_fill_the_tpm() {
    let device = Device::new();
    let mut keep = Vec::new();
    for n in 1..=8 {
        let mut tpm = device.open_device();
        let key = tpm.create_key(KeyAlgorithm::Es256, &auth(n)).expect("a key");
        tpm.sign(&key.blob, &auth(n), &[1; 32]).expect("signed");
        // Never dropped: as far as the TPM can tell, the program died.
        keep.push(std::mem::ManuallyDrop::new(tpm));
    }
}

#[test]
fn lockout_is_named_and_shown() {
    let device = Device::new();
    tpm2(&device, "tpm2_dictionarylockout", &["-s", "-n", "2", "-t", "1000", "-l", "1000"]);
    let mut tpm = device.open_device();
    let blob = sealed(&mut tpm);
    for _ in 0..2 {
        let wrong = tpm.unseal(PinSlot::A, &blob, &auth(1), &auth(9));
        assert_eq!(wrong.err(), Some(TpmError::WrongAuth));
    }
    let lockout = tpm.lockout().expect("readable");
    assert!(lockout.locked, "{lockout:?}");
    assert_eq!((lockout.failures, lockout.limit, lockout.recovery_seconds), (2, 2, 1000));
    assert_eq!(tpm.unseal(PinSlot::A, &blob, &auth(1), &auth(2)).err(), Some(TpmError::LockedOut));
    let key = tpm.create_key(KeyAlgorithm::Es256, &auth(3)).expect("user keys are not affected");
    tpm.sign(&key.blob, &auth(3), &[1; 32]).expect("signed");
    drop(tpm);
    tpm2(&device, "tpm2_dictionarylockout", &["-c"]);
    opens(&mut device.open_device(), &blob);
}

#[test]
fn a_slot_removed_behind_our_back_is_empty() {
    let device = Device::new();
    let mut tpm = device.open_device();
    let blob = sealed(&mut tpm);
    tpm2(&device, "tpm2_nvundefine", &["-C", "o", "0x01801A50"]);
    assert_eq!(tpm.unseal(PinSlot::A, &blob, &auth(1), &auth(2)).err(), Some(TpmError::SlotEmpty));
    assert_eq!(tpm.pin_count(PinSlot::A), Ok(None));
    assert_eq!(tpm.undefine_pin_index(PinSlot::A), Ok(()));
}

/// TPM 2.0 Part 1 §37.2.8: the owner cannot write the index, so nobody resets the count without the admin key.
#[test]
fn the_owner_cannot_reset_the_count() {
    let device = Device::new();
    let mut tpm = device.open_device();
    let blob = sealed(&mut tpm);
    tpm.unseal(PinSlot::A, &blob, &auth(9), &auth(2)).expect_err("wrong");
    let written = Command::new("tpm2_nvwrite")
        .args(["-T", &device.swtpm.tcti(), "-C", "o", "0x01801A50", "-i", "/dev/null"])
        .output()
        .expect("tpm2-tools is installed");
    assert!(!written.status.success());
    assert_eq!(tpm.pin_count(PinSlot::A), Ok(Some(PinCount { failures: 1, limit: 8 })));
}

#[test]
fn a_cleared_tpm_is_another_tpm() {
    let device = Device::new();
    let mut tpm = device.open_device();
    let blob = sealed(&mut tpm);
    tpm2(&device, "tpm2_clear", &["-c", "p"]);
    let gone = tpm.unseal(PinSlot::A, &blob, &auth(1), &auth(2));
    assert!(matches!(gone, Err(TpmError::SlotEmpty | TpmError::ForeignBlob)), "{gone:?}");
    assert_ne!(device.open_device().identity().storage_root_name, tpm.identity().storage_root_name);
}

#[test]
fn an_owner_authorisation_is_asked_for_and_used() {
    let device = Device::new();
    tpm2(&device, "tpm2_changeauth", &["-c", "owner", "secret"]);
    let refused = DeviceTpm::open(&DeviceOptions::new(device.swtpm.tcti()));
    assert_eq!(refused.map(|_| ()), Err(TpmError::OwnerAuth));
    let mut options = DeviceOptions::new(device.swtpm.tcti());
    options.owner_auth = Some(Zeroizing::new(b"secret".to_vec()));
    let mut tpm = DeviceTpm::open(&options).expect("the right value");
    let blob = sealed(&mut tpm);
    opens(&mut tpm, &blob);
    drop(tpm);
    let mut stranger = device.open_device();
    assert_eq!(stranger.pin_count(PinSlot::A), Err(TpmError::OwnerAuth));
    assert_eq!(stranger.undefine_pin_index(PinSlot::A), Err(TpmError::OwnerAuth));
    opens(&mut stranger, &blob);
}
