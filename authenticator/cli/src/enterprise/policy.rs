//! `latchkey policy`.

use latchkey_enterprise::flows::look;
use latchkey_enterprise::policy::resolve;

use super::{Desk, told};
use crate::args::PolicyCommand;
use crate::control::caller::Caller;
use crate::failure::{Failure, FailureKind};
use crate::output::Output;

impl PolicyCommand {
    /// Carries the command out and prints what came of it.
    pub fn run(self, caller: Caller, output: &Output) -> Result<(), Failure> {
        let Self::Explain(arguments) = self;
        let mut desk = Desk::new(caller, output)?;
        let tenant = arguments.tenant.as_deref();
        // Before a registration, and without a container, the machine's own policy counts.
        let registered = match look(&mut desk.caller).map_err(Failure::from) {
            Ok(views) => views.iter().any(|view| view.facts.device.is_some()),
            Err(failure) if failure.kind == FailureKind::NoContainer => false,
            Err(failure) => return Err(failure),
        };
        let document = if registered || tenant.is_some() {
            desk.site(tenant)?.view().facts.policy.clone()
        } else {
            None
        };
        told::policy(output, &resolve(document.as_ref(), &desk.files));
        Ok(())
    }
}
