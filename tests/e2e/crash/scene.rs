//! A container at the moment before an operation, restored for every point at which the operation is killed.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use latchkey_tests::daemon::{Daemon, Home};
use latchkey_tests::native_host::NativeHost;
use latchkey_tests::process::{Process, kill};
use latchkey_tests::prompter::Prompter;
use latchkey_tests::swtpm::Swtpm;
use latchkey_tests::tpm_proxy::{Action, Moment, TpmProxy};
use latchkey_tests::tracer;
use tempfile::TempDir;

use super::operation::{NEW_PIN, OLD_PIN, ORIGIN, Operation, passkeys};

const READY: &str = "latchkey: ready";
const PATIENCE: Duration = Duration::from_secs(30);

/// The state before the operation, kept on disk.
pub struct Template {
    operation: Operation,
    folder: TempDir,
}

impl Template {
    /// Makes the container that the operation starts from.
    pub fn prepare(operation: Operation) -> Self {
        let folder = tempfile::tempdir().expect("a folder can be made");
        let swtpm = Swtpm::start(&folder.path().join("tpm"));
        let home = Home::below(folder.path(), &swtpm.tcti());
        let _created = home.json(&["container", "create"], "");
        if operation.wants_passkeys() {
            let _set = home.json(&["pin", "set", "--pin-stdin"], &format!("{OLD_PIN}\n"));
            let prompter = Prompter::new(&folder.path().join("person"), OLD_PIN);
            let _daemon = Daemon::start(&home, &prompter, &[], &folder.path().join("log"));
            let mut host = NativeHost::start(&home);
            for user in ["first", "second"] {
                host.create(ORIGIN, user).unwrap_or_else(|error| panic!("no passkey for {user}: {error}"));
            }
        }
        Self { operation, folder }
    }

    /// How many commands the operation sends to the TPM.
    pub fn count_tpm_commands(&self) -> usize {
        let scene = Scene::restore(self);
        let (proxy, _daemon) = scene.daemon_behind_proxy();
        let _start_up = proxy.take_log();
        self.operation.attempt(&scene.home);
        proxy.take_log().len()
    }

    /// How many writes the daemon has made when it is ready, and when the operation is over.
    pub fn count_writes(&self) -> (usize, usize) {
        let scene = Scene::restore(self);
        let notes = scene.folder.path().join("notes");
        let mut daemon = scene.traced(tracer::noting(&scene.up(), &notes));
        daemon.wait_for(READY, PATIENCE);
        let before = tracer::writes(&notes);
        self.operation.attempt(&scene.home);
        let after = tracer::writes(&notes);
        kill_traced(&mut daemon);
        (before, after)
    }
}

/// One copy of the state, with its own TPM running.
pub struct Scene {
    operation: Operation,
    folder: TempDir,
    swtpm: Swtpm,
    home: Home,
    prompter: Prompter,
}

impl Scene {
    /// Copies the template and starts its TPM.
    pub fn restore(template: &Template) -> Self {
        let folder = tempfile::tempdir().expect("a folder can be made");
        let copied =
            Command::new("cp").arg("-a").arg(template.folder.path().join(".")).arg(folder.path()).status();
        assert!(copied.expect("cp runs").success(), "the template can be copied");
        let swtpm = Swtpm::start(&folder.path().join("tpm"));
        let home = Home::below(folder.path(), &swtpm.tcti());
        let prompter = Prompter::new(&folder.path().join("person"), OLD_PIN);
        Self { operation: template.operation, folder, swtpm, home, prompter }
    }

    /// Runs the operation and kills the daemon at its `n`-th TPM command, or at its end if it sends fewer this time.
    /// Returns whether it came to that command.
    pub fn crash_at_tpm_command(&self, n: usize, moment: Moment) -> bool {
        let (proxy, mut daemon) = self.daemon_behind_proxy();
        proxy.at_command(n, Action::KillPid { pid: daemon.process.pid(), moment });
        self.operation.attempt(&self.home);
        let reached = !proxy.is_armed();
        daemon.process.kill();
        reached
    }

    /// Runs the operation and kills the daemon at the `n`-th write since its start.
    pub fn crash_at_write(&self, n: usize) {
        let notes = self.folder.path().join("notes");
        let mut daemon = self.traced(tracer::killing_at(&self.up(), &notes, n));
        daemon.wait_for(READY, PATIENCE);
        self.operation.attempt(&self.home);
        // A run may write less often than the one that was counted, for instance when SQLite checkpoints later.
        kill_traced(&mut daemon);
    }

