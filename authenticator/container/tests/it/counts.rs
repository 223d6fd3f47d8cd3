//! Signature counts grow, whatever happens.

use std::collections::HashSet;

use latchkey_container::{CredentialId, Error};

use crate::rig::{Home, NOW, hash, new_passkey, pin, rng};

#[test]
fn counts_grow_by_one_while_running() {
    let home = Home::new();
    let mut container = home.create();
    let unlocked = container.set_pin(&pin("123456"), NOW, &mut rng()).unwrap();
    let one = container.register(&unlocked, new_passkey("a.example", b"1"), NOW, &mut rng()).unwrap();
    let two = container.register(&unlocked, new_passkey("a.example", b"2"), NOW, &mut rng()).unwrap();
    for expected in 1..=200 {
        assert_eq!(container.next_signature_count(&one.id), Ok(expected));
    }
    assert_eq!(container.next_signature_count(&two.id), Ok(1), "each passkey has its own");
    assert_eq!(container.next_signature_count(&CredentialId(vec![1; 32])), Err(Error::UnknownPasskey));
}

#[test]
fn a_crash_at_any_count_never_takes_it_back() {
    let home = Home::new();
    let mut container = home.create();
    let unlocked = container.set_pin(&pin("123456"), NOW, &mut rng()).unwrap();
    let id = container.register(&unlocked, new_passkey("a.example", b"1"), NOW, &mut rng()).unwrap().id;
    let mut seen = HashSet::new();
    let mut last = 0;
    for signatures in [0, 1, 1, 63, 64, 65, 128, 3] {
        for _ in 0..signatures {
            let count = container.next_signature_count(&id).unwrap();
            assert!(count > last && seen.insert(count), "{count} after {last}");
            last = count;
        }
        // The files as they lie there, taken while the container is open: nothing was flushed for us.
        let crashed = home.copy();
        let mut after = crashed.open();
        let count = after.next_signature_count(&id).unwrap();
        assert!(count > last && count <= last + 65, "{count} after {last}");
        drop(container);
        container = home.open();
        container.unlock(&hash("123456"), NOW, &mut rng()).unwrap();
    }
}

#[test]
fn names_and_pins_do_not_touch_the_count() {
    let home = Home::new();
    let mut container = home.create();
    let unlocked = container.set_pin(&pin("123456"), NOW, &mut rng()).unwrap();
    let id = container.register(&unlocked, new_passkey("a.example", b"1"), NOW, &mut rng()).unwrap().id;
    assert_eq!(container.next_signature_count(&id), Ok(1));
    container.rename(&unlocked, &id, Some("x".into()), &mut rng()).unwrap();
    container.change_pin(&hash("123456"), &pin("111111"), NOW, &mut rng()).unwrap();
    container.lock();
    assert_eq!(container.next_signature_count(&id), Ok(2));
}
