//! The crate through its public door, against the real identity provider.
#![allow(
    clippy::indexing_slicing,
    clippy::expect_used,
    clippy::panic,
    reason = "a broken expectation ends the test with the sentence that names it"
)]

mod web_sign_in;
