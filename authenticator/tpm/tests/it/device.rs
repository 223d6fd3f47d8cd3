//! What only a TPM does: die, restart, be full, lock out, belong to somebody else.

use std::process::{Command, Output};

use latchkey_container::secret::Secret32;
use latchkey_container::tpm::{
    AdminKeyBlob, KeyAlgorithm, PinCount, PinIndex, PinSlot, SealedBlob, Tpm, TpmClass, TpmError,
};
use latchkey_tests::tpm_proxy::{Action, Moment, TpmProxy};
use latchkey_tpm::{DeviceOptions, DeviceTpm};
use zeroize::Zeroizing;

use crate::providers::{Device, auth, index};

/// A secret that is sealed to slot A.
struct Sealed {
    admin: AdminKeyBlob,
    blob: SealedBlob,
}

impl Sealed {
    fn index(&self) -> PinIndex<'_> {
        index(PinSlot::A, &self.admin)
    }

    fn unseal(&self, tpm: &mut DeviceTpm, index_fill: u8, seal_fill: u8) -> Result<Secret32, TpmError> {
        tpm.unseal(self.index(), &self.blob, &auth(index_fill), &auth(seal_fill))
    }
}

fn sealed(tpm: &mut DeviceTpm) -> Sealed {
    let admin = tpm.create_admin_key(&auth(0xAD)).expect("an administrative key");
    let a = index(PinSlot::A, &admin);
    tpm.define_pin_index(a, &auth(1), 8, &auth(0xAD)).expect("defined");
    let blob = tpm.seal(a, &Secret32::new([7; 32]), &auth(2)).expect("sealed");
    Sealed { admin, blob }
}

fn opens(tpm: &mut DeviceTpm, sealed: &Sealed) {
    assert_eq!(sealed.unseal(tpm, 1, 2).expect("opened").expose(), &[7; 32]);
}

fn is_unreachable<T>(result: &Result<T, TpmError>) -> bool {
    matches!(result, Err(TpmError::Unreachable(_)))
}

pub fn tpm2(device: &Device, tool: &str, arguments: &[&str]) {
    let output = run_tpm2(device, tool, arguments);
    assert!(output.status.success(), "{tool}: {}", String::from_utf8_lossy(&output.stderr));
}

fn run_tpm2(device: &Device, tool: &str, arguments: &[&str]) -> Output {
    Command::new(tool)
        .args(["-T", &device.swtpm.tcti()])
        .args(arguments)
        .output()
        .unwrap_or_else(|error| panic!("{tool} (package tpm2-tools): {error}"))
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
    let sealed = sealed(&mut again);
    opens(&mut again, &sealed);
}

#[test]
fn a_restart_between_calls_goes_unnoticed() {
    let mut device = Device::new();
    tpm2(&device, "tpm2_dictionarylockout", &["-s", "-n", "100", "-t", "1000", "-l", "1000"]);
    let mut tpm = device.open_device();
    let sealed = sealed(&mut tpm);
    let key = tpm.create_key(KeyAlgorithm::Es256, &auth(3)).expect("a key");
    tpm.sign(&key.blob, &auth(3), &[1; 32]).expect("signed");
    for _ in 0..3 {
        device.swtpm.restart();
        tpm.sign(&key.blob, &auth(3), &[1; 32]).expect("the key is loaded again");
        device.swtpm.restart();
        opens(&mut tpm, &sealed);
    }
}

#[test]
fn a_dead_tpm_is_unreachable_until_it_is_back() {
    let mut device = Device::new();
    let mut tpm = device.open_device();
    let sealed = sealed(&mut tpm);
    device.swtpm.kill();
    for _ in 0..2 {
        assert!(is_unreachable(&sealed.unseal(&mut tpm, 1, 2)));
        assert!(is_unreachable(&tpm.pin_count(sealed.index())));
    }
    tpm.forget_keys();
    device.swtpm.restart();
    opens(&mut tpm, &sealed);
}

/// Killed before and after each command of an unlock: the call fails, nothing is lost, the next connection works.
#[test]
fn a_tpm_that_dies_in_an_unlock_comes_back() {
    let mut device = Device::new();
    // Each power loss after a protected use counts as a failure at the next boot (container.md).
    tpm2(&device, "tpm2_dictionarylockout", &["-s", "-n", "100", "-t", "1000", "-l", "1000"]);
    let proxy = TpmProxy::start(&device.swtpm.socket());
    let mut tpm = DeviceTpm::open(&DeviceOptions::new(proxy.tcti())).expect("swtpm answers");
    let sealed = sealed(&mut tpm);
    for moment in [Moment::BeforeForward, Moment::AfterForward] {
        for command in 1..=5 {
            opens(&mut tpm, &sealed);
            proxy.at_command(command, Action::KillPid { pid: device.swtpm.pid(), moment });
            let failed = sealed.unseal(&mut tpm, 1, 2);
            assert!(is_unreachable(&failed), "{moment:?} command {command}: {failed:?}");
            device.swtpm.restart();
        }
    }
    opens(&mut tpm, &sealed);
}

