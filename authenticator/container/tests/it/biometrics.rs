//! Biometric protectors: what opens them, what does not, and how long they last.

use latchkey_container::secret::AuthValue;
use latchkey_container::{
    Biometric, Container, Error, Lifetime, MATCH_TRIES, PIN_TRIES, Recognised, TemplateDigest,
};
use rusqlite::Connection;

use crate::rig::{Home, NOW, hash, new_passkey, pin, rng};
use crate::tenant::Tenant;

const FINGER: Biometric = Biometric::Fingerprint;
const PIN: &str = "123456";

fn secret(fill: u8) -> AuthValue {
    AuthValue::new([fill; 32])
}

fn template(text: &str) -> TemplateDigest {
    TemplateDigest::of("alice", "sensor", FINGER, text.as_bytes())
}

fn seen(text: &str, fill: u8) -> Recognised {
    Recognised { kind: FINGER, template: template(text), secret: secret(fill) }
}

/// A container with one finger, whose service has the secret 1.
fn with_finger(home: &Home, lifetime: Lifetime) -> Container {
    let mut container = home.create();
    container.set_pin(&pin(PIN), NOW, &mut rng()).unwrap();
    container.offer_biometric(FINGER, secret(1), lifetime).unwrap();
    let unlocked = container.unlock(&hash(PIN), NOW, &mut rng()).unwrap();
    container.enrol_biometric(&unlocked, FINGER, template("finger 1"), &mut rng()).unwrap();
    container
}

fn refused(container: &mut Container, seen: &Recognised) -> Error {
    container.unlock_by_biometric(seen, NOW).expect_err("refused")
}

#[test]
fn an_enrolled_finger_opens_what_the_pin_opens() {
    let home = Home::new();
    let mut container = with_finger(&home, Lifetime::Boot);
    let by_pin = container.unlock(&hash(PIN), NOW, &mut rng()).unwrap();
    let passkey = container.register(&by_pin, new_passkey("a.example", b"1"), NOW, &mut rng()).unwrap();
    let by_finger = container.unlock_by_biometric(&seen("finger 1", 1), NOW).unwrap();
    container.sign(&by_finger, &passkey, &[b"message"]).unwrap();
    assert_eq!(container.passkeys(&by_finger).unwrap().len(), 1);
    let state = container.biometrics().unwrap();
    assert_eq!((state.len(), state[0].templates, state[0].protector), (1, 1, Some(Lifetime::Boot)));
    assert_eq!(container.ready_biometrics(), [FINGER]);
}

#[test]
fn without_a_pin_in_this_session_there_is_nothing_to_open() {
    let home = Home::new();
    drop(with_finger(&home, Lifetime::Boot));
    let mut container = home.open();
    assert_eq!(refused(&mut container, &seen("finger 1", 1)), Error::PinNeeded);
    container.offer_biometric(FINGER, secret(2), Lifetime::Boot).unwrap();
    assert_eq!(refused(&mut container, &seen("finger 1", 2)), Error::PinNeeded, "an offer is no protector");
    assert!(container.unlock(&hash("000000"), NOW, &mut rng()).is_err());
    assert!(container.ready_biometrics().is_empty(), "a wrong PIN makes none");
    container.unlock(&hash(PIN), NOW, &mut rng()).unwrap();
    container.unlock_by_biometric(&seen("finger 1", 2), NOW).unwrap();
    assert_eq!(
        refused(&mut container, &seen("finger 1", 1)),
        Error::PinNeeded,
        "the old secret is worthless"
    );
}

#[test]
fn a_session_protector_leaves_nothing_on_the_disk() {
    let home = Home::new();
    let container = with_finger(&home, Lifetime::Boot);
    drop(container);
    let rows = |home: &Home| -> u32 {
        Connection::open(home.container_dir().join("container.db"))
            .and_then(|db| db.query_row("SELECT count(*) FROM protectors", [], |row| row.get(0)))
            .unwrap()
    };
    assert_eq!(rows(&home), 1, "the PIN's");
    let persistent = Home::new();
    drop(with_finger(&persistent, Lifetime::Persistent));
    assert_eq!(rows(&persistent), 2);
}

