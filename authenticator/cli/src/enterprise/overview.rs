//! `latchkey status` and `latchkey dsregcmd`.

use latchkey_enterprise::flows::{Site, look};
use latchkey_enterprise::keyring::View;
use latchkey_enterprise::policy::LocalPolicy;
use latchkey_enterprise::status::{Page, Report, Seen, Standing};
use serde_json::json;

use super::{block_on, local_policies, machine, told};
use crate::args::ReportArguments;
use crate::clock;
use crate::control::caller::Caller;
use crate::failure::{Failure, FailureKind};
use crate::output::Output;

const USAGE: &str =
    "the switches are /status and /verbose; `latchkey device join` joins, `latchkey device leave` leaves";

/// Carries `latchkey status` out.
pub fn status(caller: Caller, output: &Output) -> Result<(), Failure> {
    let mut caller = caller.holding();
    let status = machine::status(&caller)?;
    told::overview(output, &status, &look(&mut caller)?);
    Ok(())
}

impl ReportArguments {
    /// Carries the command out and prints what came of it. It reports on a machine without a container, too.
    pub fn run(self, caller: Caller, output: &Output) -> Result<(), Failure> {
        dsregcmd(caller, output, self.is_verbose()?)
    }

    fn is_verbose(&self) -> Result<bool, Failure> {
        let (mut status, mut verbose) = (self.status, self.verbose);
        for switch in &self.switches {
            match switch.trim_start_matches('/').to_ascii_lowercase().as_str() {
                "status" => status = true,
                "verbose" => verbose = true,
                _other => return Err(Failure::new(FailureKind::Usage, USAGE)),
            }
        }
        if status { Ok(verbose) } else { Err(Failure::new(FailureKind::Usage, USAGE)) }
    }
}

fn dsregcmd(caller: Caller, output: &Output, verbose: bool) -> Result<(), Failure> {
    let mut caller = caller.holding();
    let (views, surroundings) = match machine::status(&caller) {
        Ok(status) => (look(&mut caller)?, machine::surroundings(&status)),
        Err(failure) if failure.kind == FailureKind::NoContainer => {
            (Vec::new(), machine::surroundings_with(false))
        }
        Err(failure) => return Err(failure),
    };
    let files = local_policies();
    let (standing, key_signs) = match views.iter().find(|view| view.facts.device.is_some()) {
        Some(view) => ask(&mut caller, view, files.as_deref().unwrap_or_default()),
        None => (Standing::Unknown, false),
    };
    let seen = Seen { surroundings, standing, key_signs, now: clock::now() };
    let report = Report::of(&views, files.as_deref().map_err(ToString::to_string), &seen);
    let report = report.map_err(|error| Failure::new(FailureKind::Storage, error.to_string()))?;
    let page = Page { report: &report, verbose }.to_string();
    output.told(&json!({ "report": page, "can_reset": report.user.can_reset }), page.trim_end());
    Ok(())
}

/// What the device key and the provider say. Whatever goes wrong is a line of the report.
fn ask(caller: &mut Caller, view: &View, files: &[LocalPolicy]) -> (Standing, bool) {
    let Ok(mut site) = Site::at(caller, view.clone(), files) else { return (Standing::Unknown, false) };
    let key_signs = site.key_signs();
    let standing = block_on(async { Ok(site.standing().await) });
    (standing.unwrap_or(Standing::Unknown), key_signs)
}
