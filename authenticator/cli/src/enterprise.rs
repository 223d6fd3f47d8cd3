//! The commands that speak to an identity provider: they compose the flows of `latchkey-enterprise` with this program's
//! terminal, browser and daemon.

mod device;
mod machine;
mod opening;
mod overview;
mod pin_reset;
mod policy;
mod refused;
pub mod sign_on;
mod tokens;
mod told;
mod web;

use std::env;
use std::path::Path;

use latchkey_enterprise::flows::{FlowError, Site};
use latchkey_enterprise::keyring::{self, Keyring, Refusal};
use latchkey_enterprise::policy::{LocalPolicy, VARIABLE};

use crate::control::caller::Caller;
use crate::control::{Answer, Request};
use crate::failure::{Failure, FailureKind};
use crate::output::Output;

pub use overview::status;
pub use pin_reset::rearm_pin;
pub use tokens::sign_out;

/// What every one of these commands has.
struct Desk<'o> {
    caller: Caller,
    files: Vec<LocalPolicy>,
    output: &'o Output,
}

impl<'o> Desk<'o> {
    fn new(caller: Caller, output: &'o Output) -> Result<Self, Failure> {
        Ok(Self { caller: caller.holding(), files: local_policies()?, output })
    }

    fn site(&mut self, tenant: Option<&str>) -> Result<Site<'_>, FlowError> {
        Site::find(&mut self.caller, tenant, &self.files)
    }
}

/// The policies of this machine.
pub fn local_policies() -> Result<Vec<LocalPolicy>, Failure> {
    let named = env::var_os(VARIABLE);
    Ok(LocalPolicy::of_machine(named.as_deref().map(Path::new))?)
}

/// Runs a flow to its end.
fn block_on<T>(flow: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::io("the command's loop", &error))?
        .block_on(flow)
}

impl Keyring for Caller {
    fn call(&mut self, request: keyring::Request) -> Result<keyring::Answer, Refusal> {
        match Self::call(self, Request::Enterprise(request)) {
            Ok(Answer::Enterprise(answer)) => Ok(answer),
            Ok(_other) => Err(Refusal::Answer),
            Err(failure) => Err(Refusal::Relayed(Box::new(failure))),
        }
    }
}

/// The request was answered by something else.
fn unexpected() -> Failure {
    Failure::new(FailureKind::Refused, Refusal::Answer.to_string())
}
