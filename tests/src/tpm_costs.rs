//! What each step of a device's life at an organisation costs its TPM, counted between the real daemon and an emulated TPM,
//! beside the ceilings of `container.md`, "Operations and their cost in TPM commands". Where a step is several operations,
//! its ceiling is the sum of theirs.

use std::path::Path;
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

use crate::control::ask;
use crate::daemon::Home;
use crate::office::{FIRST_PIN, NEXT_PIN, Office, Protection};
use crate::organisation::Organisation;
use crate::virtual_sensor::present;

const GRAPH: &str = "00000002-0000-0000-c000-000000000000";
const WRONG_PIN: &str = "000000";
const FINGER: &str = "finger 1";
/// How often a finger is presented until it is learnt, and how long the sensor takes for one.
const STAGES: (usize, Duration) = (3, Duration::from_millis(100));

/// How long the daemon may take to end.
const PATIENCE: Duration = Duration::from_secs(10);

const SET_PIN: usize = 9;
const UNLOCK: usize = 6;
const READ_COUNT: usize = 1;
const WRONG: usize = 3;
const COLD: usize = 3;
const HOT: usize = 1;
const CREATE: usize = 1;
/// `authenticator/DESIGN.md`; the table does not have it.
const REARM: usize = 6;
/// With the attestation key loaded.
const CREATE_ATTESTED: usize = 4;
const ADD_BIOMETRIC: usize = 1;
const RESET: usize = 14;
const PROTECTOR: usize = 2;

/// One step.
#[derive(Clone, Debug)]
pub struct Cost {
    /// What it is.
    pub step: &'static str,
    /// The commands that it took, in order.
    pub commands: Vec<&'static str>,
    /// How many the design allows; nothing where it says nothing.
    pub ceiling: Option<usize>,
}

impl Cost {
    /// Whether it took more than the design allows.
    #[must_use]
    pub fn is_above(&self) -> bool {
        self.ceiling.is_some_and(|ceiling| self.commands.len() > ceiling)
    }
}

/// Takes a device through all of it.
///
/// # Panics
/// When a step fails.
#[must_use]
pub fn measure() -> Vec<Cost> {
    let mut count = Count { office: Office::with(Protection::WatchedTpm), costs: Vec::new() };
    count.pin();
    count.membership();
    count.sign_in();
    count.forgotten_pin();
    count.finger();
    count.costs
}

struct Count {
    office: Office,
    costs: Vec<Cost>,
}

impl Count {
    /// Notes what `work` costs.
    fn step(&mut self, step: &'static str, ceiling: Option<usize>, work: impl FnOnce(&mut Office)) {
        let _before = self.taken();
        work(&mut self.office);
        let commands = self.taken();
        self.costs.push(Cost { step, commands, ceiling });
    }

