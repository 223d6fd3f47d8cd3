//! Every operation, cut off at every call of the device and at every commit: exactly one PIN works, no passkey is
//! lost, no slot is left over, and the operation can be done again.
//!
//! Two ways to cut: the device goes away at call N (before or after it did its work), and the files are photographed
//! around every call. Between two calls there is at most one commit, so the photographs show every state that a
//! power cut can leave.

mod enterprise;

use std::sync::{Arc, Mutex};

use latchkey_container::tpm::PinSlot;
use latchkey_container::{Container, CredentialId, Error};

use crate::rig::{Home, Hook, Moment, NOW, Watched, hash, new_passkey, pin, rng};

const OLD: &str = "123456";
const NEW: &str = "654321";

/// Brings a home to where the operation starts; gives the passkeys that must not be lost.
type Prepare = fn(&Home) -> Vec<CredentialId>;
/// The operation, on a device that may fail.
type Operate = fn(&Home, Box<Watched>, &[CredentialId]) -> Result<(), Error>;
/// What must hold after a restart, whatever happened; `done` when the operation said that it succeeded.
type Check = fn(&Home, &[CredentialId], done: bool);

fn every_interruption(prepare: Prepare, operate: Operate, check: Check) {
    let mut points = 0;
    // Whether the device stays away, or comes back for the next call.
    for stays_away in [true, false] {
        for moment in [Moment::Before, Moment::After] {
            let mut at = 0;
            loop {
                let home = Home::new();
                let passkeys = prepare(&home);
                let (hook, reached) = failing(at, moment, stays_away);
                let result = operate(&home, Box::new(Watched::new(home.device(), hook)), &passkeys);
                check(&home, &passkeys, result.is_ok());
                if !*reached.lock().unwrap() {
                    assert!(at > 0 && result.is_ok(), "{result:?}");
                    break;
                }
                at += 1;
                points += 1;
            }
        }
    }
    let home = Home::new();
    let passkeys = prepare(&home);
    let photographs: Arc<Mutex<Vec<Home>>> = Arc::default();
    let (film, subject) = (Arc::clone(&photographs), home.same());
    let hook: Hook = Box::new(move |_, _| {
        film.lock().unwrap().push(subject.copy());
        true
    });
    operate(&home, Box::new(Watched::new(home.device(), hook)), &passkeys).unwrap();
    let photographs = std::mem::take(&mut *photographs.lock().unwrap());
    assert!(!photographs.is_empty());
    println!(
        "{} points: {points} failures of the device, {} photographs",
        points + photographs.len(),
        photographs.len()
    );
    for photograph in photographs {
        check(&photograph, &passkeys, false);
    }
    check(&home, &passkeys, true);
}

fn failing(at: usize, when: Moment, stays_away: bool) -> (Hook, Arc<Mutex<bool>>) {
    let reached = Arc::new(Mutex::new(false));
    let report = Arc::clone(&reached);
    let mut call = 0;
    let hook = Box::new(move |moment, _: &str| {
        if moment != when {
            return true;
        }
        let fails = if stays_away { call >= at } else { call == at };
        call += 1;
        *report.lock().unwrap() |= fails;
        !fails
    });
    (hook, reached)
}

/// The slots that are defined on the device, after the container has been opened and closed.
fn defined_slots(home: &Home) -> usize {
    let mut device = home.device();
    PinSlot::BOTH.into_iter().filter(|slot| device.require_free(*slot).is_err()).count()
}

/// The PIN works, every passkey opens and signs.
fn works(container: &mut Container, pin: &str, passkeys: &[CredentialId]) {
    let unlocked = container.unlock(&hash(pin), NOW, &mut rng()).unwrap();
    for id in passkeys {
        let passkey = container.passkey(&unlocked, id).unwrap().expect("a passkey is lost");
        container.sign(&unlocked, &passkey, &[b"m"]).unwrap();
    }
}

fn empty(home: &Home) -> Vec<CredentialId> {
    home.create();
    Vec::new()
}

fn with_two_passkeys(home: &Home) -> Vec<CredentialId> {
    let mut container = home.create();
    let unlocked = container.set_pin(&pin(OLD), NOW, &mut rng()).unwrap();
    [b"1", b"2"]
        .map(|handle| {
            container.register(&unlocked, new_passkey("a.example", handle), NOW, &mut rng()).unwrap().id
        })
        .to_vec()
}

#[test]
fn creation() {
    every_interruption(
        |_| Vec::new(),
        |home, device, _| home.create_on(device).map(drop),
        |home, _, done| {
            match home.try_open() {
                Ok(container) => drop(container),
                Err(Error::Missing { .. }) if !done => drop(home.create()),
                Err(error) => panic!("{error}"),
            }
            let mut container = home.open();
            container.set_pin(&pin(NEW), NOW, &mut rng()).unwrap();
            works(&mut container, NEW, &[]);
        },
    );
}

#[test]
fn first_pin() {
    every_interruption(
        empty,
        |home, device, _| {
            Container::open(&home.container_dir(), device)?.set_pin(&pin(NEW), NOW, &mut rng()).map(drop)
        },
        |home, _, done| {
            let mut container = home.open();
            assert!(container.has_pin() || !done);
            if !container.has_pin() {
                drop(container);
                assert_eq!(defined_slots(home), 0);
                container = home.open();
                container.set_pin(&pin(NEW), NOW, &mut rng()).unwrap();
            }
            works(&mut container, NEW, &[]);
            drop(container);
            assert_eq!(defined_slots(home), 1);
        },
    );
}

