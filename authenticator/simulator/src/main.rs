//! `latchkey-simulator`: the authenticator for test suites. The same framing, engine, container and TPM as in the
//! daemon; what differs is that a suite, not a person, has the button and the plug.
//!
//! ```text
//! suites ──unix, UDP, TCP──▶ driver ──Job──▶ engine thread
//!        ──HTTP──▶ control ──▶ power (carriers, power-up)
//!                     └──────▶ person (presence, verification)
//! ```
//! Not for anybody's real passkeys: whoever reaches its HTTP port says yes for the user.

mod args;
mod control;
mod driver;
mod engine;
mod failure;
mod home;
mod person;
mod power;

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::Parser;
use latchkey_runtime::clock::Uptime;
use latchkey_runtime::log;
use tokio::signal::unix::{SignalKind, signal};

use args::Arguments;
use failure::Failure;
use person::Person;
use power::Power;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    log::to_stderr();
    match run(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("latchkey-simulator: {failure}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> Result<(), Failure> {
    let (home, container) = home::open(arguments)?;
    let uptime = Uptime::start();
    let (engine, reports) = engine::start(container, uptime)?;
    let patience = Duration::from_secs(arguments.prompt_timeout);
    let person = Arc::new(Person::new(arguments.up, arguments.uv, arguments.pin.as_deref(), patience));
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::io("the loop", &error))?;
    let served = runtime.block_on(serve(arguments, engine.jobs(), reports, person, uptime));
    drop(runtime);
    // Before the folder goes: an ephemeral container also leaves a PIN in the TPM.
    let ended = engine.stop(home.is_ephemeral());
    drop(home);
    served.and(ended)
}

async fn serve(
    arguments: &Arguments,
    jobs: engine::Jobs,
    reports: engine::Reports,
    person: Arc<Person>,
    uptime: Uptime,
) -> Result<(), Failure> {
    let mut interrupt = signal(SignalKind::interrupt()).map_err(|error| Failure::io("signals", &error))?;
    let mut terminate = signal(SignalKind::terminate()).map_err(|error| Failure::io("signals", &error))?;
    let mut exchange = driver::exchange(jobs.clone(), Arc::clone(&person), uptime);
    exchange.set_plugged(true);
    let power = Arc::new(Power::new(arguments, exchange.port(), jobs));
    power.on().await?;
    let control = control::serve(&arguments.http, Arc::clone(&power), person).await?;
    println!("latchkey-simulator: ready {}{control}", power.addresses().await);
    tokio::select! {
        ended = driver::run(&mut exchange, reports, &power) => ended,
        _ = interrupt.recv() => Ok(()),
        _ = terminate.recv() => Ok(()),
    }
}
