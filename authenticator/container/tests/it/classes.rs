//! Two classes of passkeys: what opens with the presence key, and what never does.

use latchkey_container::{
    Access, Container, Error, NewPasskey, Passkey, PasskeyClass, PasskeyPublicKey, Profile, Protection,
    PublicKey, Unlocked,
};
use p256::ecdsa::signature::Verifier;

use crate::rig::{Home, NOW, hash, logged, new_passkey, pin, rng, taken};
use crate::tenant::Tenant;

const LEVELS: [Protection; 3] = [Protection::Optional, Protection::OptionalWithList, Protection::Required];

fn of_level(rp_id: &str, handle: &[u8], protection: Protection) -> NewPasskey {
    NewPasskey { protection, ..new_passkey(rp_id, handle) }
}

/// A security key with a PIN and a passkey of each class, opened.
fn both() -> (Home, Container, Unlocked, [Passkey; 2]) {
    let home = Home::new();
    let mut container = home.create_security_key();
    let unlocked = container.set_pin(&pin("123456"), NOW, &mut rng()).unwrap();
    let [presence, verified] =
        [(b"1", Protection::Optional), (b"2", Protection::Required)].map(|(handle, protection)| {
            let new = of_level("a.example", handle, protection);
            container.register(&unlocked, new, NOW, &mut rng()).unwrap()
        });
    assert_eq!((presence.class, verified.class), (PasskeyClass::Presence, PasskeyClass::Verified));
    (home, container, unlocked, [presence, verified])
}

#[track_caller]
fn signs<'a>(container: &mut Container, access: impl Into<Access<'a>>, passkey: &Passkey) {
    let signature = container.sign(access, passkey, &[b"one ", b"two"]).unwrap();
    let PasskeyPublicKey::DeviceBound(PublicKey::P256 { x, y }) = &passkey.public_key else {
        panic!("another key")
    };
    let key = p256::ecdsa::VerifyingKey::from_sec1_bytes(&[&[4][..], x, y].concat()).unwrap();
    key.verify(b"one two", &p256::ecdsa::Signature::from_der(&signature.bytes).unwrap()).unwrap();
}

#[test]
fn a_security_key_needs_no_pin() {
    let home = Home::new();
    let mut container = home.create_security_key();
    for (level, handle) in [(Protection::Optional, b"1"), (Protection::OptionalWithList, b"2")] {
        let new = of_level("a.example", handle, level);
        let made = container.register(Access::Presence, new, NOW, &mut rng()).unwrap();
        assert_eq!(made.class, PasskeyClass::Presence);
    }
    drop(container);
    let mut container = home.open();
    assert_eq!((container.profile(), container.has_pin()), (Profile::SecurityKey, false));
    let found = container.passkeys_for(Access::Presence, "a.example").unwrap();
    assert_eq!(found.len(), 2);
    for passkey in &found {
        signs(&mut container, Access::Presence, passkey);
        assert_eq!(container.passkey(Access::Presence, &passkey.id).unwrap().unwrap().id, passkey.id);
        assert!(container.delete(Access::Presence, &passkey.id).unwrap());
    }
    assert!(container.passkeys_for(Access::Presence, "a.example").unwrap().is_empty());
}

#[test]
fn level_3_is_always_of_the_verified_class() {
    for profile in Profile::ALL {
        for level in LEVELS {
            let home = Home::new();
            let mut container = match profile {
                Profile::Hello => home.create(),
                Profile::SecurityKey => home.create_security_key(),
            };
            let new = || of_level("a.example", b"1", level);
            let presence = profile == Profile::SecurityKey && level != Protection::Required;
            // Without a PIN, and with one that nobody has typed.
            for with_pin in [false, true] {
                let made = container.register(Access::Presence, new(), NOW, &mut rng());
                assert_eq!(made.is_ok(), presence, "{profile:?} {level:?} {with_pin}");
                if let Err(error) = made {
                    assert_eq!(error, Error::GestureNeeded);
                    assert_eq!(container.status().unwrap().passkeys, 0);
                }
                if !with_pin {
                    container.set_pin(&pin("123456"), NOW, &mut rng()).unwrap();
                }
            }
            let unlocked = container.unlock(&hash("123456"), NOW, &mut rng()).unwrap();
            let class = container.register(&unlocked, new(), NOW, &mut rng()).unwrap().class;
            assert_eq!(class == PasskeyClass::Presence, presence, "{profile:?} {level:?}");
        }
    }
}

