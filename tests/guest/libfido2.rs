//! libfido2's own programs.

use std::fs;

use crate::Client;
use crate::machine::{Machine, PIN, run, succeed, write};

pub const CLIENT: Client = Client {
    name: "libfido2",
    version: "fido2-token -V",
    exercised: "list, info, PIN change, a wrong PIN, make credential and assert, hmac-secret, resident keys, large blobs, the PIN's least length and forced change, reset, set the PIN",
    exercise,
};

const RP: &str = "libfido2.example";
/// 32 bytes, as a client data hash or a salt.
const HASH: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
const USER: &str = "Ym9i";

fn exercise(machine: &Machine) {
    look(machine);
    change_pin(machine);
    let (id, key) = make(machine, "-v", "cred");
    assert_with(machine, &id, &key);
    hmac_secret(machine);
    resident_keys(machine);
    large_blobs(machine);
    configure(machine);
    reset(machine);
}

fn look(machine: &Machine) {
    let device = machine.hidraw();
    let listed = succeed("fido2-token", &["-L"], "");
    assert!(listed.starts_with(&format!("{device}: vendor=0x1209")), "the security key is listed: {listed}");
    for part in ["FIDO_2_1", "hmac-secret", "credProtect", "clientPin", "algorithms: es256"] {
        said_of_itself(machine, part);
    }
}

/// What `fido2-token -I` says has `part` in it.
fn said_of_itself(machine: &Machine, part: &str) {
    let info = succeed("fido2-token", &["-I", &machine.hidraw()], "");
    assert!(info.contains(part), "{part} is not in {info}");
}

fn change_pin(machine: &Machine) {
    const OTHER: &str = "silver-birch-9";
    let change = |from: &str, to: &str| {
        run("fido2-token", &["-C", &machine.hidraw()], &format!("{from}\n{to}\n{to}\n")).status.success()
    };
    said_of_itself(machine, "pin retries: 8");
    assert!(change(PIN, OTHER), "the PIN can be changed");
    assert!(!change(PIN, OTHER), "the old one is worth nothing");
    said_of_itself(machine, "pin retries: 7");
    assert!(change(OTHER, PIN), "and back");
    said_of_itself(machine, "pin retries: 8");
}

/// Makes a credential and has it verified. Returns its id and the file of its public key.
fn make(machine: &Machine, flags: &str, name: &str) -> (String, String) {
    make_at(machine, RP, flags, name)
}

/// The same at any relying party.
pub fn make_at(machine: &Machine, rp: &str, flags: &str, name: &str) -> (String, String) {
    let path = |kind: &str| machine.file(&format!("{name}.{kind}")).to_string_lossy().into_owned();
    let (asked, made, key) = (path("asked"), path("made"), path("pem"));
    write(asked.as_ref(), &format!("{HASH}\n{rp}\nbob\n{USER}\n"));
    let arguments = ["-M", flags, "-i", &asked, "-o", &made, &machine.hidraw(), "es256"];
    let _made = succeed("fido2-cred", &arguments, &format!("{PIN}\n"));
    if flags.contains('b') {
        leave_out_last_line(&made);
    }
    let verified = succeed("fido2-cred", &["-V", &flags_of_verify(flags), "-i", &made], "");
    let (id, public) = verified.split_once('\n').expect("an id and a public key");
    write(key.as_ref(), public);
    (id.to_owned(), key)
}

/// What the verifier wants to hear of what was asked for: of residence and large blobs it knows nothing.
fn flags_of_verify(flags: &str) -> String {
    flags.chars().filter(|flag| !"rb".contains(*flag)).collect()
}

/// The verifier would take the key of a large blob, which comes last, for a certificate.
fn leave_out_last_line(made: &str) {
    let lines = fs::read_to_string(made).expect("the credential was written");
    let (kept, _key) = lines.trim_end().rsplit_once('\n').expect("it has several lines");
    write(made.as_ref(), &format!("{kept}\n"));
}

fn assert_with(machine: &Machine, id: &str, key: &str) {
    let (asked, given) = (machine.file("assert.asked"), machine.file("assert.given"));
    let (asked, given) = (asked.to_str().expect("text"), given.to_str().expect("text"));
    write(asked.as_ref(), &format!("{HASH}\n{RP}\n{id}\n"));
    let pin = format!("{PIN}\n");
    let _given = succeed("fido2-assert", &["-G", "-v", "-i", asked, "-o", given, &machine.hidraw()], &pin);
    let _verified = succeed("fido2-assert", &["-V", "-v", "-i", given, key, "es256"], "");
    let (_other, other) = make(machine, "-v", "other");
    let wrong = run("fido2-assert", &["-V", "-v", "-i", given, &other, "es256"], "");
    assert!(!wrong.status.success(), "the key of another credential verifies nothing");
}

