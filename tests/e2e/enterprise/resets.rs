//! PIN resets of every kind, and those that are refused.

use std::thread::sleep;
use std::time::Duration;

use super::office::{FIRST_PIN, NEXT_PIN, Office};

#[test]
fn a_blocked_pin_is_reset_too_and_with_the_service_blinded_and_apart() {
    let mut office = Office::with_service_apart();
    office.place.change_policy(&["pin_recovery_protocol=blind-p256"]);
    let _joined = office.join();
    assert_eq!(office.registration()["recovery"]["protocol"], "blind-p256");
    let passkey = office.register("ann");
    for _ in 0..8 {
        let _wrong = office.attempt(&["passkeys", "list", "--pin-stdin"], "000000\n");
        office.restart_daemon();
    }
    let blocked = office.attempt(&["signin", "--pin-stdin"], &format!("{FIRST_PIN}\n"));
    assert_eq!(blocked.map_err(|(code, _)| code), Err(5), "the right PIN comes too late");
    office.reset_pin(&[], NEXT_PIN);
    office.prompter.knows(NEXT_PIN);
    assert_eq!(office.use_passkey(), passkey, "without a restart");
    let _signed_in = office.sign_in(NEXT_PIN);
}

#[test]
fn tokens_outlive_a_reset_and_the_session_goes_on() {
    let mut office = Office::joined();
    let _signed_in = office.sign_in(FIRST_PIN);
    office.reset_pin(&[], NEXT_PIN);
    let token = office.latchkey(&["token", "--resource", GRAPH], "");
    assert!(token["access_token"].is_string(), "{token}");
    let out = office.latchkey(&["signout"], "");
    assert!(out["device"]["prt"].is_null(), "{out}");
    let refused = office.attempt(&["token", "--resource", GRAPH], "");
    assert_eq!(refused.map_err(|(code, _)| code), Err(9));
}

#[test]
fn a_reset_is_named_as_destructive_where_nothing_else_is_possible_and_retrofitted() {
    let mut office = Office::open();
    office.place.change_policy(&["enable_pin_recovery=false"]);
    let _joined = office.join();
    let passkey = office.register("ann");
    let refused = office.try_reset_pin(&[], NEXT_PIN);
    let (code, said) = refused.expect_err("there is no protector");
    assert!(code == 1 && said.contains("--destructive"), "{said}");
    assert!(office.opens(FIRST_PIN), "nothing changed");
    office.place.change_policy(&["enable_pin_recovery=true"]);
    // A provider that runs hears of the change within seconds.
    let mut tries = 0;
    let refreshed = loop {
        let refreshed = office.latchkey(&["device", "refresh"], "");
        if refreshed["device"]["recovery"]["wanted"] == true {
            break refreshed;
        }
        tries += 1;
        assert!(tries < 60, "the policy does not change: {refreshed}");
        sleep(Duration::from_millis(500));
    };
    assert_eq!(refreshed["device"]["recovery"]["present"], false, "it wants a gesture: {refreshed}");
    assert!(office.opens(FIRST_PIN));
    assert_eq!(office.registration()["recovery"]["present"], true);
    office.reset_pin(&[], NEXT_PIN);
    office.prompter.knows(NEXT_PIN);
    assert_eq!(office.use_passkey(), passkey);
}

#[test]
fn a_destructive_reset_deletes_everything_and_begins_anew() {
    let mut office = Office::joined();
    let _passkey = office.register("ann");
    let key = office.registration()["key"].clone();
    let unconfirmed = office.try_reset_pin(&["--destructive"], NEXT_PIN);
    let (code, said) = unconfirmed.expect_err("nobody confirmed it");
    assert!(code == 2 && said.contains("1 passkey"), "{said}");
    let done = office.reset_pin(&["--destructive", "--yes"], NEXT_PIN);
    assert_eq!(done["passkeys_deleted"], 1);
    assert_ne!(done["device"]["key"], key, "a new key");
    assert_eq!(office.at_provider("enterprise_keys"), 1, "in the place of the old one");
    assert_eq!(office.at_provider("devices"), 1, "the device is the same");
    let _signed_in = office.sign_in(NEXT_PIN);
    let list = office.latchkey(&["passkeys", "list", "--pin-stdin"], &format!("{NEXT_PIN}\n"));
    assert_eq!(list["passkeys"], serde_json::json!([]));
}

#[test]
fn a_destructive_reset_deletes_nothing_while_the_provider_is_away() {
    let mut office = Office::joined();
    let passkey = office.register("ann");
    office.idp.process.stop();
    let refused = office.try_reset_pin(&["--destructive", "--yes"], NEXT_PIN);
    assert_eq!(refused.map_err(|(code, _)| code), Err(11));
    assert_eq!(office.use_passkey(), passkey, "everything is there");
    assert!(office.opens(FIRST_PIN));
}

#[test]
fn a_new_pin_obeys_the_policy() {
    let mut office = Office::joined();
    for (pin, why) in [("1234567", "even steps"), ("12", "at least")] {
        let refused = office.try_reset_pin(&[], pin);
        let (code, said) = refused.expect_err("the policy forbids it");
        assert!(code == 1 && said.contains(why), "{pin}: {said}");
        assert!(office.opens(FIRST_PIN), "{pin}");
    }
}

#[test]
fn leaving_deletes_the_enterprise_key_and_keeps_passkeys() {
    let mut office = Office::joined();
    let passkey = office.register("ann");
    let left = office.latchkey(&["device", "leave", "--yes"], "");
    assert_eq!(left["left"], office.place.tenant.as_str());
    assert_eq!((office.at_provider("devices"), office.at_provider("enterprise_keys")), (0, 0));
    let refused = office.attempt(&["signin", "--pin-stdin"], &format!("{FIRST_PIN}\n"));
    assert_eq!(refused.map_err(|(code, _)| code), Err(9), "it is joined nowhere");
    assert_eq!(office.use_passkey(), passkey);
    let joined = office.join();
    assert!(joined["device"]["key"]["kid"].is_string(), "it joins again: {joined}");
}

/// The App ID of the provider's own API.
const GRAPH: &str = "00000002-0000-0000-c000-000000000000";
