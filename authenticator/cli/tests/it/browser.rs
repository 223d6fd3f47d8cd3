//! The native-messaging host and its installation.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use latchkey_tests::native_host::NativeHost;
use latchkey_transports::native_messaging;
use serde_json::{Value, json};

use crate::world::{PIN, World, code, stderr, wait_until};

const ORIGIN: &str = "http://localhost:8080";

fn browser(world: &World, arguments: &[&str]) -> (i32, Value) {
    let mut command = world.home.latchkey();
    command.env("HOME", world.folder.path()).env_remove("XDG_CONFIG_HOME");
    let output = command.arg("browser").args(arguments).arg("--json").output().unwrap();
    let answer = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", stderr(&output)));
    (code(&output), answer)
}

#[test]
fn install_writes_what_the_browsers_look_for() {
    let mut world = World::software();
    world.home.data = world.folder.path().join("my data's");
    let (exit, answer) = browser(&world, &["install"]);
    assert_eq!(exit, 0);
    let manifests: Vec<_> = [".config/chromium", ".config/google-chrome"]
        .iter()
        .map(|place| world.folder.path().join(place).join("NativeMessagingHosts/dev.latchkey.host.json"))
        .collect();
    let wrapper = world.home.data.join("browser-host");
    assert_eq!(answer["installed"], json!({"host": wrapper, "manifests": manifests}));
    for manifest in &manifests {
        let manifest: Value = serde_json::from_slice(&fs::read(manifest).unwrap()).unwrap();
        let expected = json!({
            "name": "dev.latchkey.host",
            "description": "Latchkey passkeys",
            "path": wrapper,
            "type": "stdio",
            "allowed_origins": ["chrome-extension://cfapiilgphalkjnmlfngbnjjenjbcmop/"],
        });
        assert_eq!(manifest, expected);
    }
    assert_eq!(fs::metadata(&wrapper).unwrap().permissions().mode() & 0o777, 0o755);
    assert_eq!(browser(&world, &["install"]).0, 0, "again, in place");

    let profile = world.folder.path().join("profile");
    let (exit, _) = browser(&world, &["install", "--user-data-dir", profile.to_str().unwrap()]);
    assert_eq!(exit, 0);
    assert!(profile.join("NativeMessagingHosts/dev.latchkey.host.json").is_file());

    through_the_wrapper(&world, &wrapper);

    let (_, answer) = browser(&world, &["uninstall"]);
    assert_eq!(answer["removed"].as_array().unwrap().len(), 3);
    assert!(manifests.iter().all(|manifest| !manifest.exists()) && !wrapper.exists());
    assert_eq!(browser(&world, &["uninstall"]), (0, json!({"removed": []})));
}

/// The browser starts the wrapper with an environment of its own: the directories of the installation must hold.
fn through_the_wrapper(world: &World, wrapper: &Path) {
    let _daemon = world.up(&[]);
    let command = |origin: &str| {
        let mut command = Command::new(wrapper);
        command.arg(origin).env_remove("LATCHKEY_DIR").env("HOME", "/nonexistent");
        command
    };
    let mut host = Frames::start(command("chrome-extension://cfapiilgphalkjnmlfngbnjjenjbcmop/"));
    host.send(&json!({"id": 7, "kind": "status"}));
    let answer = host.receive();
    assert_eq!((&answer["id"], &answer["error"]["kind"]), (&json!(7), &json!("no_container")));
    let other = command("chrome-extension://aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa/")
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert_eq!(other.status.code(), Some(1));
}

#[test]
fn without_a_daemon_the_host_says_how_to_start_it() {
    let world = World::with_container();
    let mut host = NativeHost::start(&world.home);
    let error = host.create(ORIGIN, "alice").unwrap_err();
    assert_eq!((&error["name"], &error["kind"]), (&json!("NotAllowedError"), &json!("no_daemon")));
    assert!(error["message"].as_str().unwrap().contains("latchkey up"));
    assert_eq!(host.ask("isUvpaa", json!({})), Ok(json!(false)));
    assert_eq!(host.ask("status", json!({})).unwrap_err()["kind"], "no_daemon");
    let error = host.ask("dance", json!({})).unwrap_err();
    assert_eq!(error["name"], "UnknownError");
    let _daemon = world.up(&[]);
    assert_eq!(host.ask("status", json!({})).unwrap()["status"]["passkeys"], 0);
}

