//! The same for what an organisation adds: its keys, its PIN reset protector, and the PIN reset itself.

use latchkey_container::tpm::PinSlot;
use latchkey_container::{Compartment, CompartmentId, Container, CredentialId, Error, RecoveryService};

use super::{NEW, OLD, Prepare, defined_slots, every_interruption, with_two_passkeys, works};
use crate::rig::{Home, NOW, hash, pin, rng};
use crate::tenant::{Tenant, tenant};

/// Two passkeys, and a compartment with device keys.
fn joined(home: &Home) -> Vec<CredentialId> {
    let passkeys = with_two_passkeys(home);
    let mut container = home.open();
    let id = tenant().join(&mut container);
    container.make_device_keys(id, &mut rng()).unwrap();
    passkeys
}

/// And an enterprise key in use, with a token.
fn provisioned(home: &Home) -> Vec<CredentialId> {
    let passkeys = joined(home);
    let mut container = home.open();
    let id = the_one(&mut container).id;
    let unlocked = container.unlock(&hash(OLD), NOW, &mut rng()).unwrap();
    container.make_enterprise_key(&unlocked, id, &mut rng()).unwrap();
    container.activate_enterprise_key(&unlocked, id, b"with a key", &mut rng()).unwrap();
    container.put_token(&unlocked, id, "prt", b"token", &mut rng()).unwrap();
    passkeys
}

/// And a PIN reset protector.
fn recoverable(home: &Home, service: impl FnOnce(&Tenant) -> RecoveryService) -> Vec<CredentialId> {
    let passkeys = provisioned(home);
    let mut container = home.open();
    let id = the_one(&mut container).id;
    container.want_recovery(id, Some(&service(tenant())), &mut rng()).unwrap();
    container.unlock(&hash(OLD), NOW, &mut rng()).unwrap();
    passkeys
}

fn the_one(container: &mut Container) -> Compartment {
    let mut all = container.compartments().unwrap();
    assert_eq!(all.len(), 1);
    all.remove(0)
}

/// Whichever of the two PINs works, after everything has been looked at; never neither and never both.
fn the_pin_that_works(container: &mut Container, passkeys: &[CredentialId]) -> &'static str {
    let (right, wrong) =
        if container.unlock(&hash(NEW), NOW, &mut rng()).is_ok() { (NEW, OLD) } else { (OLD, NEW) };
    works(container, right, passkeys);
    let refused = container.unlock(&hash(wrong), NOW, &mut rng()).err();
    assert_eq!(refused, Some(Error::WrongPin { tries_left: 7 }));
    right
}

/// The enterprise key signs and the token is there, under this PIN.
fn enterprise_works(container: &mut Container, id: CompartmentId, text: &str) {
    let unlocked = container.unlock(&hash(text), NOW, &mut rng()).unwrap();
    container.enterprise_sign(&unlocked, id, &[b"m"]).unwrap();
    container.device_sign(id, &[b"m"]).unwrap();
    assert_eq!(container.token(&unlocked, id, "prt").unwrap().unwrap().as_slice(), b"token");
}

#[test]
fn device_keys() {
    every_interruption(
        |home| {
            let passkeys = with_two_passkeys(home);
            tenant().join(&mut home.open());
            passkeys
        },
        |home, device, _| {
            let mut container = Container::open(&home.container_dir(), device)?;
            let id = container.compartments()?.remove(0).id;
            container.make_device_keys(id, &mut rng()).map(drop)
        },
        |home, passkeys, done| {
            let mut container = home.open();
            let found = the_one(&mut container);
            assert!(found.device_keys || !done);
            let made = container.make_device_keys(found.id, &mut rng()).unwrap();
            assert_eq!(container.make_device_keys(found.id, &mut rng()).unwrap(), made);
            container.device_sign(found.id, &[b"m"]).unwrap();
            works(&mut container, OLD, passkeys);
        },
    );
}

#[test]
fn enterprise_key() {
    every_interruption(
        joined,
        |home, device, _| {
            let mut container = Container::open(&home.container_dir(), device)?;
            let id = container.compartments()?.remove(0).id;
            let unlocked = container.unlock(&hash(OLD), NOW, &mut rng())?;
            container.make_enterprise_key(&unlocked, id, &mut rng())?;
            container.activate_enterprise_key(&unlocked, id, b"with a key", &mut rng())
        },
        |home, passkeys, done| {
            let mut container = home.open();
            let found = the_one(&mut container);
            assert!(found.enterprise_key.is_some() || !done);
            assert!(found.enterprise_key.is_none() || found.pending_enterprise_key.is_none());
            assert_eq!(found.enterprise_key.is_some(), found.facts == b"with a key");
            let unlocked = container.unlock(&hash(OLD), NOW, &mut rng()).unwrap();
            if found.enterprise_key.is_none() {
                container.make_enterprise_key(&unlocked, found.id, &mut rng()).unwrap();
            }
            container.activate_enterprise_key(&unlocked, found.id, b"with a key", &mut rng()).unwrap();
            container.enterprise_sign(&unlocked, found.id, &[b"m"]).unwrap();
            works(&mut container, OLD, passkeys);
        },
    );
}

#[test]
fn enabled_recovery() {
    every_interruption(
        provisioned,
        |home, device, _| {
            let mut container = Container::open(&home.container_dir(), device)?;
            let id = container.compartments()?.remove(0).id;
            container.want_recovery(id, Some(&tenant().hpke("k1")), &mut rng())?;
            container.unlock(&hash(OLD), NOW, &mut rng())?;
            // A device that refuses the protector refuses no unlocking; the operation is over when it is there.
            if container.compartments()?.remove(0).recovery.fits { Ok(()) } else { Err(Error::StaleRecovery) }
        },
        |home, passkeys, _| {
            let mut container = home.open();
            let id = the_one(&mut container).id;
            container.want_recovery(id, Some(&tenant().hpke("k1")), &mut rng()).unwrap();
            works(&mut container, OLD, passkeys);
            assert!(the_one(&mut container).recovery.fits);
            tenant().reset(&mut container, id, &pin(NEW)).unwrap();
            assert_eq!(the_pin_that_works(&mut container, passkeys), NEW);
        },
    );
}

