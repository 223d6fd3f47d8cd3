//! The `latchkey` program: its daemon and its commands.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::Duration;

use serde_json::Value;

use crate::process::{Process, run_with_input};
use crate::programs;
use crate::prompter::Prompter;

/// One user's Latchkey: where its state lies and which TPM it uses.
#[derive(Debug, Clone)]
pub struct Home {
    /// Holds the container.
    pub data: PathBuf,
    /// Holds the sockets.
    pub runtime: PathBuf,
    /// `software` or a TCTI string.
    pub tpm: String,
    /// Further environment variables.
    pub environment: Vec<(String, String)>,
}

impl Home {
    /// State below `folder`.
    #[must_use]
    pub fn below(folder: &Path, tpm: &str) -> Self {
        Self {
            data: folder.join("data"),
            runtime: folder.join("run"),
            tpm: tpm.to_owned(),
            environment: Vec::new(),
        }
    }

    /// The `latchkey` program with this home, without arguments yet; the person sits at the machine, also where the tests run
    /// in a remote session.
    #[must_use]
    pub fn latchkey(&self) -> Command {
        let mut command = Command::new(programs::built("latchkey"));
        command
            .env_remove("SSH_CONNECTION")
            .env("LATCHKEY_DIR", &self.data)
            .env("LATCHKEY_RUNTIME_DIR", &self.runtime)
            .env("LATCHKEY_TPM", &self.tpm)
            .envs(self.environment.iter().cloned());
        command
    }

    /// Runs a command to its end; `input` goes to its standard input.
    #[must_use]
    pub fn run(&self, arguments: &[&str], input: &str) -> Output {
        let mut command = self.latchkey();
        command.args(arguments);
        run_with_input(command, input)
    }

    /// Runs a command that must succeed, and returns what `--json` printed.
    ///
    /// # Panics
    /// When it fails or prints no JSON.
    #[must_use]
    pub fn json(&self, arguments: &[&str], input: &str) -> Value {
        let output = self.run(&[arguments, &["--json"]].concat(), input);
        let text = String::from_utf8_lossy(&output.stdout);
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "latchkey {arguments:?} failed ({}): {text}{errors}", output.status);
        serde_json::from_str(&text)
            .unwrap_or_else(|error| panic!("latchkey {arguments:?}: {error} in {text}"))
    }

    /// The CTAPHID socket.
    #[must_use]
    pub fn ctaphid(&self) -> PathBuf {
        self.runtime.join("ctaphid.sock")
    }
}

/// A running `latchkey up`.
#[derive(Debug)]
pub struct Daemon {
    /// The process, to look at what it prints or to kill it.
    pub process: Process,
}

impl Daemon {
    /// Starts the daemon; `prompter` answers what it asks. Returns once it serves.
    #[must_use]
    pub fn start(home: &Home, prompter: &Prompter, extra: &[&str], log: &Path) -> Self {
        let program = format!("command:{}", prompter.program().display());
        let mut daemon = Self::launch(home, &[&["--prompt", &program], extra].concat(), log);
        daemon.process.wait_for("latchkey: ready", Duration::from_secs(20));
        daemon
    }

    /// Starts the daemon without waiting for it.
    #[must_use]
    pub fn launch(home: &Home, arguments: &[&str], log: &Path) -> Self {
        let mut command = home.latchkey();
        command.arg("up").args(arguments);
        Self { process: Process::start("latchkey up", command, log) }
    }
}
