//! What a person's machine has: the daemon as a security key on the machine's TPM, and the person who answers it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use latchkey_tests::daemon::{Daemon, Home};
use latchkey_tests::process::run_with_input;
use latchkey_tests::prompter::Prompter;
use tempfile::TempDir;

/// The person's PIN.
pub const PIN: &str = "river-otter-5";

pub struct Machine {
    home: Home,
    pub prompter: Prompter,
    /// For the clients' own files.
    pub folder: TempDir,
    daemon: Daemon,
    hidraw: PathBuf,
}

impl Machine {
    /// Makes a container on the machine's TPM, and plugs the security key in.
    pub fn start() -> Self {
        let folder = tempfile::tempdir().expect("a folder can be made");
        let home = Home::below(folder.path(), "device:/dev/tpmrm0");
        let _created = home.json(&["container", "create"], "");
        let _set = home.json(&["pin", "set", "--pin-stdin"], &format!("{PIN}\n"));
        let prompter = Prompter::new(&folder.path().join("person"), PIN);
        let daemon = Daemon::start(&home, &prompter, &["--uhid"], &folder.path().join("log"));
        let hidraw = PathBuf::from(shell("udevadm settle; ls /dev/hidraw*").trim());
        Self { home, prompter, folder, daemon, hidraw }
    }

    /// Where the kernel put the security key.
    pub fn hidraw(&self) -> &str {
        self.hidraw.to_str().expect("a device's path is text")
    }

    /// A file of a client.
    pub fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// `latchkey service`, which must succeed.
    pub fn service(&self, arguments: &[&str]) {
        let _done = self.home.json(&[&["service"], arguments].concat(), "");
    }

    /// What the daemon said.
    pub fn log(&self) -> String {
        self.daemon.process.output()
    }
}

/// Runs a client; `input` goes to its standard input.
pub fn run(program: &str, arguments: &[&str], input: &str) -> Output {
    let mut command = Command::new(program);
    command.args(arguments);
    run_with_input(command, input)
}

/// The same, when it must succeed. Returns what it printed.
pub fn succeed(program: &str, arguments: &[&str], input: &str) -> String {
    let output = run(program, arguments, input);
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{program} {arguments:?} ({}): {said}{errors}", output.status);
    said
}

/// Runs a line of shell that must succeed. Returns what it printed, on standard error too.
pub fn shell(line: &str) -> String {
    succeed("sh", &["-c", &format!("{{ {line}; }} 2>&1")], "")
}

/// Writes a file of a client.
pub fn write(path: &Path, text: &str) {
    fs::write(path, text).expect("a file can be written");
}