fn interrupted_reset(prepare: Prepare) {
    every_interruption(
        prepare,
        |home, device, _| {
            let mut container = Container::open(&home.container_dir(), device)?;
            let id = container.compartments()?.remove(0).id;
            tenant().reset(&mut container, id, &pin(NEW)).map(drop)
        },
        |home, passkeys, done| {
            let mut container = home.open();
            let id = the_one(&mut container).id;
            let right = the_pin_that_works(&mut container, passkeys);
            assert!(right == NEW || !done);
            enterprise_works(&mut container, id, right);
            // The unlocking has made the protector anew if it was missing; a forgotten PIN can be reset again.
            assert!(the_one(&mut container).recovery.fits);
            tenant().reset(&mut container, id, &pin("777777")).unwrap();
            works(&mut container, "777777", passkeys);
            enterprise_works(&mut container, id, "777777");
            drop(container);
            assert_eq!(defined_slots(home), 1);
        },
    );
}

#[test]
fn pin_reset_by_a_service_that_decrypts() {
    interrupted_reset(|home| recoverable(home, |tenant| tenant.hpke("k1")));
}

#[test]
fn pin_reset_by_a_blind_service() {
    interrupted_reset(|home| recoverable(home, |tenant| tenant.blind("k1")));
}

/// The user has no PIN that would make the protector anew: before the commit the old one must still serve, and the reset
/// alone must finish it.
#[test]
fn pin_reset_of_a_blocked_pin() {
    every_interruption(
        |home| {
            let passkeys = recoverable(home, |tenant| tenant.hpke("k1"));
            let mut container = home.open();
            for _ in 0..8 {
                container.unlock(&hash("000000"), NOW, &mut rng()).unwrap_err();
            }
            passkeys
        },
        |home, device, _| {
            let mut container = Container::open(&home.container_dir(), device)?;
            let id = container.compartments()?.remove(0).id;
            tenant().reset(&mut container, id, &pin(NEW)).map(drop)
        },
        |home, passkeys, done| {
            let mut container = home.open();
            let id = the_one(&mut container).id;
            if container.tries_left().unwrap() == 0 {
                assert!(!done);
                tenant().reset(&mut container, id, &pin(NEW)).unwrap();
            }
            works(&mut container, NEW, passkeys);
            enterprise_works(&mut container, id, NEW);
            drop(container);
            assert_eq!(defined_slots(home), 1);
        },
    );
}

/// The device comes back while the process lives on: the same container finishes the reset.
#[test]
fn pin_reset_in_a_process_that_lives_on() {
    every_interruption(
        |home| recoverable(home, |tenant| tenant.hpke("k1")),
        |home, device, passkeys| {
            let mut container = Container::open(&home.container_dir(), device)?;
            let id = container.compartments()?.remove(0).id;
            let first = tenant().reset(&mut container, id, &pin(NEW)).map(drop);
            if first.is_err() {
                // Whether the device is back or not, it must not be worse for having been tried again.
                let again = tenant().reset(&mut container, id, &pin(NEW));
                if let Ok(unlocked) = again {
                    assert_eq!(container.passkeys(&unlocked).unwrap().len(), passkeys.len());
                }
            }
            first
        },
        |home, passkeys, _| {
            let mut container = home.open();
            let right = the_pin_that_works(&mut container, passkeys);
            let id = the_one(&mut container).id;
            enterprise_works(&mut container, id, right);
            drop(container);
            assert_eq!(defined_slots(home), 1);
        },
    );
}

#[test]
fn rearmed_pin() {
    every_interruption(
        |home| {
            let passkeys = recoverable(home, |tenant| tenant.hpke("k1"));
            let mut container = home.open();
            for _ in 0..8 {
                container.unlock(&hash("000000"), NOW, &mut rng()).unwrap_err();
            }
            passkeys
        },
        |home, device, _| {
            let mut container = Container::open(&home.container_dir(), device)?;
            let id = container.compartments()?.remove(0).id;
            tenant().rearm(&mut container, id)
        },
        |home, passkeys, done| {
            let mut container = home.open();
            let left = container.tries_left().unwrap();
            assert!(left == 8 || (left == 0 && !done));
            if left == 0 {
                let id = the_one(&mut container).id;
                tenant().rearm(&mut container, id).unwrap();
            }
            works(&mut container, OLD, passkeys);
        },
    );
}

#[test]
fn removed_compartment() {
    every_interruption(
        |home| recoverable(home, |tenant| tenant.hpke("k1")),
        |home, device, _| {
            let mut container = Container::open(&home.container_dir(), device)?;
            let id = container.compartments()?.remove(0).id;
            container.remove_compartment(id)
        },
        |home, passkeys, done| {
            let mut container = home.open();
            let left = container.compartments().unwrap();
            assert!(left.is_empty() || !done);
            for found in left {
                enterprise_works(&mut container, found.id, OLD);
                container.remove_compartment(found.id).unwrap();
            }
            works(&mut container, OLD, passkeys);
            drop(container);
            assert_eq!(home.number("SELECT count(*) FROM protectors WHERE kind <> 'pin'"), 0);
            let mut device = home.device();
            assert!(PinSlot::BOTH.into_iter().any(|slot| device.require_free(slot).is_ok()));
        },
    );
}
