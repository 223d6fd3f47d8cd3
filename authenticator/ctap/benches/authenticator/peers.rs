//! The authenticators of others, measured in the same run by a program of their own (`benches/peers`).

use std::process::Command;

use latchkey_tests::figures::{Row, Table, progress};
use latchkey_tests::programs;
use serde_json::Value;

use crate::software::Rates;

/// Puts ours beside each. Ours checks a token and opens a sealed record; theirs do neither.
pub fn measure(table: &Table, ours: &Rates) {
    let program = programs::target().join("release/peers");
    if !program.is_file() {
        progress(
            "the peers are not built, so nothing is measured beside them: ./run bench authenticator builds them",
        );
        return;
    }
    let output = Command::new(program).output().expect("the peers can be started");
    assert!(output.status.success(), "the peers failed: {}", String::from_utf8_lossy(&output.stderr));
    for line in String::from_utf8_lossy(&output.stdout).lines() {
        table.row(&row(&serde_json::from_str(line).expect("the peers print JSON"), ours));
    }
}

fn row(figure: &Value, ours: &Rates) -> Row {
    let text = |name: &str| figure[name].as_str().expect("the figure says what it is");
    let theirs = figure["per_second"].as_f64().expect("a figure is a number");
    let peer = text("peer");
    match text("operation") {
        "getAssertion" => Row::alone("getAssertion a second, in memory", ours.assertions, "1/s")
            .against(peer, theirs)
            .at_least(1.0),
        "makeCredential" if text("attestation") == "none" => {
            Row::alone("makeCredential a second, no attestation", ours.unattested, "1/s")
                .against(peer, theirs)
        }
        "makeCredential" => {
            Row::alone("makeCredential a second, self attestation", ours.registrations, "1/s")
                .against(format!("{peer} ({})", text("attestation")), theirs)
        }
        other => panic!("the peers measured {other}"),
    }
}
