//! A container at the moment before an operation, restored for every point at which the operation is killed.

use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use latchkey_tests::daemon::{Daemon, Home};
use latchkey_tests::native_host::NativeHost;
use latchkey_tests::organisation::{Organisation, open_session};
use latchkey_tests::process::{Process, kill};
use latchkey_tests::prompter::Prompter;
use latchkey_tests::swtpm::Swtpm;
use latchkey_tests::tpm_proxy::{Action, Moment, TpmProxy};
use latchkey_tests::tracer;
use tempfile::TempDir;

use super::operation::{NEW_PIN, OLD_PIN, ORIGIN, Operation, Stage, passkeys};

const READY: &str = "latchkey: ready";
const PATIENCE: Duration = Duration::from_secs(30);

/// The state before the operation, kept on disk.
pub struct Template {
    pub(super) operation: Operation,
    pub(super) organisation: Organisation,
    folder: TempDir,
}

impl Template {
    /// Makes the container that the operation starts from.
    pub fn prepare(operation: Operation) -> Self {
        let folder = tempfile::tempdir().expect("a folder can be made");
        let swtpm = Swtpm::start(&folder.path().join("tpm"));
        let home = Home::below(folder.path(), &swtpm.tcti());
        let _created = home.json(&["container", "create"], "");
        let template = Self { operation, organisation: Organisation::new(), folder };
        if operation.starts_from() >= Stage::Passkeys {
            let _set = home.json(&["pin", "set", "--pin-stdin"], &format!("{OLD_PIN}\n"));
            let prompter = Prompter::new(&template.folder.path().join("person"), OLD_PIN);
            let _daemon = Daemon::start(&home, &prompter, &[], &template.folder.path().join("log"));
            let mut host = NativeHost::start(&home);
            for user in ["first", "second"] {
                host.create(ORIGIN, user).unwrap_or_else(|error| panic!("no passkey for {user}: {error}"));
            }
            template.become_member(&home).unwrap_or_else(|error| panic!("{operation:?}: {error}"));
        }
        if operation == Operation::RearmPin {
            template.block_pin(&home);
        }
        template
    }

    /// Types eight wrong PINs. The daemon takes three of them at most each time that it runs.
    fn block_pin(&self, home: &Home) {
        let prompter = Prompter::new(&self.folder.path().join("person"), OLD_PIN);
        for _power_up in 0..3 {
            let _daemon = Daemon::start(home, &prompter, &[], &self.folder.path().join("log"));
            for _try in 0..3 {
                assert!(passkeys(home, NEW_PIN).is_none(), "a wrong PIN opens nothing");
            }
        }
        let _daemon = Daemon::start(home, &prompter, &[], &self.folder.path().join("log"));
        assert!(passkeys(home, OLD_PIN).is_none(), "the PIN is blocked");
    }

    fn become_member(&self, home: &Home) -> Result<(), String> {
        let stage = self.operation.starts_from();
        if stage < Stage::Joined {
            return Ok(());
        }
        let at = self.organisation.join(home)?;
        open_session(home, OLD_PIN)?;
        if stage >= Stage::Provisioned {
            self.organisation.provision(home, &at)?;
        }
        if stage >= Stage::Recoverable {
            self.organisation.offer_recovery(home, &at)?;
            open_session(home, OLD_PIN)?;
        }
        Ok(())
    }

    /// How many commands the operation sends to the TPM.
    pub fn count_tpm_commands(&self) -> usize {
        let scene = Scene::restore(self);
        let (proxy, _daemon) = scene.daemon_behind_proxy();
        let _start_up = proxy.take_log();
        scene.attempt();
        proxy.take_log().len()
    }

    /// How many writes the daemon has made when it is ready, and when the operation is over.
    pub fn count_writes(&self) -> (usize, usize) {
        let scene = Scene::restore(self);
        let notes = scene.folder.path().join("notes");
        let mut daemon = scene.traced(tracer::noting(&scene.up(), &notes));
        daemon.wait_for(READY, PATIENCE);
        let before = tracer::writes(&notes);
        scene.attempt();
        let after = tracer::writes(&notes);
        kill_traced(&mut daemon);
        (before, after)
    }
}

/// One copy of the state, with its own TPM running.
pub struct Scene<'a> {
    pub(super) template: &'a Template,
    pub(super) home: Home,
    pub(super) prompter: Prompter,
    folder: TempDir,
    swtpm: Swtpm,
}

impl<'a> Scene<'a> {
    /// Copies the template and starts its TPM.
    pub fn restore(template: &'a Template) -> Self {
        let folder = tempfile::tempdir().expect("a folder can be made");
        let copied =
            Command::new("cp").arg("-a").arg(template.folder.path().join(".")).arg(folder.path()).status();
        assert!(copied.expect("cp runs").success(), "the template can be copied");
        let swtpm = Swtpm::start(&folder.path().join("tpm"));
        let home = Home::below(folder.path(), &swtpm.tcti());
        let prompter = Prompter::new(&folder.path().join("person"), OLD_PIN);
        Self { template, home, prompter, folder, swtpm }
    }

    /// Runs the operation and kills the daemon at its `n`-th TPM command, or at its end if it sends fewer this time.
    /// Returns whether it came to that command.
    pub fn crash_at_tpm_command(&self, n: usize, moment: Moment) -> bool {
        let (proxy, mut daemon) = self.daemon_behind_proxy();
        proxy.at_command(n, Action::KillPid { pid: daemon.process.pid(), moment });
        self.attempt();
        let reached = !proxy.is_armed();
        daemon.process.kill();
        reached
    }

    /// Runs the operation and kills the daemon at the `n`-th write since its start.
    pub fn crash_at_write(&self, n: usize) {
        let notes = self.folder.path().join("notes");
        let mut daemon = self.traced(tracer::killing_at(&self.up(), &notes, n));
        daemon.wait_for(READY, PATIENCE);
        self.attempt();
        // A run may write less often than the one that was counted, for instance when SQLite checkpoints later.
        kill_traced(&mut daemon);
    }

    /// Starts the operation.
    pub(super) fn attempt(&self) {
        self.template.operation.attempt(&self.home, &self.template.organisation);
    }

    /// Starts everything again, as after a power cut.
    pub(super) fn reboot(&mut self) -> Daemon {
        self.swtpm.restart();
        self.daemon(&self.home)
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

/// Ends a traced daemon as a crash would, if it still runs; strace ends with it.
fn kill_traced(tracer: &mut Process) {
    if let Some(daemon) = tracer::traced_pid(tracer.pid()) {
        kill(daemon);
    }
    tracer.wait(PATIENCE);
}
