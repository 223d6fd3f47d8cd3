//! Compartments: what is whose, what opens with and without a gesture, and what leaves no trace.

use latchkey_container::{CompartmentId, Container, Error, PublicKey, TpmError, Unlocked};

use crate::rig::{Home, NOW, hash, new_passkey, pin, rng};

const PIN: &str = "123456";

fn opened() -> (Home, Container, Unlocked) {
    let home = Home::new();
    let mut container = home.create();
    let unlocked = container.set_pin(&pin(PIN), NOW, &mut rng()).unwrap();
    (home, container, unlocked)
}

fn join(container: &mut Container, facts: &[u8]) -> CompartmentId {
    container.add_compartment(facts, &mut rng()).unwrap()
}

#[test]
fn facts_need_no_gesture_and_no_copy_of_the_files_tells_them() {
    let (home, mut container, _unlocked) = opened();
    let id = join(&mut container, b"tenant of contoso");
    let second = join(&mut container, b"tenant of fabrikam");
    container.set_facts(id, b"contoso, version 2", &mut rng()).unwrap();
    drop(container);
    let mut container = home.open();
    let found = container.compartments().unwrap();
    let facts: Vec<_> = found.iter().map(|found| (found.id, found.facts.as_slice())).collect();
    let wanted: [(CompartmentId, &[u8]); 2] = [(id, b"contoso, version 2"), (second, b"tenant of fabrikam")];
    assert_eq!(facts, wanted);
    assert!(found.iter().all(|found| !found.device_keys && found.enterprise_key.is_none()));
    drop(container);
    let bytes = home.bytes();
    for word in [b"contoso".as_slice(), b"fabrikam"] {
        assert!(!bytes.windows(word.len()).any(|window| window == word));
    }
}

#[test]
fn device_keys_are_made_once_and_work_while_locked() {
    let (home, mut container, _unlocked) = opened();
    let id = join(&mut container, b"f");
    assert_eq!(container.device_sign(id, &[b"m"]).err(), Some(Error::NoDeviceKeys));
    let made = container.make_device_keys(id, &mut rng()).unwrap();
    assert!(matches!((&made.device, &made.transport), (PublicKey::Rsa { .. }, PublicKey::Rsa { .. })));
    assert_ne!(made.device, made.transport);
    assert_eq!(made.attestation_key, None, "the software provider cannot attest");
    drop(container);
    let mut container = home.open();
    assert_eq!(container.make_device_keys(id, &mut rng()).unwrap(), made);
    let whole = container.device_sign(id, &[b"one two"]).unwrap();
    assert_eq!(container.device_sign(id, &[b"one", b" ", b"two"]).unwrap(), whole);
    let refused = container.transport_decrypt(id, &[1; 256]).err();
    assert_eq!(refused, Some(Error::Tpm(TpmError::BadCiphertext)));
    let refused = container.certify_device_key(id, &[0; 32]).err();
    assert_eq!(refused, Some(Error::Tpm(TpmError::NoAttestation)));
    assert!(container.compartments().unwrap()[0].device_keys);
}

#[test]
fn an_enterprise_key_is_pending_until_it_is_known_to_the_provider() {
    let (home, mut container, unlocked) = opened();
    let id = join(&mut container, b"f");
    assert_eq!(container.enterprise_sign(&unlocked, id, &[b"m"]).err(), Some(Error::NoEnterpriseKey));
    assert_eq!(
        container.activate_enterprise_key(&unlocked, id, b"with a key", &mut rng()).err(),
        Some(Error::NoEnterpriseKey)
    );
    let first = container.make_enterprise_key(&unlocked, id, &mut rng()).unwrap();
    assert_eq!(container.make_enterprise_key(&unlocked, id, &mut rng()).unwrap(), first, "the same one");
    assert_eq!(container.enterprise_sign(&unlocked, id, &[b"m"]).err(), Some(Error::NoEnterpriseKey));
    container.activate_enterprise_key(&unlocked, id, b"with a key", &mut rng()).unwrap();
    container.activate_enterprise_key(&unlocked, id, b"with a key", &mut rng()).unwrap();
    let signed = container.enterprise_sign(&unlocked, id, &[b"m"]).unwrap();

    let second = container.make_enterprise_key(&unlocked, id, &mut rng()).unwrap();
    assert_ne!(second, first);
    let found = container.compartments().unwrap().remove(0);
    assert_eq!((found.enterprise_key, found.pending_enterprise_key), (Some(first), Some(second.clone())));
    assert_eq!(container.enterprise_sign(&unlocked, id, &[b"m"]).unwrap(), signed, "the older one works on");
    drop(container);
    let mut container = home.open();
    let unlocked = container.unlock(&hash(PIN), NOW, &mut rng()).unwrap();
    container.activate_enterprise_key(&unlocked, id, b"with a key", &mut rng()).unwrap();
    let found = container.compartments().unwrap().remove(0);
    assert_eq!((found.enterprise_key, found.pending_enterprise_key), (Some(second), None));
    assert_eq!(found.facts, b"with a key", "the facts change with the key");
    assert_ne!(container.enterprise_sign(&unlocked, id, &[b"m"]).unwrap(), signed);
}

