//! An older copy of the container's files on the machine as it is now: its PIN is worth nothing, and a PIN reset or a change
//! of PIN gives its passkeys a PIN that works, whatever newer PIN is in the TPM.

use latchkey_container::{CompartmentId, Container, Error};

use crate::rig::{Home, Hook, NOW, Watched, hash, new_passkey, pin, rng};
use crate::tenant::Tenant;

const OLD: &str = "123456";
const NEW: &str = "654321";

/// A home whose container has a passkey and a PIN reset protector, and a copy of it as it is now.
struct Restored {
    home: Home,
    backup: Home,
    tenant: Tenant,
    id: CompartmentId,
}

impl Restored {
    fn new() -> Self {
        let (home, tenant) = (Home::new(), Tenant::new("t1"));
        let mut container = home.create();
        let unlocked = container.set_pin(&pin(OLD), NOW, &mut rng()).unwrap();
        container.register(&unlocked, new_passkey("a.example", b"1"), NOW, &mut rng()).unwrap();
        let id = tenant.join(&mut container);
        container.want_recovery(id, Some(&tenant.hpke("k1")), &mut rng()).unwrap();
        container.unlock(&hash(OLD), NOW, &mut rng()).unwrap();
        drop(container);
        let backup = home.copy();
        Self { home, backup, tenant, id }
    }

    /// The copy in the place of what the container has become.
    fn restore(&self) -> Container {
        self.home.restore_container(&self.backup);
        self.home.open()
    }

    /// The old PIN does not open; after a reset the new one does, the passkey signs, and the PIN can be changed and reset.
    fn is_usable_after_a_reset(&self, mut container: Container) {
        assert!(container.unlock(&hash(OLD), NOW, &mut rng()).is_err());
        for text in [NEW, OLD, NEW] {
            self.tenant.reset(&mut container, self.id, &pin(text)).unwrap();
            signs(&mut container, text);
            container.change_pin(&hash(text), &pin("111111"), NOW, &mut rng()).unwrap();
            signs(&mut container, "111111");
        }
        drop(container);
        let mut container = self.home.open();
        signs(&mut container, "111111");
        assert_eq!(container.status().unwrap().leftover_slots, 0);
        container.destroy().unwrap();
        self.home.try_create().expect("nothing of it is left in the TPM");
    }
}

fn signs(container: &mut Container, text: &str) {
    let unlocked = container.unlock(&hash(text), NOW, &mut rng()).unwrap();
    let passkey = container.passkeys_for(&unlocked, "a.example").unwrap().remove(0);
    assert!(!container.sign(&unlocked, &passkey, &[b"m"]).unwrap().bytes.is_empty());
}

#[test]
fn a_newer_pin_in_either_slot_makes_room_for_a_reset() {
    for changes in 1..4 {
        let restored = Restored::new();
        let mut container = restored.home.open();
        for turn in 0..changes {
            let (old, new) = if turn % 2 == 0 { (OLD, NEW) } else { (NEW, OLD) };
            container.change_pin(&hash(old), &pin(new), NOW, &mut rng()).unwrap();
        }
        drop(container);
        restored.is_usable_after_a_reset(restored.restore());
    }
}

#[test]
fn so_does_the_pin_of_a_newer_reset() {
    for resets in 1..4 {
        let restored = Restored::new();
        let mut container = restored.home.open();
        for _ in 0..resets {
            restored.tenant.reset(&mut container, restored.id, &pin(NEW)).unwrap();
        }
        drop(container);
        restored.is_usable_after_a_reset(restored.restore());
    }
}

/// After everything was deleted the TPM has a PIN under another administrative key: it is not ours to remove, so the reset
/// goes round it.
#[test]
fn a_pin_that_was_begun_anew_stays_and_is_no_obstacle() {
    for changed in [false, true] {
        let restored = Restored::new();
        let mut container = restored.home.open();
        container.reset().unwrap();
        container.set_pin(&pin(NEW), NOW, &mut rng()).unwrap();
        if changed {
            container.change_pin(&hash(NEW), &pin(OLD), NOW, &mut rng()).unwrap();
        }
        drop(container);
        let anew = restored.home.copy();
        let mut container = restored.restore();
        assert_eq!(container.unlock(&hash(OLD), NOW, &mut rng()).err(), Some(Error::PinLost));
        restored.tenant.reset(&mut container, restored.id, &pin("777777")).unwrap();
        signs(&mut container, "777777");
        drop(container);
        restored.home.restore_container(&anew);
        let text = if changed { OLD } else { NEW };
        restored.home.open().unlock(&hash(text), NOW, &mut rng()).expect("the other's PIN is untouched");
    }
}

/// Both slots hold what is not ours: nothing changes, and the refusal names the way out.
#[test]
fn without_a_place_for_a_pin_nothing_changes() {
    let restored = Restored::new();
    let mut container = restored.home.open();
    container.reset().unwrap();
    container.set_pin(&pin(NEW), NOW, &mut rng()).unwrap();
    drop(container);
    // The next change is cut off before it removes its older PIN.
    let hook: Hook = Box::new(|_, name| name != "undefine_pin_index");
    let device = Box::new(Watched::new(restored.home.device(), hook));
    let mut container = Container::open(&restored.home.container_dir(), device).unwrap();
    container.change_pin(&hash(NEW), &pin(OLD), NOW, &mut rng()).unwrap();
    drop(container);
    let anew = restored.home.copy();
    let mut container = restored.restore();
    let refused = restored.tenant.reset(&mut container, restored.id, &pin("777777")).err().unwrap();
    assert!(matches!(&refused, Error::SlotTaken { found } if found.contains("software-tpm.state")));
    assert_eq!(container.status().unwrap().passkeys, 1);
    drop(container);
    // Once the other one is gone, the same reset works.
    restored.home.restore_container(&anew);
    restored.home.open().destroy().unwrap();
    std::fs::create_dir_all(restored.home.container_dir()).unwrap();
    restored.is_usable_after_a_reset(restored.restore());
}

/// The files are from before a change of PIN that was cut off: the PIN works, and its next change finds the other slot taken.
#[test]
fn a_change_of_pin_that_the_files_know_nothing_of_is_no_obstacle() {
    let restored = Restored::new();
    let mut defined = false;
    let hook: Hook = Box::new(move |_, name| {
        defined |= name == "seal";
        !defined
    });
    let device = Box::new(Watched::new(restored.home.device(), hook));
    let mut container = Container::open(&restored.home.container_dir(), device).unwrap();
    assert!(matches!(container.change_pin(&hash(OLD), &pin(NEW), NOW, &mut rng()), Err(Error::Tpm(_))));
    drop(container);
    let mut container = restored.restore();
    container.change_pin(&hash(OLD), &pin(NEW), NOW, &mut rng()).unwrap();
    signs(&mut container, NEW);
    restored.is_usable_after_a_reset(container);
}