fn hmac_secret(machine: &Machine) {
    let (id, key) = make(machine, "-hv", "hmac");
    let secret = |salt: &str| {
        let (asked, given) = (machine.file("hmac.asked"), machine.file("hmac.given"));
        let (asked, given) = (asked.to_str().expect("text"), given.to_str().expect("text"));
        write(asked.as_ref(), &format!("{HASH}\n{RP}\n{id}\n{salt}\n"));
        let arguments = ["-G", "-hv", "-i", asked, "-o", given, &machine.hidraw()];
        let _given = succeed("fido2-assert", &arguments, &format!("{PIN}\n"));
        let _verified = succeed("fido2-assert", &["-V", "-hv", "-i", given, &key, "es256"], "");
        let given = fs::read_to_string(given).expect("the assertion was written");
        given.lines().last().expect("it ends with the secret").to_owned()
    };
    let salt = HASH.replace('A', "B");
    assert_eq!(secret(HASH), secret(HASH), "the same salt gives the same secret");
    assert_ne!(secret(HASH), secret(&salt), "another one gives another");
}

fn resident_keys(machine: &Machine) {
    let (id, _key) = make(machine, "-vr", "resident");
    let (device, pin) = (machine.hidraw(), format!("{PIN}\n"));
    let sites = succeed("fido2-token", &["-L", "-r", &device], &pin);
    assert!(sites.contains(RP), "{sites}");
    let keys = succeed("fido2-token", &["-L", "-k", RP, &device], &pin);
    assert!(keys.contains(&id), "{id} is not in {keys}");
    let _deleted = succeed("fido2-token", &["-D", "-i", &id, &device], &pin);
    let left = run("fido2-token", &["-L", "-k", RP, &device], &pin);
    assert!(!String::from_utf8_lossy(&left.stdout).contains(&id), "it was deleted");
}

fn large_blobs(machine: &Machine) {
    const TEXT: &str = "a certificate, say";
    let (id, _key) = make(machine, "-vrb", "blob");
    let (kept, read) = (machine.file("blob.kept"), machine.file("blob.read"));
    write(&kept, TEXT);
    let (kept, read) = (kept.to_str().expect("text"), read.to_str().expect("text"));
    let (device, pin) = (machine.hidraw(), format!("{PIN}\n"));
    let of = ["-b", "-n", RP, "-i", &id];
    let get = || run("fido2-token", &[&["-G"], &of[..], &[read, &device]].concat(), &pin);
    assert!(!get().status.success(), "there is none yet");
    let _kept = succeed("fido2-token", &[&["-S"], &of[..], &[kept, &device]].concat(), &pin);
    assert!(get().status.success(), "there is one");
    assert_eq!(fs::read_to_string(read).expect("it was written"), TEXT);
    let listed = succeed("fido2-token", &["-L", "-b", &device], &pin);
    assert!(listed.contains("\n00:"), "{listed}");
    let _deleted = succeed("fido2-token", &[&["-D"], &of[..], &[device.as_str()]].concat(), &pin);
    assert!(!get().status.success(), "it was deleted");
}

fn configure(machine: &Machine) {
    let (device, pin) = (machine.hidraw(), format!("{PIN}\n"));
    let set = |what: &[&str]| {
        run("fido2-token", &[&["-S"], what, &[device.as_str()]].concat(), &pin).status.success()
    };
    assert!(set(&["-l", "8"]), "PINs get longer");
    said_of_itself(machine, "minpinlen: 8");
    assert!(!set(&["-l", "6"]), "and not shorter again");
    assert!(set(&["-f"]), "the PIN is to be changed");
    said_of_itself(machine, "pin change required: true");
    change_pin(machine);
    said_of_itself(machine, "pin change required: false");
    let off = run("fido2-token", &["-D", "-u", &device], &pin).status.success();
    assert!(!off, "who asks for a person's keys is always verified");
    said_of_itself(machine, " alwaysUv");
}

fn reset(machine: &Machine) {
    let (id, _key) = make(machine, "-vr", "before");
    machine.wait_until_no_reset();
    let late = run("fido2-token", &["-R", &machine.hidraw()], "");
    assert!(!late.status.success(), "only just after it was plugged in");
    machine.reset();
    let sites = run("fido2-token", &["-L", "-r", &machine.hidraw()], &format!("{PIN}\n"));
    assert!(!sites.status.success(), "there is no PIN any more");
    machine.set_pin();
    let keys = run("fido2-token", &["-L", "-k", RP, &machine.hidraw()], &format!("{PIN}\n"));
    assert!(!String::from_utf8_lossy(&keys.stdout).contains(&id), "nor are there passkeys");
}
