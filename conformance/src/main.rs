//! `latchkey-conformance`: does an authenticator keep to CTAP, and a server to WebAuthn? It asks, over the same bytes that any
//! platform would send, and shares no code with the authenticator and the website in this repository.
//!
//! `target` moves reports, `ctap` speaks the protocol, `session` holds one conversation, `case` has the rules, `run` plays
//! them, `report` tells. `server` is the other half: a conversation with a server, with rules of its own.
#![allow(clippy::disallowed_methods, reason = "a program that waits for real devices reads the clock")]

use std::process::ExitCode;

use clap::Parser;

mod args;
mod case;
mod cbor;
mod commands;
mod ctap;
mod expectations;
mod hook;
mod profile;
mod report;
mod run;
mod server;
mod session;
mod target;

fn main() -> ExitCode {
    match commands::execute(args::Arguments::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("latchkey-conformance: {error}");
            ExitCode::from(2)
        }
    }
}
