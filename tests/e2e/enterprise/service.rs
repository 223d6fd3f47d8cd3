//! The PIN reset service as a process of its own, beside the provider: what older keys protect, and what it knows of anybody.

use latchkey_tests::http::Connection;
use latchkey_tests::memory;
use latchkey_tests::sql;
use serde_json::Value;

use super::office::Office;

/// The PINs after the resets. No time in a log looks like one.
const PINS: [&str; 2] = ["harbour-52-lantern", "lantern-25-harbour"];

#[test]
fn it_opens_what_older_keys_protect_until_they_are_retired_and_learns_no_pin() {
    let mut office = Office::with_service_apart();
    let _joined = office.join();
    let passkey = office.register("ann");
    let first = kid(&mut office);
    let port = office.place.url.rsplit(':').next().and_then(|port| port.parse().ok());
    let mut provider = Connection::open(port.expect("its URL has one")).expect("it listens");
    let asked = provider.get(&format!("/getencryptionkey/v1?tid={}", office.place.tenant), &[]);
    assert_eq!(asked.expect("an answer").status, 404, "the provider answers nothing of it");

    // The device does not know yet that there is a newer key.
    office.place.change_reset_keys(&["rotate"]);
    office.reset_pin(&[], PINS[0]);
    assert_eq!(released(&office), first, "by the older key");
    let second = wrapped_again(&mut office, PINS[0]);
    assert_ne!(second, first);

    // Its key is retired before the device has wrapped again.
    office.place.change_reset_keys(&["rotate"]);
    office.place.change_reset_keys(&["retire", &second]);
    let refused = office.try_reset_pin(&[], PINS[1]);
    let (_code, said) = refused.expect_err("nothing opens it any more");
    assert!(said.contains("retired"), "{said}");
    assert_eq!(code(&office), "key_retired");
    let third = wrapped_again(&mut office, PINS[0]);
    office.reset_pin(&[], PINS[1]);
    assert_eq!(released(&office), third);
    office.prompter.knows(PINS[1]);
    assert_eq!(office.use_passkey(), passkey, "the same passkey signs in at the same site");

    let service = office.resets.as_ref().expect("it runs");
    let (log, database) = (service.output(), sql::everything(office.place.database()));
    let memory = memory::of(service.pid());
    let holds = |text: &str| {
        let in_database = database.windows(text.len()).any(|window| window == text.as_bytes());
        [log.contains(text), in_database, !memory::find(&memory, text.as_bytes()).is_empty()]
    };
    assert!(log.contains("key_retired"), "it logs what it refuses: {log}");
    assert_eq!(holds(&third), [false, true, true], "the search finds what is there");
    for pin in PINS {
        assert_eq!(holds(pin), [false; 3], "in log, database, memory: {pin}");
    }
}

/// The key that the device's protector is made for.
fn kid(office: &mut Office) -> String {
    let recovery = office.registration()["recovery"].clone();
    assert_eq!(recovery["present"], Value::Bool(true), "{recovery}");
    recovery["kid"].as_str().expect("a protector names its key").to_owned()
}

/// The device hears of the newest key, and the next unlock wraps for it: its name.
fn wrapped_again(office: &mut Office, pin: &str) -> String {
    let _told = office.latchkey(&["device", "refresh"], "");
    assert!(office.opens(pin));
    kid(office)
}

/// The key that the last release was for.
fn released(office: &Office) -> String {
    newest(office, "kid", "WHERE code = 'released' ")
}

/// How the last request ended.
fn code(office: &Office) -> String {
    newest(office, "code", "")
}

fn newest(office: &Office, column: &str, which: &str) -> String {
    let select = format!("SELECT {column} FROM reset_events {which}ORDER BY at DESC, rowid DESC LIMIT 1");
    sql::text(office.place.database(), &select)
}
