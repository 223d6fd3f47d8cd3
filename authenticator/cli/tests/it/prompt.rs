//! What happens between a request and the user's answer, over the CTAPHID socket.

use std::time::{Duration, Instant};

use latchkey_transports::ctaphid::KeepaliveStatus;
use serde_json::Value;

use crate::world::{World, wait_until};

/// authenticatorSelection (CTAP 2.3 §6.9): asks for an approval and does nothing else.
const SELECTION: [u8; 1] = [0x0B];
const OK: [u8; 1] = [0x00];
const OPERATION_DENIED: [u8; 1] = [0x27];
const KEEPALIVE_CANCEL: [u8; 1] = [0x2D];
const USER_ACTION_TIMEOUT: [u8; 1] = [0x2F];

#[test]
fn approval_denial_and_nonsense() {
    let world = World::with_container();
    let daemon = world.up(&[]);
    let mut channel = world.channel();
    let mut select = |answer: &str| {
        world.prompter.next(answer);
        channel.cbor(&SELECTION, &mut |_| {}).unwrap()
    };
    assert_eq!(select(r#"{"approve":true}"#), OK);
    assert_eq!(select(r#"{"deny":true}"#), OPERATION_DENIED);
    assert_eq!(select(r#"{"secret-nonsense":1}"#), OPERATION_DENIED);
    let asked = world.prompter.asked();
    assert_eq!(asked.len(), 3);
    assert_eq!(asked[0]["operation"], "select");
    assert_eq!(asked[0]["want"], "approval");
    assert_eq!(asked[0]["rp_id"], Value::Null);
    assert_eq!(asked[0]["choices"], Value::Array(vec![]));
    let log = daemon.process.output();
    assert!(log.contains("gave no answer of the form"), "{log}");
    assert!(!log.contains("secret-nonsense"));
}

#[test]
fn keepalives_flow_until_the_time_is_up() {
    let world = World::with_container();
    let _daemon = world.up(&["--prompt-timeout", "1"]);
    world.prompter.next("hold");
    let (started, mut waiting) = (Instant::now(), 0);
    let answer = world.channel().cbor(&SELECTION, &mut |status| {
        waiting += u32::from(status == KeepaliveStatus::USER_PRESENCE_NEEDED);
    });
    assert_eq!(answer.unwrap(), USER_ACTION_TIMEOUT);
    assert!((5..=15).contains(&waiting), "{waiting} keepalives in a second");
    assert!(started.elapsed() >= Duration::from_secs(1));
    assert!(wait_until(|| world.held_questions() == 0), "the prompt program is gone");
}

#[test]
fn cancel_takes_the_question_back() {
    let world = World::with_container();
    let _daemon = world.up(&[]);
    world.prompter.next("hold");
    let mut channel = world.channel();
    let canceller = channel.canceller().unwrap();
    let started = Instant::now();
    let waiter = std::thread::spawn(move || channel.cbor(&SELECTION, &mut |_| {}).unwrap());
    assert!(wait_until(|| world.held_questions() > 0), "the prompt program runs");
    // The device is busy meanwhile, for everybody else.
    assert!(world.channel().cbor(&[0x04], &mut |_| {}).is_err());
    canceller.cancel().unwrap();
    assert_eq!(waiter.join().unwrap(), KEEPALIVE_CANCEL);
    assert!(started.elapsed() < Duration::from_secs(10));
    assert!(wait_until(|| world.held_questions() == 0), "the prompt program is gone");
    assert_eq!(world.channel().cbor(&SELECTION, &mut |_| {}).unwrap(), OK, "the next question is put");
}

#[test]
fn a_peer_that_leaves_takes_its_question_along() {
    let world = World::with_container();
    let mut daemon = world.up(&[]);
    world.prompter.next("hold");
    let channel = world.channel();
    let canceller = channel.canceller().unwrap();
    let mut channel = channel;
    let waiter = std::thread::spawn(move || channel.cbor(&SELECTION, &mut |_| {}).is_ok());
    assert!(wait_until(|| world.held_questions() > 0));
    // Unplugging by destroying the container closes the link under the request.
    assert_eq!(world.json(&["container", "destroy", "--yes"], "").0, 0);
    assert!(wait_until(|| world.held_questions() == 0), "the prompt program is gone");
    let _answer_or_gone = waiter.join().unwrap();
    drop(canceller);
    assert_eq!(world.json(&["container", "create"], "").0, 0);
    assert_eq!(world.channel().cbor(&SELECTION, &mut |_| {}).unwrap(), OK);
    // And so does the daemon's own end.
    world.prompter.next("hold");
    let mut channel = world.channel();
    let waiter = std::thread::spawn(move || channel.cbor(&SELECTION, &mut |_| {}).is_err());
    assert!(wait_until(|| world.held_questions() > 0));
    daemon.process.stop();
    assert!(waiter.join().unwrap());
    assert!(wait_until(|| world.held_questions() == 0), "the prompt program is gone");
}
