//! The commands, carried out by the program itself and by the daemon: the same answers and exit codes.

use serde_json::{Value, json};

use crate::world::{PIN, World, code, stderr};

/// One life of a container; every step with its exit code and what `--json` says.
fn life(world: &World) {
    let (exit, answer) = world.json(&["container", "status"], "");
    assert_eq!((exit, &answer["error"]["kind"]), (3, &json!("no_container")));
    for arguments in [vec!["pin", "set", "--pin-stdin"], vec!["passkeys", "list", "--pin-stdin"]] {
        assert_eq!(world.json(&arguments, PIN).0, 3, "{arguments:?}");
    }

    let (exit, answer) = world.json(&["container", "create"], "");
    assert_eq!(exit, 0, "{answer}");
    let created = &answer["created"];
    assert_eq!(created["class"], "software");
    assert_eq!(created["pin"], Value::Null);
    assert_eq!(created["passkeys"], 0);
    let (exit, answer) = world.json(&["container", "create"], "");
    assert_eq!((exit, &answer["error"]["kind"]), (1, &json!("refused")));

    let (exit, answer) = world.json(&["pin", "change", "--pin-stdin"], "123456\n654321\n");
    assert_eq!((exit, &answer["error"]["kind"]), (1, &json!("refused")));
    let (exit, answer) = world.json(&["pin", "set", "--pin-stdin"], "12345\n");
    assert_eq!(exit, 1, "the software provider wants six characters");
    assert!(answer["error"]["message"].as_str().unwrap().contains("at least 6"));
    let (exit, answer) = world.json(&["pin", "set", "--pin-stdin"], &format!("{PIN}\n"));
    assert_eq!((exit, &answer), (0, &json!({"pin": "set"})));
    assert_eq!(world.json(&["pin", "set", "--pin-stdin"], "other-pin\n").0, 1);

    let (exit, answer) = world.json(&["passkeys", "list", "--pin-stdin"], "wrong-pin\n");
    assert_eq!(exit, 4);
    assert_eq!((&answer["error"]["kind"], &answer["error"]["tries_left"]), (&json!("wrong_pin"), &json!(7)));
    let (_, answer) = world.json(&["status"], "");
    assert_eq!(answer["status"]["pin"], json!({"tries_left": 7, "limit": 8}));

    let (exit, answer) = world.json(&["pin", "change", "--pin-stdin"], &format!("{PIN}\nnew-pin\n"));
    assert_eq!((exit, &answer), (0, &json!({"pin": "changed"})));
    let (exit, answer) = world.json(&["passkeys", "list", "--pin-stdin"], "new-pin\n");
    assert_eq!((exit, &answer), (0, &json!({"passkeys": []})));
    let (exit, answer) = world.json(&["passkeys", "delete", "AAAAAAAA", "--pin-stdin"], "new-pin\n");
    assert_eq!((exit, &answer["error"]["kind"]), (1, &json!("refused")));

    let output = world.run(&["container", "destroy"], "");
    assert_eq!(code(&output), 2);
    assert!(stderr(&output).contains("It holds no passkeys") && stderr(&output).contains("--yes"));
    let (exit, answer) = world.json(&["container", "destroy", "--yes"], "");
    assert_eq!((exit, &answer["destroyed"]["passkeys"]), (0, &json!(0)));
    assert_eq!(world.json(&["container", "status"], "").0, 3);
}

#[test]
fn a_container_lives_without_a_daemon() {
    life(&World::software());
}

#[test]
fn a_container_lives_in_the_daemon_and_plugs_the_device_in_and_out() {
    let world = World::software();
    let mut daemon = world.up(&[]);
    assert!(!world.home.ctaphid().exists());
    life(&world);
    assert!(!world.home.ctaphid().exists());
    assert_eq!(world.json(&["container", "create"], "").0, 0);
    assert!(world.home.ctaphid().exists());
    assert_eq!(world.channel().cbor(&[0x04], &mut |_| {}).unwrap()[0], 0x00);
    let (_, status) = world.json(&["status"], "");
    // The flow's PINs, right and wrong, are in no log; the id of what was destroyed is not what is there now.
    daemon.process.stop();
    let log = world.log_text();
    for secret in [PIN, "wrong-pin", "new-pin", "other-pin"] {
        assert!(!log.contains(secret), "{secret} in the log");
    }
    assert!(log.contains("no TPM: keys are protected in software only"), "{log}");
    assert_eq!(world.json(&["status"], "").1["status"]["id"], status["status"]["id"]);
}

#[test]
fn the_output_for_people_says_what_to_do() {
    let world = World::software();
    let output = world.run(&["status"], "");
    assert!(output.stdout.is_empty());
    assert_eq!(
        stderr(&output),
        "latchkey: there is no container yet: create one with `latchkey container create`\n"
    );
    let output = world.run(&["container", "create"], "");
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.starts_with("Created an empty container.\nContainer "), "{text}");
    assert!(text.ends_with("Next: latchkey pin set\n"));
}

#[test]
fn secrets_come_by_a_descriptor_and_never_as_an_argument() {
    let world = World::with_container();
    assert_eq!(code(&world.run(&["pin", "set", "123456"], "")), 2);
    assert_eq!(code(&world.run(&["pin", "set", "--pin", "123456"], "")), 2);
    assert_eq!(code(&world.run(&["pin", "set", "--pin-stdin", "--pin-fd", "0"], "123456")), 2);
    let output = world.run(&["pin", "set"], "123456\n");
    assert_eq!(code(&output), 2, "no terminal: {}", stderr(&output));
    assert!(stderr(&output).contains("--pin-stdin"));
    assert_eq!(code(&world.run(&["pin", "set", "--pin-stdin"], "")), 2, "empty input");
    assert_eq!(code(&world.run(&["pin", "set", "--pin-fd", "97"], "")), 2, "no such descriptor");
    let output = world.run(&["pin", "set", "--pin-fd", "0"], &format!("{PIN}\r\n"));
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    let output = world.run(&["passkeys", "list", "--pin-stdin"], PIN);
    assert_eq!(code(&output), 0, "{}", stderr(&output));
}

#[test]
fn a_read_only_or_foreign_place_is_storage_trouble() {
    let mut world = World::software();
    world.home.data = "/proc/latchkey".into();
    let (exit, answer) = world.json(&["container", "create"], "");
    assert_eq!((exit, &answer["error"]["kind"]), (7, &json!("storage")));
}

#[test]
fn a_required_tpm_that_is_missing_is_tpm_trouble() {
    let world = World::software();
    let (exit, answer) = world.json(&["container", "create", "--require-tpm"], "");
    assert_eq!((exit, &answer["error"]["kind"]), (6, &json!("tpm")));
    let output = world.run(&["up", "--require-tpm"], "");
    assert_eq!(code(&output), 6);
    assert!(stderr(&output).contains("--tpm"), "{}", stderr(&output));
    let output = world.run(&["--tpm", "swtpm:path=/nonexistent/socket", "container", "create"], "");
    assert_eq!(code(&output), 6, "{}", stderr(&output));
}
