//! `latchkey up`: the virtual authenticator in the foreground.
//!
//! ```text
//! browsers, tools ──uhid, ctaphid.sock, UDP──▶ driver ──Job──▶ engine thread (the one owner of the container)
//! commands ──control.sock──▶ control_server ──Job──▶        │
//!                          prompter ◀──question── driver ◀──┴──Report
//! ```
//! The driver never computes and never waits for a disk or a TPM, so keepalives and cancels work while a PIN is
//! stretched; the engine thread never asks and never sends.

mod capture;
mod control_server;
mod driver;
mod engine;
mod enrolment;
mod plug;
mod questions;
mod recognition;
mod renewal;

use std::fs::File;
use std::io::Write;
use std::sync::Arc;
use std::time::Duration;

use latchkey_container::{Container, Error as ContainerError};
use rustix::fs::{FlockOperation, flock};
use tokio::sync::Notify;

use crate::args::UpArguments;
use crate::biometric::Service;
use crate::clock::Uptime;
use crate::control::report::Class;
use crate::device::{Choice, require_tpm};
use crate::failure::{Failure, FailureKind};
use crate::hardening;
use crate::paths::{Paths, private_directory};
use crate::prompt::Prompter;

/// The ways to the user.
#[derive(Clone)]
struct User {
    prompter: Arc<Prompter>,
    biometrics: Option<Arc<Service>>,
}

/// Runs until SIGINT or SIGTERM.
pub fn run(paths: &Paths, device: Choice, arguments: &UpArguments) -> Result<(), Failure> {
    private_directory(paths.data())?;
    private_directory(paths.runtime())?;
    let _alone = lock(paths)?;
    let memory = hardening::lock_memory();
    tracing::info!("memory: {}", memory.in_words());
    let container = open(paths, &device, arguments.require_tpm)?;
    let prompter = Prompter::new(&arguments.prompt, Duration::from_secs(arguments.prompt_timeout));
    tracing::info!("{}", prompter.description());
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::io("the daemon's loop", &error))?;
    let uptime = Uptime::start();
    let biometrics = {
        let _within = runtime.enter();
        Service::start(&arguments.biometric, paths)?.map(Arc::new)
    };
    let seat = engine::Place { paths: paths.clone(), device, biometrics: biometrics.clone(), memory };
    let (engine, reports) = engine::start(seat, container, uptime, arguments.require_tpm)?;
    let user = User { prompter: Arc::new(prompter), biometrics };
    let served = runtime.block_on(serve(paths, arguments, &user, &engine, reports, uptime));
    // Takes back an open question and closes every connection, before the container is closed.
    drop(runtime);
    engine.stop()?;
    tracing::info!("stopped");
    served
}

async fn serve(
    paths: &Paths,
    arguments: &UpArguments,
    user: &User,
    engine: &engine::Engine,
    reports: engine::Reports,
    uptime: Uptime,
) -> Result<(), Failure> {
    let stop = driver::Stop::on_signals()?;
    let changed = Arc::new(Notify::new());
    let control = control_server::bind(paths, user.clone(), engine.jobs(), Arc::clone(&changed))?;
    let renewing = renewal::run(paths.clone(), engine.jobs(), changed, arguments.renew_after);
    let renewing = tokio::spawn(renewing).abort_handle();
    let carriers = plug::Carriers::new(paths, arguments);
    let mut driver = driver::Driver::new(carriers, user.clone(), engine.jobs(), uptime);
    driver.plug_if(engine.has_container()).await?;
    println!("latchkey: ready {}", paths.runtime().display());
    std::io::stdout().flush().map_err(|error| Failure::io("standard output", &error))?;
    let ended = driver.run(reports, stop).await;
    renewing.abort();
    drop(control);
    ended
}

/// One daemon for each runtime directory: who holds this lock may replace the sockets in it.
fn lock(paths: &Paths) -> Result<File, Failure> {
    let path = paths.daemon_lock();
    let trouble = |error: &std::io::Error| Failure::io(format!("{} cannot be used", path.display()), error);
    let file = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(&path)
        .map_err(|error| trouble(&error))?;
    match flock(&file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(file),
        Err(rustix::io::Errno::WOULDBLOCK) => {
            let text = format!("another daemon already serves {}; stop it first", paths.runtime().display());
            Err(Failure::new(FailureKind::InUse, text))
        }
        Err(errno) => Err(trouble(&errno.into())),
    }
}

/// Opens the container if there is one, and says who protects it.
fn open(paths: &Paths, device: &Choice, tpm_required: bool) -> Result<Option<Container>, Failure> {
    let tpm = device.open()?;
    let identity = tpm.identity();
    if tpm_required {
        require_tpm(identity.class)?;
    }
    tracing::info!("{} ({})", Class::from(identity.class).in_words(), identity.description);
    match Container::open(&paths.container(), tpm) {
        Ok(container) => Ok(Some(container)),
        Err(ContainerError::Missing { .. }) => {
            tracing::info!("there is no container yet: create one with `latchkey container create`");
            Ok(None)
        }
        Err(error) => Err(error.into()),
    }
}
