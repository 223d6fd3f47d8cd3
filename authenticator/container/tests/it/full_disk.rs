//! A disk that fills up at any byte: exactly one PIN works, no passkey is lost, and with room again the same
//! container goes on.
//!
//! The limit is the process's own on the size of files. Past it a write fails as on a full disk, if the signal
//! SIGXFSZ is ignored, so the tests run again in a child whose shell has said so.

mod enterprise;
mod pin_reset;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use latchkey_container::{Container, Error};

use crate::rig::{Home, NOW, hash, new_passkey, pin, rng};

const OLD: &str = "123456";
const NEW: &str = "654321";
/// Enough for everything that one operation writes.
const PLENTY: u64 = 160 * 1024;

fn in_child(test: &str) {
    let output = std::process::Command::new("sh")
        .args(["-c", "trap '' XFSZ; exec \"$0\" --exact \"$1\" --ignored --nocapture"])
        .arg(std::env::current_exe().unwrap())
        .arg(format!("full_disk::{test}"))
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.contains("1 passed"), "{said}");
    for line in said.lines().filter(|line| line.contains(" limits: ")) {
        println!("{line}");
    }
}

fn limit(bytes: Option<u64>) {
    let maximum = getrlimit(Resource::Fsize).maximum;
    setrlimit(Resource::Fsize, Rlimit { current: bytes.or(maximum), maximum }).unwrap();
}

fn prepared() -> (Home, Container) {
    let home = Home::new();
    let mut container = home.create();
    let unlocked = container.set_pin(&pin(OLD), NOW, &mut rng()).unwrap();
    for handle in [b"1", b"2"] {
        container.register(&unlocked, new_passkey("a.example", handle), NOW, &mut rng()).unwrap();
    }
    drop(container);
    let container = home.open();
    (home, container)
}

/// The PIN that works, when exactly one does and both accounts have their passkey.
fn the_one_pin(container: &mut Container) -> &'static str {
    let (works, other) =
        if container.unlock(&hash(NEW), NOW, &mut rng()).is_ok() { (NEW, OLD) } else { (OLD, NEW) };
    let unlocked = container.unlock(&hash(works), NOW, &mut rng()).unwrap();
    assert_eq!(
        container.unlock(&hash(other), NOW, &mut rng()).err(),
        Some(Error::WrongPin { tries_left: 7 })
    );
    let passkeys = container.passkeys_for(&unlocked, "a.example").unwrap();
    assert_eq!(passkeys.len(), 2);
    for passkey in passkeys {
        container.sign(&unlocked, &passkey, &[b"m"]).unwrap();
    }
    works
}

/// Between two limits. The database is written in pages of four times as much.
const STEP: usize = 1021;

/// Runs `operate` at every limit until it succeeds; both the process that lives on and one that starts anew, on the
/// files as they were left, must find everything in order.
fn at_every_limit(
    prepare: impl Fn() -> (Home, Container),
    operate: impl Fn(&mut Container) -> Result<(), Error>,
    check: impl Fn(&mut Container, bool),
) {
    at_limits(STEP, prepare, operate, check);
}

/// The same with another step between the limits.
fn at_limits(
    step: usize,
    prepare: impl FnOnce() -> (Home, Container),
    operate: impl Fn(&mut Container) -> Result<(), Error>,
    check: impl Fn(&mut Container, bool),
) {
    let (kept, _) = prepare();
    let (mut failed, mut succeeded) = (0, 0);
    for bytes in (0..PLENTY).step_by(step) {
        let home = kept.copy();
        let mut container = home.open();
        limit(Some(bytes));
        let result = operate(&mut container);
        limit(None);
        let crashed = home.copy();
        check(&mut crashed.open(), result.is_ok());
        check(&mut container, result.is_ok());
        match result {
            Ok(()) => succeeded += 1,
            Err(Error::Storage(_)) => failed += 1,
            Err(other) => panic!("{other} at {bytes} bytes"),
        }
    }
    println!("{} limits: {failed} with too little room", failed + succeeded);
    assert!(failed > 3 && succeeded > 3, "{failed} failed, {succeeded} succeeded");
}

#[test]
fn a_change_of_pin_stands_or_falls_as_a_whole() {
    in_child("changed_pin");
}

#[test]
fn a_registration_stands_or_falls_as_a_whole() {
    in_child("registration");
}

#[test]
fn a_reset_stands_or_falls_as_a_whole() {
    in_child("reset");
}

#[test]
#[ignore = "run in a child by the test above"]
fn changed_pin() {
    at_every_limit(
        prepared,
        |container| container.change_pin(&hash(OLD), &pin(NEW), NOW, &mut rng()).map(drop),
        |container, done| {
            let works = the_one_pin(container);
            assert!(works == NEW || !done);
            container.change_pin(&hash(works), &pin("777777"), NOW, &mut rng()).unwrap();
            container.unlock(&hash("777777"), NOW, &mut rng()).unwrap();
        },
    );
}

#[test]
#[ignore = "run in a child by the test above"]
fn registration() {
    at_every_limit(
        prepared,
        |container| {
            let unlocked = container.unlock(&hash(OLD), NOW, &mut rng())?;
            container.register(&unlocked, new_passkey("a.example", b"1"), NOW, &mut rng()).map(drop)
        },
        |container, _| assert_eq!(the_one_pin(container), OLD),
    );
}

#[test]
#[ignore = "run in a child by the test above"]
fn reset() {
    at_every_limit(prepared, Container::reset, |container, done| {
        if container.has_pin() {
            assert!(!done);
            assert_eq!(the_one_pin(container), OLD);
        } else {
            assert_eq!(container.status().unwrap().passkeys, 0);
            container.set_pin(&pin(NEW), NOW, &mut rng()).unwrap();
        }
    });
}
