//! The crash matrix: the daemon is killed at every TPM command and at every write of every operation that changes
//! the container. Afterwards exactly one PIN works, no passkey is lost, and the operation can be finished.

mod operation;
mod scene;

use latchkey_tests::tpm_proxy::Moment;
use operation::Operation;
use scene::{Scene, Template};

/// A TPM may answer the first protected command after a boot with `TPM_RC_RETRY`, in the counted run or in a later one.
const RETRIES: usize = 4;

/// Kills the daemon at each TPM command of `operation`, before the TPM sees it and after it has answered.
fn at_every_tpm_command(operation: Operation) {
    let template = Template::prepare(operation);
    let commands = template.count_tpm_commands();
    assert!(commands > 0, "{operation:?} reaches the TPM");
    let mut missed = 0;
    for n in 1..=commands {
        for moment in [Moment::BeforeForward, Moment::AfterForward] {
            let mut scene = Scene::restore(&template);
            missed += usize::from(!scene.crash_at_tpm_command(n, moment));
            scene.prove(&format!("{operation:?}, TPM command {n} of {commands}, {moment:?}"));
        }
    }
    assert!(missed <= RETRIES, "{operation:?} does not come to {missed} of its {commands} TPM commands");
    println!("crash matrix: {operation:?}: {} points at TPM commands", 2 * commands - missed);
}

/// Kills the daemon at each write of `operation`.
fn at_every_write(operation: Operation) {
    let template = Template::prepare(operation);
    let (before, after) = template.count_writes();
    assert!(after > before, "{operation:?} writes");
    for n in before + 1..=after {
        let mut scene = Scene::restore(&template);
        scene.crash_at_write(n);
        scene.prove(&format!("{operation:?}, write {} of {}", n - before, after - before));
    }
    println!("crash matrix: {operation:?}: {} points at writes", after - before);
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
}
