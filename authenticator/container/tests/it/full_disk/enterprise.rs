//! The same for what an organisation adds: the device's registration, the enterprise key, the protector for another key of the
//! PIN reset service, the reset that deletes, and leaving.

use latchkey_container::{Compartment, Container, Error};

use super::pin_reset::{no_room, recoverable, the_one};
use super::{NEW, OLD, at_limits, in_child, prepared, the_one_pin};
use crate::rig::{Home, NOW, hash, pin, rng};
use crate::tenant::tenant;

const REGISTERED: &[u8] = b"registered";
/// One limit in each page of the database: making the keys of an organisation takes long.
const STEP: usize = 4093;

#[test]
fn a_join_stands_or_falls_as_a_whole() {
    in_child("enterprise::join");
}

#[test]
fn a_provisioning_stands_or_falls_as_a_whole() {
    in_child("enterprise::provisioning");
}

#[test]
fn a_rotation_leaves_a_protector() {
    in_child("enterprise::rotation");
}

#[test]
fn a_new_beginning_deletes_all_or_nothing() {
    in_child("enterprise::new_beginning");
}

#[test]
fn leaving_stands_or_falls_as_a_whole() {
    in_child("enterprise::leaving");
}

/// Registers the device, or finishes it.
fn register_device(container: &mut Container) -> Result<(), Error> {
    let found = container.compartments()?.first().map(|found| found.id);
    let id = match found {
        Some(id) => id,
        None => container.add_compartment(b"begun", &mut rng())?,
    };
    container.make_device_keys(id, &mut rng())?;
    container.set_facts(id, REGISTERED, &mut rng())
}

/// Makes the enterprise key and takes it into use, or finishes it.
fn provision(container: &mut Container, text: &str) -> Result<(), Error> {
    let id = the_one(container);
    let unlocked = container.unlock(&hash(text), NOW, &mut rng())?;
    container.make_enterprise_key(&unlocked, id, &mut rng())?;
    container.activate_enterprise_key(&unlocked, id, b"with a key", &mut rng())
}

/// The enterprise key signs, and the facts know of it.
fn signs(container: &mut Container, text: &str) {
    let found = compartment(container);
    assert!(found.enterprise_key.is_some() && found.facts == b"with a key");
    let unlocked = container.unlock(&hash(text), NOW, &mut rng()).unwrap();
    container.enterprise_sign(&unlocked, found.id, &[b"m"]).unwrap();
    container.device_sign(found.id, &[b"m"]).unwrap();
}

fn compartment(container: &mut Container) -> Compartment {
    let mut all = container.compartments().unwrap();
    assert_eq!(all.len(), 1);
    all.remove(0)
}

fn joined() -> (Home, Container) {
    let (home, mut container) = prepared();
    register_device(&mut container).unwrap();
    (home, container)
}

/// With everything: device keys, an enterprise key, a protector, a token.
fn member() -> (Home, Container) {
    let (home, mut container) = recoverable();
    register_device(&mut container).unwrap();
    provision(&mut container, OLD).unwrap();
    (home, container)
}

#[test]
#[ignore = "run in a child by the test above"]
fn join() {
    at_limits(STEP, prepared, register_device, |container, done| {
        assert_eq!(the_one_pin(container), OLD);
        let found = container.compartments().unwrap();
        assert!(found.len() <= 1);
        let is_registered = found.first().is_some_and(|found| found.facts == REGISTERED);
        assert!(is_registered || !done);
        assert!(!is_registered || found[0].device_keys, "registered without keys");
        register_device(container).unwrap();
        let found = compartment(container);
        assert!(found.facts == REGISTERED && found.device_keys);
        container.device_sign(found.id, &[b"m"]).unwrap();
    });
}

#[test]
#[ignore = "run in a child by the test above"]
fn provisioning() {
    at_limits(
        STEP,
        joined,
        |container| provision(container, OLD),
        |container, done| {
            assert_eq!(the_one_pin(container), OLD);
            let found = compartment(container);
            assert!(found.enterprise_key.is_some() || !done);
            assert_eq!(found.enterprise_key.is_some(), found.facts == b"with a key", "half registered");
            provision(container, OLD).unwrap();
            signs(container, OLD);
        },
    );
}

#[test]
#[ignore = "run in a child by the test above"]
fn rotation() {
    let rotate = |container: &mut Container| {
        let id = the_one(container);
        container.want_recovery(id, Some(&tenant().hpke("k2")), &mut rng())?;
        container.unlock(&hash(OLD), NOW, &mut rng())?;
        if compartment(container).recovery.fits { Ok(()) } else { Err(no_room()) }
    };
    at_limits(STEP, member, rotate, |container, _| {
        // Whatever became of it, a forgotten PIN can be reset: by what is there before anybody unlocks anything.
        let id = the_one(container);
        assert!(compartment(container).recovery.present.is_some(), "there is no protector between two");
        assert_eq!(the_one_pin(container), OLD);
        rotate(container).unwrap();
        assert_eq!(compartment(container).recovery.present.unwrap().kid, "k2");
        tenant().reset(container, id, &pin(NEW)).unwrap();
        assert_eq!(the_one_pin(container), NEW);
        signs(container, NEW);
    });
}

#[test]
#[ignore = "run in a child by the test above"]
fn new_beginning() {
    let begin = |container: &mut Container| {
        container.reset()?;
        container.set_pin(&pin(NEW), NOW, &mut rng())?;
        provision(container, NEW)
    };
    at_limits(STEP, member, begin, |container, done| {
        if container.status().unwrap().passkeys > 0 {
            assert!(!done);
            assert_eq!(the_one_pin(container), OLD);
            signs(container, OLD);
        } else if container.has_pin() {
            let unlocked = container.unlock(&hash(NEW), NOW, &mut rng()).unwrap();
            assert_eq!(container.passkeys(&unlocked).unwrap().len(), 0);
        } else {
            assert!(!done);
        }
        begin(container).unwrap();
        signs(container, NEW);
        container.unlock(&hash(OLD), NOW, &mut rng()).unwrap_err();
    });
}

#[test]
#[ignore = "run in a child by the test above"]
fn leaving() {
    let leave = |container: &mut Container| {
        let id = the_one(container);
        container.remove_compartment(id)
    };
    at_limits(STEP, member, leave, |container, done| {
        if container.compartments().unwrap().is_empty() {
            assert_eq!(the_one_pin(container), OLD);
        } else {
            assert!(!done);
            signs(container, OLD);
            leave(container).unwrap();
        }
        assert!(container.compartments().unwrap().is_empty());
        assert_eq!(the_one_pin(container), OLD);
    });
}
