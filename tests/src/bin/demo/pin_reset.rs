//! The third journey: a computer joins its organisation, its user forgets the PIN, has it reset with password and code, and
//! signs in with the passkey of before.

use latchkey_tests::browser::Browser;
use latchkey_tests::person::Person;
use latchkey_tests::sql;
use serde_json::Value;

use crate::identity::Visit;
use crate::journey::Player;
use crate::narrator::{Narrator, note};
use crate::stage::{PINS, Stage};

/// Plays it from the first step to the last; a step that fails ends it.
pub fn play(stage: &Stage, browser: &Browser, narrator: &mut Narrator, earlier: u64) -> Option<()> {
    let mut person = stage.identity.colleague();
    let visit = Visit { stage, browser };
    let (site, computer) = (Player { stage, browser }, Computer { stage, browser });
    if !person.is_set_up() {
        narrator.step("open the link of a new user: a password and an authenticator app", || {
            visit.first_sign_in("40", &mut person);
        })?;
        narrator.step("sign out of Latchkey ID", || visit.sign_out_there(&mut person))?;
        note(&format!("{}, password {}", person.name, person.password));
    }
    let user = format!("keeper-{}", earlier + 1);
    narrator.step(&format!("register a passkey for {user} on the site"), || site.register(&user))?;
    narrator.step("sign out", || site.sign_out())?;
    let device = computer.registered(narrator, &mut person)?;
    narrator.step("sign in to the organisation with the PIN alone", || computer.sign_in())?;
    narrator.step("sign in with Latchkey ID on the site: nobody is asked anything", || {
        visit.sign_in_unasked(&person);
    })?;
    visit.picture("44-site-unasked");
    narrator.step("sign out of the site", || visit.sign_out_here())?;
    narrator.step("ask how a forgotten PIN can be reset: dsregcmd /status", || computer.can_reset())?;
    note("CanReset : DestructiveAndNonDestructive");
    let before = narrator.step("look at the passkey and the enterprise key", || computer.keys(&user))?;
    let refusal = narrator.step("forget the PIN: the container opens for no other", || computer.forget())?;
    note(&refusal);
    narrator.step("have the PIN reset: sign in with password and code, choose a new PIN", || {
        computer.reset_pin(&mut person);
    })?;
    narrator.step("sign in on the site with the same passkey and the new PIN", || site.sign_in_as(&user))?;
    site.picture("46-after-the-reset");
    narrator.step("sign out", || site.sign_out())?;
    narrator.step("sign in to the organisation with the same enterprise key", || computer.sign_in())?;
    let after = narrator.step("compare all keys with those of before", || {
        let after = computer.keys(&user);
        assert_eq!(after, before, "something changed");
        after
    })?;
    for ((name, earlier), (_, now)) in before.rows().into_iter().zip(after.rows()) {
        note(&format!("{name:<27} before {earlier}"));
        note(&format!("{:<27} after  {now}", ""));
    }
    narrator.step("sign out of the organisation", || computer.sign_out(&device))?;
    narrator.step("sign out of Latchkey ID", || visit.sign_out_there(&mut person))
}

/// How somebody at the display plays it themselves.
pub fn offer(stage: &Stage) -> String {
    let program = stage.home.latchkey();
    let variables = program.get_envs().filter_map(|(name, value)| Some((name.to_str()?, value?.to_str()?)));
    let variables: Vec<String> = variables.map(|(name, value)| format!("{name}={value}")).collect();
    let [lines, url] = [variables.join(" "), stage.identity.idp.place.url.clone()];
    let latchkey = program.get_program().to_string_lossy();
    format!(
        "to forget a PIN and keep every passkey, in another terminal:\n  export {lines}\n  \
         {latchkey} device join --idp {url}\n  {latchkey} signin\n  {latchkey} dsregcmd /status\n  \
         {latchkey} pin reset"
    )
}

/// How many keys the provider knows, and since when: a registration would show in either.
const REGISTERED: &str =
    "SELECT count(*) || ', the newest of ' || datetime(max(created_at), 'unixepoch') FROM enterprise_keys";

/// What must be the same before and after.
#[derive(Debug, PartialEq, Eq)]
struct Keys {
    credential: String,
    site_key: String,
    enterprise_key: String,
    at_the_provider: String,
}

