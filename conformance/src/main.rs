//! `latchkey-conformance`: does an authenticator keep to CTAP? It asks, over the same bytes that any platform would send, and
//! shares no code with the authenticator in this repository.
//!
//! `target` moves reports, `ctap` speaks the protocol, `session` holds one conversation, `case` has the rules, `run` plays
//! them, `report` tells.
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
