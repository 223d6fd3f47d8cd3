//! End-to-end tests: the real programs, a real TPM emulator, a real browser.
#![allow(
    clippy::indexing_slicing,
    clippy::expect_used,
    clippy::panic,
    reason = "a broken expectation ends the test with the sentence that names it"
)]

mod architecture;
mod bad_input;
mod browser;
mod conditional;
mod crash;
mod desk;
mod idp;
mod idp_clients;
mod idp_keys;
mod python_fido2;
