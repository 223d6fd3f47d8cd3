//! Chromium, without our extension: it finds the security key by itself.

use std::panic::{AssertUnwindSafe, catch_unwind};

use latchkey_tests::browser::Browser;

use crate::Client;
use crate::machine::Machine;
use crate::website::register_and_sign_in;

pub const CLIENT: Client = Client {
    name: "Chromium",
    version: "chromium --version | cut -d' ' -f2",
    exercised: "a passkey on the demo site, sign-in with it; our prompt asks for the PIN",
    exercise,
};

/// Seen where others wanted the emulated machine too: our prompt was answered, and Chromium went on waiting. The kernel keeps
/// 64 reports for a reader and drops further ones, which would explain it. A person would try again, and so does this, once.
fn exercise(machine: &Machine) {
    let first = catch_unwind(AssertUnwindSafe(|| attempt(machine, "chromium")));
    if first.is_err() {
        println!("Chromium: once more; the daemon says:\n{}", machine.log());
        machine.replug();
        attempt(machine, "chromium-again");
    }
}

fn attempt(machine: &Machine, profile: &str) {
    let browser = Browser::plain(&machine.file(profile), &machine.file(&format!("{profile}.log")));
    register_and_sign_in(machine, &browser);
}