#[test]
fn tokens_open_with_a_gesture_and_outlive_a_change_of_pin() {
    let (_home, mut container, unlocked) = opened();
    let (id, other) = (join(&mut container, b"f"), join(&mut container, b"g"));
    container.put_token(&unlocked, id, "prt", b"one", &mut rng()).unwrap();
    container.put_token(&unlocked, id, "prt", b"two", &mut rng()).unwrap();
    container.put_token(&unlocked, id, "more", b"three", &mut rng()).unwrap();
    let new = container.change_pin(&hash(PIN), &pin("654321"), NOW, &mut rng()).unwrap();
    assert_eq!(container.token(&unlocked, id, "prt").err(), Some(Error::Stale));
    assert_eq!(container.token(&new, id, "prt").unwrap().unwrap().as_slice(), b"two");
    assert!(container.token(&new, other, "prt").unwrap().is_none());
    assert!(container.token(&new, id, "none").unwrap().is_none());
    container.drop_tokens(id).unwrap();
    assert!(container.token(&new, id, "prt").unwrap().is_none());
    assert!(container.token(&new, id, "more").unwrap().is_none());
}

#[test]
fn leaving_takes_everything_of_the_compartment_and_no_passkey() {
    let (home, mut container, unlocked) = opened();
    let made = container.register(&unlocked, new_passkey("a.example", b"1"), NOW, &mut rng()).unwrap();
    let (id, other) = (join(&mut container, b"f"), join(&mut container, b"g"));
    for id in [id, other] {
        container.make_device_keys(id, &mut rng()).unwrap();
        container.make_enterprise_key(&unlocked, id, &mut rng()).unwrap();
        container.activate_enterprise_key(&unlocked, id, b"with a key", &mut rng()).unwrap();
        container.put_token(&unlocked, id, "prt", b"one", &mut rng()).unwrap();
    }
    container.remove_compartment(id).unwrap();
    assert_eq!(container.remove_compartment(id), Err(Error::UnknownCompartment));
    assert_eq!(container.compartments().unwrap().len(), 1);
    assert_eq!(container.make_device_keys(id, &mut rng()).err(), Some(Error::UnknownCompartment));
    assert_eq!(container.device_sign(id, &[b"m"]).err(), Some(Error::NoDeviceKeys));
    assert_eq!(container.enterprise_sign(&unlocked, id, &[b"m"]).err(), Some(Error::NoEnterpriseKey));
    assert!(container.token(&unlocked, id, "prt").unwrap().is_none());
    assert_eq!(
        container.make_enterprise_key(&unlocked, id, &mut rng()).err(),
        Some(Error::UnknownCompartment)
    );
    assert_eq!(container.put_token(&unlocked, id, "prt", b"x", &mut rng()), Err(Error::UnknownCompartment));
    container.device_sign(other, &[b"m"]).unwrap();
    container.enterprise_sign(&unlocked, other, &[b"m"]).unwrap();
    let passkey = container.passkey(&unlocked, &made.id).unwrap().unwrap();
    container.sign(&unlocked, &passkey, &[b"m"]).unwrap();
    drop(container);
    assert_eq!(
        home.number(
            "SELECT count(*) FROM compartment_records WHERE compartment NOT IN (SELECT id FROM compartments)"
        ),
        0
    );
}

/// Whoever can write the database moves records between compartments and kinds; none opens in its new place.
#[test]
fn a_record_in_another_place_does_not_open() {
    let (home, mut container, unlocked) = opened();
    let (id, other) = (join(&mut container, b"f"), join(&mut container, b"g"));
    for id in [id, other] {
        container.make_device_keys(id, &mut rng()).unwrap();
        container.make_enterprise_key(&unlocked, id, &mut rng()).unwrap();
        container.activate_enterprise_key(&unlocked, id, b"with a key", &mut rng()).unwrap();
        container.put_token(&unlocked, id, "prt", b"one", &mut rng()).unwrap();
    }
    drop(container);
    for kind in ["device key", "transport key", "enterprise key", "enterprise public key", "token", "facts"] {
        let swapped = home.copy();
        swapped.swap("compartment_records", "sealed", kind);
        let mut container = swapped.open();
        let unlocked = container.unlock(&hash(PIN), NOW, &mut rng()).unwrap();
        let refused = match kind {
            "device key" => container.device_sign(id, &[b"m"]).err(),
            "transport key" => container.transport_decrypt(id, &[1; 256]).err(),
            "token" => container.token(&unlocked, id, "prt").err(),
            "facts" => container.compartments().err(),
            _ => container.enterprise_sign(&unlocked, id, &[b"m"]).err(),
        };
        assert_eq!(refused, Some(Error::Damaged { what: kind }));
    }
}

/// An older public half beside the key in use would have the provider trust one key and the device sign with another.
#[test]
fn a_public_half_of_another_key_is_noticed() {
    let (home, mut container, unlocked) = opened();
    let id = join(&mut container, b"f");
    container.make_enterprise_key(&unlocked, id, &mut rng()).unwrap();
    container.activate_enterprise_key(&unlocked, id, b"with a key", &mut rng()).unwrap();
    drop(container);
    home.sql("CREATE TABLE kept AS SELECT tag, sealed FROM compartment_records WHERE kind = 'enterprise public key'");
    let mut container = home.open();
    let unlocked = container.unlock(&hash(PIN), NOW, &mut rng()).unwrap();
    container.make_enterprise_key(&unlocked, id, &mut rng()).unwrap();
    container.activate_enterprise_key(&unlocked, id, b"with a key", &mut rng()).unwrap();
    container.enterprise_sign(&unlocked, id, &[b"m"]).unwrap();
    drop(container);
    home.sql("UPDATE compartment_records SET sealed = (SELECT sealed FROM kept) WHERE kind = 'enterprise public key'");
    let mut container = home.open();
    let unlocked = container.unlock(&hash(PIN), NOW, &mut rng()).unwrap();
    let refused = container.enterprise_sign(&unlocked, id, &[b"m"]).err();
    assert_eq!(refused, Some(Error::Damaged { what: "enterprise key" }));
}
