//! The network or the daemon dies at every request of join, provisioning and PIN reset: afterwards a PIN works, no passkey
//! is lost, nothing is half-registered, and a retry finishes.

use latchkey_tests::http_proxy::Cut;

use super::office::{FIRST_PIN, NEXT_PIN, Office};

/// What is tried at each request.
const CUTS: [&str; 3] = ["the request is lost", "the answer is lost", "the daemon is killed"];

fn cut(office: &Office, n: usize, how: &str) {
    let cut = match how {
        "the request is lost" => Cut::Request,
        "the answer is lost" => Cut::Answer,
        _killed => Cut::Kill(office.daemon.process.pid()),
    };
    office.proxy.cut(n, cut);
}

/// The requests of one undisturbed run.
fn requests(mut office: Office, run: impl FnOnce(&mut Office)) -> Vec<String> {
    let _before = office.proxy.take_seen();
    run(&mut office);
    office.proxy.take_seen()
}

#[test]
fn a_join_that_is_interrupted_anywhere_is_finished_by_the_next() {
    let requests = requests(Office::open(), |office| drop(office.join()));
    let mut points = 0;
    for (n, request) in requests.iter().enumerate() {
        for how in CUTS {
            let point = format!("{request}: {how}");
            let mut office = Office::open();
            cut(&office, n, how);
            let first = office.try_join();
            office.restart_daemon();
            // A join that got as far as the device goes on with its provisioning.
            let device = office.registration();
            if device["device"].is_null() {
                office.join();
            } else if first.is_err() {
                let provision = ["device", "provision", "--no-browser", "--pin-stdin"];
                office.latchkey(&provision, &format!("{FIRST_PIN}\n"));
            }
            assert_eq!(office.at_provider("devices"), 1, "{point}: half-registered");
            assert_eq!(office.at_provider("enterprise_keys"), 1, "{point}: a key is left over");
            let _signed_in = office.sign_in(FIRST_PIN);
            points += 1;
        }
    }
    println!("join and provisioning: {points} points");
    assert!(points >= 15, "{requests:?}");
}

#[test]
fn a_pin_reset_that_is_interrupted_anywhere_leaves_one_pin_and_every_passkey() {
    let requests = requests(Office::joined(), |office| drop(office.reset_pin(&[], NEXT_PIN)));
    let mut points = 0;
    for (n, request) in requests.iter().enumerate() {
        for how in CUTS {
            let point = format!("{request}: {how}");
            let mut office = Office::joined();
            let passkey = office.register("ann");
            let key = office.registration()["key"].clone();
            cut(&office, n, how);
            let reset = office.try_reset_pin(&[], NEXT_PIN);
            office.restart_daemon();
            let (old, new) = (office.opens(FIRST_PIN), office.opens(NEXT_PIN));
            assert!(old != new, "{point}: exactly one PIN must work; old: {old}, new: {new}");
            assert!(new || reset.is_err(), "{point}: it said that it was done");
            if old {
                office.reset_pin(&[], NEXT_PIN);
            }
            office.prompter.knows(NEXT_PIN);
            assert_eq!(office.use_passkey(), passkey, "{point}");
            let _signed_in = office.sign_in(NEXT_PIN);
            let after = office.registration();
            assert_eq!(after["key"], key, "{point}");
            assert_eq!(after["recovery"]["fits"], true, "{point}: the next reset is possible: {after}");
            points += 1;
        }
    }
    println!("PIN reset: {points} points");
    assert!(points >= 12, "{requests:?}");
}
