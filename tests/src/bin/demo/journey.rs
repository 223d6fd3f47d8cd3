//! The played journey: what a person does, one step a line.

use latchkey_tests::browser::Browser;
use serde_json::Value;

use crate::narrator::{Narrator, note};
use crate::stage::{PINS, Stage};
use crate::{identity, pin_reset};

/// A part of the played journey.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// Passkeys of the site itself.
    Passkey,
    /// Sign-in with the identity provider.
    Identity,
    /// A forgotten PIN.
    PinReset,
}

/// Plays these parts of the journey, each from its first step to its last; a step that fails ends it.
pub fn play(stage: &Stage, narrator: &mut Narrator, parts: &[Part]) {
    note(&format!("the keys are kept by {}", stage.tpm));
    let _stopped_at_a_failure = play_parts(stage, narrator, parts);
}

fn play_parts(stage: &Stage, narrator: &mut Narrator, parts: &[Part]) -> Option<()> {
    let earlier = open_container(stage, narrator)?;
    let browser =
        narrator.step("open headless Chromium with the extension on the site", || stage.browser())?;
    for part in parts {
        match part {
            Part::Passkey => walk(stage, &browser, narrator, earlier)?,
            Part::Identity => identity::play(stage, &browser, narrator)?,
            Part::PinReset => pin_reset::play(stage, &browser, narrator, earlier)?,
        }
    }
    Some(())
}

fn walk(stage: &Stage, browser: &Browser, narrator: &mut Narrator, earlier: u64) -> Option<()> {
    let player = Player { stage, browser };
    player.picture("01-home");
    if earlier > 0 {
        let user = narrator.step("sign in with a passkey of an earlier run", || player.sign_in())?;
        note(&format!("signed in as {user}"));
        narrator.step("sign out", || player.sign_out())?;
    }
    let user = format!("visitor-{}", earlier + 1);
    narrator.step(&format!("register a passkey for {user}"), || player.register(&user))?;
    player.picture("03-account");
    narrator.step("sign out", || player.sign_out())?;
    player.picture("04-signed-out");
    narrator.step("sign in with the passkey", || player.sign_in_as(&user))?;
    player.picture("05-signed-in");
    narrator.step("sign out", || player.sign_out())?;
    let notice =
        narrator.step("type a wrong PIN, then the right one", || player.sign_in_after_wrong_pin(&user))?;
    note(&format!("the prompt said: {notice}"));
    narrator.step("change the PIN", || change_pin(stage))?;
    narrator.step("sign out", || player.sign_out())?;
    narrator.step("sign in with the same passkey and the new PIN", || player.sign_in_as(&user))?;
    player.picture("06-after-the-pin-change");
    narrator.step("sign out", || player.sign_out())?;
    narrator.step("register a passkey for a guest", || player.register(&format!("guest-{}", earlier + 1)))?;
    narrator.step("sign out", || player.sign_out())?;
    let listed = narrator.step("list the passkeys", || list(stage))?;
    for passkey in &listed {
        note(&format!("{} at {}", name(passkey), passkey["rp_id"].as_str().unwrap_or_default()));
    }
    let left = narrator.step("delete the guest's passkey", || delete_guest(stage, &listed))?;
    note(&format!("{left} left; the next run finds them"));
    player.picture_of_popup("07-extension");
    Some(())
}

/// Creates the container and its PIN, or finds those of an earlier run. Returns how many passkeys of the site it holds.
fn open_container(stage: &Stage, narrator: &mut Narrator) -> Option<u64> {
    let found = stage.home.run(&["status", "--json"], "");
    if !found.status.success() {
        return narrator.step("create the container and set a PIN", || {
            let _created = stage.home.json(&["container", "create"], "");
            let _set = stage.home.json(&["pin", "set", "--pin-stdin"], &format!("{}\n", stage.pin()));
            stage.remember_pin(&stage.pin());
            0
        });
    }
    let passkeys = narrator.step("find the container of an earlier run", || list(stage))?;
    note(&format!("it holds {} passkey(s)", passkeys.len()));
    let of_the_site = passkeys.iter().filter(|passkey| passkey["rp_id"] == "localhost");
    u64::try_from(of_the_site.count()).ok()
}

/// Does at the browser what the person does on the site.
pub struct Player<'a> {
    /// What runs.
    pub stage: &'a Stage,
    /// The browser.
    pub browser: &'a Browser,
}

impl Player<'_> {
    /// Registers a user by passkey.
    pub fn register(&self, user: &str) {
        self.open("/register");
        self.browser.fill("#register-username", user);
        self.picture("02-register");
        self.browser.click("#register-submit");
        self.browser.expect("#account-user", user);
    }

    /// Signs out of the site.
    pub fn sign_out(&self) {
        self.browser.click("#signout");
        self.browser.expect("#signin-passkey", "");
    }

    /// Signs in with whatever passkey the person picks first, and returns the user.
    fn sign_in(&self) -> String {
        self.open("/");
        self.browser.click("#signin-passkey");
        self.browser.expect("#account-user", "")
    }

    /// Signs in with a user's passkey.
    pub fn sign_in_as(&self, user: &str) {
        self.open("/");
        self.browser.fill("#signin-username", user);
        self.browser.click("#signin-submit");
        self.browser.expect("#account-user", user);
    }

    /// Returns what the second prompt said about the first answer.
    fn sign_in_after_wrong_pin(&self, user: &str) -> String {
        let _earlier = self.stage.prompter.asked();
        self.stage.prompter.next_pin("not-the-pin-99");
        self.sign_in_as(user);
        let asked = self.stage.prompter.asked();
        let notice = asked.iter().find_map(|prompt| prompt["notice"].as_str());
        notice.expect("the prompt says that the PIN was wrong and how many tries are left").to_owned()
    }

    fn open(&self, path: &str) {
        self.browser.open(&format!("{}{path}", self.stage.site.origin));
    }

    /// Keeps a picture of the page.
    pub fn picture(&self, name: &str) {
        self.browser.screenshot(&self.stage.pictures().join(format!("{name}.png")));
    }

    fn picture_of_popup(&self, name: &str) {
        self.browser.open(&latchkey_tests::browser::popup());
        self.browser.expect("body", "passkey");
        self.picture(name);
    }
}

fn change_pin(stage: &Stage) {
    let old = stage.pin();
    let new = PINS.into_iter().find(|pin| *pin != old).expect("the played person has two PINs");
    let _changed = stage.home.json(&["pin", "change", "--pin-stdin"], &format!("{old}\n{new}\n"));
    stage.remember_pin(new);
}

fn list(stage: &Stage) -> Vec<Value> {
    let listed = stage.home.json(&["passkeys", "list", "--pin-stdin"], &format!("{}\n", stage.pin()));
    listed["passkeys"].as_array().expect("the list has passkeys").clone()
}

fn delete_guest(stage: &Stage, listed: &[Value]) -> usize {
    let guest =
        listed.iter().find(|passkey| name(passkey).starts_with("guest-")).expect("the guest has a passkey");
    let id = guest["id"].as_str().expect("a passkey has an id");
    let _deleted = stage.home.json(&["passkeys", "delete", id, "--pin-stdin"], &format!("{}\n", stage.pin()));
    list(stage).len()
}

fn name(passkey: &Value) -> &str {
    passkey["user"]["name"].as_str().unwrap_or_default()
}
