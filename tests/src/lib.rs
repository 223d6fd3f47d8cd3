//! The rig: starts the real programs and drives them from outside.
//!
//! It knows none of the project's crates, only its programs, sockets and pages, so that what passes here works for
//! a user too. Every program that the rig starts is stopped, by its process id, when its handle is dropped.
#![allow(
    clippy::expect_used,
    clippy::missing_panics_doc,
    clippy::panic,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::as_conversions,
    reason = "the rig is test code: a broken expectation ends the test with the sentence that names it"
)]
#![allow(clippy::disallowed_methods, reason = "the rig waits for real programs in real time")]

#[cfg(feature = "browser")]
pub mod browser;
pub mod control;
pub mod daemon;
pub mod employee;
pub mod figures;
#[cfg(feature = "browser")]
pub mod firefox;
pub mod fprintd;
pub mod guest;
pub mod http;
pub mod http_proxy;
pub mod idp;
pub mod journeys;
pub mod memory;
pub mod native_host;
pub mod office;
pub mod organisation;
pub mod people;
#[cfg(feature = "browser")]
pub mod person;
pub mod pin_reset_service;
pub mod postgres;
pub mod process;
pub mod programs;
pub mod prompter;
pub mod site;
pub mod softhsm;
pub mod sql;
pub mod swtpm;
pub mod terminal;
pub mod totp;
pub mod tpm_costs;
pub mod tpm_proxy;
pub mod tracer;
pub mod usage;
pub mod virtual_sensor;
pub mod visitor;
