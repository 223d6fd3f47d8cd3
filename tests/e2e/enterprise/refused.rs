//! PIN resets that are refused: each refusal says who must do what, the PIN is what it was, and every passkey is there.

use latchkey_tests::idp::IdpPlace;
use latchkey_tests::sql;

use super::office::{FIRST_PIN, NEXT_PIN, Office};

/// Where the service is asked.
const SERVICE: &str = "/unprotectsecret/v1";
/// The accounts are older than the test; nobody could have signed in before.
const LONG_AGO: &str = "UPDATE users SET sessions_valid_from = sessions_valid_from - 3600";
/// The sign-in behind every token happened eleven minutes earlier.
const AGE: &str = "UPDATE grants SET record = json_set(record, '$.authentication.at', \
                   json_extract(record, '$.authentication.at') - 660)";
/// The sign-in behind every token had one factor.
const WEAKEN: &str = "UPDATE grants SET record = replace(record, ',\"ngcmfa\"', '')";

/// What happens between the sign-in and the service's answer: a command of the operator, or a change in the database.
#[derive(Clone)]
enum Meanwhile {
    Operator(Vec<String>),
    Database(&'static str),
}

impl Meanwhile {
    fn operator(words: &[&str]) -> Self {
        Self::Operator(words.iter().map(|word| (*word).to_owned()).collect())
    }

    fn happen(&self, place: &IdpPlace) {
        match self {
            Self::Operator(words) => {
                let words: Vec<&str> = words.iter().map(String::as_str).collect();
                let _done = place.operate(&words);
            }
            Self::Database(statement) => sql::change(place.database(), statement),
        }
    }
}

trait Refused {
    /// A reset is refused with this exit status and these words, and has changed nothing.
    fn is_refused(&mut self, options: &[&str], expected: i32, words: &str, passkey: &str);
}

impl Refused for Office {
    fn is_refused(&mut self, options: &[&str], expected: i32, words: &str, passkey: &str) {
        let (code, said) = self.try_reset_pin(options, NEXT_PIN).expect_err(words);
        assert!(code == expected && said.contains(words), "{expected} {words}, and not {code} {said}");
        assert!(self.opens(FIRST_PIN) && !self.opens(NEXT_PIN), "{words}: the PIN is what it was");
        assert_eq!(self.use_passkey(), passkey, "{words}");
    }
}

#[test]
fn the_service_refuses_and_the_command_says_who_must_act() {
    let mut office = Office::joined();
    let passkey = office.register("ann");
    let user = office.employee.name.clone();
    office.employee.pass = Some(office.place.access_pass(&user));
    let registration = office.registration();
    let device = registration["device"]["id"].as_str().expect("it has joined").to_owned();
    sql::change(office.place.database(), LONG_AGO);
    let refusals = [
        (Meanwhile::Database(AGE), None, "older than ten minutes: sign in again"),
        (Meanwhile::Database(WEAKEN), None, "Sign in with two factors"),
        (
            Meanwhile::operator(&["device", "disable", &device]),
            Some(Meanwhile::operator(&["device", "enable", &device])),
            "device_disabled",
        ),
        (
            Meanwhile::operator(&["user", "disable", &user]),
            Some(Meanwhile::operator(&["user", "enable", &user])),
            // Disabling ends every sign-in; at the next one the page says why.
            "The sign-in was revoked: sign in again",
        ),
        (
            Meanwhile::operator(&["reset", "forbid", "--user", &user]),
            None,
            "You may not reset your PIN here. An administrator can allow it",
        ),
    ];
    for (meanwhile, undone, words) in refusals {
        let place = office.place.clone();
        office.proxy.before(SERVICE, move || meanwhile.happen(&place));
        office.is_refused(&[], 10, words, &passkey);
        if let Some(undone) = undone {
            undone.happen(&office.place);
        }
    }
    // Once the device has heard of it, nobody signs in for nothing; and what an administrator allows is heard of at once.
    let refreshed = office.latchkey(&["device", "refresh"], "");
    assert_eq!(refreshed["device"]["policy"]["PinReset"]["Allowed"], false, "{refreshed}");
    office.is_refused(&[], 1, "ask its help desk", &passkey);
    let _allowed = office.place.operate(&["reset", "allow", "--user", &user]);
    let key = office.registration()["key"].clone();
    let reset = office.reset_pin(&[], NEXT_PIN);
    assert_eq!(reset["device"]["key"], key);
    office.prompter.knows(NEXT_PIN);
    assert_eq!(office.use_passkey(), passkey);
}

#[test]
fn somebody_else_or_nobody_signs_in() {
    let mut office = Office::joined();
    let passkey = office.register("ann");
    let ann = office.employee.name.clone();
    // With a code on another device, which does not say who is expected there.
    let other = office.population.people.all[0].name.clone();
    office.employee.name.clone_from(&other);
    office.employee.pass = Some(office.place.access_pass(&other));
    office.is_refused(
        &["--device-code"],
        1,
        &format!("{other} signed in, but this machine is {ann}'s"),
        &passkey,
    );
    office.employee.owns_device = false;
    office.is_refused(&["--device-code"], 1, "the sign-in was not completed", &passkey);
    // The user, by the same way.
    office.employee.name.clone_from(&ann);
    office.employee.pass = Some(office.place.access_pass(&ann));
    office.employee.owns_device = true;
    let reset = office.reset_pin(&["--above-lock", "--device-code"], NEXT_PIN);
    assert_eq!(reset["pin"], "reset");
    office.prompter.knows(NEXT_PIN);
    assert_eq!(office.use_passkey(), passkey);
}
