//! `latchkey`: the daemon and its commands. This program composes the authenticator's crates and owns what they may
//! not know: processes, files, sockets, prompts, clock and randomness. It holds no rule of any protocol.

mod args;
mod biometric;
mod browser;
mod confirmation;
mod control;
mod daemon;
mod device;
mod enterprise;
mod failure;
mod files;
mod hardening;
mod output;
mod paths;
mod prompt;
mod secret_input;
mod secret_text;
mod service;

use std::ffi::OsString;
use std::path::Path;
use std::process::ExitCode;

use clap::Parser;
use latchkey_runtime::{clock, log};

use crate::args::{Arguments, BrowserCommand, Command};
use crate::control::caller::Caller;
use crate::failure::Failure;
use crate::output::Output;
use crate::paths::Paths;

fn main() -> ExitCode {
    silence_tpm2_tss();
    let arguments = Arguments::parse_from(words());
    let output = Output::new(arguments.json);
    log::to_stderr();
    match run(arguments, &output) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            output.failure(&failure);
            ExitCode::from(failure.kind.exit_code())
        }
    }
}

/// The command line; called as `dsregcmd`, the program is that command.
fn words() -> Vec<OsString> {
    let mut words: Vec<OsString> = std::env::args_os().collect();
    let called = words.first().and_then(|path| Path::new(path).file_name());
    if called.is_some_and(|name| name == DSREGCMD) {
        words.insert(1, DSREGCMD.into());
    }
    words
}

const DSREGCMD: &str = "dsregcmd";

fn run(arguments: Arguments, output: &Output) -> Result<(), Failure> {
    hardening::apply()?;
    let paths = Paths::from_environment()?;
    let device = device::Choice::from_arguments(&arguments.tpm, &paths)?;
    match arguments.command {
        Command::Up(up) => daemon::run(&paths, device, &up),
        Command::Container(command) => command.run(&Caller::new(paths, device), output),
        Command::Status => enterprise::status(Caller::new(paths, device), output),
        Command::Policy(command) => command.run(Caller::new(paths, device), output),
        Command::Dsregcmd(arguments) => arguments.run(Caller::new(paths, device), output),
        Command::Pin(command) => command.run(Caller::new(paths, device), output),
        Command::Device(command) => command.run(Caller::new(paths, device), output),
        Command::Signin(arguments) => arguments.run(Caller::new(paths, device), output),
        Command::Signout(arguments) => enterprise::sign_out(Caller::new(paths, device), output, &arguments),
        Command::Lock => enterprise::lock(Caller::new(paths, device), output),
        Command::Renew(arguments) => enterprise::renew(Caller::new(paths, device), output, &arguments),
        Command::Tenant(command) => command.run(Caller::new(paths, device), output),
        Command::Token(arguments) => arguments.run(Caller::new(paths, device), output),
        Command::Passkeys(command) => command.run(&Caller::new(paths, device), output),
        Command::Biometric(command) => command.run(&Caller::new(paths, device), output),
        Command::Service(command) => command.run(output),
        Command::Browser(BrowserCommand::Install(place)) => browser::install::install(&paths, &place, output),
        Command::Browser(BrowserCommand::Uninstall(place)) => {
            browser::install::uninstall(&paths, &place, output)
        }
        Command::Browser(BrowserCommand::Host { caller }) => browser::host::serve(&paths, &caller),
    }
}

/// tpm2-tss prints every refused command to standard error, a wrong PIN among them; our own errors say it better. Whoever
/// sets the variable sees its log all the same.
#[allow(unsafe_code, reason = "the environment can only be changed so, and the library reads nothing else")]
fn silence_tpm2_tss() {
    const LOG: &str = "TSS2_LOG";
    if std::env::var_os(LOG).is_none() {
        // SAFETY: the first statement of `main`; no other thread exists that could read the environment meanwhile.
        unsafe { std::env::set_var(LOG, "all+none") };
    }
}
