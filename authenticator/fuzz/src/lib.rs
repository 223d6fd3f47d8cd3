//! Properties of everything that reads foreign bytes. Each module is one fuzz target: its `check` takes any bytes and
//! panics when what it tests does not do with them what it promises.
//!
//! `fuzz_targets` hands the functions to libFuzzer (`./run fuzz`), `tests/corpus.rs` runs them on the inputs that were
//! kept in `corpus`, one folder for each target.
#![allow(
    clippy::panic,
    clippy::expect_used,
    reason = "a property that does not hold ends the run with the sentence that names it"
)]

pub mod attestation_object;
pub mod authenticator_data;
pub mod client_data_json;
pub mod container_record;
pub mod ctap_request;
pub mod ctaphid_stream;
pub mod device;
pub mod native_message;
pub mod page;

mod input;

/// One target.
#[derive(Debug, Clone, Copy)]
pub struct Target {
    /// Its name: of its module, its program and its folder in the corpus.
    pub name: &'static str,
    /// What it checks.
    pub check: fn(&[u8]),
}

/// All of them.
pub const TARGETS: [Target; 7] = [
    Target { name: "ctap_request", check: ctap_request::check },
    Target { name: "ctaphid_stream", check: ctaphid_stream::check },
    Target { name: "authenticator_data", check: authenticator_data::check },
    Target { name: "attestation_object", check: attestation_object::check },
    Target { name: "client_data_json", check: client_data_json::check },
    Target { name: "container_record", check: container_record::check },
    Target { name: "native_message", check: native_message::check },
];
