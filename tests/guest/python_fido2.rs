//! python-fido2: the tests of `tests/python`, by its own carrier.

use std::path::PathBuf;
use std::process::Command;

use latchkey_tests::process::run_with_input;
use latchkey_tests::programs;

use crate::Client;
use crate::machine::Machine;

pub const CLIENT: Client = Client {
    name: "python-fido2",
    version: "sed -n 's/^fido2[^=]*==//p' tests/python/requirements.txt",
    exercised: "set the PIN; register and sign in, all options and extensions; list, rename, delete; framing; malformed requests",
    exercise,
};

/// Installs it, while there is a network.
pub fn install() {
    let installed = run_with_input(script("install"), "");
    assert!(installed.status.success(), "{}", String::from_utf8_lossy(&installed.stderr));
}

fn exercise(machine: &Machine) {
    machine.reset();
    let mut tests = script("run");
    tests.env("LATCHKEY_CTAPHID", machine.hidraw()).env("LATCHKEY_PROMPTER", machine.file("person"));
    let done = run_with_input(tests, "");
    machine.reset();
    machine.set_pin();
    let report = String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success() && report.contains("\nRan "), "{report}");
}

fn script(name: &str) -> Command {
    let mut command = Command::new(programs::checkout().join("tests/python").join(name));
    command.env("LATCHKEY_PYTHON_VENV", environment());
    command
}

fn environment() -> PathBuf {
    programs::target().join("python-fido2")
}
