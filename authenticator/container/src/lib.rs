//! The container: authentication key, protectors, user keys and their records.
pub mod secret;
pub mod tpm;
