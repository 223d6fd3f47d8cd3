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
mod clients;
mod conditional;
mod conformance;
mod crash;
mod desk;
mod enterprise;
mod identity;
mod idp;
mod idp_canary;
mod idp_clients;
mod idp_crash;
mod idp_flood;
mod idp_keys;
mod idp_races;
mod idp_reset_keys;
mod memory;
mod python_fido2;
mod roadtx;
mod single_sign_on;
#[path = "../clients/token.rs"]
mod token;
#[path = "../clients/webauthn_authenticator.rs"]
mod webauthn_authenticator;
