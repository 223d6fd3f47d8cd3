//! Fingers and faces: on the virtual sensor, and on a real fprintd with libfprint's virtual reader.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::MetadataExt;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::Output;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use latchkey_protocol::Request;
use latchkey_protocol::cose::Algorithm;
use latchkey_protocol::extensions::RegistrationExtensions;
use latchkey_protocol::make_credential::Request as Registration;
use latchkey_protocol::{CredentialParameter, Options, RpEntity, UserEntity};
use latchkey_tests::daemon::Daemon;
use latchkey_tests::fprintd::Fprintd;
use latchkey_tests::virtual_sensor::present;
use serde_json::{Value, json};

use crate::world::{PIN, World, code, stderr, wait_until};

const HOLD: &str = "hold";
const OK: u8 = 0;
/// The `UV` flag (WebAuthn L3 §6.1), in the authenticator data's 33rd byte.
const UV: u8 = 0x04;

fn sensor(world: &World) -> PathBuf {
    world.folder.path().join("sensor")
}

fn up(world: &World) -> Daemon {
    world.up(&["--biometric", &format!("virtual:{}", sensor(world).display())])
}

fn with_sensor() -> (World, Daemon) {
    let world = World::with_container().with_pin();
    let daemon = up(&world);
    (world, daemon)
}

/// Presents a finger or a face to the question that the person leaves open.
fn present_to_open_question(world: &World, sample: &str) {
    assert!(wait_until(|| world.held_questions() > 0), "the question is shown beside the sensor");
    present(&sensor(world), sample);
}

/// Runs a command while the test does something else.
fn spawn(world: &World, arguments: &[&str]) -> JoinHandle<Output> {
    let home = world.home.clone();
    let arguments: Vec<String> = arguments.iter().map(|&argument| argument.to_owned()).collect();
    thread::spawn(move || {
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        home.run(&arguments, PIN)
    })
}

fn enrol(world: &World, arguments: &[&str], sample: &str) {
    let enrolling = spawn(world, &[&["biometric", "enrol", "--pin-stdin"], arguments].concat());
    for _ in 0..3 {
        present(&sensor(world), sample);
        // The sensor takes one presentation at a time.
        thread::sleep(Duration::from_millis(50));
    }
    let output = enrolling.join().unwrap();
    assert_eq!(code(&output), 0, "{}", stderr(&output));
}

/// A request that the daemon must ask for, answered as soon as `gesture` has been made.
fn list_passkeys(world: &World, gesture: impl FnOnce()) -> Value {
    let mut stream = UnixStream::connect(world.control()).unwrap();
    stream.write_all(b"{\"list_passkeys\":{\"pin\":null}}\n").unwrap();
    gesture();
    let mut line = String::new();
    BufReader::new(stream).read_line(&mut line).unwrap();
    serde_json::from_str(&line).unwrap()
}

fn registration() -> Vec<u8> {
    Request::MakeCredential(Registration {
        client_data_hash: [7; 32],
        rp: RpEntity { id: "site.example".into(), name: None },
        user: UserEntity { id: b"alice".to_vec(), name: Some("alice".into()), display_name: None },
        pub_key_cred_params: vec![CredentialParameter::public_key(Algorithm::ES256)],
        exclude_list: Vec::new(),
        extensions: RegistrationExtensions::default(),
        options: Options { rk: Some(true), up: None, uv: Some(true) },
        pin_uv_auth_param: None,
        pin_uv_auth_protocol: None,
        enterprise_attestation: None,
        attestation_formats_preference: Vec::new(),
    })
    .encode()
}

fn last_notice(world: &World) -> String {
    let asked = world.prompter.asked();
    asked.last().map(|question| question["notice"].to_string()).unwrap_or_default()
}

#[test]
fn an_enrolled_finger_answers_a_site_and_a_command() {
    let (world, _daemon) = with_sensor();
    enrol(&world, &[], "finger 1");
    let (exit, listed) = world.json(&["biometric", "list"], "");
    assert_eq!((exit, &listed["biometrics"][0]["kind"]), (0, &json!("fingerprint")));

    world.prompter.next(HOLD);
    let mut channel = world.channel();
    let registering = thread::spawn(move || channel.cbor(&registration(), &mut |_| {}).unwrap());
    present_to_open_question(&world, "finger 1");
    let response = registering.join().unwrap();
    assert_eq!(response[0], OK);
    let rp_hash = response.windows(32).position(|window| window == sha256("site.example")).unwrap();
    assert_eq!(response[rp_hash + 32] & UV, UV, "the user was verified");
    assert!(wait_until(|| world.held_questions() == 0), "the question is taken back");
    let asked = world.prompter.asked();
    assert_eq!(asked[0]["gestures"], json!(["fingerprint"]));
    assert!(asked[0]["text"].as_str().unwrap().ends_with("Your fingerprint or your PIN:"));

    world.prompter.next(HOLD);
    let answer = list_passkeys(&world, || present_to_open_question(&world, "finger 1"));
    assert_eq!(answer["passkeys"][0]["rp_id"], "site.example");
    let status = world.json(&["status"], "").1;
    assert_eq!(status["status"]["biometrics"][0]["opens"], "session");
}

