//! Whole operations of a container on an emulated TPM: what they cost in commands, and what they survive.

use std::path::PathBuf;
use std::process::Command;

use latchkey_container::{
    Container, CreateOptions, Error, KeyAlgorithm, NewPasskey, Passkey, PasskeyExtensions, Pin, PinHash,
    Profile, Protection, StretchCost, UnixTime, Unlocked, UserAccount,
};
use latchkey_tests::tpm_proxy::TpmProxy;
use latchkey_tpm::{DeviceOptions, DeviceTpm};
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng;
use tempfile::TempDir;
use zeroize::Zeroizing;

use crate::providers::Device;

pub const OPTIONS: CreateOptions = CreateOptions {
    stretch: StretchCost { memory_kib: 64, passes: 1 },
    require_tpm: true,
    profile: Profile::Hello,
};
pub const NOW: UnixTime = UnixTime(1_767_225_600);

/// A TPM, and a container's files beside it.
pub struct Machine {
    pub device: Device,
    files: TempDir,
}

impl Machine {
    pub fn new() -> Self {
        Self { device: Device::new(), files: TempDir::new().expect("a temporary directory") }
    }

    pub fn dir(&self) -> PathBuf {
        self.files.path().join("container")
    }

    fn try_create(&self) -> Result<Container, Error> {
        Container::create(&self.dir(), Box::new(self.device.open_device()), &OPTIONS, NOW, &mut rng())
    }

    pub fn with_pin(&self, text: &str) {
        self.try_create().expect("created").set_pin(&pin(text), NOW, &mut rng()).expect("set");
    }

    pub fn open(&self) -> Container {
        Container::open(&self.dir(), Box::new(self.device.open_device())).expect("opened")
    }

    pub fn run(&self, tool: &str, arguments: &[&str]) {
        let output = Command::new(tool).args(["-T", &self.device.swtpm.tcti()]).args(arguments).output();
        let output = output.expect("tpm2-tools and coreutils are installed");
        assert!(output.status.success(), "{tool}: {}", String::from_utf8_lossy(&output.stderr));
    }

    /// The container's files as they are now.
    pub fn backup(&self) -> TempDir {
        let backup = TempDir::new().expect("a temporary directory");
        copy(&self.dir(), &backup.path().join("container"));
        backup
    }

    pub fn restore(&self, backup: &TempDir) {
        std::fs::remove_dir_all(self.dir()).expect("removed");
        copy(&backup.path().join("container"), &self.dir());
    }
}

fn copy(from: &std::path::Path, to: &std::path::Path) {
    assert!(Command::new("cp").arg("-r").args([from, to]).status().expect("cp is there").success());
}

pub fn rng() -> ChaCha20Rng {
    use std::sync::atomic::{AtomicU64, Ordering};
    static NEXT: AtomicU64 = AtomicU64::new(1);
    ChaCha20Rng::seed_from_u64(NEXT.fetch_add(1, Ordering::Relaxed))
}

pub fn pin(text: &str) -> Pin {
    Pin::typed(text, 4).expect("long enough")
}

pub fn hash(text: &str) -> PinHash {
    PinHash::typed(text)
}

pub fn register(container: &mut Container, unlocked: &Unlocked, handle: u8) -> Passkey {
    let new = NewPasskey {
        rp_id: "a.example".into(),
        user: UserAccount { handle: vec![handle], name: None, display_name: None },
        algorithm: KeyAlgorithm::Es256.into(),
        discoverable: true,
        protection: Protection::Required,
        extensions: PasskeyExtensions::default(),
    };
    container.register(unlocked, new, NOW, &mut rng()).expect("registered")
}

