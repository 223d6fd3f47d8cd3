//! The same for a PIN reset, which writes every record anew, and for the protector that it needs.

use std::cell::Cell;

use latchkey_container::{CompartmentId, Container, Error};

use super::{NEW, OLD, at_every_limit, in_child, prepared, the_one_pin};
use crate::rig::{Home, NOW, hash, pin, rng};
use crate::tenant::tenant;

#[test]
fn a_pin_reset_stands_or_falls_as_a_whole() {
    in_child("pin_reset::pin_reset");
}

#[test]
fn a_protector_that_the_disk_refuses_does_not_stop_an_unlocking() {
    in_child("pin_reset::protector");
}

fn wanted() -> (Home, Container) {
    let (home, mut container) = prepared();
    let id = tenant().join(&mut container);
    container.want_recovery(id, Some(&tenant().hpke("k1")), &mut rng()).unwrap();
    drop(container);
    let container = home.open();
    (home, container)
}

pub(super) fn recoverable() -> (Home, Container) {
    let (home, mut container) = wanted();
    let id = the_one(&mut container);
    let unlocked = container.unlock(&hash(OLD), NOW, &mut rng()).unwrap();
    container.put_token(&unlocked, id, "prt", b"token", &mut rng()).unwrap();
    drop(container);
    let container = home.open();
    (home, container)
}

pub(super) fn the_one(container: &mut Container) -> CompartmentId {
    container.compartments().unwrap()[0].id
}

#[test]
#[ignore = "run in a child by the test above"]
fn pin_reset() {
    at_every_limit(
        recoverable,
        |container| {
            let id = the_one(container);
            tenant().reset(container, id, &pin(NEW)).map(drop)
        },
        |container, done| {
            let works = the_one_pin(container);
            assert!(works == NEW || !done);
            let id = the_one(container);
            let unlocked = container.unlock(&hash(works), NOW, &mut rng()).unwrap();
            assert_eq!(container.token(&unlocked, id, "prt").unwrap().unwrap().as_slice(), b"token");
            tenant().reset(container, id, &pin("777777")).unwrap();
            container.unlock(&hash("777777"), NOW, &mut rng()).unwrap();
        },
    );
}

#[test]
#[ignore = "run in a child by the test above"]
fn protector() {
    let refused_without_harm = Cell::new(0);
    at_every_limit(
        wanted,
        |container| {
            // The software provider counts the try on the same disk.
            container.unlock(&hash(OLD), NOW, &mut rng())?;
            if container.compartments()?[0].recovery.fits {
                return Ok(());
            }
            refused_without_harm.update(|count| count + 1);
            Err(no_room())
        },
        |container, _| {
            assert_eq!(the_one_pin(container), OLD);
            let id = the_one(container);
            tenant().reset(container, id, &pin(NEW)).unwrap();
        },
    );
    assert!(refused_without_harm.get() > 0, "the PIN opens where there is no room for a protector");
}

/// What the disk said, which the unlocking keeps to itself.
pub(super) fn no_room() -> Error {
    let full = std::io::Error::from(std::io::ErrorKind::StorageFull);
    latchkey_container::StorageError::io("container.db", &full).into()
}
