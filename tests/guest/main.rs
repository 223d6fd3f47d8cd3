//! The clients that people have, unmodified, on a real kernel: a guest with `/dev/uhid` and `/dev/tpmrm0` runs the daemon, and
//! they find a security key at `/dev/hidraw*`.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a broken expectation ends the test with the sentence that names it"
)]
#![allow(clippy::disallowed_methods, reason = "real clients take real time, and it is told")]

mod chromium;
mod cryptenroll;
mod ctap_hid_fido2;
mod firefox;
mod libfido2;
mod machine;
mod openssh;
mod pam_u2f;
mod python_fido2;
mod systemd;
#[path = "../clients/token.rs"]
mod token;
mod udev;
#[path = "../clients/webauthn_authenticator.rs"]
mod webauthn_authenticator;
mod webauthn_authenticator_rs;
mod website;

use std::env;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use latchkey_tests::guest;

use machine::Machine;

/// Emulation is slow, and other work may be beside it.
const LIMIT: Duration = Duration::from_mins(25);

/// The variable with the name of the one client to exercise, as for `./run vm --only=openssh`; else all are.
const ONLY: &str = "LATCHKEY_VM_ONLY";

/// A client, and how it is exercised.
struct Client {
    name: &'static str,
    /// A shell command that prints its version.
    version: &'static str,
    /// What is exercised, in the order in which it is.
    exercised: &'static str,
    exercise: fn(&Machine),
}

const CLIENTS: [Client; 11] = [
    udev::CLIENT,
    libfido2::CLIENT,
    openssh::CLIENT,
    pam_u2f::CLIENT,
    cryptenroll::CLIENT,
    ctap_hid_fido2::CLIENT,
    webauthn_authenticator_rs::CLIENT,
    python_fido2::CLIENT,
    systemd::CLIENT,
    firefox::CLIENT,
    chromium::CLIENT,
];

#[test]
fn every_client_works_on_a_real_kernel() {
    let program = env::current_exe().expect("a program knows its own path");
    python_fido2::install();
    let only = env::var(ONLY).unwrap_or_default();
    let words = ["--ignored", "--exact", "inside", "--nocapture"];
    let status = guest::run(&program, &words, &[(ONLY, &only)], LIMIT);
    assert_eq!(status, 0, "a client failed: see above");
}

#[test]
#[ignore = "runs in the guest, where the test above starts it"]
fn inside() {
    assert!(env::var_os(guest::INSIDE).is_some(), "this is not the guest: `./run vm` starts one");
    let machine = Machine::start();
    let only = env::var(ONLY).unwrap_or_default();
    let mut chosen =
        CLIENTS.iter().filter(|client| only.is_empty() || client.name.eq_ignore_ascii_case(&only)).peekable();
    assert!(chosen.peek().is_some(), "there is no client {only:?}");
    let failed: Vec<_> = chosen.filter(|client| !client.passes(&machine)).map(|client| client.name).collect();
    assert!(failed.is_empty(), "failed: {failed:?}");
}

impl Client {
    fn passes(&self, machine: &Machine) -> bool {
        let version = machine::shell(self.version);
        println!("{} {}: {}", self.name, version.trim(), self.exercised);
        let start = Instant::now();
        let passed = catch_unwind(AssertUnwindSafe(|| (self.exercise)(machine))).is_ok();
        if !passed {
            println!("the daemon says:\n{}", machine.log());
            // The next daemon's words are others. This client may have left the security key unplugged.
            machine.replug();
        }
        println!(
            "{} {} in {:.1} s",
            self.name,
            if passed { "passed" } else { "FAILED" },
            start.elapsed().as_secs_f64()
        );
        passed
    }
}
