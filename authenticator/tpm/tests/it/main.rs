//! The port's tests: the contract on both providers, then what only one of them promises.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "test code: a broken expectation ends the test, also in the functions that the tests share"
)]

mod attestation;
mod compartments;
mod container;
mod contract;
mod device;
mod providers;
mod software;
mod traffic;