    fn taken(&self) -> Vec<&'static str> {
        let proxy = self.office.tpm.as_ref().expect("a TPM that is watched");
        proxy.take_log().iter().map(|record| record.name).collect()
    }

    fn pin(&mut self) {
        self.step("set the first PIN", Some(SET_PIN), |office| {
            ask(&office.home, &json!({ "set_pin": { "new": FIRST_PIN } })).expect("it is set");
        });
        // The first protected use after a boot is answered with TPM_RC_RETRY once, which the ceilings do not count.
        unlock(&self.office.home, FIRST_PIN);
        self.step("unlock by PIN", Some(UNLOCK), |office| unlock(&office.home, FIRST_PIN));
        self.step("wrong PIN, and the tries that are left", Some(WRONG + READ_COUNT), |office| {
            ask(&office.home, &opening(WRONG_PIN)).expect_err("it is wrong");
        });
    }

    fn membership(&mut self) {
        self.step("join: three keys, certificate, attestation", None, |office| {
            let url = office.place.url.clone();
            drop(office.latchkey(&["device", "join", "--idp", &url, "--no-browser", "--no-provision"], ""));
        });
        self.certify();
        self.step("enable reset: unlock, and the first protector", Some(UNLOCK + PROTECTOR), |office| {
            unlock(&office.home, FIRST_PIN);
        });
        let looked = ask(&self.office.home, &json!({ "enterprise": { "look": {} } })).expect("it looks");
        let at = looked["enterprise"]["compartments"][0]["at"].clone();
        // As `latchkey device provision` does: with the device key, which stays loaded, the policy is asked for first.
        drop(self.office.latchkey(&["device", "refresh"], ""));
        let attested = Some(CREATE_ATTESTED + COLD);
        self.step("provision: attested key, signed request", attested, |office| {
            let audience = format!("{}/EnrollmentServer/key/", office.place.url);
            let wanted = json!({ "build_key": { "at": at, "nonce": "nonce", "audience": audience } });
            ask(&office.home, &json!({ "enterprise": wanted })).expect("a key");
        });
        self.office.wait_for_hours();
        self.step("provision: the whole command, with that key", None, |office| {
            let provision = ["device", "provision", "--no-browser", "--pin-stdin"];
            drop(office.latchkey(&provision, &format!("{FIRST_PIN}\n")));
        });
    }

    /// The join has two statements made, one after the other: what lies between them is what one costs.
    fn certify(&mut self) {
        let join = &self.costs.last().expect("it has joined").commands;
        let mut statements = (0..join.len()).filter(|at| join[*at] == "Certify");
        let (first, second) = statements.next().zip(statements.next()).expect("a TPM attests");
        let commands = join[first + 1..=second].to_vec();
        let ceiling = Some(CREATE_ATTESTED - CREATE);
        self.costs.push(Cost { step: "certify, attestation key loaded", commands, ceiling });
    }

    fn sign_in(&mut self) {
        for step in ["sign in: unlock, two signatures, session key", "sign in again"] {
            self.step(step, Some(UNLOCK + 3 * COLD), |office| drop(office.sign_in(FIRST_PIN)));
        }
        self.step("token by primary token", Some(HOT), token);
        let passkey = self.office.register("ann");
        assert_eq!(self.office.use_passkey(), passkey);
        self.step("the same after a passkey was used", Some(COLD), token);
    }

    fn forgotten_pin(&mut self) {
        self.office.wait_for_hours();
        self.step("PIN reset: signed request, reset", Some(COLD + RESET), |office| {
            drop(office.reset_pin(&[], NEXT_PIN));
        });
        self.office.prompter.knows(NEXT_PIN);
        let (other, home) = (Organisation::new(), self.office.home.clone());
        let at = other.join(&home).expect("it joins another tenant");
        other.offer_recovery(&home, &at).expect("it takes the service's key");
        unlock(&home, NEXT_PIN);
        let users = ["bea", "cyd", "dan"].map(|user| self.office.register(user));
        assert_eq!(users.len(), 3, "so many records more are to be sealed anew");
        let another = Some(COLD + RESET + PROTECTOR);
        self.step("the same, three passkeys and a tenant more", another, |office| {
            other.reset_pin(&office.home, &at, FIRST_PIN).expect("it is reset");
        });
        self.office.prompter.knows(FIRST_PIN);
        self.step("rearm: signed request, count set to zero", Some(COLD + REARM), |office| {
            other.rearm_pin(&office.home, &at).expect("it is rearmed");
        });
    }

    /// In order, so that nothing stays loaded in the TPM.
    fn restart(&mut self, sensor: &str) {
        self.office.daemon.process.stop();
        self.office.daemon.process.wait(PATIENCE);
        self.office.restart_daemon_with(&["--biometric", sensor]);
    }

    fn finger(&mut self) {
        let sensor = self.office.home.runtime.join("sensor");
        let option = format!("virtual:{}", sensor.display());
        self.restart(&option);
        enrol(&self.office.home, &sensor);
        self.restart(&option);
        // An index is looked up once a connection, which the ceilings do not count.
        let _known = ask(&self.office.home, &json!({ "status": {} })).expect("it answers");
        let boot = Some(UNLOCK + ADD_BIOMETRIC);
        self.step("boot seal: unlock, and the finger's protector", boot, |office| {
            unlock(&office.home, FIRST_PIN);
        });
        self.step("unlock by finger", Some(UNLOCK), |office| {
            office.prompter.next("hold");
            let home = office.home.clone();
            let opened = thread::spawn(move || ask(&home, &json!({ "open_session": { "pin": null } })));
            present(&sensor, FINGER);
            opened.join().expect("it ends").expect("the finger opens the container");
        });
    }
}

/// Opens the session with the PIN.
///
/// # Panics
/// When it does not open.
pub fn unlock(home: &Home, pin: &str) {
    ask(home, &opening(pin)).expect("the PIN opens the container");
}

/// Gets a token of the directory.
pub fn token(office: &mut Office) {
    let token = office.latchkey(&["token", "--resource", GRAPH], "");
    assert!(token["access_token"].is_string(), "{token}");
}

fn opening(pin: &str) -> Value {
    json!({ "open_session": { "pin": pin } })
}

fn enrol(home: &Home, sensor: &Path) {
    let home = home.clone();
    let enrolled =
        thread::spawn(move || home.json(&["biometric", "enrol", "--pin-stdin"], &format!("{FIRST_PIN}\n")));
    for _stage in 0..STAGES.0 {
        present(sensor, FINGER);
        thread::sleep(STAGES.1);
    }
    let _learnt = enrolled.join().expect("the finger is learnt");
}
