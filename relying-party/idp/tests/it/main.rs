//! The provider over storage and HTTP, on SQLite and on Postgres.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "clippy.toml allows them in test functions; these files hold nothing but tests and what they share"
)]

mod admin_apps;
mod admin_gate;
mod admin_pages;
mod administration;
mod administration_apps;
mod asked_claims;
mod attacks;
#[path = "../shared/authenticator.rs"]
mod authenticator;
mod authorize;
mod brokers;
mod browser;
mod certification;
mod clients;
mod devices;
mod dpop;
mod gathered;
mod given_password;
mod grants;
mod graph;
mod interrupts;
mod limits;
mod on_behalf_of;
mod other_device;
mod other_sites;
mod own_pages;
mod passkeys;
mod password;
mod pin_reset;
mod postgres;
mod primary;
mod program;
mod program_commands;
mod program_edges;
mod program_keys;
mod pushed;
mod races;
mod reseal;
mod rig;
mod security;
mod sign_in;
mod sign_in_refusals;
mod sign_out;
mod storage;
mod storage_devices;
mod storage_directory;
mod storage_primary;
mod welcome;
