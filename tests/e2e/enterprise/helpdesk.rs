//! The help desk gives a blocked PIN its tries back: two administrators decide, and the count is all that changes.

use latchkey_tests::employee::Employee;
use latchkey_tests::idp::IdpPlace;
use latchkey_tests::visitor::hidden;

use super::office::{FIRST_PIN, Office};

#[test]
fn a_blocked_pin_gets_its_tries_back_and_nothing_else_changes() {
    let mut office = Office::joined();
    let passkey = office.register("ann");
    let before = office.registration();
    for _ in 0..8 {
        let _wrong = office.attempt(&["passkeys", "list", "--pin-stdin"], "000000\n");
        office.restart_daemon();
    }
    let blocked = office.attempt(&["signin", "--pin-stdin"], &format!("{FIRST_PIN}\n"));
    assert_eq!(blocked.map_err(|(code, _)| code), Err(5), "the right PIN comes too late");

    let rearm = ["pin", "rearm", "--code-stdin"];
    let (code, said) =
        office.attempt(&rearm, "00000-00000-00000-00000\n").expect_err("nobody gave this code");
    assert!(code == 10 && said.contains("ask the helpdesk for another one"), "{code} {said}");
    let device = before["device"]["id"].as_str().expect("it has joined");
    let asked =
        ["helpdesk", "open", &office.employee.name, "--device", device, "--reason", "Eight wrong PINs"];
    let case = office.place.operate(&asked)["id"].as_str().expect("a case").to_owned();
    let typed = format!("{}\n", approved(&office.place, &case));
    assert_eq!(office.latchkey(&rearm, &typed)["pin"], "rearmed");

    assert_eq!(office.latchkey(&["status"], "")["status"]["pin"]["tries_left"], 8);
    let after = office.registration();
    for part in ["device", "key", "recovery"] {
        assert_eq!(after[part], before[part], "{part}");
    }
    let _signed_in = office.sign_in(FIRST_PIN);
    assert_eq!(office.use_passkey(), passkey);
    let (code, said) = office.attempt(&rearm, &typed).expect_err("a code is good once");
    assert!(code == 10 && said.contains("used"), "{code} {said}");
}

/// The code of a case that the operator opened and an administrator approves on their page.
fn approved(place: &IdpPlace, case: &str) -> String {
    let name = "desk@example.org";
    let _made = place.operate(&["user", "add", name, "--name", "Help Desk", "--administrator"]);
    let mut administrator = Employee::with_pass(name, place.access_pass(name));
    let port = place.url.rsplit(':').next().and_then(|port| port.parse().ok()).expect("a URL with a port");
    let cases = format!("/admin/{}/helpdesk", place.tenant);
    let (mut browser, page) = administrator.visit(port, &cases);
    let csrf = hidden(&page.text(), "csrf");
    let answer = browser.post(&format!("{cases}/{case}/approve"), &[("csrf", &csrf)]).expect("an answer");
    let html = answer.text();
    let shown = html.split_once("id=\"issued-secret\">").and_then(|(_, rest)| rest.split_once('<'));
    shown.unwrap_or_else(|| panic!("no code: {} {html}", answer.status)).0.to_owned()
}
