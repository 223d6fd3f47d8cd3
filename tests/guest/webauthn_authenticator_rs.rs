//! The crate webauthn-authenticator-rs, on the kernel's device.

use std::path::Path;

use crate::Client;
use crate::machine::{Machine, PIN};
use crate::token::Reports;
use crate::webauthn_authenticator;

pub const CLIENT: Client = Client {
    name: "webauthn-authenticator-rs",
    version: "sed -n '/^name = \"webauthn-authenticator-rs\"/{n;s/.*\"\\(.*\\)\"/\\1/p}' Cargo.lock",
    exercised: "register at webauthn-rs, sign in, the same key again, what is stored, change the PIN, a wrong one",
    exercise,
};

fn exercise(machine: &Machine) {
    webauthn_authenticator::exercise(Reports::over_hidraw(Path::new(&machine.hidraw())), PIN);
}
