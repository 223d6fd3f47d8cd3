//! The site over HTTP, with a device of our own that can be told to cheat.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "clippy.toml allows them in test functions; these files hold nothing but tests and what they share"
)]

mod account;
mod device;
mod identity;
mod issuer;
mod journey;
mod latchkey;
mod limits;
mod program;
mod refused;
mod rig;
mod session;
mod u2f;
