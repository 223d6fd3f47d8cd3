//! udev: the rule that lets whoever sits at the machine be a security key.

use crate::Client;
use crate::machine::{Machine, shell};

pub const CLIENT: Client = Client {
    name: "udev",
    version: "udevadm --version",
    exercised: "the rule of `latchkey service install --rule`, and its removal; the security key is one to systemd-logind",
    exercise,
};

fn exercise(machine: &Machine) {
    let key = properties(&machine.hidraw());
    assert!(
        key.contains("ID_SECURITY_TOKEN=1") && key.contains(":uaccess:"),
        "for the person at the seat: {key}"
    );
    assert!(!properties("/dev/uhid").contains(":uaccess:"), "without the rule it is root's alone");
    machine.service(&["install", "--rule"]);
    assert!(properties("/dev/uhid").contains(":uaccess:"), "with the rule it is theirs");
    machine.service(&["uninstall", "--rule"]);
    assert!(!properties("/dev/uhid").contains("CURRENT_TAGS=:uaccess:"), "and no longer");
}

/// What udev knows of a device, when it has looked at it again.
fn properties(device: &str) -> String {
    shell(&format!(
        "udevadm control --reload; udevadm trigger --settle --name-match={device}; udevadm info --query=property {device}"
    ))
}