#[test]
fn a_persistent_protector_lasts_until_policy_takes_it_back() {
    let home = Home::new();
    drop(with_finger(&home, Lifetime::Persistent));
    let mut container = home.open();
    container.unlock_by_biometric(&seen("finger 1", 1), NOW).unwrap();
    assert_eq!(container.biometrics().unwrap()[0].protector, Some(Lifetime::Persistent));
    container.offer_biometric(FINGER, secret(1), Lifetime::Boot).unwrap();
    assert_eq!(refused(&mut container, &seen("finger 1", 1)), Error::PinNeeded);
    drop(container);
    assert_eq!(refused(&mut home.open(), &seen("finger 1", 1)), Error::PinNeeded, "for good");
}

/// An administrator exchanges two users' templates: the sensor recognises somebody, and the container does not open.
#[test]
fn an_exchanged_template_opens_nothing() {
    let home = Home::new();
    let mut container = with_finger(&home, Lifetime::Persistent);
    assert_eq!(refused(&mut container, &seen("finger 2", 1)), Error::TemplateNotEnrolled);
    drop(container);

    // With the database too: the attacker's digest under the victim's seal, and under one of another container.
    let other = Home::new();
    let mut theirs = other.create();
    theirs.set_pin(&pin(PIN), NOW, &mut rng()).unwrap();
    let unlocked = theirs.unlock(&hash(PIN), NOW, &mut rng()).unwrap();
    theirs.enrol_biometric(&unlocked, FINGER, template("finger 2"), &mut rng()).unwrap();
    drop(theirs);
    let database = |home: &Home| Connection::open(home.container_dir().join("container.db")).unwrap();
    let (digest, foreign): ([u8; 32], Vec<u8>) = database(&other)
        .query_row("SELECT digest, sealed FROM templates", [], |row| Ok((row.get(0)?, row.get(1)?)))
        .unwrap();
    let own: Vec<u8> =
        database(&home).query_row("SELECT sealed FROM templates", [], |row| row.get(0)).unwrap();
    for sealed in [own, foreign] {
        database(&home)
            .execute("INSERT OR REPLACE INTO templates VALUES (?1, 'fingerprint', ?2)", (digest, sealed))
            .unwrap();
        assert_eq!(refused(&mut home.open(), &seen("finger 2", 1)), Error::TemplateNotEnrolled);
    }
    home.open().unlock_by_biometric(&seen("finger 1", 1), NOW).unwrap();
}

#[test]
fn user_sensor_and_kind_are_part_of_a_template() {
    let of = TemplateDigest::of;
    let digest = of("alice", "sensor", FINGER, b"t");
    assert_eq!(digest, of("alice", "sensor", FINGER, b"t"));
    let others = [
        of("bob", "sensor", FINGER, b"t"),
        of("alice", "other", FINGER, b"t"),
        of("alice", "sensor", Biometric::Face, b"t"),
        of("alice", "sensor", FINGER, b"u"),
        of("alices", "ensor", FINGER, b"t"),
    ];
    assert!(!others.contains(&digest));
    let home = Home::new();
    let mut container = with_finger(&home, Lifetime::Boot);
    let face = Recognised { kind: Biometric::Face, template: template("finger 1"), secret: secret(1) };
    assert_eq!(refused(&mut container, &face), Error::PinNeeded, "each gesture has its own protector");
}

#[test]
fn after_five_failures_only_the_pin_helps_also_after_a_restart() {
    let home = Home::new();
    let mut container = with_finger(&home, Lifetime::Persistent);
    for left in (0..MATCH_TRIES).rev() {
        assert_eq!(container.count_failed_match(), Ok(left));
        drop(container);
        container = home.open();
    }
    assert_eq!(refused(&mut container, &seen("finger 1", 1)), Error::PinNeeded);
    assert_eq!(container.tries_left(), Ok(PIN_TRIES), "the PIN's tries are its own");
    container.unlock(&hash(PIN), NOW, &mut rng()).unwrap();
    container.unlock_by_biometric(&seen("finger 1", 1), NOW).unwrap();
}

#[test]
fn what_is_not_accepted_counts_and_what_is_accepted_clears_the_count() {
    let home = Home::new();
    let mut container = with_finger(&home, Lifetime::Boot);
    let left = |container: &Container| container.biometrics().unwrap()[0].tries_left;
    assert_eq!(refused(&mut container, &seen("finger 2", 1)), Error::TemplateNotEnrolled);
    assert_eq!(left(&container), MATCH_TRIES - 1);
    assert_eq!(refused(&mut container, &seen("finger 1", 9)), Error::PinNeeded);
    assert_eq!(left(&container), MATCH_TRIES - 2);
    container.unlock_by_biometric(&seen("finger 1", 1), NOW).unwrap();
    assert_eq!(left(&container), MATCH_TRIES);
}