/// The value that authorises the TPM key is in the record, and the presence key opens no record of the verified class:
/// neither through the container's own doors, nor when the database calls the record another class.
#[test]
fn without_a_gesture_the_verified_class_is_out_of_reach() {
    let (home, mut container, unlocked, [presence, verified]) = both();
    for access in [Access::Presence, Access::from(None)] {
        let here = container.passkeys_for(access, "a.example").unwrap();
        assert_eq!(here.iter().map(|passkey| &passkey.id).collect::<Vec<_>>(), [&presence.id]);
        assert!(container.passkey(access, &verified.id).unwrap().is_none());
        assert!(!container.delete(access, &verified.id).unwrap());
        // Even a passkey that was opened before.
        assert_eq!(container.sign(access, &verified, &[b"m"]).err(), Some(Error::GestureNeeded));
        signs(&mut container, access, &presence);
    }
    for passkey in [&presence, &verified] {
        signs(&mut container, &unlocked, passkey);
    }
    assert_eq!(container.passkeys(&unlocked).unwrap().len(), 2);
    drop((container, unlocked));

    home.sql("UPDATE user_keys SET class = CASE class WHEN 'presence' THEN 'verified' ELSE 'presence' END");
    let mut container = home.open();
    let damaged = Some(Error::Damaged { what: "passkey record" });
    assert_eq!(container.passkey(Access::Presence, &verified.id).err(), damaged);
    assert!(container.passkey(Access::Presence, &presence.id).unwrap().is_none());
    let unlocked = container.unlock(&hash("123456"), NOW, &mut rng()).unwrap();
    for passkey in [&presence, &verified] {
        assert_eq!(container.passkey(&unlocked, &passkey.id).err(), damaged);
    }
}

#[test]
fn both_classes_outlive_every_change_of_pin_and_end_with_a_reset() {
    let (home, mut container, unlocked, passkeys) = both();
    let tenant = Tenant::new("t1");
    let id = tenant.join(&mut container);
    container.want_recovery(id, Some(&tenant.hpke("k1")), &mut rng()).unwrap();
    drop(container.change_pin(&hash("123456"), &pin("111111"), NOW, &mut rng()).unwrap());
    assert_eq!(container.passkey(&unlocked, &passkeys[0].id).err(), Some(Error::Stale));
    drop(tenant.reset(&mut container, id, &pin("222222")).unwrap());
    drop(container);
    let mut container = home.open();
    let unlocked = container.unlock(&hash("222222"), NOW, &mut rng()).unwrap();
    for made in &passkeys {
        let found = container.passkey(&unlocked, &made.id).unwrap().unwrap();
        assert_eq!(format!("{found:?}"), format!("{made:?}"));
        signs(&mut container, &unlocked, &found);
    }
    signs(&mut container, Access::Presence, &passkeys[0]);

    container.reset().unwrap();
    assert_eq!(container.profile(), Profile::SecurityKey);
    for made in &passkeys {
        assert!(container.passkey(Access::Presence, &made.id).unwrap().is_none());
    }
    let unlocked = container.set_pin(&pin("123456"), NOW, &mut rng()).unwrap();
    assert!(container.passkeys(&unlocked).unwrap().is_empty());
}

#[test]
fn a_user_s_changes_keep_the_class() {
    let (_home, mut container, unlocked, passkeys) = both();
    for passkey in &passkeys {
        container.rename(&unlocked, &passkey.id, Some("mine".into()), &mut rng()).unwrap();
        let found = container.passkey(&unlocked, &passkey.id).unwrap().unwrap();
        assert_eq!((found.class, found.label.as_deref()), (passkey.class, Some("mine")));
    }
    let found = container.passkey(Access::Presence, &passkeys[0].id).unwrap().unwrap();
    assert_eq!(found.label.as_deref(), Some("mine"));
}

#[test]
fn a_copy_of_the_database_tells_nothing() {
    let (home, container, _unlocked, _passkeys) = both();
    drop(container);
    let bytes = home.bytes();
    for plain in ["a.example", "alice@example.org", "Alice Example"] {
        assert!(!bytes.windows(plain.len()).any(|window| window == plain.as_bytes()), "{plain}");
    }
    let thief = Home::new();
    drop(thief.create());
    thief.restore_container(&home);
    assert_eq!(thief.try_open().err(), Some(Error::OtherTpm));
}

#[test]
fn the_presence_key_costs_one_call_at_each_start() {
    let home = Home::new();
    drop(home.create_security_key());
    let (device, log) = logged(home.device());
    let mut container = Container::open(&home.container_dir(), device).unwrap();
    assert_eq!(taken(&log), ["unbind", "unbind"]);
    let new = of_level("a.example", b"1", Protection::Optional);
    let passkey = container.register(Access::Presence, new, NOW, &mut rng()).unwrap();
    container.sign(Access::Presence, &passkey, &[b"m"]).unwrap();
    assert_eq!(taken(&log), ["create_key", "sign"]);
}