    /// Reboots, and proves that exactly one PIN works, that every passkey is there and signs, and that the operation
    /// can be finished.
    pub fn prove(&mut self, point: &str) {
        self.swtpm.restart();
        let _daemon = self.daemon(&self.home);
        match self.operation {
            Operation::SetPin => self.prove_first_pin(point),
            Operation::ChangePin => self.prove_changed_pin(point),
            Operation::Register => self.prove_users(point, &["first", "second"], "third"),
            Operation::Delete => self.prove_users(point, &["first"], "second"),
        }
    }

    fn prove_first_pin(&self, point: &str) {
        if !self.opens(NEW_PIN) {
            self.operation.attempt(&self.home);
        }
        assert!(self.opens(NEW_PIN), "{point}: the PIN cannot be set any more");
        self.prompter.knows(NEW_PIN);
        let made = NativeHost::start(&self.home).create(ORIGIN, "first");
        assert!(made.is_ok(), "{point}: the container takes no passkey: {made:?}");
    }

    fn prove_changed_pin(&self, point: &str) {
        let (old, new) = (self.opens(OLD_PIN), self.opens(NEW_PIN));
        assert!(old != new, "{point}: exactly one PIN must work; old: {old}, new: {new}");
        if old {
            self.operation.attempt(&self.home);
        }
        assert!(self.opens(NEW_PIN), "{point}: the change cannot be finished");
        self.signs(point, NEW_PIN, &["first", "second"]);
    }

    /// `certain` users have their passkeys; `uncertain` has one or none.
    fn prove_users(&self, point: &str, certain: &[&str], uncertain: &str) {
        let users = self.signs(point, OLD_PIN, certain);
        let others: Vec<&String> = users.iter().filter(|user| !certain.contains(&user.as_str())).collect();
        assert!(others.is_empty() || others == [uncertain], "{point}: passkeys from nowhere: {others:?}");
        self.operation.attempt(&self.home);
        let finished: BTreeSet<String> = users_of(&self.home, OLD_PIN).unwrap_or_default();
        let wanted = self.operation == Operation::Register;
        assert_eq!(finished.contains(uncertain), wanted, "{point}: the operation cannot be finished");
    }

    fn signs(&self, point: &str, pin: &str, certain: &[&str]) -> BTreeSet<String> {
        let users = users_of(&self.home, pin)
            .unwrap_or_else(|| panic!("{point}: the PIN does not open the container"));
        for user in certain {
            assert!(users.contains(*user), "{point}: the passkey of {user} is lost; there are {users:?}");
        }
        self.prompter.knows(pin);
        let signed = NativeHost::start(&self.home).get(ORIGIN);
        assert!(signed.is_ok(), "{point}: no passkey signs: {signed:?}");
        users
    }

    fn opens(&self, pin: &str) -> bool {
        passkeys(&self.home, pin).is_some()
    }

    fn daemon(&self, home: &Home) -> Daemon {
        Daemon::start(home, &self.prompter, &[], &self.log())
    }

    fn daemon_behind_proxy(&self) -> (TpmProxy, Daemon) {
        let proxy = TpmProxy::start(&self.swtpm.socket());
        let daemon = self.daemon(&Home { tpm: proxy.tcti(), ..self.home.clone() });
        (proxy, daemon)
    }

    fn up(&self) -> Command {
        let mut command = self.home.latchkey();
        command.args(["up", "--prompt", &format!("command:{}", self.prompter.program().display())]);
        command
    }

    fn traced(&self, command: Command) -> Process {
        Process::start("latchkey up under strace", command, &self.log())
    }

    fn log(&self) -> PathBuf {
        self.folder.path().join("log")
    }
}

fn users_of(home: &Home, pin: &str) -> Option<BTreeSet<String>> {
    Some(passkeys(home, pin)?.into_iter().map(|(user, _id)| user).collect())
}

/// Ends a traced daemon as a crash would, if it still runs; strace ends with it.
fn kill_traced(tracer: &mut Process) {
    if let Some(daemon) = tracer::traced_pid(tracer.pid()) {
        kill(daemon);
    }
    tracer.wait(PATIENCE);
}
