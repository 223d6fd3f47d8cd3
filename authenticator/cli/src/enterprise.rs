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
mod tenant;
mod tokens;
mod told;
mod web;

use std::path::Path;
use std::{env, fs};

use latchkey_container::{Container, PinRules};
use latchkey_ctap::{Organisation, Policy};
use latchkey_enterprise::flows::{FlowError, Site};
use latchkey_enterprise::http::{Http, Origin};
use latchkey_enterprise::keyring::{self, Keyring, PasskeyRules, Refusal, Rules, Vouching};
use latchkey_enterprise::policy::{LocalPolicy, VARIABLE};

use crate::control::caller::Caller;
use crate::control::{Answer, Request};
use crate::failure::{Failure, FailureKind};
use crate::output::Output;

pub use overview::status;
pub use pin_reset::rearm_pin;
pub use tokens::{lock, renew, sign_out};

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

/// Holds PINs to what every tenant and this machine's administrator want. Where that cannot be read, no PIN can be set.
pub fn follow_rules(container: &mut Container) -> Result<Rules, Failure> {
    let rules = local_policies().and_then(|files| Ok(Rules::of(container, &files)?));
    container.follow_pin_rules(rules.as_ref().map_or(PinRules::Unreadable, |rules| rules.pin));
    rules
}

/// What the authenticator is to know of the decisions of organisations and of this machine's administrator.
pub fn decided(container: &mut Container) -> Result<Policy, Failure> {
    let rules = PasskeyRules::of(container, &local_policies()?)?;
    let organisation = |vouching: Vouching| Organisation {
        compartment: vouching.compartment,
        certificates: vec![vouching.certificate],
        relying_parties: vouching.relying_parties,
    };
    Ok(Policy {
        organisations: rules.vouching.into_iter().map(organisation).collect(),
        ml_dsa_44: rules.post_quantum_algorithms,
        attestation_certificate: rules.attestation_certificate,
    })
}

/// The way to a provider that a command names, with the PEM certificates of `ca`, which alone count there; without the
/// file the system's do.
fn provider(idp: &str, ca: Option<&Path>) -> Result<(Http, Option<String>), Failure> {
    let ca = ca.map(fs::read_to_string).transpose();
    let ca = ca.map_err(|error| Failure::io("the file of --ca cannot be read", &error))?;
    let origin = Origin::parse(idp).map_err(FlowError::from)?;
    Ok((Http::new(origin, ca.as_deref().map(str::as_bytes))?, ca))
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