#[test]
fn removing_one_gesture_leaves_the_others() {
    let home = Home::new();
    let mut container = with_finger(&home, Lifetime::Boot);
    let face = TemplateDigest::of("alice", "camera", Biometric::Face, b"face 1");
    container.offer_biometric(Biometric::Face, secret(2), Lifetime::Boot).unwrap();
    let unlocked = container.unlock(&hash(PIN), NOW, &mut rng()).unwrap();
    container.enrol_biometric(&unlocked, Biometric::Face, face, &mut rng()).unwrap();
    container.enrol_biometric(&unlocked, FINGER, template("finger 2"), &mut rng()).unwrap();

    assert_eq!(container.remove_template(FINGER, template("finger 1")), Ok(true));
    assert_eq!(refused(&mut container, &seen("finger 1", 1)), Error::TemplateNotEnrolled);
    container.unlock_by_biometric(&seen("finger 2", 1), NOW).unwrap();
    assert_eq!(container.remove_template(FINGER, template("finger 2")), Ok(true));
    assert_eq!(container.remove_template(FINGER, template("finger 2")), Ok(false));
    assert_eq!(refused(&mut container, &seen("finger 2", 1)), Error::PinNeeded, "its protector is gone");
    let by_face = Recognised { kind: Biometric::Face, template: face, secret: secret(2) };
    container.unlock_by_biometric(&by_face, NOW).unwrap();
    container.unlock(&hash(PIN), NOW, &mut rng()).unwrap();
}

#[test]
fn a_change_of_pin_keeps_the_finger_and_a_reset_does_not() {
    let home = Home::new();
    let mut container = with_finger(&home, Lifetime::Persistent);
    let stale = container.unlock(&hash(PIN), NOW, &mut rng()).unwrap();
    container.change_pin(&hash(PIN), &pin("654321"), NOW, &mut rng()).unwrap();
    let refused_enrolment =
        container.enrol_biometric(&stale, FINGER, template("finger 3"), &mut rng()).unwrap_err();
    assert_eq!(refused_enrolment, Error::Stale);
    container.unlock_by_biometric(&seen("finger 1", 1), NOW).unwrap();
    container.reset().unwrap();
    assert_eq!(refused(&mut container, &seen("finger 1", 1)), Error::PinNeeded);
    assert!(container.biometrics().unwrap().is_empty());
    container.offer_biometric(FINGER, secret(1), Lifetime::Persistent).unwrap();
    container.set_pin(&pin(PIN), NOW, &mut rng()).unwrap();
    assert_eq!(refused(&mut container, &seen("finger 1", 1)), Error::TemplateNotEnrolled, "enrol it again");
}

/// A PIN reset makes another authentication key: the template's record is sealed anew with the other records, and the
/// protector, which held the old key, is made by the next PIN.
#[test]
fn a_pin_reset_keeps_what_is_enrolled_and_ends_the_protector() {
    let home = Home::new();
    let mut container = with_finger(&home, Lifetime::Persistent);
    let tenant = Tenant::new("t1");
    let id = tenant.join(&mut container);
    container.want_recovery(id, Some(&tenant.both()[0]), &mut rng()).unwrap();
    container.unlock(&hash(PIN), NOW, &mut rng()).unwrap();
    tenant.reset(&mut container, id, &pin("654321")).unwrap();
    assert_eq!(refused(&mut container, &seen("finger 1", 1)), Error::PinNeeded, "it held the old key");
    container.offer_biometric(FINGER, secret(1), Lifetime::Persistent).unwrap();
    container.unlock(&hash("654321"), NOW, &mut rng()).unwrap();
    assert_eq!(refused(&mut container, &seen("finger 2", 1)), Error::TemplateNotEnrolled);
    container.unlock_by_biometric(&seen("finger 1", 1), NOW).unwrap();
    drop(container);
    home.open().unlock_by_biometric(&seen("finger 1", 1), NOW).unwrap();
}
