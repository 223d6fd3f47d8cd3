//! What keeps PINs and keys out of core files and away from the user's other processes.

use rustix::process::{DumpableBehavior, Resource, Rlimit, set_dumpable_behavior, setrlimit};

use crate::failure::{Failure, FailureKind};

/// No core file, no ptrace by the user's other programs.
pub fn apply() -> Result<(), Failure> {
    let refused = |error: rustix::io::Errno| {
        Failure::new(FailureKind::Refused, format!("core dumps cannot be switched off: {error}"))
    };
    set_dumpable_behavior(DumpableBehavior::NotDumpable).map_err(refused)?;
    setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) }).map_err(refused)
}
