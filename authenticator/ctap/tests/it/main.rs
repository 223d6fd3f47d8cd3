//! The engine through bytes: every command, both sides of each rule.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "in the helpers of a test a panic is the failure, as it is in the tests themselves"
)]

mod algorithms;
mod attacks;
mod attestation;
mod attestation_certificate;
mod attestation_verified;
mod bio_enrollment;
mod cancel;
mod capacity;
mod client_pin;
mod config;
mod consent;
mod credential_id;
mod credential_management;
mod device;
mod extensions;
mod gesture;
mod get_assertion;
mod get_info;
mod hmac_secret;
mod interleaved;
mod large_blobs;
mod local;
mod make_credential;
mod malformed;
mod model;
mod next_assertion;
mod persistent_token;
mod pin_facts;
mod pin_reset;
mod pin_rules;
mod platform;
mod reset;
mod security_key;
mod sensor;
mod table;
mod token;
mod tpm_commands;
mod u2f;
mod verifiers;
