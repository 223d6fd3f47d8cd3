//! The second journey: a provider is set up, "Sign in with Latchkey ID" on the demo site with password and code, then with
//! a passkey, and the administrator's pages.

use latchkey_tests::browser::Browser;
use latchkey_tests::person::Person;

use crate::narrator::{Narrator, note};
use crate::stage::Stage;

/// Plays it from the first step to the last; a step that fails ends it.
pub fn play(stage: &Stage, browser: &Browser, narrator: &mut Narrator) -> Option<()> {
    let (mut administrator, mut person) = (stage.identity.administrator(), stage.identity.user());
    let visit = Visit { stage, browser };
    for (who, number, newcomer) in
        [("the first administrator", "20", &mut administrator), ("a new user", "21", &mut person)]
    {
        if !newcomer.is_set_up() {
            let what = format!("open the link of {who}: a password and an authenticator app");
            narrator.step(&what, || visit.first_sign_in(number, newcomer))?;
            narrator.step("sign out of Latchkey ID", || visit.sign_out_there(newcomer))?;
        }
        note(&format!("{}, password {}", newcomer.name, newcomer.password));
    }
    let how =
        if person.passkey { "a passkey of an earlier run" } else { "password, code, and a new passkey" };
    narrator.step(&format!("sign in with Latchkey ID on the site: {how}"), || {
        visit.sign_in("22", &mut person);
    })?;
    visit.picture("23-site-account");
    narrator.step("sign out of both", || visit.sign_out_everywhere(&mut person))?;
    visit.picture("24-signed-out");
    assert_passkey(narrator, &person)?;
    narrator.step("sign in again: the passkey from the list at the user name field", || {
        visit.sign_in("25", &mut person);
    })?;
    visit.picture("26-site-account");
    narrator.step("sign out of both", || visit.sign_out_everywhere(&mut person))?;
    narrator.step("open the administrator's pages", || visit.administer(&mut administrator))?;
    narrator.step("sign out of Latchkey ID", || visit.sign_out_there(&mut administrator))
}

fn assert_passkey(narrator: &mut Narrator, person: &Person) -> Option<()> {
    if person.passkey {
        return Some(());
    }
    narrator.step("have a passkey by now", || panic!("the provider offered to make none"))
}

/// One browser at site and provider.
pub struct Visit<'a> {
    /// What runs.
    pub stage: &'a Stage,
    /// The browser.
    pub browser: &'a Browser,
}

impl Visit<'_> {
    /// Opens the link of a first sign-in, and does what it asks.
    pub fn first_sign_in(&self, number: &str, person: &mut Person) {
        self.browser.open(&self.stage.identity.first_link(person));
        // It ends on a page of the provider's own that asks for nothing more.
        let done = |browser: &Browser| !browser.url().contains("/welcome");
        person.carry_on(self.browser, done, |page| self.picture(&format!("{number}-{page}")));
    }

    /// Signs out of the provider.
    pub fn sign_out_there(&self, person: &mut Person) {
        self.browser.open(&self.stage.identity.sign_out_url());
        person.carry_on(self.browser, |browser| browser.count("#signed-out") > 0, |_| ());
    }

    fn sign_in(&self, number: &str, person: &mut Person) {
        self.browser.open(&self.stage.site.origin);
        self.browser.click("#signin-identity");
        let done = |browser: &Browser| browser.count("#identity-how") > 0;
        person.carry_on(self.browser, done, |page| self.picture(&format!("{number}-{page}")));
        self.browser.expect("#account-user", &person.name);
    }

    /// Signs in on a computer that is signed in at the provider: no page asks anything.
    pub fn sign_in_unasked(&self, person: &Person) {
        let _earlier = self.stage.prompter.asked();
        self.browser.open(&self.stage.site.origin);
        self.browser.click("#signin-identity");
        self.browser.expect("#account-user", &person.name);
        assert!(self.stage.prompter.asked().is_empty(), "the daemon asked for a PIN");
    }

    /// Signs out of the site alone.
    pub fn sign_out_here(&self) {
        self.browser.click("#signout-here");
        self.browser.expect("#signin-identity", "");
    }

    fn sign_out_everywhere(&self, person: &mut Person) {
        self.browser.click("#signout-everywhere");
        let done = |browser: &Browser| browser.count("#signin-identity") > 0;
        person.carry_on(self.browser, done, |_| ());
        self.browser.expect("#message", "signed out here and at Latchkey ID");
    }

    fn administer(&self, person: &mut Person) {
        let tenant = &self.stage.identity.idp.place.tenant;
        for (number, page) in [(30, "users"), (31, "apps"), (32, "policies"), (33, "sign-ins")] {
            let path = format!("/admin/{tenant}/{page}");
            self.browser.open(&self.stage.identity.page(&path));
            let done = |browser: &Browser| browser.url().contains("/admin/");
            person.carry_on(self.browser, done, |asked| self.picture(&format!("29-{asked}")));
            self.browser.open(&self.stage.identity.page(&path));
            let title = self.browser.expect("h1", "");
            assert!(self.browser.url().contains(&path), "{path} shows {title:?} at {}", self.browser.url());
            self.picture(&format!("{number}-admin-{page}"));
        }
    }

    /// Keeps a picture of the page.
    pub fn picture(&self, name: &str) {
        self.browser.screenshot(&self.stage.pictures().join(format!("{name}.png")));
    }
}
