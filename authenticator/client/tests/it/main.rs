//! The client against a scripted authenticator (every answer at will) and against the real engine.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::wildcard_enum_match_arm,
    reason = "helpers of tests are tests too, but clippy only knows functions marked as such"
)]

mod authentication;
mod engine;
mod large_blob;
mod registration;
mod scripted;
