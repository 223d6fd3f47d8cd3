//! A person at the identity provider's pages: does what each page asks, whichever comes, until the sign-in is over.

use std::fs;
use std::path::PathBuf;
use std::thread::sleep;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::browser::Browser;
use crate::daemon::Home;
use crate::process::run_attended;
use crate::totp::App;

/// How long a page may take.
const PATIENCE: Duration = Duration::from_secs(30);
/// What `WebDriver` calls the keys.
const DOWN: char = '\u{E015}';
const ENTER: char = '\u{E007}';

/// The pages that ask for something, by their form.
const PAGES: [&str; 11] = [
    "#welcome-form",
    "#first-way-form",
    "#change-password-form",
    "#enrol-form",
    "#user-form",
    "#password-form",
    "#code-form",
    "#new-passkey-form",
    "#stay-form",
    "#consent-form",
    "#sign-out-form",
];

/// What a person knows; kept in a file, so that the next run finds it.
#[derive(Debug)]
pub struct Person {
    /// Their user name.
    pub name: String,
    /// Their password.
    pub password: String,
    app: Option<(String, App)>,
    /// Whether they have a passkey at the provider.
    pub passkey: bool,
    /// Whether their first way to sign in is a passkey, where they may choose.
    pub wants_passkey: bool,
    /// Whether they make none where they are asked to.
    pub avoids_passkeys: bool,
    note: PathBuf,
}

impl Person {
    /// The person whose note this is; `name` and `password` are those of somebody who was not here before.
    #[must_use]
    pub fn known(note: PathBuf, name: &str, password: &str) -> Self {
        let read = fs::read_to_string(&note).unwrap_or_default();
        let known: Value = serde_json::from_str(&read).unwrap_or_default();
        let text = |member: &str, new: &str| known[member].as_str().unwrap_or(new).to_owned();
        let app = known["app"].as_str().map(|link| (link.to_owned(), App::scan(link)));
        let (name, password) = (text("name", name), text("password", password));
        let passkey = known["passkey"] == true;
        Self { name, password, app, passkey, wants_passkey: false, avoids_passkeys: false, note }
    }

    /// Whether they have finished their first sign-in.
    #[must_use]
    pub fn is_set_up(&self) -> bool {
        self.app.is_some() || self.passkey
    }

    fn remember(&self) {
        let app = self.app.as_ref().map(|(link, _)| link);
        let known =
            json!({ "name": self.name, "password": self.password, "app": app, "passkey": self.passkey });
        fs::write(&self.note, known.to_string()).expect("what a person knows can be noted");
    }

    /// Does what the pages ask until `done` says that the browser is where it should be. `picture` is called once a page.
    ///
    /// # Panics
    /// When a page stays, or asks for nothing, for half a minute.
    pub fn carry_on(&mut self, browser: &Browser, done: impl Fn(&Browser) -> bool, picture: impl Fn(&str)) {
        let mut start = Instant::now();
        loop {
            if let Some(page) = PAGES.into_iter().find(|page| browser.count(page) > 0) {
                picture(page.trim_start_matches('#').trim_end_matches("-form"));
                let _marked = browser.script("document.documentElement.dataset.seen = 'yes'");
                self.answer(page, browser);
                while browser.count("html[data-seen]") > 0 {
                    assert!(start.elapsed() < PATIENCE, "{page} stays:\n{}", browser.text("body"));
                    sleep(Duration::from_millis(50));
                }
                start = Instant::now();
            } else if done(browser) {
                return;
            }
            let said = || format!("{} asks nothing:\n{}", browser.url(), browser.text("body"));
            assert!(start.elapsed() < PATIENCE, "{}", said());
            sleep(Duration::from_millis(50));
        }
    }

    /// Runs a command of `latchkey` that must succeed, and returns what it printed. Where it says to sign in, the person
    /// does, in the browser. `picture` is called once a page.
    ///
    /// # Panics
    /// When the command fails, or a page stays.
    pub fn operate(
        &mut self,
        browser: &Browser,
        (home, arguments): (&Home, &[&str]),
        input: &str,
        picture: impl Fn(&str),
    ) -> Value {
        let mut command = home.latchkey();
        command.args(arguments).args(["--no-browser", "--json"]);
        let output = run_attended(command, input, |line| {
            let told: Value = serde_json::from_str(line).unwrap_or_default();
            if let Some(page) = told["open"].as_str() {
                browser.open(page);
                // The program serves the last page itself.
                let done = |browser: &Browser| browser.url().starts_with("http://127.0.0.1:");
                self.carry_on(browser, done, &picture);
            }
        });
        let (text, errors) =
            (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(output.status.success(), "latchkey {arguments:?} failed ({}): {text}{errors}", output.status);
        serde_json::from_str(&text)
            .unwrap_or_else(|error| panic!("latchkey {arguments:?}: {error} in {text}"))
    }

    fn answer(&mut self, page: &str, browser: &Browser) {
        match page {
            "#welcome-form" => browser.click("#welcome-submit"),
            "#first-way-form" if self.wants_passkey => browser.click("#way-passkey"),
            "#first-way-form" => browser.click("#way-password"),
            "#change-password-form" => self.choose_password(browser),
            "#enrol-form" => self.enrol(browser),
            // The list of the extension opens at the field; whoever has a passkey takes it from there.
            "#user-form" if self.passkey => {
                browser.click("h1");
                browser.click("#user-name");
                browser.expect_count("html > div[popover]", 1);
                browser.press(&[DOWN, ENTER]);
            }
            "#user-form" => {
                browser.fill("#user-name", &self.name);
                browser.click("#user-submit");
            }
            "#password-form" => {
                browser.fill("#password", &self.password);
                browser.click("#password-submit");
            }
            "#code-form" => {
                browser.fill("#code", &self.code());
                browser.click("#code-submit");
            }
            "#new-passkey-form" if self.avoids_passkeys => browser.click("#new-passkey-later"),
            "#new-passkey-form" => {
                browser.click("#new-passkey-create");
                self.passkey = true;
                self.remember();
            }
            "#stay-form" => browser.click("#stay-no"),
            "#consent-form" => browser.click("#consent-accept"),
            "#sign-out-form" => browser.click("#sign-out"),
            other => panic!("nobody knows what to do at {other}"),
        }
    }

    fn choose_password(&self, browser: &Browser) {
        if browser.count("#old-password") > 0 {
            browser.fill("#old-password", &self.password);
        }
        browser.fill("#new-password", &self.password);
        browser.fill("#confirm-password", &self.password);
        browser.click("#change-password-submit");
        self.remember();
    }

    fn enrol(&mut self, browser: &Browser) {
        let link = browser.script("return document.getElementById('otpauth').href");
        let link = link.as_str().expect("the page has a link for apps on this device").to_owned();
        self.app = Some((link.clone(), App::scan(&link)));
        browser.fill("#code", &self.code());
        browser.click("#enrol-submit");
        self.remember();
    }

    fn code(&mut self) -> String {
        self.app.as_mut().expect("the person has an authenticator app").1.code()
    }
}
