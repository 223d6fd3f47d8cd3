//! `./run bench hello`: what devices of an organisation cost the program. They are played, with keys in memory: some sign in
//! with enterprise keys and use primary tokens, and many have their PIN reset at once.
#![allow(
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    reason = "a bench reads the clock, and a broken expectation ends it"
)]

#[path = "../idp/cores.rs"]
mod cores;
#[path = "../../tests/it/primary/device.rs"]
#[allow(dead_code, reason = "the tests use more of it")]
mod device;
#[path = "../idp/floor.rs"]
mod floor;
mod lines;
#[path = "../idp/load.rs"]
mod load;
mod primary;
#[path = "../../tests/it/pin_reset/protector.rs"]
#[allow(dead_code, reason = "the tests use more of it")]
mod protector;
#[path = "../../tests/shared/provider.rs"]
#[allow(dead_code, reason = "who puts people there uses more of it")]
mod provider;
mod resets;
mod rig;

use latchkey_tests::figures::{Table, progress};

use lines::Lines;

fn main() {
    let table = Table::new(std::env::args().any(|argument| argument == "--json"));
    cores::load();
    let lines = Lines { table, floor: floor::measure(&Table::new(false)) };
    progress("primary tokens");
    primary::measure(&lines);
    progress("PIN resets at once");
    resets::measure(&lines);
}
