//! What a person's machine has: the daemon as a security key on the machine's TPM, and the person who answers it.

use std::cell::RefCell;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::thread::sleep;
use std::time::{Duration, Instant};

use latchkey_tests::daemon::{Daemon, Home};
use latchkey_tests::process::run_with_input;
use latchkey_tests::prompter::Prompter;
use tempfile::TempDir;

/// The person's PIN.
pub const PIN: &str = "river-otter-5";
/// How long after it was plugged in a security key may be reset (CTAP 2.3, authenticatorReset).
const RESETTABLE: Duration = Duration::from_secs(10);

pub struct Machine {
    home: Home,
    pub prompter: Prompter,
    /// For the clients' own files.
    pub folder: TempDir,
    plugged_in: RefCell<PluggedIn>,
}

/// The daemon, and where and since when it is a security key.
struct PluggedIn {
    daemon: Daemon,
    hidraw: String,
    since: Instant,
}

impl Machine {
    /// Makes a container on the machine's TPM, and plugs the security key in.
    pub fn start() -> Self {
        let folder = tempfile::tempdir().expect("a folder can be made");
        let home = Home::below(folder.path(), "device:/dev/tpmrm0");
        let _created = home.json(&["container", "create"], "");
        let _set = home.json(&["pin", "set", "--pin-stdin"], &format!("{PIN}\n"));
        let prompter = Prompter::new(&folder.path().join("person"), PIN);
        let plugged_in = RefCell::new(plug_in(&home, &prompter, folder.path()));
        Self { home, prompter, folder, plugged_in }
    }

    /// Where the kernel put the security key.
    pub fn hidraw(&self) -> String {
        self.plugged_in.borrow().hidraw.clone()
    }

    /// Unplugs the security key and plugs it in again.
    pub fn replug(&self) {
        let mut plugged_in = self.plugged_in.borrow_mut();
        plugged_in.daemon.process.stop();
        *plugged_in = plug_in(&self.home, &self.prompter, self.folder.path());
    }

    /// Does something while the security key is unplugged.
    pub fn unplugged(&self, work: impl FnOnce()) {
        self.plugged_in.borrow_mut().daemon.process.stop();
        work();
        self.replug();
    }

    /// Where the person's container is, as variables of the environment.
    pub fn variables(&self) -> Vec<String> {
        let latchkey = self.home.latchkey();
        let set = latchkey.get_envs().filter_map(|(name, value)| Some((name.to_str()?, value?.to_str()?)));
        set.map(|(name, value)| format!("{name}={value}")).collect()
    }

    /// Resets the security key with libfido2's program: no PIN, no passkeys.
    pub fn reset(&self) {
        self.replug();
        let _reset = succeed("fido2-token", &["-R", &self.hidraw()], "");
    }

    /// Gives a security key without a PIN the person's.
    pub fn set_pin(&self) {
        let _set = succeed("fido2-token", &["-S", &self.hidraw()], &format!("{PIN}\n{PIN}\n"));
        self.prompter.knows(PIN);
    }

    /// Waits until the time in which the security key may be reset is over.
    pub fn wait_until_no_reset(&self) {
        sleep(RESETTABLE.saturating_sub(self.plugged_in.borrow().since.elapsed()));
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
        self.plugged_in.borrow().daemon.process.output()
    }
}

fn plug_in(home: &Home, prompter: &Prompter, folder: &Path) -> PluggedIn {
    let daemon = Daemon::start(home, prompter, &["--uhid"], &folder.join("log"));
    let since = Instant::now();
    let hidraw = shell("udevadm settle; ls /dev/hidraw*").trim().to_owned();
    PluggedIn { daemon, hidraw, since }
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