/// The ceilings of container.md, "Operations and their cost in TPM commands", for operations of the container as its
/// callers see them. The lists are exact, so that one command more is a decision and not an accident. Not counted:
/// the two look-ups of an index, once a connection each, and the `TPM_RC_RETRY` after a boot.
#[test]
fn whole_operations_cost_what_the_design_allows() {
    let machine = Machine::new();
    let proxy = TpmProxy::start(&machine.device.swtpm.socket());
    let tpm = DeviceTpm::open(&DeviceOptions::new(proxy.tcti())).expect("swtpm answers");
    let mut container =
        Container::create(&machine.dir(), Box::new(tpm), &OPTIONS, NOW, &mut rng()).expect("created");
    let _creation = proxy.take_log();
    let took = || -> Vec<&'static str> { proxy.take_log().iter().map(|record| record.name).collect() };

    let unlock = ["StartAuthSession", "PolicySecret", "PolicyAuthValue", "Load", "Unseal", "FlushContext"];
    let define = ["Load", "NV_DefineSpace", "StartAuthSession", "PolicySecret", "NV_Write", "FlushContext"];

    container.set_pin(&pin("1234"), NOW, &mut rng()).expect("set");
    assert_eq!(took(), [&["Create"], define.as_slice(), &["Create"]].concat(), "set PIN: at most 9");

    container.unlock(&hash("1234"), NOW, &mut rng()).expect("the first after a boot, with its retry");
    let _retried = took();
    container.unlock(&hash("1234"), NOW, &mut rng()).expect("unlocked");
    assert_eq!(took(), unlock, "unlock: at most 6");

    assert_eq!(container.tries_left(), Ok(8));
    assert_eq!(took(), ["NV_Read"], "read the retry count: at most 1");

    assert_eq!(
        container.unlock(&hash("0000"), NOW, &mut rng()).err(),
        Some(Error::WrongPin { tries_left: 7 })
    );
    let wrong = ["StartAuthSession", "PolicySecret", "FlushContext", "NV_Read"];
    assert_eq!(took(), wrong, "wrong PIN: at most 3, and 1 to read the retry count");

    let unlocked = container.change_pin(&hash("1234"), &pin("5678"), NOW, &mut rng()).expect("changed");
    let change = [unlock.as_slice(), &define, &["Create", "NV_UndefineSpace"]].concat();
    assert_eq!(took(), change, "change PIN: at most 9, and the 6 of checking the old one");

    let first = register(&mut container, &unlocked, 1);
    container.sign(&unlocked, &first, &[b"self attestation"]).expect("signed");
    assert_eq!(took(), ["Create", "Load", "Sign"], "register: at most 4");
    let second = register(&mut container, &unlocked, 2);
    container.sign(&unlocked, &second, &[b"self attestation"]).expect("signed");
    assert_eq!(took(), ["Create", "FlushContext", "Load", "Sign"], "also when it displaces a hot key");

    container.sign(&unlocked, &first, &[b"m"]).expect("signed");
    assert_eq!(took(), ["FlushContext", "Load", "Sign"], "sign, key not loaded: at most 3");
    container.sign(&unlocked, &first, &[b"m"]).expect("signed");
    assert_eq!(took(), ["Sign"], "sign, key in the hot cache: at most 1");
    container.unlock(&hash("5678"), NOW, &mut rng()).expect("unlocked");
    assert_eq!(took(), unlock, "a hot key makes nothing else dearer");
}