impl Keys {
    fn rows(&self) -> [(&'static str, &str); 4] {
        [
            ("passkey", &self.credential),
            ("its public key at the site", &self.site_key),
            ("enterprise key", &self.enterprise_key),
            ("keys at the provider", &self.at_the_provider),
        ]
    }
}

/// Does at the computer what its user does.
struct Computer<'a> {
    stage: &'a Stage,
    browser: &'a Browser,
}

impl Computer<'_> {
    /// The registration of an earlier run, or a new one.
    fn registered(&self, narrator: &mut Narrator, person: &mut Person) -> Option<String> {
        let known = self.stage.home.json(&["device", "status"], "");
        let known = known["devices"][0]["device"]["id"].as_str().map(str::to_owned);
        let id = match known {
            Some(id) => narrator.step("find the registration of an earlier run", || {
                let _refreshed = self.stage.home.json(&["device", "refresh"], "");
                id
            }),
            None => narrator.step("join the organisation: sign in, device keys, enterprise key", || {
                let url = self.stage.identity.idp.place.url.clone();
                let joined =
                    self.operate(person, &["device", "join", "--idp", &url], &self.stage.pin(), "41");
                assert!(joined["device"]["key"]["kid"].is_string(), "no key was registered: {joined}");
                joined["device"]["device"]["id"].as_str().expect("a device has an ID").to_owned()
            }),
        }?;
        note(&format!("device {id}"));
        Some(id)
    }

    fn sign_in(&self) {
        let _told = self.stage.home.json(&["signin", "--pin-stdin"], &format!("{}\n", self.stage.pin()));
    }

    fn sign_out(&self, device: &str) {
        let told = self.stage.home.json(&["signout"], "");
        assert_eq!(told["device"]["device"]["id"], device, "{told}");
    }

    fn can_reset(&self) {
        let told = self.stage.home.json(&["dsregcmd", "/status", "/verbose"], "");
        assert_eq!(told["can_reset"]["can"], "DestructiveAndNonDestructive", "{told}");
    }

    /// Returns what is said to a wrong PIN.
    fn forget(&self) -> String {
        let output = self.stage.home.run(&["signin", "--pin-stdin"], "not-the-pin-99\n");
        assert!(!output.status.success(), "a wrong PIN opened the container");
        String::from_utf8_lossy(&output.stderr).trim().to_owned()
    }

    fn reset_pin(&self, person: &mut Person) {
        let old = self.stage.pin();
        let new = PINS.into_iter().find(|pin| *pin != old).expect("the played person has two PINs");
        let told = self.operate(person, &["pin", "reset"], new, "45");
        assert_eq!(told["pin"], "reset", "{told}");
        self.stage.remember_pin(new);
    }

    /// Runs a command that wants a PIN, and signs in where it says so.
    fn operate(&self, person: &mut Person, command: &[&str], pin: &str, number: &str) -> Value {
        let arguments = [command, &["--pin-stdin"]].concat();
        person.operate(self.browser, (&self.stage.home, &arguments), &format!("{pin}\n"), |page| {
            self.browser.screenshot(&self.stage.pictures().join(format!("{number}-{page}.png")));
        })
    }

    fn keys(&self, user: &str) -> Keys {
        let pin = format!("{}\n", self.stage.pin());
        let listed = self.stage.home.json(&["passkeys", "list", "--pin-stdin"], &pin);
        let passkeys = listed["passkeys"].as_array().expect("the list has passkeys");
        let passkey = passkeys.iter().find(|passkey| passkey["user"]["name"] == user);
        let device = &self.stage.home.json(&["device", "status"], "")["devices"][0];
        let key = &device["key"];
        let at_the_site = format!(
            "SELECT json_extract(record, '$.cred.cred.key.EC_EC2.x') FROM passkeys JOIN users ON users.id = user_id WHERE users.name = '{user}'"
        );
        Keys {
            credential: passkey.expect("the passkey is in the list")["id"]
                .as_str()
                .unwrap_or_default()
                .to_owned(),
            site_key: sql::text(&self.stage.site_database(), &at_the_site),
            enterprise_key: format!(
                "{} ({})",
                key["kid"].as_str().unwrap_or_default(),
                key["id"].as_str().unwrap_or_default()
            ),
            at_the_provider: sql::text(self.stage.identity.idp.place.database(), REGISTERED),
        }
    }
}
