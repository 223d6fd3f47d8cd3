//! The second journey: "Sign in with Latchkey ID" on the demo site, with password and code, then with a passkey.

use latchkey_tests::browser::Browser;

use crate::narrator::{Narrator, note};
use crate::person::Person;
use crate::stage::Stage;

/// Plays it from the first step to the last; a step that fails ends it.
pub fn play(stage: &Stage, browser: &Browser, narrator: &mut Narrator) -> Option<()> {
    let mut person = stage.identity.administrator();
    let visit = Visit { stage, browser };
    if !person.is_set_up() {
        let link = stage.identity.first_link.clone()?;
        narrator.step(
            "open the first administrator's link: choose a password, add an authenticator app",
            || {
                visit.first_sign_in(&link, &mut person);
            },
        )?;
        narrator.step("sign out of Latchkey ID", || visit.sign_out_there(&mut person))?;
    }
    note(&format!("{} with the password {}", person.name, person.password));
    let first = !person.passkey;
    let how = if first { "password and code, then a new passkey" } else { "the passkey of an earlier run" };
    narrator
        .step(&format!("sign in with Latchkey ID on the site: {how}"), || visit.sign_in("21", &mut person))?;
    visit.picture("22-site-account");
    narrator.step("sign out of both", || visit.sign_out_everywhere(&mut person))?;
    visit.picture("23-signed-out");
    if person.passkey {
        let again = "sign in with Latchkey ID again: the passkey from the list at the user name field";
        narrator.step(again, || visit.sign_in("24", &mut person))?;
        visit.picture("25-site-account");
        narrator.step("sign out of both", || visit.sign_out_everywhere(&mut person))?;
    }
    Some(())
}

/// One browser at site and provider.
struct Visit<'a> {
    stage: &'a Stage,
    browser: &'a Browser,
}

impl Visit<'_> {
    fn first_sign_in(&self, link: &str, person: &mut Person) {
        self.browser.open(link);
        let there = self.stage.identity.idp.place.url.clone();
        // It ends on a page of the provider's own that asks for nothing more.
        let done = |browser: &Browser| person_is_in(browser, &there);
        person.carry_on(self.browser, done, |page| self.picture(&format!("20-{page}")));
    }

    fn sign_out_there(&self, person: &mut Person) {
        self.browser.open(&self.stage.identity.sign_out_url());
        person.carry_on(self.browser, |browser| browser.count("#signed-out") > 0, |_| ());
    }

    fn sign_in(&self, number: &str, person: &mut Person) {
        let site = &self.stage.site.origin;
        self.browser.open(site);
        self.browser.click("#signin-identity");
        let done = |browser: &Browser| browser.count("#identity-how") > 0;
        person.carry_on(self.browser, done, |page| self.picture(&format!("{number}-{page}")));
        self.browser.expect("#account-user", &person.name);
    }

    fn sign_out_everywhere(&self, person: &mut Person) {
        self.browser.click("#signout-everywhere");
        let done =
            |browser: &Browser| browser.count("#signin-identity") > 0 || browser.count("#signed-out") > 0;
        person.carry_on(self.browser, done, |_| ());
        self.browser.open(&self.stage.site.origin);
        self.browser.expect("#signin-identity", "");
    }

    fn picture(&self, name: &str) {
        self.browser.screenshot(&self.stage.pictures().join(format!("{name}.png")));
    }
}

fn person_is_in(browser: &Browser, provider: &str) -> bool {
    let url = browser.url();
    url.strip_prefix(provider)
        .is_some_and(|path| path == "/" || path.starts_with("/admin") || path.starts_with("/security"))
}
