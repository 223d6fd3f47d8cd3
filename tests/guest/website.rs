//! What a person does on the demo site, in whichever browser.

use latchkey_tests::browser::Browser;
use latchkey_tests::firefox::Firefox;
use latchkey_tests::programs;
use latchkey_tests::site::Site;

use crate::machine::Machine;

/// A window of a browser.
pub trait Window {
    fn open(&self, url: &str);
    fn fill(&self, css: &str, text: &str);
    fn click(&self, css: &str);
    fn expect(&self, css: &str, text: &str);
}

impl Window for Browser {
    fn open(&self, url: &str) {
        Self::open(self, url);
    }

    fn fill(&self, css: &str, text: &str) {
        Self::fill(self, css, text);
    }

    fn click(&self, css: &str) {
        Self::click(self, css);
    }

    fn expect(&self, css: &str, text: &str) {
        let _shown = Self::expect(self, css, text);
    }
}

impl Window for Firefox {
    fn open(&self, url: &str) {
        Self::open(self, url);
    }

    fn fill(&self, css: &str, text: &str) {
        Self::fill(self, css, text);
    }

    fn click(&self, css: &str) {
        Self::click(self, css);
    }

    fn expect(&self, css: &str, text: &str) {
        Self::expect(self, css, text);
    }
}

/// Registers a passkey and signs in with it; our own prompt asks, and names the site.
pub fn register_and_sign_in(machine: &Machine, window: &dyn Window) {
    let _before = machine.prompter.asked();
    let port = programs::free_port();
    let (database, log) = (format!("site-{port}.db"), format!("site-{port}.log"));
    let site = Site::start(&machine.file(&database), port, None, &machine.file(&log));
    window.open(&format!("{}/register", site.origin));
    window.fill("#register-username", "ann");
    window.click("#register-submit");
    window.expect("#account-user", "ann");
    window.click("#signout");
    window.expect("#signin-passkey", "");
    window.click("#signin-passkey");
    window.expect("#account-user", "ann");
    let asked = machine.prompter.asked();
    assert!(
        asked.len() >= 2 && asked.iter().all(|prompt| prompt["rp_id"] == "localhost"),
        "each prompt names the site: {asked:?}"
    );
}
