//! `pam_u2f`: signing in to the machine by PAM.
//!
//! Version 1.1.0 looks for a key by an assertion without presence, which a container that the PIN opens answers to nobody, and
//! its option against that does not work; of a discoverable passkey (`*`) it does not ask.

use std::fs;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::Client;
use crate::libfido2::make_at;
use crate::machine::{Machine, PIN, run, write};

pub const CLIENT: Client = Client {
    name: "pam_u2f",
    version: "dpkg-query -W -f '${Version}' libpam-u2f",
    exercised: "sign in with a discoverable passkey and the PIN; a wrong PIN, a key of another, somebody without a key",
    exercise,
};

const SERVICE: &str = "latchkey-guest";
const ORIGIN: &str = "pam://latchkey.example";
/// Before the two coordinates in the DER of a P-256 key.
const HEADER: usize = 27;

fn exercise(machine: &Machine) {
    let rules = format!("/etc/pam.d/{SERVICE}");
    let keys = machine.file("u2f_keys");
    let (file, key) = (keys.display(), format!("origin={ORIGIN} appid={ORIGIN} pinverification=1"));
    write(rules.as_ref(), &format!("auth required pam_u2f.so authfile={file} {key}\n"));
    let (_id, own) = make_at(machine, ORIGIN, "-vr", "pam");
    let (_id, other) = make_at(machine, "pam://elsewhere.example", "-vr", "pam-other");
    write(&keys, &mapping(&own));
    assert!(signs_in("root", PIN), "the person signs in");
    assert!(!signs_in("root", "wrong-otter-5"), "not with a wrong PIN");
    assert!(!signs_in("nobody", PIN), "not as somebody else");
    write(&keys, &mapping(&other));
    assert!(!signs_in("root", PIN), "not with another key than was registered");
    fs::remove_file(rules).expect("the service can be removed");
}

/// The line of the module's file for this public key (PEM).
fn mapping(key: &str) -> String {
    let pem = fs::read_to_string(key).expect("a public key");
    let body: String = pem.lines().filter(|line| !line.starts_with("-----")).collect();
    let der = STANDARD.decode(body).expect("PEM is base64");
    let point = STANDARD.encode(der.get(HEADER..).expect("a P-256 key"));
    format!("root:*,{point},es256,+presence+pin\n")
}

fn signs_in(user: &str, pin: &str) -> bool {
    run("pamtester", &[SERVICE, user, "authenticate"], &format!("{pin}\n")).status.success()
}
