//! Chromium, without our extension: it finds the security key by itself.

use latchkey_tests::browser::Browser;
use latchkey_tests::programs;
use latchkey_tests::site::Site;

use crate::Client;
use crate::machine::Machine;

pub const CLIENT: Client = Client {
    name: "Chromium",
    version: "chromium --version | cut -d' ' -f2",
    exercised: "a passkey on the demo site, sign-in with it; our prompt asks for the PIN",
    exercise,
};

fn exercise(machine: &Machine) {
    let _before = machine.prompter.asked();
    let site = Site::start(&machine.file("site.db"), programs::free_port(), None, &machine.file("site.log"));
    let browser = Browser::plain(&machine.file("chromium"), &machine.file("chromium.log"));
    browser.open(&format!("{}/register", site.origin));
    browser.fill("#register-username", "ann");
    browser.click("#register-submit");
    browser.expect("#account-user", "ann");
    browser.click("#signout");
    browser.expect("#signin-passkey", "");
    browser.click("#signin-passkey");
    browser.expect("#account-user", "ann");
    let asked = machine.prompter.asked();
    assert!(
        asked.len() >= 2 && asked.iter().all(|prompt| prompt["rp_id"] == "localhost"),
        "each prompt names the site: {asked:?}"
    );
}
