//! `./run bench authenticator`: makeCredential and getAssertion through the engine, beside the bare work measured in
//! the same run and beside the authenticators of others; CTAPHID over the socket; many passkeys; the daemon's start and
//! memory.
//!
//! getAssertion is measured with a pinUvAuthToken that is checked, a record that is opened, and a signature; `up` is
//! false, so that one token serves many. What a gesture costs is not in it: Argon2id is slow on purpose.
#![allow(
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    reason = "a bench reads the clock, and a broken expectation ends it"
)]

#[path = "../../tests/it/device.rs"]
#[allow(dead_code, reason = "the tests use more of it")]
mod device;
#[path = "../../tests/it/platform.rs"]
#[allow(dead_code, reason = "the tests use more of it")]
mod platform;

mod daemon;
mod emulated;
mod filled;
mod floor;
mod many;
mod measure;
mod operations;
mod peers;
mod socket;
mod software;

use latchkey_tests::figures::Table;

fn main() {
    let json = std::env::args().any(|argument| argument == "--json");
    let table = Table::new(json);
    let floor = floor::measure(&table);
    let rates = software::measure(&table, &floor);
    peers::measure(&table, &rates);
    socket::measure(&table);
    emulated::measure(&table);
    let full = many::measure(&table);
    daemon::measure(&table, &full);
}
