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

    /// The commands that the operation sends to the TPM.
    pub fn tpm_commands(&self) -> Vec<&'static str> {
        let scene = Scene::restore(self);
        let behind = scene.behind_proxy();
        let _start_up = behind.proxy.take_log();
        scene.attempt();
        behind.proxy.take_log().into_iter().map(|command| command.name).collect()
    }

    /// The system calls by which the daemon writes: how many until it is ready, and those of the operation.
    pub fn writes(&self) -> (usize, Vec<String>) {
        let scene = Scene::restore(self);
        let notes = scene.folder.path().join("notes");
        let mut daemon = scene.traced(tracer::noting(&scene.up(), &notes));
        daemon.wait_for(READY, PATIENCE);
        let before = tracer::writes(&notes).len();
        scene.attempt();
        let writes = tracer::writes(&notes).split_off(before);
        kill_traced(&mut daemon);
        (before, writes)
    }
}

/// What dies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Victim {
    /// The daemon; everything is started again, as after a power cut.
    Daemon,
    /// The TPM alone; the daemon lives on.
    Tpm,
}

/// A daemon whose TPM is behind a proxy.
pub struct Behind {
    // Before the proxy: it flushes what it has loaded.
    daemon: Daemon,
    proxy: TpmProxy,
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

    /// Runs the operation and kills the victim at its `n`-th TPM command, or at its end if it sends fewer this time; then
    /// everything runs again. Whether it came to that command, and what runs.
    pub fn crash_at_tpm_command(&mut self, victim: Victim, n: usize, moment: Moment) -> (bool, Behind) {
        let mut behind = self.behind_proxy();
        let pid = match victim {
            Victim::Daemon => behind.daemon.process.pid(),
            Victim::Tpm => self.swtpm.pid(),
        };
        behind.proxy.at_command(n, Action::KillPid { pid, moment });
        self.attempt();
        let reached = !behind.proxy.disarm();
        self.swtpm.restart();
        if victim == Victim::Daemon {
            behind.daemon.process.kill();
            behind.daemon = self.daemon(&self.behind(&behind.proxy));
        } else {
            // It finds out at its next command that the old connection leads nowhere.
            let _broken = self.home.run(&["status"], "");
        }
        (reached, behind)
    }

    /// Runs the operation, kills the daemon at the `n`-th write since its start, and starts everything again.
    pub fn crash_at_write(&mut self, n: usize) -> Daemon {
        let notes = self.folder.path().join("notes");
        let mut daemon = self.traced(tracer::killing_at(&self.up(), &notes, n));
        daemon.wait_for(READY, PATIENCE);
        self.attempt();
        // A run may write less often than the one that was counted, for instance when SQLite checkpoints later.
        kill_traced(&mut daemon);
        self.swtpm.restart();
        self.daemon(&self.home)
    }

    /// Starts the operation.
    pub(super) fn attempt(&self) {
        self.template.operation.attempt(&self.home, &self.template.organisation);
    }

    fn daemon(&self, home: &Home) -> Daemon {
        Daemon::start(home, &self.prompter, &[], &self.log())
    }

    fn behind_proxy(&self) -> Behind {
        let proxy = TpmProxy::start(&self.swtpm.socket());
        Behind { daemon: self.daemon(&self.behind(&proxy)), proxy }
    }

    fn behind(&self, proxy: &TpmProxy) -> Home {
        Home { tpm: proxy.tcti(), ..self.home.clone() }
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
