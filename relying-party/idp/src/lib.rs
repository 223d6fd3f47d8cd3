//! The identity provider.
//!
//! Read top-down: [`http`] is its surface, [`oauth`] the protocol, [`provider`] what runs, [`storage`] what it remembers.

pub mod access_pass;
pub mod administration;
pub mod attestation;
pub mod audit_chain;
mod client_data;
pub mod clock;
pub mod devices;
pub mod domain;
pub mod graph;
mod hex;
pub mod http;
pub mod keys;
pub mod limits;
pub mod mds;
pub mod models;
pub mod network;
pub mod oauth;
pub mod own_pages;
pub mod pages;
pub mod passkeys;
pub mod password;
pub mod pin_reset;
pub mod provider;
pub mod reseal;
pub mod secrets;
pub mod settings;
pub mod sign_in;
pub mod storage;
pub mod strength;
pub mod tls;
pub mod tokens;
pub mod totp;
