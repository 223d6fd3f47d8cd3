//! An independent client: python-fido2 speaks CTAPHID over the socket and over UDP to the daemon on an emulated TPM.

use std::process::Command;

use latchkey_tests::daemon::{Daemon, Home};
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
    let options = ["--udp", &port, "--prompt-timeout", "5"];
    let _daemon = Daemon::start(&home, &prompter, &options, &folder.path().join("log"));
    let output = Command::new(programs::checkout().join("tests/python/run"))
        .env("LATCHKEY_CTAPHID", home.ctaphid())
        .env("LATCHKEY_PROMPTER", &person)
        .env("LATCHKEY_UDP_PORT", &port)
        .env("LATCHKEY_PROMPT_TIMEOUT", "5")
        .output()
        .expect("sh runs");
    let report = String::from_utf8_lossy(&output.stderr);
    println!("{report}");
    assert!(output.status.success(), "{}{report}", String::from_utf8_lossy(&output.stdout));
}
