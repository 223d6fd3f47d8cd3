//! The program on an emulated TPM.

use std::time::Duration;

use latchkey_tests::native_host::NativeHost;
use latchkey_tests::swtpm::Swtpm;
use serde_json::json;

use crate::world::{PIN, World, code, stderr};

fn tpm(world: &World, name: &str) -> Swtpm {
    let state = world.folder.path().join(name);
    std::fs::create_dir_all(&state).unwrap();
    Swtpm::start(&state)
}

fn world_on_tpm() -> (World, Swtpm) {
    let mut world = World::software();
    let tpm = tpm(&world, "tpm");
    world.home.tpm = tpm.tcti();
    (world, tpm)
}

#[test]
fn a_container_lives_in_the_tpm() {
    let (world, _tpm) = world_on_tpm();
    let mut daemon = world.up(&["--require-tpm"]);
    let (exit, answer) = world.json(&["container", "create"], "");
    assert_eq!((exit, &answer["created"]["class"]), (0, &json!("virtual")), "{answer}");
    assert_eq!(answer["created"]["lockout"]["locked"], false);
    assert_eq!(world.json(&["pin", "set", "--pin-stdin"], PIN).0, 0);
    let mut host = NativeHost::start(&world.home);
    let created = host.create("http://localhost:8080", "alice").unwrap();
    assert_eq!(host.get("http://localhost:8080").unwrap()["id"], created["id"]);
    for tries_left in (1..8).rev() {
        let (exit, answer) = world.json(&["passkeys", "list", "--pin-stdin"], "wrong\n");
        assert_eq!((exit, &answer["error"]["tries_left"]), (4, &json!(tries_left)));
        // Three in a row: this daemon tries no PIN any more, not even the right one.
        if tries_left % 3 == 2 {
            let (exit, answer) = world.json(&["passkeys", "list", "--pin-stdin"], PIN);
            assert_eq!((exit, &answer["error"]["kind"]), (5, &json!("pin_blocked")), "{answer}");
            assert!(answer["error"]["message"].as_str().unwrap().contains("restart"), "{answer}");
            daemon.process.stop();
            daemon.process.wait(Duration::from_secs(10));
            daemon = world.up(&["--require-tpm"]);
        }
    }
    for pin in ["wrong\n", PIN] {
        let (exit, answer) = world.json(&["passkeys", "list", "--pin-stdin"], pin);
        assert_eq!((exit, &answer["error"]["kind"]), (5, &json!("pin_blocked")), "{answer}");
    }
    let (_, answer) = world.json(&["status"], "");
    assert_eq!(answer["status"]["pin"]["tries_left"], 0);
    assert_eq!(answer["status"]["lockout"]["failures"], 0, "the machine's own counter is not touched");
    assert_eq!(world.json(&["container", "destroy", "--yes"], "").1["destroyed"]["passkeys"], 1);
    assert_eq!(world.json(&["container", "create"], "").0, 0, "both slots are free again");
    drop(daemon);
}

#[test]
fn a_tpm_that_dies_is_named_and_comes_back() {
    let (world, mut tpm) = world_on_tpm();
    assert_eq!(world.json(&["container", "create"], "").0, 0);
    assert_eq!(world.json(&["pin", "set", "--pin-stdin"], PIN).0, 0);
    let _daemon = world.up(&[]);
    assert_eq!(world.json(&["passkeys", "list", "--pin-stdin"], PIN).0, 0);
    tpm.kill();
    let (exit, answer) = world.json(&["passkeys", "list", "--pin-stdin"], PIN);
    assert_eq!((exit, &answer["error"]["kind"]), (6, &json!("tpm")), "{answer}");
    let mut host = NativeHost::start(&world.home);
    assert!(host.create("http://localhost:8080", "alice").is_err());
    tpm.restart();
    let (exit, answer) = world.json(&["passkeys", "list", "--pin-stdin"], PIN);
    assert_eq!((exit, &answer), (0, &json!({"passkeys": []})), "the same daemon goes on");
    host.create("http://localhost:8080", "alice").unwrap();
}

#[test]
fn the_container_of_another_tpm_is_named_and_can_be_given_up() {
    let (mut world, first) = world_on_tpm();
    assert_eq!(world.json(&["container", "create"], "").0, 0);
    drop(first);
    let output = world.run(&["container", "destroy", "--yes"], "");
    assert_eq!(code(&output), 6, "a TPM that is away is no reason to give up: {}", stderr(&output));
    let second = tpm(&world, "another-tpm");
    world.home.tpm = second.tcti();
    let output = world.run(&["up"], "");
    assert_eq!(code(&output), 6);
    assert!(stderr(&output).contains("made with another TPM"), "{}", stderr(&output));
    assert_eq!(world.json(&["status"], "").0, 6);
    let (exit, answer) = world.json(&["container", "destroy", "--yes"], "");
    assert_eq!((exit, &answer), (0, &json!({"destroyed": {"id": null, "passkeys": null}})));
    assert_eq!(world.json(&["container", "create"], "").0, 0);
}
