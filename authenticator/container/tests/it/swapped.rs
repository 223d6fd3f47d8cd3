//! Protectors of another container, put into this one's files by who can write them and has the machine's TPM: what they
//! open is the other one's key, and with that nothing of this container opens.

use latchkey_container::{
    Biometric, Container, CredentialId, Error, Lifetime, Recognised, TemplateDigest, secret::AuthValue,
};

use crate::rig::{Home, NOW, hash, new_passkey, pin, rng};
use crate::tenant::Tenant;

const PIN: &str = "123456";
const THEIRS: &str = "654321";
const FINGER: Biometric = Biometric::Fingerprint;

fn seen(finger: &str) -> Recognised {
    let template = TemplateDigest::of("alice", "sensor", FINGER, finger.as_bytes());
    Recognised { kind: FINGER, template, secret: AuthValue::new([1; 32]) }
}

/// Sets a PIN, and enrols a finger for good.
fn furnish(container: &mut Container, text: &str, finger: &str) -> CredentialId {
    container.set_pin(&pin(text), NOW, &mut rng()).unwrap();
    container.offer_biometric(FINGER, AuthValue::new([1; 32]), Lifetime::Persistent).unwrap();
    let unlocked = container.unlock(&hash(text), NOW, &mut rng()).unwrap();
    container.enrol_biometric(&unlocked, FINGER, seen(finger).template, &mut rng()).unwrap();
    container.register(&unlocked, new_passkey("a.example", b"1"), NOW, &mut rng()).unwrap().id
}

#[test]
fn a_pin_or_a_finger_of_another_container_opens_nothing_of_this_one() {
    let (home, tenant) = (Home::new(), Tenant::new("t1"));
    let mut container = home.create();
    let passkey = furnish(&mut container, PIN, "finger 1");
    let id = tenant.join(&mut container);
    container.want_recovery(id, Some(&tenant.hpke("k1")), &mut rng()).unwrap();
    container.unlock(&hash(PIN), NOW, &mut rng()).unwrap();
    drop(container);
    let ours = home.copy();

    // The attacker removes our PIN from the TPM, and makes a container with a PIN and a finger of their own there.
    home.open().destroy().unwrap();
    furnish(&mut home.create(), THEIRS, "finger 2");
    let theirs = home.copy();
    home.restore_container(&ours);
    home.sql(&format!(
        "ATTACH '{}' AS theirs;
         DELETE FROM protectors WHERE kind IN ('pin', 'fingerprint');
         INSERT INTO protectors (kind, slot, salt, sealed)
             SELECT kind, slot, salt, sealed FROM theirs.protectors WHERE kind IN ('pin', 'fingerprint');
         UPDATE container SET (admin_key, admin_auth) = (SELECT admin_key, admin_auth FROM theirs.container);",
        theirs.container_dir().join("container.db").display()
    ));
    let mut container = home.open();
    assert_eq!(container.unlock_by_biometric(&seen("finger 2"), NOW).err(), Some(Error::TemplateNotEnrolled));
    assert_eq!(container.unlock_by_biometric(&seen("finger 1"), NOW).err(), Some(Error::TemplateNotEnrolled));
    let unlocked = container.unlock(&hash(THEIRS), NOW, &mut rng()).expect("it is their PIN, and their key");
    let damaged = |what| Some(Error::Damaged { what });
    assert_eq!(container.passkey(&unlocked, &passkey).err(), damaged("passkey record"));
    assert_eq!(container.passkeys(&unlocked).err(), damaged("passkey record"));
    let changed = container.change_pin(&hash(THEIRS), &pin(PIN), NOW, &mut rng());
    assert_eq!(changed.err(), damaged("administrative key"));
    drop(container);

    // Nothing is lost: our files, and a reset, because our PIN was removed from the TPM.
    home.restore_container(&ours);
    let mut container = home.open();
    let unlocked = tenant.reset(&mut container, id, &pin(PIN)).unwrap();
    let found = container.passkey(&unlocked, &passkey).unwrap().unwrap();
    container.sign(&unlocked, &found, &[b"m"]).unwrap();
    container.offer_biometric(FINGER, AuthValue::new([1; 32]), Lifetime::Persistent).unwrap();
    container.unlock(&hash(PIN), NOW, &mut rng()).unwrap();
    container.unlock_by_biometric(&seen("finger 1"), NOW).expect("the enrolled finger still opens");
}