fn sha256(text: &str) -> Vec<u8> {
    use sha2::{Digest, Sha256};
    Sha256::digest(text).to_vec()
}

#[test]
fn a_restart_wants_the_pin_first() {
    let (world, mut daemon) = with_sensor();
    enrol(&world, &["--face"], "face 1");
    daemon.process.stop();
    let _daemon = up(&world);
    assert_eq!(world.json(&["status"], "").1["status"]["biometrics"][0]["opens"], "after_pin");
    let answer = list_passkeys(&world, || {});
    assert_eq!(answer["passkeys"], json!([]), "the prompter typed the PIN");
    assert_eq!(world.prompter.asked()[0]["gestures"], json!([]), "no gesture was offered");
    world.prompter.next(HOLD);
    let answer = list_passkeys(&world, || present_to_open_question(&world, "face 1"));
    assert_eq!(answer["passkeys"], json!([]));
}

#[test]
fn five_strangers_and_only_the_pin_helps() {
    let (world, daemon) = with_sensor();
    enrol(&world, &[], "finger 1");
    world.prompter.next(HOLD);
    let socket = sensor(&world);
    let mut stream = UnixStream::connect(world.control()).unwrap();
    stream.write_all(b"{\"list_passkeys\":{\"pin\":null}}\n").unwrap();
    for stranger in 1..=5 {
        present(&socket, &format!("finger 9{stranger}"));
        thread::sleep(Duration::from_millis(100));
    }
    assert!(wait_until(|| daemon.process.output().contains("the PIN is needed")));
    drop(stream);
    assert!(wait_until(|| world.held_questions() == 0));
    assert_eq!(world.json(&["status"], "").1["status"]["biometrics"][0]["tries_left"], 0);
    let _before = world.prompter.asked();
    let answer = list_passkeys(&world, || {});
    assert_eq!(answer["passkeys"], json!([]));
    assert_eq!(world.prompter.asked()[0]["gestures"], json!([]));
    assert_eq!(world.json(&["status"], "").1["status"]["biometrics"][0]["tries_left"], 5, "the PIN forgives");
}

/// An administrator puts another user's templates in the place of this user's.
#[test]
fn exchanged_templates_open_nothing() {
    let (world, mut daemon) = with_sensor();
    enrol(&world, &[], "finger 1");
    daemon.process.stop();
    let file = world.home.data.join("biometrics/templates.json");
    let own = fs::read_to_string(&file).unwrap();
    let (attacker, _theirs) = with_sensor();
    enrol(&attacker, &[], "finger 666");
    let exchanged = fs::read_to_string(attacker.home.data.join("biometrics/templates.json")).unwrap();
    let sensor_name = |world: &World| sensor(world).display().to_string();
    let exchanged = exchanged.replace(&sensor_name(&attacker), &sensor_name(&world));
    fs::write(&file, exchanged).unwrap();

    let daemon = up(&world);
    // The victim types the PIN, which makes the protector of this session.
    list_passkeys(&world, || {});
    world.prompter.next(HOLD);
    let mut channel = world.channel();
    let registering = thread::spawn(move || channel.cbor(&registration(), &mut |_| {}).unwrap());
    present_to_open_question(&world, "finger 666");
    // It was recognised by the sensor, refused by the container, and then the person typed the PIN.
    assert_eq!(registering.join().unwrap()[0], OK, "{}", daemon.process.output());
    assert!(last_notice(&world).contains("was not enrolled with your PIN"));
    drop(daemon);
    fs::write(&file, own).unwrap();
}

