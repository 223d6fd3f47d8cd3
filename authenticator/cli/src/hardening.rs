//! What keeps PINs and keys out of core files, off the disk, and away from the user's other processes.

use rustix::mm::{MlockAllFlags, mlockall};
use rustix::process::{DumpableBehavior, Resource, Rlimit, getrlimit, set_dumpable_behavior, setrlimit};
use rustix::thread::{CapabilitySet, capabilities};
use serde::{Deserialize, Serialize};

use crate::failure::{Failure, FailureKind};

/// No core file, no ptrace by the user's other programs.
pub fn apply() -> Result<(), Failure> {
    let refused = |error: rustix::io::Errno| {
        Failure::new(FailureKind::Refused, format!("core dumps cannot be switched off: {error}"))
    };
    set_dumpable_behavior(DumpableBehavior::NotDumpable).map_err(refused)?;
    setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) }).map_err(refused)
}

/// Whether what a process has in memory can reach a disk.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Memory {
    /// It cannot.
    Locked,
    /// It can be swapped out, because of this.
    Swappable(String),
}

impl Memory {
    /// One line for people.
    pub fn in_words(&self) -> String {
        match self {
            Self::Locked => "locked: never swapped to a disk".to_owned(),
            Self::Swappable(why) => format!("may be swapped to a disk ({why})"),
        }
    }
}

/// Keeps every page of this process in memory, now and later.
///
/// All or nothing: locking under a limit would make the allocation that exceeds it fail, in the middle of a PIN's check.
/// So without the right to lock as much as it takes nothing is locked, and the status says so. Pages are locked as they
/// are used, for what is merely reserved holds no secret.
pub fn lock_memory() -> Memory {
    if !may_lock_all() {
        let why = "the limit on locked memory is too low: start the daemon with LimitMEMLOCK=infinity or `ulimit -l unlimited`";
        return Memory::Swappable(why.to_owned());
    }
    match mlockall(MlockAllFlags::CURRENT | MlockAllFlags::FUTURE | MlockAllFlags::ONFAULT) {
        Ok(()) => Memory::Locked,
        Err(error) => Memory::Swappable(format!("the system refuses to lock it: {error}")),
    }
}

fn may_lock_all() -> bool {
    let unlimited = getrlimit(Resource::Memlock).current.is_none();
    let privileged = capabilities(None).is_ok_and(|sets| sets.effective.contains(CapabilitySet::IPC_LOCK));
    unlimited || privileged
}