#[test]
fn a_passkey_is_made_used_listed_renamed_and_deleted() {
    let world = World::with_container().with_pin();
    let mut daemon = world.up(&[]);
    let mut host = NativeHost::start(&world.home);
    assert_eq!(host.ask("isUvpaa", json!({})), Ok(json!(true)));
    let created = host.create(ORIGIN, "alice").unwrap();
    let id = created["id"].as_str().unwrap().to_owned();
    let asked = world.prompter.asked();
    assert_eq!(asked[0]["text"], "Register a passkey at localhost as alice");
    assert_eq!((&asked[0]["operation"], &asked[0]["rp_id"]), (&json!("register"), &json!("localhost")));
    assert_eq!(host.get(ORIGIN).unwrap()["id"], id);

    world.prompter.next_pin("wrong-pin-1");
    host.get(ORIGIN).unwrap();
    let asked = world.prompter.asked();
    let again = asked.last().unwrap();
    assert_eq!((&again["tries_left"], &again["notice"]), (&json!(7), &json!("Wrong PIN. 7 tries left.")));

    let listed = host.ask("passkeys", json!({})).unwrap();
    assert_eq!(
        (&listed["passkeys"][0]["id"], &listed["passkeys"][0]["rp_id"]),
        (&json!(id), &json!("localhost"))
    );
    // Without the daemon the same records are there.
    daemon.process.stop();
    let (exit, answer) = world.json(&["passkeys", "rename", &id[..8], "my key", "--pin-stdin"], PIN);
    assert_eq!((exit, &answer["renamed"]["label"]), (0, &json!("my key")), "{answer}");
    let account = ["passkeys", "account", &id[..8], "--name", "ann2", "--pin-stdin"];
    let (exit, answer) = world.json(&account, PIN);
    let expected = (&json!("ann2"), &json!(null), &json!("my key"));
    let renamed = &answer["renamed"];
    assert_eq!(exit, 0, "{answer}");
    assert_eq!((&renamed["user"]["name"], &renamed["user"]["display_name"], &renamed["label"]), expected);
    let (exit, _) = world.json(&["passkeys", "account", &id[..8], "--name", "a\nb", "--pin-stdin"], PIN);
    assert_eq!(exit, 2, "no line breaks");
    let output = world.run(&["passkeys", "list", "--pin-stdin"], PIN);
    let table = String::from_utf8(output.stdout).unwrap();
    assert!(table.contains("localhost  ann2") && table.contains("my key"), "{table}");
    let output = world.run(&["passkeys", "delete", &id[..8], "--pin-stdin"], PIN);
    assert_eq!(
        String::from_utf8(output.stdout).unwrap(),
        "Deleted the passkey of ann2 at localhost \"my key\".\n"
    );
    assert_eq!(world.json(&["status"], "").1["status"]["passkeys"], 0);
    let log = world.log_text();
    assert!(!log.contains(PIN) && !log.contains("wrong-pin-1"));
}

#[test]
fn the_account_is_chosen_and_a_ceremony_is_cancelled() {
    let world = World::with_container().with_pin();
    let mut daemon = world.up(&[]);
    let mut host = NativeHost::start(&world.home);
    let alice = host.create(ORIGIN, "alice").unwrap();
    let bob = host.create(ORIGIN, "bob").unwrap();
    let pin = json!({ "pin": PIN }).to_string();
    let mut chosen = Vec::new();
    for choice in [r#"{"choice":0}"#, r#"{"choice":1}"#] {
        world.prompter.next(&pin);
        world.prompter.next(choice);
        chosen.push(host.get(ORIGIN).unwrap()["id"].clone());
    }
    // Newest first (CTAP 2.3 §6.2.2).
    assert_eq!(chosen, [bob["id"].clone(), alice["id"].clone()]);
    assert_eq!(world.prompter.asked().last().unwrap()["choices"], json!(["bob", "alice"]));

    // While one browser's user is asked the device is busy for another; the daemon's end is the end of both.
    world.prompter.next("hold");
    let mut waiting = NativeHost::start(&world.home);
    let waiter = std::thread::spawn(move || waiting.create(ORIGIN, "carol"));
    assert!(wait_until(|| world.held_questions() > 0));
    assert!(host.create(ORIGIN, "dave").is_err());
    daemon.process.stop();
    assert!(waiter.join().unwrap().is_err());
}

#[test]
fn a_cancel_ends_its_ceremony_only() {
    let world = World::with_container().with_pin();
    let _daemon = world.up(&[]);
    world.prompter.next("hold");
    let mut host = Frames::start(world.home.latchkey());
    let options = json!({"challenge": "AAECAwQFBgcICQoLDA0ODw", "rpId": "localhost"});
    host.send(&json!({"id": 40, "kind": "get", "origin": ORIGIN, "options": options}));
    let started = Instant::now();
    assert!(wait_until(|| world.held_questions() > 0));
    host.send(&json!({"id": 41, "kind": "cancel"}));
    host.send(&json!({"id": 42, "kind": "status"}));
    assert_eq!(host.receive()["id"], 42, "others are answered while the user is asked");
    host.send(&json!({"id": 40, "kind": "cancel"}));
    let answer = host.receive();
    assert_eq!((&answer["id"], &answer["error"]["name"]), (&json!(40), &json!("AbortError")), "{answer}");
    assert!(started.elapsed() < Duration::from_secs(10));
}

#[test]
fn the_time_of_a_ceremony_ends_it() {
    let world = World::with_container().with_pin();
    let _daemon = world.up(&[]);
    world.prompter.next("hold");
    let mut host = Frames::start(world.home.latchkey());
    let options = json!({"challenge": "AAECAwQFBgcICQoLDA0ODw", "rpId": "localhost", "timeout": 1});
    host.send(&json!({"id": 1, "kind": "get", "origin": ORIGIN, "options": options}));
    let answer = host.receive();
    assert_eq!((&answer["id"], &answer["error"]["name"]), (&json!(1), &json!("NotAllowedError")), "{answer}");
}

/// The host with frames that the test numbers itself.
struct Frames {
    child: Child,
    input: ChildStdin,
    output: ChildStdout,
}

impl Frames {
    fn start(mut command: Command) -> Self {
        command.args(["browser", "host"]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        let (input, output) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        Self { child, input, output }
    }

    fn send(&mut self, message: &Value) {
        native_messaging::write(&mut self.input, message).unwrap();
    }

    fn receive(&mut self) -> Value {
        native_messaging::read(&mut self.output).unwrap().unwrap()
    }
}

impl Drop for Frames {
    fn drop(&mut self) {
        let _ended = self.child.kill();
        let _ended = self.child.wait();
    }
}