#[test]
fn what_is_enrolled_is_private_marked_and_can_be_forgotten() {
    let (world, _daemon) = with_sensor();
    enrol(&world, &["--finger", "left thumb"], "finger 3");
    let folder = world.home.data.join("biometrics");
    assert_eq!(fs::metadata(&folder).unwrap().mode() & 0o777, 0o700);
    assert_eq!(fs::metadata(folder.join("templates.json")).unwrap().mode() & 0o777, 0o600);
    let tag = fs::read_to_string(folder.join("CACHEDIR.TAG")).unwrap();
    assert!(tag.starts_with("Signature: 8a477f597d28d172789f06886806bc55"));
    assert!(!fs::read_to_string(folder.join("templates.json")).unwrap().contains("finger 3"));
    assert!(!folder.join("secrets").exists(), "nothing persistent by default");

    let (_, listed) = world.json(&["biometric", "list"], "");
    let id = listed["biometrics"][0]["id"].as_str().unwrap().to_owned();
    assert_eq!(code(&world.run(&["biometric", "remove", "nothing"], "")), 2);
    assert_eq!(code(&world.run(&["biometric", "remove", &id], "")), 0);
    assert_eq!(world.json(&["biometric", "list"], "").1["biometrics"], json!([]));
    assert_eq!(world.json(&["status"], "").1["status"]["biometrics"], json!([]));
}

#[test]
fn a_wrong_pin_or_a_changing_finger_enrols_nothing() {
    let (world, _daemon) = with_sensor();
    let refused = world.run(&["biometric", "enrol", "--pin-stdin"], "wrong-pin");
    assert_eq!(code(&refused), 4, "before anybody touched the sensor: {}", stderr(&refused));
    let enrolling = spawn(&world, &["biometric", "enrol", "--pin-stdin"]);
    present(&sensor(&world), "finger 1");
    thread::sleep(Duration::from_millis(50));
    present(&sensor(&world), "finger 2");
    let refused = enrolling.join().unwrap();
    assert_eq!(code(&refused), 1);
    assert!(stderr(&refused).contains("another one than before"), "{}", stderr(&refused));
    assert_eq!(world.json(&["biometric", "list"], "").1["biometrics"], json!([]));
    let off = World::with_container();
    let _daemon = off.up(&["--biometric", "off"]);
    assert!(stderr(&off.run(&["biometric", "list"], "")).contains("--biometric fprintd"));
}

#[test]
fn policy_makes_it_persistent_or_forbids_it() {
    let mut world = World::with_container().with_pin();
    let policy = world.folder.path().join("policy.toml");
    world.home.environment = vec![("LATCHKEY_POLICY".into(), policy.display().to_string())];
    let rule = |text: &str| fs::write(&policy, format!("[AllTenants.Biometrics]\n{text}\n")).unwrap();
    rule("Persistent = true");
    let mut daemon = up(&world);
    enrol(&world, &[], "finger 1");
    daemon.process.stop();
    let mut daemon = up(&world);
    assert_eq!(world.json(&["status"], "").1["status"]["biometrics"][0]["opens"], "always");
    world.prompter.next(HOLD);
    let answer = list_passkeys(&world, || present_to_open_question(&world, "finger 1"));
    assert_eq!(answer["passkeys"], json!([]), "without any PIN in this session");
    daemon.process.stop();
    rule("UseBiometrics = false");
    let _daemon = up(&world);
    list_passkeys(&world, || {});
    assert_eq!(world.json(&["biometric", "list"], "").1["biometrics"], json!([]));
}

/// The real service and the real library below it; only the reader is libfprint's virtual one.
#[test]
fn a_finger_on_fprintd() {
    let mut world = World::with_container().with_pin();
    let fprintd = Fprintd::start(&world.folder.path().join("fprintd"));
    world.home.environment = vec![("DBUS_SYSTEM_BUS_ADDRESS".into(), fprintd.bus())];
    let _daemon = world.up(&[]);
    let touch_until = |done: &dyn Fn() -> bool, finger: &str| {
        while !done() {
            fprintd.touch(finger);
            thread::sleep(Duration::from_millis(300));
        }
    };
    let enrolling = spawn(&world, &["biometric", "enrol", "--pin-stdin"]);
    touch_until(&|| enrolling.is_finished(), "alice");
    let output = enrolling.join().unwrap();
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    let (_, listed) = world.json(&["biometric", "list"], "");
    assert_eq!(listed["biometrics"][0]["label"], "right-index-finger");

    world.prompter.next(HOLD);
    let answer = list_passkeys(&world, || {
        assert!(wait_until(|| world.held_questions() > 0));
        touch_until(&|| world.held_questions() == 0, "alice");
    });
    assert_eq!(answer["passkeys"], json!([]));
    world.prompter.next(HOLD);
    let mut stream = UnixStream::connect(world.control()).unwrap();
    stream.write_all(b"{\"list_passkeys\":{\"pin\":null}}\n").unwrap();
    let tries = || world.json(&["status"], "").1["status"]["biometrics"][0]["tries_left"].clone();
    assert!(wait_until(|| world.held_questions() > 0));
    touch_until(&|| tries() != json!(5), "mallory");
    assert!(world.held_questions() > 0, "a stranger's finger opens nothing");
}