/// Killed before and after each command of a definition: afterwards the slot is empty, or it is defined and can be
/// removed, which is what the container does with a slot that it does not know.
#[test]
fn a_tpm_that_dies_in_a_definition_leaves_a_removable_slot() {
    let mut device = Device::new();
    let proxy = TpmProxy::start(&device.swtpm.socket());
    let mut tpm = DeviceTpm::open(&DeviceOptions::new(proxy.tcti())).expect("swtpm answers");
    let admin = tpm.create_admin_key(&auth(0xAD)).expect("an administrative key");
    let a = index(PinSlot::A, &admin);
    for moment in [Moment::BeforeForward, Moment::AfterForward] {
        for command in 1..=5 {
            tpm.pin_count(a).expect("the connection is open before the action is armed");
            proxy.at_command(command, Action::KillPid { pid: device.swtpm.pid(), moment });
            let failed = tpm.define_pin_index(a, &auth(1), 8, &auth(0xAD));
            assert!(is_unreachable(&failed), "{moment:?} command {command}: {failed:?}");
            device.swtpm.restart();
            let left = tpm.pin_count(a).expect("readable");
            assert!([None, Some(PinCount { failures: 0, limit: 8 })].contains(&left));
            tpm.undefine_pin_index(a).expect("removed");
            assert_eq!(tpm.require_free(PinSlot::A), Ok(()), "also when it was defined and never written");
        }
    }
    let sealed = sealed(&mut tpm);
    opens(&mut tpm, &sealed);
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
    let sealed = sealed(&mut tpm);
    for _ in 0..2 {
        let wrong = sealed.unseal(&mut tpm, 1, 9);
        assert_eq!(wrong.err(), Some(TpmError::WrongAuth));
    }
    let lockout = tpm.lockout().expect("readable");
    assert!(lockout.locked, "{lockout:?}");
    assert_eq!((lockout.failures, lockout.limit, lockout.recovery_seconds), (2, 2, 1000));
    assert_eq!(sealed.unseal(&mut tpm, 1, 2).err(), Some(TpmError::LockedOut));
    let key = tpm.create_key(KeyAlgorithm::Es256, &auth(3)).expect("user keys are not affected");
    tpm.sign(&key.blob, &auth(3), &[1; 32]).expect("signed");
    drop(tpm);
    tpm2(&device, "tpm2_dictionarylockout", &["-c"]);
    opens(&mut device.open_device(), &sealed);
}

#[test]
fn a_slot_removed_behind_our_back_is_empty() {
    let device = Device::new();
    let mut tpm = device.open_device();
    let sealed = sealed(&mut tpm);
    tpm2(&device, "tpm2_nvundefine", &["-C", "o", "0x01801A50"]);
    assert_eq!(sealed.unseal(&mut tpm, 1, 2).err(), Some(TpmError::SlotEmpty));
    assert_eq!(tpm.pin_count(sealed.index()), Ok(None));
    assert_eq!(tpm.undefine_pin_index(sealed.index()), Ok(()));
}

