//! The conformance runner against our own authenticator and website: what it says, and that it does not say yes to everything.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use latchkey_tests::programs;
use serde_json::Value;

/// `conformance/authenticator.sh` with these arguments; the programs are the ones that were built for the tests.
fn run(arguments: &[&str]) -> Output {
    script("authenticator.sh", arguments)
}

fn script(name: &str, arguments: &[&str]) -> Output {
    let programs = programs::built("latchkey-conformance");
    Command::new(programs::checkout().join("conformance").join(name))
        .env("LATCHKEY_PROGRAMS", programs.parent().expect("programs lie in a folder"))
        .args(arguments)
        .output()
        .expect("sh runs")
}

/// The line of JSON that a run printed.
fn line(output: &Output) -> Value {
    let text = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}{errors}"))
}

#[test]
fn our_authenticator_keeps_to_the_standard_and_the_report_says_so() {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let out = folder.path().to_str().expect("its name is text");
    let areas = ["get-info/*", "hid/*", "encoding/*", "claim/*", "make-credential/type/*", "selection/*"];
    let only: Vec<&str> = areas.iter().flat_map(|area| ["--only", area]).collect();
    let output = run(&[&["--json", "--out", out], only.as_slice()].concat());
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    let summary = line(&output);
    assert_eq!(summary["unexpected"], 0, "{errors}");
    assert!(summary["passed"].as_u64() >= Some(250), "{summary}");

    let report: Value = serde_json::from_str(&read(folder.path(), "report.json")).expect("it is JSON");
    let entries = report["entries"].as_array().expect("it lists the cases");
    assert_eq!(summary["cases"], entries.len());
    let refused = entries.iter().find(|entry| entry["id"] == "make-credential/type/rp.id-as-integer");
    let exchange = &refused.expect("the case was played")["exchanges"][0];
    assert!(
        exchange["answer"].as_str().is_some_and(|answer| answer.starts_with("CBOR_UNEXPECTED_TYPE (0x11)"))
    );
    let page = read(folder.path(), "report.html");
    assert!(page.contains("make-credential/type/rp.id-as-integer") && page.contains("§6.1.1"), "{page}");
    assert!(read(folder.path(), "junit.xml").contains("failures=\"0\""));
}

#[test]
fn what_is_claimed_or_excepted_wrongly_is_unexpected() {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let claims = folder.path().join("claims.toml");
    fs::write(&claims, "extensions = [\"teleport\"]").expect("the claims can be written");
    let claims = claims.to_str().expect("its name is text");
    let exceptions = folder.path().join("exceptions.toml");
    let exception =
        "[[exception]]\ncase = \"hid/ping/1\"\nclause = \"11.2.9.1.4\"\nreason = \"none, it passes\"\n";
    fs::write(&exceptions, exception).expect("the exceptions can be written");
    let exceptions = exceptions.to_str().expect("its name is text");
    for (arguments, case) in [
        (["--only", "claim/*", "--profile", claims], "claim/extension/teleport"),
        (["--only", "hid/ping/*", "--expectations", exceptions], "hid/ping/1"),
    ] {
        let output = run(&[&["--json"], arguments.as_slice()].concat());
        let errors = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{errors}");
        assert_eq!(line(&output)["unexpected"], 1, "{errors}");
        assert!(errors.contains(&format!("unexpected: {case}")), "{errors}");
    }
}

#[test]
fn our_website_keeps_to_the_standard_and_a_server_that_accepts_too_much_is_found() {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let out = folder.path().to_str().expect("its name is text");
    let output = script("server.sh", &["--json", "--out", out]);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    let summary = line(&output);
    assert_eq!((&summary["suite"], &summary["unexpected"]), (&"server".into(), &0.into()), "{errors}");
    assert!(summary["passed"].as_u64() >= Some(170), "{summary}");
    assert!(read(folder.path(), "report.html").contains("WebAuthn Level 3 §7.1"));

    // Without its exceptions the run says what the site accepts or refuses otherwise than the standard has it.
    let none = folder.path().join("none.toml");
    fs::write(&none, "").expect("the file can be written");
    let output = script("server.sh", &["--json", "--expectations", none.to_str().expect("its name is text")]);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{errors}");
    assert_eq!(line(&output)["unexpected"], summary["expected_failures"], "{errors}");
    assert!(errors.contains("unexpected: registration/none/packed-statement"), "{errors}");

    // A code that means something else is no right refusal.
    let codes = folder.path().join("codes.toml");
    fs::write(&codes, "origin = [\"wrong-type\"]").expect("the file can be written");
    let codes = codes.to_str().expect("its name is text");
    let only = ["--only", "assertion/client-data/origin/other-host", "--only", "assertion/valid"];
    let output = script("server.sh", &[["--json", "--codes", codes].as_slice(), &only].concat());
    let summary = line(&output);
    assert_eq!((&summary["passed"], &summary["unexpected"]), (&1.into(), &1.into()), "{summary}");
}

fn read(folder: &Path, name: &str) -> String {
    fs::read_to_string(folder.join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}
