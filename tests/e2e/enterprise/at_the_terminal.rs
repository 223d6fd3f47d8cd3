//! What depends on where the person sits: at a terminal they are asked, and in a remote session no key is made.

use std::fs;

use latchkey_tests::native_host::NativeHost;
use latchkey_tests::terminal::Terminal;

use super::office::{FIRST_PIN, NEXT_PIN, Office};

/// A second site.
const SHOP: &str = "https://shop.example";

#[test]
fn a_destructive_reset_names_every_site_and_asks() {
    let mut office = Office::joined();
    let _at_home = office.register("ann");
    let _at_shop = NativeHost::start(&office.home).create(SHOP, "ann of shop").expect("a passkey");
    let key = office.registration()["key"].clone();
    let begin = |office: &Office, screen: &str| {
        let command = "latchkey pin reset --destructive --no-browser";
        let mut terminal = Terminal::start(&office.home, command, &office.file(screen));
        terminal.sees("2 passkeys: you will have to register again at each site");
        terminal.sees("PIN, to see which (empty to skip): ");
        terminal.types(&format!("{FIRST_PIN}\n"));
        terminal.sees("Type delete to go on: ");
        let shown = terminal.text();
        assert!(
            shown.contains("ann at localhost") && shown.contains("ann of shop at shop.example"),
            "{shown}"
        );
        terminal
    };
    let mut terminal = begin(&office, "another word");
    terminal.types("yes\n");
    terminal.sees("nothing was deleted");
    let list = office.latchkey(&["passkeys", "list", "--pin-stdin"], &format!("{FIRST_PIN}\n"));
    assert_eq!(list["passkeys"].as_array().map(Vec::len), Some(2), "{list}");
    assert_eq!(office.registration()["key"], key);

    let mut terminal = begin(&office, "the word");
    terminal.types("delete\n");
    let page = terminal.reads_after("Sign in at this page: ");
    office.employee.sign_in(&page);
    for question in ["New PIN: ", "New PIN again: "] {
        terminal.sees(question);
        terminal.types(&format!("{NEXT_PIN}\n"));
    }
    terminal.sees("2 passkeys deleted. The new PIN is set, and a new enterprise key is registered.");
    assert!(!terminal.text().contains(NEXT_PIN), "the PIN is not echoed");
    assert_ne!(office.registration()["key"], key);
    let _signed_in = office.sign_in(NEXT_PIN);
}

#[test]
fn in_a_remote_session_a_key_is_made_only_where_the_machine_allows_it() {
    const WORDS: &str = "run `latchkey device provision` there";
    let mut office = Office::open();
    office.home.environment.push(("SSH_CONNECTION".into(), "192.0.2.1 50000 192.0.2.2 22".into()));
    let joined = office.join();
    let reason = joined["unprovisioned"].as_str().expect("it says why there is no key");
    assert!(reason.contains(WORDS) && reason.contains("ProvisionInRemoteSession"), "{reason}");
    let provision = ["device", "provision", "--no-browser", "--pin-stdin"];
    let pin = format!("{FIRST_PIN}\n");
    let (code, said) = office.attempt(&provision, &pin).expect_err("the session is remote");
    assert!(code == 1 && said.contains(WORDS), "{code} {said}");
    let report = office.latchkey(&["dsregcmd", "--status"], "")["report"].clone();
    let report = report.as_str().expect("a report");
    assert!(report.contains("SessionIsNotRemote : NO") && report.contains("WillNotProvision"), "{report}");

    let policy = office.file("policy.toml");
    fs::write(&policy, "[AllTenants]\nProvisionInRemoteSession = true\n").expect("a policy file");
    let variable = ("LATCHKEY_POLICY".to_owned(), policy.to_string_lossy().into_owned());
    office.home.environment.push(variable);
    let made = office.latchkey(&provision, &pin);
    assert!(made["device"]["key"]["kid"].is_string(), "{made}");

    // What would have to end with a new key does not begin.
    office.home.environment.pop();
    let passkey = office.register("ann");
    let (code, said) = office.try_reset_pin(&["--destructive", "--yes"], NEXT_PIN).expect_err("remote");
    assert!(code == 1 && said.contains(WORDS), "{code} {said}");
    assert!(office.opens(FIRST_PIN));
    assert_eq!(office.use_passkey(), passkey, "nothing was deleted");
}
