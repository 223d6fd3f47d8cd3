//! The PIN: set, check, count, block, change, reset.

use latchkey_container::{Container, Error, PIN_TRIES, PinTries, TpmClass};

use crate::rig::{Home, NOW, hash, logged, new_passkey, pin, rng, taken};

fn with_pin(text: &str) -> (Home, Container) {
    let home = Home::new();
    let mut container = home.create();
    container.set_pin(&pin(text), NOW, &mut rng()).unwrap();
    (home, container)
}

#[test]
fn the_right_pin_unlocks_and_a_wrong_one_is_counted() {
    let (_home, mut container) = with_pin("123456");
    assert!(container.has_pin());
    assert_eq!(container.tries_left(), Ok(8));
    container.unlock(&hash("123456"), NOW, &mut rng()).unwrap();
    assert_eq!(
        container.unlock(&hash("654321"), NOW, &mut rng()).err(),
        Some(Error::WrongPin { tries_left: 7 })
    );
    assert_eq!(container.unlock(&hash(""), NOW, &mut rng()).err(), Some(Error::WrongPin { tries_left: 6 }));
    assert_eq!(container.tries_left(), Ok(6));
    assert_eq!(container.status().unwrap().pin, Some(PinTries { tries_left: 6, limit: PIN_TRIES }));
    container.unlock(&hash("123456"), NOW, &mut rng()).unwrap();
    assert_eq!(container.tries_left(), Ok(8));
}

#[test]
fn eight_wrong_tries_block_the_pin_for_the_right_one_too_also_after_a_restart() {
    let (home, mut container) = with_pin("123456");
    for tries_left in (1..8).rev() {
        assert_eq!(
            container.unlock(&hash("000000"), NOW, &mut rng()).err(),
            Some(Error::WrongPin { tries_left })
        );
        // A restart gives no try back.
        drop(container);
        container = home.open();
    }
    assert_eq!(container.unlock(&hash("000000"), NOW, &mut rng()).err(), Some(Error::PinBlocked));
    assert_eq!(container.unlock(&hash("123456"), NOW, &mut rng()).err(), Some(Error::PinBlocked));
    drop(container);
    container = home.open();
    assert_eq!(container.tries_left(), Ok(0));
    assert_eq!(container.unlock(&hash("123456"), NOW, &mut rng()).err(), Some(Error::PinBlocked));
    assert_eq!(
        container.change_pin(&hash("123456"), &pin("111111"), NOW, &mut rng()).err(),
        Some(Error::PinBlocked)
    );
    container.reset().unwrap();
    container.set_pin(&pin("222222"), NOW, &mut rng()).unwrap();
    container.unlock(&hash("222222"), NOW, &mut rng()).unwrap();
}

#[test]
fn without_a_pin_there_is_nothing_to_check() {
    let mut container = Home::new().create();
    assert!(!container.has_pin());
    assert_eq!(container.tries_left(), Ok(8));
    assert_eq!(container.unlock(&hash("123456"), NOW, &mut rng()).err(), Some(Error::NoPin));
    assert_eq!(
        container.change_pin(&hash("123456"), &pin("111111"), NOW, &mut rng()).err(),
        Some(Error::NoPin)
    );
    assert_eq!(container.status().unwrap().pin, None);
}

#[test]
fn a_pin_is_set_once_and_then_changed() {
    let (_home, mut container) = with_pin("123456");
    assert_eq!(container.set_pin(&pin("111111"), NOW, &mut rng()).err(), Some(Error::PinAlreadySet));
    container.unlock(&hash("123456"), NOW, &mut rng()).unwrap();
}

#[test]
fn a_change_keeps_every_passkey_and_ends_what_was_unlocked_before() {
    let (home, mut container) = with_pin("123456");
    let unlocked = container.unlock(&hash("123456"), NOW, &mut rng()).unwrap();
    let passkey = container.register(&unlocked, new_passkey("a.example", b"1"), NOW, &mut rng()).unwrap();

    assert_eq!(
        container.change_pin(&hash("999999"), &pin("111111"), NOW, &mut rng()).err(),
        Some(Error::WrongPin { tries_left: 7 })
    );
    container.passkey(&unlocked, &passkey.id).unwrap().unwrap();

    let changed = container.change_pin(&hash("123456"), &pin("111111"), NOW, &mut rng()).unwrap();
    assert_eq!(container.passkey(&unlocked, &passkey.id).err(), Some(Error::Stale));
    assert_eq!(container.passkeys(&unlocked).err(), Some(Error::Stale));
    assert_eq!(container.passkeys_for(&unlocked, "a.example").err(), Some(Error::Stale));
    assert_eq!(container.delete(&unlocked, &passkey.id), Err(Error::Stale));
    assert_eq!(container.sign(&unlocked, &passkey, &[b"m"]).err(), Some(Error::Stale));
    assert_eq!(
        container.register(&unlocked, new_passkey("b.example", b"1"), NOW, &mut rng()).err(),
        Some(Error::Stale)
    );
    let again = container.passkey(&changed, &passkey.id).unwrap().unwrap();
    assert_eq!(again.public_key, passkey.public_key);
    container.sign(&changed, &again, &[b"m"]).unwrap();

    // Back and forth: both slots are used in turn.
    for (old, new) in [("111111", "222222"), ("222222", "333333"), ("333333", "333333")] {
        container.change_pin(&hash(old), &pin(new), NOW, &mut rng()).unwrap();
        drop(container);
        container = home.open();
        if old != new {
            assert_eq!(
                container.unlock(&hash(old), NOW, &mut rng()).err(),
                Some(Error::WrongPin { tries_left: 7 })
            );
        }
        let unlocked = container.unlock(&hash(new), NOW, &mut rng()).unwrap();
        assert_eq!(container.passkeys(&unlocked).unwrap().len(), 1);
    }
}