/// A thief with a backup, on the machine as it is now: whichever slot the PIN has moved to, the old one opens nothing.
#[test]
fn an_old_database_does_not_bring_the_old_pin_back() {
    let machine = Machine::new();
    machine.with_pin("1111");
    let backup = machine.backup();
    machine.open().change_pin(&hash("1111"), &pin("2222"), NOW, &mut rng()).expect("changed");
    let current = machine.backup();

    machine.restore(&backup);
    let mut old = machine.open();
    assert_eq!(old.unlock(&hash("1111"), NOW, &mut rng()).err(), Some(Error::PinLost));
    assert!(old.status().expect("readable").pin_lost);
    drop(old);

    // The PIN comes back to the slot where the old one was, under the same administrative key.
    machine.restore(&current);
    machine.open().change_pin(&hash("2222"), &pin("3333"), NOW, &mut rng()).expect("changed");
    let current = machine.backup();
    machine.restore(&backup);
    let mut old = machine.open();
    assert_eq!(old.unlock(&hash("1111"), NOW, &mut rng()).err(), Some(Error::WrongPin { tries_left: 7 }));
    // Not even the PIN of now opens the old protector, whose salt is another.
    assert_eq!(old.unlock(&hash("3333"), NOW, &mut rng()).err(), Some(Error::WrongPin { tries_left: 6 }));
    drop(old);
    machine.restore(&current);
    machine.open().unlock(&hash("3333"), NOW, &mut rng()).expect("what is there now works");

    // Destroying by way of an old copy leaves nothing behind either.
    machine.open().change_pin(&hash("3333"), &pin("4444"), NOW, &mut rng()).expect("changed");
    machine.restore(&backup);
    machine.open().destroy().expect("destroyed");
    machine.try_create().expect("both slots are free");
}

#[test]
fn a_pin_that_the_owner_removed_is_called_lost_and_the_container_can_be_destroyed() {
    let machine = Machine::new();
    machine.with_pin("1111");
    let mut container = machine.open();
    container.unlock(&hash("1111"), NOW, &mut rng()).expect("unlocked");
    machine.run("tpm2_nvundefine", &["-C", "o", "0x01801A50"]);
    // Something else takes its place; it is neither asked nor removed.
    machine.run("tpm2_nvdefine", &["-C", "o", "-s", "8", "0x01801A50"]);
    for reopened in [false, true] {
        if reopened {
            drop(container);
            container = machine.open();
        }
        assert_eq!(
            container.unlock(&hash("1111"), NOW, &mut rng()).err(),
            Some(Error::PinLost),
            "reopened: {reopened}"
        );
        let status = container.status().expect("readable");
        assert!(status.pin_lost && status.pin.is_some_and(|pin| pin.tries_left == 0));
    }
    drop(container);
    machine.open().destroy().expect("destroyed");
    assert!(matches!(machine.try_create(), Err(Error::SlotTaken { .. })), "it is still there");
}

/// The owner's authorisation was set after the PIN: what cannot be removed waits, and is shown.
#[test]
fn a_slot_that_cannot_be_cleared_does_not_keep_the_container_closed() {
    let machine = Machine::new();
    machine.with_pin("1111");
    machine.run("tpm2_changeauth", &["-c", "owner", "secret"]);
    machine.open().reset().expect("reset");
    let mut container = machine.open();
    assert_eq!(container.status().expect("readable").leftover_slots, 1);
    assert!(container.set_pin(&pin("2222"), NOW, &mut rng()).is_err(), "there is no place for it yet");
    drop(container);
    let mut options = DeviceOptions::new(machine.device.swtpm.tcti());
    options.owner_auth = Some(Zeroizing::new(b"secret".to_vec()));
    let tpm = DeviceTpm::open(&options).expect("swtpm answers");
    let mut container = Container::open(&machine.dir(), Box::new(tpm)).expect("opened");
    assert_eq!(container.status().expect("readable").leftover_slots, 0);
    container.set_pin(&pin("2222"), NOW, &mut rng()).expect("set");
}

#[test]
fn files_deleted_by_hand_leave_a_slot_whose_removal_is_told() {
    let machine = Machine::new();
    machine.with_pin("1111");
    std::fs::remove_dir_all(machine.dir()).expect("deleted by hand");
    let refused = machine.try_create().expect_err("taken").to_string();
    let handle = "tpm2_nvundefine -T ".to_owned() + &machine.device.swtpm.tcti() + " -C o 0x01801a50";
    assert!(refused.contains(&handle) && refused.contains("Latchkey"), "{refused}");
    machine.run("tpm2_nvundefine", &["-C", "o", "0x01801a50"]);
    machine.with_pin("2222");
    machine.open().unlock(&hash("2222"), NOW, &mut rng()).expect("unlocked");
}
