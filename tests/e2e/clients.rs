//! Libraries of others on the daemon's socket, where they let somebody else carry the reports.

use std::path::Path;
use std::process::Command;

use latchkey_tests::daemon::{Daemon, Home};
use latchkey_tests::process::run_with_input;
use latchkey_tests::programs;
use latchkey_tests::prompter::Prompter;
use latchkey_tests::swtpm::Swtpm;

use crate::token::Reports;
use crate::webauthn_authenticator;

const PIN: &str = "river-otter-5";

#[test]
fn libraries_that_take_a_transport_work_over_the_socket() {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let swtpm = Swtpm::start(&folder.path().join("tpm"));
    let home = Home::below(folder.path(), &swtpm.tcti());
    let _created = home.json(&["container", "create"], "");
    let _set = home.json(&["pin", "set", "--pin-stdin"], &format!("{PIN}\n"));
    let prompter = Prompter::new(&folder.path().join("person"), PIN);
    let _daemon = Daemon::start(&home, &prompter, &[], &folder.path().join("log"));
    libfido2(folder.path(), &home);
    webauthn_authenticator::exercise(Reports::over_socket(&home.ctaphid()), PIN);
}

fn libfido2(folder: &Path, home: &Home) {
    let program = folder.join("libfido2");
    let mut compiler = Command::new("cc");
    compiler.args(["-std=c11", "-D_GNU_SOURCE", "-Wall", "-Wextra", "-Werror", "-o"]).arg(&program);
    compiler.arg(programs::checkout().join("tests/clients/libfido2.c")).arg("-lfido2");
    succeed(compiler);
    let mut client = Command::new(&program);
    client.arg(home.ctaphid()).arg(PIN);
    succeed(client);
}

fn succeed(command: Command) {
    let name = format!("{command:?}");
    let output = run_with_input(command, "");
    assert!(output.status.success(), "{name}: {}", String::from_utf8_lossy(&output.stderr));
}