/// What the owner's authorisation, empty on most machines, can do with an index: remove it and define it anew. The
/// Name covers the policy that names the administrative key, and whether the index was written, which only that key can
/// do: so no index of the attacker's own has the Name that the secret is sealed to.
#[test]
fn an_index_that_the_owner_defined_anew_opens_nothing() {
    let mut device = Device::new();
    let mut tpm = device.open_device();
    let sealed = sealed(&mut tpm);
    opens(&mut tpm, &sealed);

    // The attacker's own container, with a PIN of theirs; they even know the value of the sealed object.
    tpm2(&device, "tpm2_nvundefine", &["-C", "o", "0x01801A50"]);
    let mut attacker = device.open_device();
    let theirs = self::sealed(&mut attacker);
    let opened = attacker.unseal(theirs.index(), &sealed.blob, &auth(1), &auth(2));
    assert!(matches!(opened, Err(TpmError::Unexpected(_))), "the TPM's policy check fails: {opened:?}");
    drop(attacker);
    for tpm in [&mut tpm, &mut device.open_device()] {
        assert_eq!(tpm.pin_count(sealed.index()), Ok(None), "and we can tell");
        assert_eq!(sealed.unseal(tpm, 1, 2).err(), Some(TpmError::SlotEmpty));
    }

    // The very same public area with a PIN of the attacker's: without the key's value it is never written.
    tpm2(&device, "tpm2_nvundefine", &["-C", "o", "0x01801A50"]);
    let proxy = TpmProxy::start(&device.swtpm.socket());
    let mut cut = DeviceTpm::open(&DeviceOptions::new(proxy.tcti())).expect("swtpm answers");
    let _opening = proxy.take_log();
    let after_definition = Action::KillPid { pid: device.swtpm.pid(), moment: Moment::AfterForward };
    proxy.at_command(2, after_definition);
    cut.define_pin_index(sealed.index(), &auth(6), 8, &auth(0xAD)).expect_err("cut off");
    assert_eq!(proxy.take_log().last().map(|record| record.name), Some("NV_DefineSpace"));
    drop((tpm, cut));
    device.swtpm.restart();

    let mut tpm = device.open_device();
    assert!(matches!(tpm.require_free(PinSlot::A), Err(TpmError::SlotTaken(_))));
    assert_eq!(tpm.pin_count(sealed.index()), Ok(None));
    assert_eq!(sealed.unseal(&mut tpm, 6, 2).err(), Some(TpmError::SlotEmpty));
    drop(tpm);
    // Nor does the TPM itself let it satisfy a policy.
    let session = device.swtpm.socket().with_file_name("session");
    let session = session.to_str().expect("a path in UTF-8");
    tpm2(&device, "tpm2_startauthsession", &["-S", session, "--policy-session"]);
    let pin = format!("hex:{}", "06".repeat(32));
    assert!(
        !run_tpm2(&device, "tpm2_policysecret", &["-S", session, "-c", "0x01801A50", &pin]).status.success()
    );
    tpm2(&device, "tpm2_flushcontext", &[session]);
    device.open_device().undefine_pin_index(sealed.index()).expect("and it is ours to remove");
}

/// The way out that the refusal names is one that works.
#[test]
fn a_taken_slot_is_named_with_the_command_that_frees_it() {
    let device = Device::new();
    let mut tpm = device.open_device();
    let _left_behind = sealed(&mut tpm);
    tpm2(&device, "tpm2_nvdefine", &["-C", "o", "-s", "8", "0x01801A51"]);
    for (slot, whose) in [(PinSlot::A, "Latchkey container"), (PinSlot::B, "not Latchkey's")] {
        let Err(TpmError::SlotTaken(text)) = tpm.require_free(slot) else { panic!("{slot:?} is taken") };
        assert!(text.contains(whose), "{text}");
        let command = text.split('`').nth(1).expect("a command in backquotes");
        let mut words = command.split(' ');
        let freed = Command::new(words.next().expect("a program")).args(words).output();
        assert!(freed.expect("tpm2-tools is installed").status.success(), "{command}");
        assert_eq!(device.open_device().require_free(slot), Ok(()));
    }
}

/// TPM 2.0 Part 1 §37.2.8: the owner cannot write the index, so nobody resets the count without the admin key.
#[test]
fn the_owner_cannot_reset_the_count() {
    let device = Device::new();
    let mut tpm = device.open_device();
    let sealed = sealed(&mut tpm);
    sealed.unseal(&mut tpm, 9, 2).expect_err("wrong");
    let written = run_tpm2(&device, "tpm2_nvwrite", &["-C", "o", "0x01801A50", "-i", "/dev/null"]);
    assert!(!written.status.success());
    assert_eq!(tpm.pin_count(sealed.index()), Ok(Some(PinCount { failures: 1, limit: 8 })));
}

#[test]
fn a_cleared_tpm_is_another_tpm() {
    let device = Device::new();
    let mut tpm = device.open_device();
    let sealed = sealed(&mut tpm);
    tpm2(&device, "tpm2_clear", &["-c", "p"]);
    let gone = sealed.unseal(&mut tpm, 1, 2);
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
    let sealed = sealed(&mut tpm);
    opens(&mut tpm, &sealed);
    drop(tpm);
    let mut stranger = device.open_device();
    assert_eq!(stranger.pin_count(sealed.index()), Err(TpmError::OwnerAuth));
    assert_eq!(stranger.undefine_pin_index(sealed.index()), Err(TpmError::OwnerAuth));
    opens(&mut stranger, &sealed);
}
