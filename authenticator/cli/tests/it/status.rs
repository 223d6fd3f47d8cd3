//! `latchkey status`, `dsregcmd` and `policy explain`, before this machine is registered anywhere.

use std::fs;
use std::os::unix::fs::symlink;
use std::process::Command;

use latchkey_tests::process::run_with_input;
use serde_json::Value;

use crate::world::{World, code, stderr};

const RULE: &str = "+----------------------------------------------------------------------+";

#[test]
fn a_machine_without_a_container_has_a_report() {
    let world = World::software();
    let output = world.run(&["dsregcmd", "/status"], "");
    let text = String::from_utf8(output.stdout.clone()).unwrap();
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    assert!(text.starts_with(&format!("{RULE}\n| Device State ")), "{text}");
    assert!(text.contains("\n             AzureAdJoined : NO\n"), "{text}");
    assert!(text.contains("\n              PreReqResult : WillNotProvision\n"), "{text}");
    assert!(text.ends_with(&format!("{RULE}\n")), "{text}");
}

#[test]
fn the_program_is_dsregcmd_when_it_is_called_so() {
    let world = World::with_container();
    let link = world.folder.path().join("dsregcmd");
    symlink(env!("CARGO_BIN_EXE_latchkey"), &link).unwrap();
    let called = |switches: &[&str]| {
        let mut command = Command::new(&link);
        command.env("LATCHKEY_DIR", &world.home.data).env("LATCHKEY_RUNTIME_DIR", &world.home.runtime);
        command.env("LATCHKEY_TPM", "software").args(switches);
        run_with_input(command, "")
    };
    let report = called(&["/Status", "/verbose"]);
    assert_eq!(code(&report), 0, "{}", stderr(&report));
    assert_eq!(report.stdout, world.run(&["dsregcmd", "--status"], "").stdout);
    for switches in [&["/join"][..], &[], &["/verbose"]] {
        let refused = called(switches);
        assert_eq!(code(&refused), 2, "{switches:?}");
        assert!(stderr(&refused).contains("/status"), "{}", stderr(&refused));
    }
}

#[test]
fn status_shows_the_container_and_all_registrations() {
    let world = World::with_container();
    let (done, told) = world.json(&["status"], "");
    assert_eq!(done, 0);
    assert_eq!(told["status"]["passkeys"], 0, "{told}");
    assert_eq!(told["devices"], Value::Array(Vec::new()), "{told}");
}

#[test]
fn a_policy_is_explained_and_a_wrong_one_refused() {
    let world = World::software();
    let file = world.folder.path().join("policy.toml");
    let explain = |text: &str| {
        fs::write(&file, text).unwrap();
        let mut command = world.home.latchkey();
        command.env("LATCHKEY_POLICY", &file).args(["policy", "explain", "--json"]);
        run_with_input(command, "")
    };
    let output = explain("[AllTenants.PINComplexity]\nMinimumPINLength = 8\n");
    let told: Value = serde_json::from_slice(&output.stdout).unwrap();
    let settings = told["settings"].as_array().unwrap();
    let minimum = settings.iter().find(|it| it["name"] == "PINComplexity.MinimumPINLength").unwrap();
    assert_eq!(minimum["value"], "8", "{told}");
    assert_eq!(minimum["source"]["file"], file.to_str().unwrap(), "{told}");
    let output = explain("[Tenant.\"{72f988bf-86f1-41af-91ab-2d7cd011db47}\"]\nEnablePinRecovery = true\n");
    assert_eq!(code(&output), 7);
    assert!(String::from_utf8_lossy(&output.stdout).contains("without braces"));
}
