//! The crash matrix: the daemon is killed at every TPM command and at every write of every operation that changes
//! the container. Afterwards exactly one PIN works, no passkey is lost, and the operation can be finished.
//!
//! The operations of a compartment have many points; `CRASH_MATRIX=all` tries each, else some of them, evenly spread.

mod membership;
mod operation;
mod proof;
mod scene;

use latchkey_tests::tpm_proxy::Moment;
use operation::{Operation, Stage};
use scene::{Scene, Template};

/// A TPM may answer the first protected command after a boot with `TPM_RC_RETRY`, in the counted run or in a later one.
const RETRIES: usize = 4;

/// Points that are tried of each matrix of a compartment's operation.
const MOST: usize = 8;

/// Kills the daemon at the TPM commands of `operation`, before the TPM sees one and after it has answered.
fn at_every_tpm_command(operation: Operation) {
    let template = Template::prepare(operation);
    let commands = template.count_tpm_commands();
    assert!(commands > 0, "{operation:?} reaches the TPM");
    let all = (1..=commands).flat_map(|n| [(n, Moment::BeforeForward), (n, Moment::AfterForward)]);
    let chosen = chosen(operation, all.collect());
    let mut missed = 0;
    for &(n, moment) in &chosen {
        let mut scene = Scene::restore(&template);
        missed += usize::from(!scene.crash_at_tpm_command(n, moment));
        scene.prove(&format!("{operation:?}, TPM command {n} of {commands}, {moment:?}"));
    }
    assert!(missed <= RETRIES, "{operation:?} does not come to {missed} of its {commands} TPM commands");
    println!(
        "crash matrix: {operation:?}: {} of {} points at TPM commands",
        chosen.len() - missed,
        2 * commands
    );
}

/// Kills the daemon at the writes of `operation`.
fn at_every_write(operation: Operation) {
    let template = Template::prepare(operation);
    let (before, after) = template.count_writes();
    assert!(after > before, "{operation:?} writes");
    let chosen = chosen(operation, (before + 1..=after).collect());
    for &n in &chosen {
        let mut scene = Scene::restore(&template);
        scene.crash_at_write(n);
        scene.prove(&format!("{operation:?}, write {} of {}", n - before, after - before));
    }
    println!("crash matrix: {operation:?}: {} of {} points at writes", chosen.len(), after - before);
}

/// The points that are tried: the first, the last, and as many between as there is time for.
fn chosen<T: Copy>(operation: Operation, all: Vec<T>) -> Vec<T> {
    let everything = operation.starts_from() < Stage::Joined && operation != Operation::Join;
    if everything || all.len() <= MOST || std::env::var("CRASH_MATRIX").is_ok_and(|wish| wish == "all") {
        return all;
    }
    (0..MOST).map(|n| all[n * (all.len() - 1) / (MOST - 1)]).collect()
}

macro_rules! matrix {
    ($($name:ident: $operation:expr;)*) => { $(
        mod $name {
            use super::Operation;

            #[test]
            fn killed_at_every_tpm_command() {
                super::at_every_tpm_command($operation);
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
    use super::{Operation, Template};

    #[test]
    fn killed_at_every_tpm_command() {
        super::at_every_tpm_command(Operation::RearmPin);
    }

    #[test]
    fn writes_nothing() {
        let (before, after) = Template::prepare(Operation::RearmPin).count_writes();
        assert_eq!(before, after);
    }
}
