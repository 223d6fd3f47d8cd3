//! The simulator as a suite meets it: its sockets and its HTTP control.
#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "a broken expectation ends the test with the sentence that names it; real programs need real time"
)]

mod carriers;
mod control;
mod rig;
mod suite;
