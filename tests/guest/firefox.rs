//! Firefox: it finds the security key by itself.

use latchkey_tests::firefox::Firefox;

use crate::Client;
use crate::machine::Machine;
use crate::website::register_and_sign_in;

pub const CLIENT: Client = Client {
    name: "Firefox",
    version: "firefox-esr --version | cut -d' ' -f3",
    exercised: "a passkey on the demo site, sign-in with it; our prompt asks for the PIN",
    exercise,
};

fn exercise(machine: &Machine) {
    let browser = Firefox::start(&machine.file("firefox"), &machine.file("firefox.log"));
    register_and_sign_in(machine, &browser);
}
