//! A desk: everything that a person at a browser has.

use std::path::Path;

use latchkey_tests::browser::Browser;
use latchkey_tests::daemon::{Daemon, Home};
use latchkey_tests::programs;
use latchkey_tests::prompter::Prompter;
use latchkey_tests::site::{Site, SiteIdp};
use latchkey_tests::swtpm::Swtpm;
use tempfile::TempDir;

/// The person's PIN.
pub const PIN: &str = "river-otter-5";

/// Everything that a person at a browser has.
pub struct Desk {
    pub browser: Browser,
    pub site: Site,
    _daemon: Daemon,
    pub prompter: Prompter,
    pub home: Home,
    _swtpm: Swtpm,
    pub folder: TempDir,
}

impl Desk {
    /// Starts everything; the site works without an identity provider.
    pub fn new() -> Self {
        Self::with(|_, _| None)
    }

    /// Starts everything; `idp` gets the folder and the site's port, and may name the identity provider of the site.
    pub fn with(idp: impl FnOnce(&Path, u16) -> Option<SiteIdp>) -> Self {
        let folder = tempfile::tempdir().expect("a folder can be made");
        let at = |name: &str| folder.path().join(name);
        let swtpm = Swtpm::start(&at("tpm"));
        let home = Home::below(folder.path(), &swtpm.tcti());
        let prompter = Prompter::new(&at("person"), PIN);
        let _created = home.json(&["container", "create"], "");
        let _set = home.json(&["pin", "set", "--pin-stdin"], &format!("{PIN}\n"));
        let daemon = Daemon::start(&home, &prompter, &[], &at("log"));
        let port = programs::free_port();
        let idp = idp(folder.path(), port);
        let site = Site::start(&at("site.db"), port, idp.as_ref(), &at("log"));
        let profile = at("chromium");
        let _installed =
            home.json(&["browser", "install", "--user-data-dir", &profile.to_string_lossy()], "");
        let browser = Browser::start(&profile, &at("log"));
        browser.open(&site.origin);
        browser.wait_for_authenticator();
        Self { browser, site, _daemon: daemon, prompter, home, _swtpm: swtpm, folder }
    }

    /// Opens a page of the site.
    pub fn open(&self, path: &str) {
        self.browser.open(&format!("{}{path}", self.site.origin));
    }

    /// Registers a user by passkey.
    pub fn register(&self, user: &str) {
        self.open("/register");
        self.browser.fill("#register-username", user);
        self.browser.click("#register-submit");
        self.browser.expect("#account-user", user);
    }

    /// Signs out of the site.
    pub fn sign_out(&self) {
        self.browser.click("#signout");
        self.browser.expect("#signin-passkey", "");
    }
}
