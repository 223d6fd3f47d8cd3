use jiff::tz::{Offset, TimeZone};

use latchkey_container::{Biometric, Profile, Settings};

use super::{shown, text};
use crate::control::Answer;
use crate::control::report::{
    BiometricReport, Class, Opens, PasskeyReport, PinReport, StatusReport, UserReport,
};

fn zone() -> TimeZone {
    TimeZone::fixed(Offset::constant(2))
}

fn passkey(rp_id: &str, name: &str, label: Option<&str>) -> PasskeyReport {
    PasskeyReport {
        id: "AbCdEfGhIjKlMnOpQrStUvWxYz".into(),
        rp_id: rp_id.into(),
        user: UserReport { handle: "AA".into(), name: Some(name.into()), display_name: None },
        algorithm: "ES256".into(),
        discoverable: true,
        protection: 3,
        created: 1_700_000_000,
        label: label.map(str::to_owned),
        extensions: label.iter().flat_map(|_| ["prf", "largeBlob"]).map(str::to_owned).collect(),
    }
}

#[test]
fn passkeys_are_an_aligned_table_in_local_time() {
    let passkeys = vec![passkey("localhost", "alice", None), passkey("example.org", "bob", Some("work"))];
    let expected = "\
ID            SITE         ACCOUNT  CREATED           KIND   PROTECTION  EXTENSIONS     LABEL
AbCdEfGhIjKl  localhost    alice    2023-11-15 00:13  ES256  3           -              -
AbCdEfGhIjKl  example.org  bob      2023-11-15 00:13  ES256  3           prf,largeBlob  work
";
    assert_eq!(text(&Answer::Passkeys(passkeys), &zone()), expected);
    assert_eq!(text(&Answer::Passkeys(vec![]), &zone()), "There are no passkeys.\n");
}

#[test]
fn names_from_sites_cannot_steer_the_terminal() {
    let table = text(&Answer::Passkeys(vec![passkey("a\u{1b}[2J", "b\r\n\u{202E}c", None)]), &zone());
    assert!(!table.contains(['\u{1b}', '\r', '\u{202E}']));
    assert_eq!(table.lines().count(), 2);
    assert_eq!(shown("plain ünïcode"), "plain ünïcode");
}

#[test]
fn the_status_claims_no_more_than_the_class_gives() {
    let mut status = StatusReport {
        id: "00ff".into(),
        profile: Profile::Hello,
        class: Class::Software,
        description: "software".into(),
        created: 1_700_000_000,
        pin: Some(PinReport { tries_left: 7, limit: 8 }),
        pin_lost: false,
        pin_overdue: None,
        memory: None,
        leftover_slots: 0,
        passkeys: 2,
        lockout: None,
        minimum_pin_length: 6,
        settings: Settings::default(),
        listed_without_gesture: false,
        generation: 1,
        biometrics: vec![BiometricReport {
            kind: Biometric::Fingerprint,
            templates: 2,
            opens: Opens::Always,
            tries_left: 5,
        }],
        stretch_memory_kib: 262_144,
        stretch_passes: 3,
    };
    let software = text(&Answer::Status(status.clone()), &zone());
    assert!(software.contains("no TPM: keys are protected in software only"));
    assert!(software.contains("hello: every use needs your PIN"));
    assert!(software.contains("set, 7 of 8 tries left"));
    assert!(software.contains("2 enrolled, PERSISTENT by policy"), "{software}");
    assert!(!software.contains("Settings") && !software.contains("Listed"), "{software}");
    status.listed_without_gesture = true;
    status.settings = Settings { minimum_pin_length: 8, long_touch_for_reset: true, ..Settings::default() };
    let managed = text(&Answer::Status(status.clone()), &zone());
    assert!(managed.contains("PINs of at least 8 characters; a reset wants a typed word"), "{managed}");
    assert!(managed.contains("may list them without asking"), "{managed}");
    status.pin = None;
    status.class = Class::Hardware;
    status.profile = Profile::SecurityKey;
    let hardware = text(&Answer::Status(status), &zone());
    assert!(hardware.contains("not set (at least 6 characters)"));
    assert!(hardware.contains("security-key: your approval is enough"), "{hardware}");
    assert!(!hardware.contains("software only"));
}
