//! An independent client: python-fido2 speaks CTAPHID over the socket and over UDP to the daemon on an emulated TPM.

use std::path::Path;
use std::process::Command;

use latchkey_tests::daemon::{Daemon, Home};
use latchkey_tests::fprintd::Fprintd;
use latchkey_tests::programs;
use latchkey_tests::prompter::Prompter;
use latchkey_tests::swtpm::Swtpm;

#[test]
fn python_fido2_finds_an_authenticator_that_keeps_to_the_standard() {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let swtpm = Swtpm::start(&folder.path().join("tpm"));
    let home = Home::below(folder.path(), &swtpm.tcti());
    let _created = home.json(&["container", "create"], "");
    let person = folder.path().join("person");
    let prompter = Prompter::new(&person, "123456");
    let port = programs::free_port().to_string();
    let sensor = folder.path().join("sensor");
    let biometric = format!("virtual:{}", sensor.display());
    let options = ["--udp", &port, "--prompt-timeout", "5", "--biometric", &biometric];
    let _daemon = Daemon::start(&home, &prompter, &options, &folder.path().join("log"));
    let mut tests = tests(&home, &person);
    tests.env("LATCHKEY_UDP_PORT", &port).env("LATCHKEY_SENSOR", &sensor).env("LATCHKEY_PROMPT_TIMEOUT", "5");
    succeed(tests);
}

#[test]
fn python_fido2_finds_a_security_key_that_speaks_u2f() {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let swtpm = Swtpm::start(&folder.path().join("tpm"));
    let home = Home::below(folder.path(), &swtpm.tcti());
    let _created = home.json(&["container", "create", "--profile", "security-key"], "");
    let person = folder.path().join("person");
    let prompter = Prompter::new(&person, PIN);
    let _daemon = Daemon::start(&home, &prompter, &[], &folder.path().join("log"));
    let mut tests = tests(&home, &person);
    tests.env("LATCHKEY_SUITE", "test_security_key");
    succeed(tests);
}

/// The same client enrols a finger on a real fprintd; only the reader is libfprint's virtual one.
#[test]
fn python_fido2_enrols_a_finger_on_fprintd() {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let fprintd = Fprintd::start(&folder.path().join("fprintd"));
    let mut home = Home::below(folder.path(), "software");
    home.environment = vec![("DBUS_SYSTEM_BUS_ADDRESS".into(), fprintd.bus())];
    let _created = home.json(&["container", "create"], "");
    let _set = home.json(&["pin", "set", "--pin-stdin"], PIN);
    let person = folder.path().join("person");
    let prompter = Prompter::new(&person, PIN);
    let _daemon = Daemon::start(&home, &prompter, &[], &folder.path().join("log"));
    let mut tests = tests(&home, &person);
    tests.env("LATCHKEY_SUITE", "test_fprintd").env("LATCHKEY_READER", fprintd.reader());
    succeed(tests);
}

/// The PIN of `tests/python/ceremonies.py`.
const PIN: &str = "493817";

fn tests(home: &Home, person: &Path) -> Command {
    let mut command = Command::new(programs::checkout().join("tests/python/run"));
    command.env("LATCHKEY_CTAPHID", home.ctaphid()).env("LATCHKEY_PROMPTER", person);
    command
}

fn succeed(mut tests: Command) {
    let output = tests.output().expect("sh runs");
    let report = String::from_utf8_lossy(&output.stderr);
    println!("{report}");
    assert!(output.status.success(), "{}{report}", String::from_utf8_lossy(&output.stdout));
}
