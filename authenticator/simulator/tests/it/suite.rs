//! python-fido2's own device tests run on the simulator, with nobody there.

use std::process::Command;

use latchkey_tests::programs;

use crate::rig::Simulator;

/// Both profiles at once: most of the time is the suite's own waiting.
#[test]
fn python_fido2s_device_tests_run_unattended() {
    std::thread::scope(|scope| {
        for profile in ["hello", "security-key"] {
            scope.spawn(move || run(profile));
        }
    });
}

fn run(profile: &str) {
    let simulator = Simulator::start(&["--profile", profile, "--pin", "a1b2c3d4"]);
    let output = Command::new(programs::checkout().join("tests/python/device_suite/run"))
        .env("LATCHKEY_CTAPHID", simulator.socket())
        .env("LATCHKEY_CONTROL", simulator.control())
        .output()
        .expect("sh runs");
    let report = String::from_utf8_lossy(&output.stdout);
    println!("{profile}: {report}");
    assert!(output.status.success(), "{profile}: {report}{}", String::from_utf8_lossy(&output.stderr));
}
