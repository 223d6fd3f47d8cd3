//! Chromium, without our extension: it finds the security key by itself.

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

/// Among several passkeys of one site Chromium lets a person choose, whom nobody plays here: so there is none of before.
fn exercise(machine: &Machine) {
    machine.reset();
    machine.set_pin();
    let browser = Browser::plain(&machine.file("chromium"), &machine.file("chromium.log"));
    register_and_sign_in(machine, &browser);
}