#[test]
fn changed_pin() {
    every_interruption(
        with_two_passkeys,
        |home, device, _| {
            let mut container = Container::open(&home.container_dir(), device)?;
            container.change_pin(&hash(OLD), &pin(NEW), NOW, &mut rng()).map(drop)
        },
        |home, passkeys, done| {
            let mut container = home.open();
            let (works_now, other) =
                if container.unlock(&hash(NEW), NOW, &mut rng()).is_ok() { (NEW, OLD) } else { (OLD, NEW) };
            assert!(works_now == NEW || !done);
            works(&mut container, works_now, passkeys);
            assert_eq!(
                container.unlock(&hash(other), NOW, &mut rng()).err(),
                Some(Error::WrongPin { tries_left: 7 })
            );
            container.change_pin(&hash(works_now), &pin("777777"), NOW, &mut rng()).unwrap();
            works(&mut container, "777777", passkeys);
            drop(container);
            assert_eq!(defined_slots(home), 1);
        },
    );
}

#[test]
fn changed_pin_in_a_process_that_lives_on() {
    every_interruption(
        with_two_passkeys,
        |home, device, passkeys| {
            let mut container = Container::open(&home.container_dir(), device)?;
            let first = container.change_pin(&hash(OLD), &pin(NEW), NOW, &mut rng()).map(drop);
            // The device may be back: the same container goes on with whichever PIN stands.
            for text in [NEW, OLD] {
                if let Ok(unlocked) = container.unlock(&hash(text), NOW, &mut rng()) {
                    assert_eq!(container.passkeys(&unlocked).unwrap().len(), passkeys.len());
                    let _ = container.change_pin(&hash(text), &pin(NEW), NOW, &mut rng());
                    break;
                }
            }
            first
        },
        |home, passkeys, _| {
            let mut container = home.open();
            let text = if container.unlock(&hash(NEW), NOW, &mut rng()).is_ok() { NEW } else { OLD };
            works(&mut container, text, passkeys);
            drop(container);
            assert_eq!(defined_slots(home), 1);
        },
    );
}

#[test]
fn reset() {
    every_interruption(
        with_two_passkeys,
        |home, device, _| Container::open(&home.container_dir(), device)?.reset(),
        |home, passkeys, done| {
            let mut container = home.open();
            if container.has_pin() {
                assert!(!done);
                works(&mut container, OLD, passkeys);
            } else {
                assert_eq!(container.status().unwrap().passkeys, 0);
                drop(container);
                assert_eq!(defined_slots(home), 0);
                home.open().set_pin(&pin(NEW), NOW, &mut rng()).unwrap();
            }
        },
    );
}

#[test]
fn destruction() {
    every_interruption(
        with_two_passkeys,
        |home, device, _| Container::open(&home.container_dir(), device)?.destroy(),
        |home, passkeys, done| {
            // Creating again must work as well as opening: both finish what was begun.
            let again = home.copy();
            match home.try_open() {
                Ok(mut container) => {
                    assert!(!done);
                    works(&mut container, OLD, passkeys);
                    return;
                }
                Err(Error::Missing { .. }) => {}
                Err(error) => panic!("{error}"),
            }
            assert_eq!(defined_slots(home), 0);
            again.create().set_pin(&pin(NEW), NOW, &mut rng()).unwrap();
        },
    );
}

#[test]
fn registration_that_replaces() {
    every_interruption(
        with_two_passkeys,
        |home, device, _| {
            let mut container = Container::open(&home.container_dir(), device)?;
            let unlocked = container.unlock(&hash(OLD), NOW, &mut rng())?;
            container.register(&unlocked, new_passkey("a.example", b"1"), NOW, &mut rng()).map(drop)
        },
        |home, passkeys, done| {
            let mut container = home.open();
            let unlocked = container.unlock(&hash(OLD), NOW, &mut rng()).unwrap();
            let found = container.passkeys_for(&unlocked, "a.example").unwrap();
            assert_eq!(found.len(), 2, "one for each account, whatever happened");
            let replaced = container.passkey(&unlocked, &passkeys[0]).unwrap().is_none();
            assert!(replaced || !done);
            for passkey in found {
                container.sign(&unlocked, &passkey, &[b"m"]).unwrap();
            }
        },
    );
}

#[test]
fn deletion() {
    every_interruption(
        with_two_passkeys,
        |home, device, passkeys| {
            let mut container = Container::open(&home.container_dir(), device)?;
            let unlocked = container.unlock(&hash(OLD), NOW, &mut rng())?;
            container.delete(&unlocked, &passkeys[0]).map(drop)
        },
        |home, passkeys, done| {
            let mut container = home.open();
            let unlocked = container.unlock(&hash(OLD), NOW, &mut rng()).unwrap();
            let there = container.passkey(&unlocked, &passkeys[0]).unwrap().is_some();
            assert!(!(there && done));
            works(&mut container, OLD, &passkeys[1..]);
        },
    );
}
