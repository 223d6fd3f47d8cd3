//! The crash matrix: the daemon is killed at every TPM command and at every write of every operation that changes
//! the container, and the TPM at every command. Afterwards exactly one PIN works, no passkey is lost, and the operation can
//! be finished. What happens between device and provider is in `enterprise/interruption.rs`.
//!
//! The operations of a compartment have many points; `CRASH_MATRIX=all` tries each, else some of them.

mod membership;
mod operation;
mod proof;
mod scene;

use latchkey_tests::tpm_proxy::Moment;
use operation::Operation;
use scene::{Scene, Template, Victim};

/// A TPM may answer the first protected command after a boot with `TPM_RC_RETRY`, in the counted run or in a later one.
const RETRIES: usize = 4;

/// Points that are tried of each matrix that is not tried as a whole.
const MOST: usize = 8;

/// The commands that change what the TPM keeps.
const CHANGES: [&str; 5] =
    ["EvictControl", "NV_DefineSpace", "NV_UndefineSpace", "NV_UndefineSpaceSpecial", "NV_Write"];
/// The system calls at which what was written comes to stay.
const COMMITS: [&str; 7] = ["fdatasync", "fsync", "ftruncate", "rename", "renameat", "unlink", "unlinkat"];

/// Kills the victim at the TPM commands of `operation`, before the TPM sees one and after it has answered.
fn at_every_tpm_command(operation: Operation, victim: Victim) {
    let template = Template::prepare(operation);
    let commands = template.tpm_commands();
    assert!(!commands.is_empty(), "{operation:?} reaches the TPM");
    let points = commands.iter().enumerate().flat_map(|(n, name)| {
        [Moment::BeforeForward, Moment::AfterForward].map(|moment| (CHANGES.contains(name), (n + 1, moment)))
    });
    let chosen = chosen(points.collect(), operation.is_brief() && victim == Victim::Daemon);
    let mut missed = 0;
    for &(n, moment) in &chosen {
        let mut scene = Scene::restore(&template);
        let (reached, _running) = scene.crash_at_tpm_command(victim, n, moment);
        missed += usize::from(!reached);
        let name = commands[n - 1];
        scene.prove(&format!("{operation:?}, TPM command {n} of {} ({name}), {moment:?}", commands.len()));
    }
    assert!(missed <= RETRIES, "{operation:?} does not come to {missed} of its {} commands", commands.len());
    println!(
        "crash matrix: {operation:?}: {victim:?} killed at {} of {} points at TPM commands",
        chosen.len() - missed,
        2 * commands.len()
    );
}

/// Kills the daemon at the writes of `operation`.
fn at_every_write(operation: Operation) {
    let template = Template::prepare(operation);
    let (before, writes) = template.writes();
    assert!(!writes.is_empty(), "{operation:?} writes");
    let points = writes.iter().enumerate().map(|(n, call)| (COMMITS.contains(&call.as_str()), n));
    let chosen = chosen(points.collect(), operation.is_brief());
    for &n in &chosen {
        let mut scene = Scene::restore(&template);
        let _running = scene.crash_at_write(before + n + 1);
        scene.prove(&format!("{operation:?}, write {} of {} ({})", n + 1, writes.len(), writes[n]));
    }
    println!(
        "crash matrix: {operation:?}: Daemon killed at {} of {} points at writes",
        chosen.len(),
        writes.len()
    );
}

/// The points that are tried: all, where that is `brief` or wanted; else half of them where something comes to stay, and half
/// elsewhere, evenly spread.
fn chosen<T: Copy>(points: Vec<(bool, T)>, brief: bool) -> Vec<T> {
    if brief || is_complete() {
        return points.into_iter().map(|(_, point)| point).collect();
    }
    let (staying, others): (Vec<_>, Vec<_>) = points.into_iter().partition(|(stays, _)| *stays);
    [staying, others].iter().flat_map(|half| spread(half, MOST / 2)).map(|(_, point)| point).collect()
}

/// The first, the last, and as many between.
pub fn spread<T: Copy>(all: &[T], most: usize) -> Vec<T> {
    if all.len() <= most {
        all.to_vec()
    } else {
        (0..most).map(|n| all[n * (all.len() - 1) / (most - 1)]).collect()
    }
}

/// Whether each point is wanted.
pub fn is_complete() -> bool {
    std::env::var("CRASH_MATRIX").is_ok_and(|wish| wish == "all")
}

macro_rules! matrix {
    ($($name:ident: $operation:expr;)*) => { $(
        mod $name {
            use super::{Operation, Victim};

            #[test]
            fn killed_at_every_tpm_command() {
                super::at_every_tpm_command($operation, Victim::Daemon);
            }

            #[test]
            fn without_its_tpm_from_every_command_on() {
                super::at_every_tpm_command($operation, Victim::Tpm);
            }

            #[test]
            fn killed_at_every_write() {
                super::at_every_write($operation);
            }
        }
    )* };
}

matrix! {
    set_pin: Operation::SetPin;
    change_pin: Operation::ChangePin;
    register: Operation::Register;
    delete: Operation::Delete;
    join: Operation::Join;
    provision_key: Operation::ProvisionKey;
    renew_key: Operation::RenewKey;
    enable_recovery: Operation::EnableRecovery;
    reset_pin: Operation::ResetPin;
    rotate: Operation::Rotate;
    begin_anew: Operation::BeginAnew;
}

/// The TPM keeps nothing of a compartment: leaving sends it no command.
mod leave {
    use super::Operation;

    #[test]
    fn killed_at_every_write() {
        super::at_every_write(Operation::Leave);
    }
}

/// The count of tries is the TPM's: nothing is written here.
mod rearm_pin {
    use super::{Operation, Template, Victim};

    #[test]
    fn killed_at_every_tpm_command() {
        super::at_every_tpm_command(Operation::RearmPin, Victim::Daemon);
    }

    #[test]
    fn without_its_tpm_from_every_command_on() {
        super::at_every_tpm_command(Operation::RearmPin, Victim::Tpm);
    }

    #[test]
    fn writes_nothing() {
        let (_, writes) = Template::prepare(Operation::RearmPin).writes();
        assert!(writes.is_empty(), "{writes:?}");
    }
}
