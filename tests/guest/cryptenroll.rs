//! systemd-cryptenroll: an encrypted disk that the security key opens, by systemd and by cryptsetup.

use std::process::Output;

use crate::Client;
use crate::machine::{Machine, PIN, run, shell, succeed, write};

pub const CLIENT: Client = Client {
    name: "systemd-cryptenroll",
    version: "systemctl --version | sed -n '1s/.*(\\(.*\\))/\\1/p'",
    exercised: "a LUKS2 disk: enrol, unlock by systemd-cryptsetup and by cryptsetup, a wrong PIN, wipe the slot",
    exercise,
};

/// What opens the disk before the security key is enrolled.
const PASSPHRASE: &str = "correct horse";
const CRYPTSETUP: &str = "/lib/systemd/systemd-cryptsetup";
/// Text on the disk, whatever lies after it.
const READ: &str = "head --bytes=8 /dev/mapper/latchkey-disk";

fn exercise(machine: &Machine) {
    let disk = disk(machine);
    enrol(&disk, &["--fido2-device", &machine.hidraw(), "--fido2-with-client-pin=yes"]);
    let wrong = attach(&disk, "wrong-otter-5");
    assert!(!wrong.status.success(), "a wrong PIN opens nothing: {}", String::from_utf8_lossy(&wrong.stderr));
    let opened = attach(&disk, PIN);
    assert!(opened.status.success(), "{}", String::from_utf8_lossy(&opened.stderr));
    let _written = shell("printf 'Latchkey' > /dev/mapper/latchkey-disk");
    let _closed = succeed(CRYPTSETUP, &["detach", "latchkey-disk"], "");
    assert!(!unlock(&disk, "wrong-otter-5").status.success(), "nor does cryptsetup with a wrong PIN");
    let opened = unlock(&disk, PIN);
    assert!(opened.status.success(), "{}", String::from_utf8_lossy(&opened.stderr));
    assert_eq!(shell(READ), "Latchkey", "it is the same disk");
    let _closed = succeed("cryptsetup", &["close", "latchkey-disk"], "");
    enrol(&disk, &["--wipe-slot=fido2"]);
    assert!(!unlock(&disk, PIN).status.success(), "the security key was struck off");
}

/// A LUKS2 volume in a file; its passphrase is stretched little, as the machine is slow.
fn disk(machine: &Machine) -> String {
    let (disk, key) = (machine.file("disk"), machine.file("passphrase"));
    let (disk, key) = (disk.to_str().expect("text"), key.to_str().expect("text"));
    write(key.as_ref(), PASSPHRASE);
    let _made = succeed("truncate", &["--size=32M", disk], "");
    let arguments = ["luksFormat", "--type=luks2", "--batch-mode", "--pbkdf=pbkdf2"];
    let arguments = [&arguments[..], &["--pbkdf-force-iterations=1000", "--key-file", key, disk]].concat();
    let _formatted = succeed("cryptsetup", &arguments, "");
    disk.to_owned()
}

fn enrol(disk: &str, arguments: &[&str]) {
    let (passphrase, pin) = (format!("PASSWORD={PASSPHRASE}"), format!("PIN={PIN}"));
    let _enrolled =
        succeed("env", &[&[&passphrase, &pin, "systemd-cryptenroll"], arguments, &[disk]].concat(), "");
}

/// As a line in crypttab does.
fn attach(disk: &str, pin: &str) -> Output {
    let pin = format!("PIN={pin}");
    let options = "fido2-device=auto,headless=yes";
    run("env", &[&pin, CRYPTSETUP, "attach", "latchkey-disk", disk, "-", options], "")
}

fn unlock(disk: &str, pin: &str) -> Output {
    run("cryptsetup", &["open", "--token-only", disk, "latchkey-disk"], &format!("{pin}\n"))
}