#[test]
fn an_old_database_does_not_bring_the_old_pin_back() {
    let (home, container) = with_pin("123456");
    drop(container);
    let backup = home.copy();
    let mut container = home.open();
    container.change_pin(&hash("123456"), &pin("111111"), NOW, &mut rng()).unwrap();
    drop(container);
    // The thief's copy of the database, on the machine as it is now.
    std::fs::remove_dir_all(home.container_dir()).unwrap();
    let status = std::process::Command::new("cp")
        .arg("-r")
        .args([backup.container_dir(), home.container_dir()])
        .status()
        .unwrap();
    assert!(status.success());
    assert_eq!(home.open().unlock(&hash("123456"), NOW, &mut rng()).err(), Some(Error::PinLost));
}

#[test]
fn a_reset_deletes_pin_and_passkeys_and_keeps_the_container() {
    let (home, mut container) = with_pin("123456");
    let unlocked = container.unlock(&hash("123456"), NOW, &mut rng()).unwrap();
    let passkey = container.register(&unlocked, new_passkey("a.example", b"1"), NOW, &mut rng()).unwrap();
    let before = container.status().unwrap();
    container.reset().unwrap();
    assert!(!container.has_pin());
    assert_eq!(container.passkeys(&unlocked).err(), Some(Error::Stale));
    assert!(!container.knows(&passkey.id, "a.example").unwrap());
    let after = container.status().unwrap();
    assert_eq!((after.id, after.passkeys, after.pin), (before.id, 0, None));
    assert!(after.generation > before.generation);
    assert_eq!(container.unlock(&hash("123456"), NOW, &mut rng()).err(), Some(Error::NoPin));

    // The same PIN again: another authentication key.
    let unlocked = container.set_pin(&pin("123456"), NOW, &mut rng()).unwrap();
    assert!(container.passkeys(&unlocked).unwrap().is_empty());
    drop(container);
    assert_eq!(home.open().status().unwrap().passkeys, 0);
}

#[test]
fn no_call_of_the_device_is_wasted() {
    let home = Home::new();
    let (device, log) = logged(home.device());
    let mut container = home.create_on(device).unwrap();
    assert_eq!(taken(&log), ["require_free", "require_free", "bind"]);
    container.set_pin(&pin("123456"), NOW, &mut rng()).unwrap();
    assert_eq!(taken(&log), ["create_admin_key", "define_pin_index", "seal"]);
    container.tries_left().unwrap();
    assert_eq!(taken(&log), ["pin_count"]);
    let unlocked = container.unlock(&hash("123456"), NOW, &mut rng()).unwrap();
    assert_eq!(taken(&log), ["unseal"]);
    container.unlock(&hash("000000"), NOW, &mut rng()).unwrap_err();
    assert_eq!(taken(&log), ["unseal", "pin_count"]);
    let passkey = container.register(&unlocked, new_passkey("a.example", b"1"), NOW, &mut rng()).unwrap();
    assert_eq!(taken(&log), ["create_key"]);
    container.passkeys_for(&unlocked, "a.example").unwrap();
    container.next_signature_count(&passkey.id).unwrap();
    container.sign(&unlocked, &passkey, &[b"m"]).unwrap();
    assert_eq!(taken(&log), ["sign"]);
    container.change_pin(&hash("123456"), &pin("111111"), NOW, &mut rng()).unwrap();
    assert_eq!(taken(&log), ["unseal", "define_pin_index", "seal", "undefine_pin_index"]);
    container.reset().unwrap();
    assert_eq!(taken(&log), ["undefine_pin_index"]);
    drop(container);
    let (device, log) = logged(home.device());
    let container = Container::open(&home.container_dir(), device).unwrap();
    assert_eq!(taken(&log), ["unbind"]);
    container.destroy().unwrap();
    assert_eq!(taken(&log), [""; 0]);
}

#[test]
fn the_software_provider_wants_longer_pins() {
    let container = Home::new().create();
    assert_eq!(container.class(), TpmClass::Software);
    assert_eq!(container.minimum_pin_length(), 6);
}
