//! Two organisations and a person's own passkeys in one container. The second organisation is reached over https with a CA of
//! its own, from a machine without a browser.

use std::fs;
use std::path::Path;

use latchkey_tests::employee::Employee;
use latchkey_tests::idp::{Idp, IdpPlace};
use latchkey_tests::organisation::Organisation;
use latchkey_tests::people;
use latchkey_tests::programs::free_port;
use latchkey_tests::sql;
use serde_json::Value;

use super::office::{FIRST_PIN, Office, attempt};

/// The second organisation, and its user.
struct Second {
    idp: Idp,
    employee: Employee,
    ca: String,
    folder: std::path::PathBuf,
}

impl Second {
    fn open(office: &Office) -> Self {
        let folder = office.file("second");
        fs::create_dir(&folder).expect("a folder can be made");
        let port = free_port();
        let place = IdpPlace::init(&folder, port);
        let population = people::settle(&place, 1);
        place.change_policy(&["enable_pin_recovery=true"]);
        let idp = Idp::start_uncounted(&place, port, &office.file("log"));
        let mut employee = Employee::new(&population.people.app, &population.people.password);
        employee.pass = Some(place.access_pass(&employee.name));
        employee.ca = Some(place.ca());
        Self { idp, employee, ca: place.ca().to_string_lossy().into_owned(), folder }
    }

    fn tenant(&self) -> &str {
        &self.idp.place.tenant
    }

    /// Joins with a code that is typed in a browser elsewhere.
    fn join(&mut self, office: &Office, options: &[&str]) -> Result<Value, (i32, String)> {
        let url = self.idp.place.url.clone();
        let join = ["device", "join", "--idp", &url, "--device-code", "--pin-stdin"];
        attempt(&office.home, &mut self.employee, &[&join, options].concat(), &format!("{FIRST_PIN}\n"))
    }
}

#[test]
fn two_organisations_know_nothing_of_each_other_and_one_leaves() {
    let mut office = Office::joined();
    let passkey = office.register("ann");
    let mut second = Second::open(&office);
    refuse_other_authorities(&office, &mut second);
    let ca = second.ca.clone();
    let joined = second.join(&office, &["--ca", &ca]).expect("joined");
    assert!(joined["device"]["key"]["kid"].is_string(), "{joined}");

    // Which one is meant must be said, and each signs in by itself.
    let pin = format!("{FIRST_PIN}\n");
    let (code, said) = office.attempt(&["signin", "--pin-stdin"], &pin).expect_err("there are two");
    assert!(code == 2 && said.contains("--tenant"), "{code} {said}");
    let first = office.place.tenant.clone();
    for tenant in [first.as_str(), second.tenant()] {
        let signed_in = office.latchkey(&["signin", "--pin-stdin", "--tenant", tenant], &pin);
        assert_eq!(signed_in["device"]["tenant"], tenant);
        let token = office.latchkey(&["token", "--resource", GRAPH, "--tenant", tenant], "");
        assert!(token["access_token"].is_string(), "{token}");
    }
    share_nothing(&mut office, &second, &passkey);
    leave_offline(&mut office, &mut second);

    assert_eq!(office.use_passkey(), passkey, "passkeys stay");
    let remaining = office.latchkey(&["device", "status"], "");
    assert_eq!(remaining["devices"].as_array().map(Vec::len), Some(1), "{remaining}");
    let signed_in = office.sign_in(FIRST_PIN);
    assert_eq!(signed_in["device"]["tenant"], first.as_str(), "there is only one again");
}

/// Without its CA, with another one, or with a file that is none, nothing is sent to the provider.
fn refuse_other_authorities(office: &Office, second: &mut Second) {
    let [other, none] = ["other.pem", "none.pem"].map(|name| office.file(name));
    let anchor = Organisation::new().anchor();
    fs::write(&other, format!("-----BEGIN CERTIFICATE-----\n{anchor}\n-----END CERTIFICATE-----\n"))
        .expect("a file");
    fs::write(&none, "no certificate").expect("a file");
    let text = |path: &Path| path.to_string_lossy().into_owned();
    for (options, expected) in
        [(vec![], 11), (vec!["--ca".to_owned(), text(&other)], 11), (vec!["--ca".to_owned(), text(&none)], 2)]
    {
        let options: Vec<&str> = options.iter().map(String::as_str).collect();
        let (code, said) = second.join(office, &options).expect_err("its certificate is not believed");
        assert_eq!(code, expected, "{options:?}: {said}");
    }
    assert_eq!(sql::number(second.idp.place.database(), "SELECT COUNT(*) FROM devices"), 0);
}

/// What one provider has is nowhere in the other's database, and the passkey in neither.
fn share_nothing(office: &mut Office, second: &Second, passkey: &str) {
    let status = office.latchkey(&["device", "status"], "");
    let devices = status["devices"].as_array().expect("a list");
    assert_eq!(devices.len(), 2, "{status}");
    let folders = [office.file(""), second.folder.clone()];
    for (n, device) in devices.iter().enumerate() {
        let [own, other] = if n == 0 { [&folders[0], &folders[1]] } else { [&folders[1], &folders[0]] };
        for known in [&device["device"]["id"], &device["key"]["kid"]] {
            let known = known.as_str().expect("a name");
            assert!(rows(own, known.as_bytes()) > 0, "its own provider has {known}");
            assert_eq!(rows(other, known.as_bytes()), 0, "the other one has {known}");
        }
    }
    let [one, two] = [&devices[0], &devices[1]];
    for member in ["/device/certificate", "/device/attestation_certificate", "/key/id", "/recovery/kid"] {
        let (one, two) = (one.pointer(member), two.pointer(member));
        assert!(one.is_some_and(Value::is_string) && one != two, "{member}: {one:?} {two:?}");
    }
    assert!(folders.iter().all(|folder| rows(folder, passkey.as_bytes()) == 0));
}

/// How often a text occurs in a provider's database.
fn rows(folder: &Path, text: &[u8]) -> usize {
    let files = ["idp.db", "idp.db-wal"].map(|name| fs::read(folder.join(name)).unwrap_or_default());
    files.iter().map(|file| file.windows(text.len()).filter(|window| *window == text).count()).sum()
}

/// The provider is gone for good: leaving it says so, and with `--offline` deletes what is here.
fn leave_offline(office: &mut Office, second: &mut Second) {
    let tenant = second.tenant().to_owned();
    second.idp.process.stop();
    let leave = ["device", "leave", "--yes", "--tenant", &tenant];
    let (code, said) = office.attempt(&leave, "").expect_err("the provider is away");
    assert_eq!(code, 11, "{said}");
    let status = office.latchkey(&["device", "status"], "");
    assert_eq!(status["devices"].as_array().map(Vec::len), Some(2), "nothing was deleted: {status}");
    let left = office.latchkey(&[&leave[..], &["--offline"]].concat(), "");
    assert_eq!(left["left"], tenant.as_str());
}

/// The App ID of a provider's own API.
const GRAPH: &str = "00000002-0000-0000-c000-000000000000";
