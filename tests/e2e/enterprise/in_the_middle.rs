//! A man in the middle whose certificate TLS believes: he reads and changes what the provider answers. What counts beside TLS
//! are the pinned anchor of the PIN reset service, and answers that fit one request of one device.

use std::sync::{Arc, Mutex};

use latchkey_tests::organisation::Organisation;
use serde_json::{Value, json};

use super::office::{FIRST_PIN, NEXT_PIN, Office};

const KEY: &str = "/getencryptionkey/v1";
const POLICY: &str = "/EnrollmentServer/policy/";
const SERVICE: &str = "/unprotectsecret/v1";

#[test]
fn what_a_man_in_the_middle_changes_is_refused_by_name() {
    let mut office = Office::open();
    // Six sign-ins, which would wait for six codes.
    office.employee.pass = Some(office.place.access_pass(&office.employee.name));
    let his = Organisation::new();
    // His key in the place of the service's: the join ends before anything is sealed to it, and can be gone on with.
    let key = his.service_key();
    office.proxy.change(KEY, move |_| key);
    let (code, said) = office.try_join().expect_err("the key is not the service's");
    assert!(
        code == 10 && said.contains("a certificate chain of the PIN reset service that does not verify"),
        "{code} {said}"
    );
    let registration = office.registration();
    assert!(registration["device"].is_object(), "{registration}");
    assert_eq!(registration["recovery"]["wanted"], false, "{registration}");
    let _provisioned =
        office.latchkey(&["device", "provision", "--no-browser", "--pin-stdin"], &format!("{FIRST_PIN}\n"));
    let passkey = office.register("ann");

    // Another anchor in the policy, and a policy of another tenant.
    let anchor = his.anchor();
    office.proxy.change(POLICY, move |policy| with(policy, &["PinReset", "Anchor"], anchor.into()));
    office.is_unmoved("names another anchor for the PIN reset service");
    office
        .proxy
        .change(POLICY, |policy| with(policy, &["tenantId"], json!("11111111-1111-4111-8111-111111111111")));
    office.is_unmoved("a policy");

    // A changed answer, and one that was recorded.
    let recorded = Arc::new(Mutex::new(Value::Null));
    let record = Arc::clone(&recorded);
    office.proxy.change(SERVICE, move |answer| {
        *record.lock().expect("the recorder works") = answer.clone();
        let secret = answer["secret"].as_str().unwrap_or_default().to_owned();
        let (head, last) = secret.split_at(secret.len() - 2);
        with(answer, &["secret"], format!("{head}{}", if last == "AA" { "BA" } else { "AA" }).into())
    });
    office.is_refused_for_the_answer(&passkey);
    let replayed = recorded.lock().expect("the recorder works").clone();
    assert!(replayed["secret"].is_string(), "{replayed}");
    office.proxy.change(SERVICE, move |_| replayed);
    office.is_refused_for_the_answer(&passkey);

    // Without him everything goes on.
    office.reset_pin(&[], NEXT_PIN);
    office.prompter.knows(NEXT_PIN);
    assert_eq!(office.use_passkey(), passkey);
}

trait Deceived {
    /// A policy that was changed on its way is refused with these words, and the one there is stays.
    fn is_unmoved(&mut self, words: &str);
    /// A reset is refused because of the answer, and has changed nothing.
    fn is_refused_for_the_answer(&mut self, passkey: &str);
}

impl Deceived for Office {
    fn is_unmoved(&mut self, words: &str) {
        let before = self.registration()["policy"].clone();
        let (code, said) = self.attempt(&["device", "refresh"], "").expect_err(words);
        assert!(code == 10 && said.contains(words), "{code} {said}");
        let after = self.registration();
        assert_eq!(after["policy"], before, "{words}");
        assert_eq!(after["recovery"]["fits"], true, "{words}: {after}");
    }

    fn is_refused_for_the_answer(&mut self, passkey: &str) {
        let (code, said) = self.try_reset_pin(&[], NEXT_PIN).expect_err("the answer is not the service's");
        assert!(code == 1 && said.contains("nothing has been changed"), "{code} {said}");
        assert!(self.opens(FIRST_PIN) && !self.opens(NEXT_PIN));
        assert_eq!(self.use_passkey(), passkey);
    }
}

/// A document with another value at a path.
fn with(mut document: Value, path: &[&str], value: Value) -> Value {
    let mut place = &mut document;
    for member in path {
        place = &mut place[*member];
    }
    *place = value;
    document
}
