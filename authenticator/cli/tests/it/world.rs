//! A user of the program in a folder of their own.

use std::path::PathBuf;
use std::process::Output;
use std::time::{Duration, Instant};

use latchkey_tests::daemon::{Daemon, Home};
use latchkey_tests::prompter::Prompter;
use latchkey_transports::host::HostChannel;
use serde_json::Value;
use tempfile::TempDir;

pub const PIN: &str = "pin-Zürich-1";

pub struct World {
    pub home: Home,
    pub prompter: Prompter,
    pub folder: TempDir,
}

impl World {
    pub fn software() -> Self {
        Self::with_tpm("software")
    }

    pub fn with_tpm(tpm: &str) -> Self {
        // The rig finds the program beside the tests; this makes cargo build it for them.
        assert!(PathBuf::from(env!("CARGO_BIN_EXE_latchkey")).is_file());
        let folder = TempDir::with_prefix("lk").unwrap();
        let prompter = Prompter::new(&folder.path().join("person"), PIN);
        Self { home: Home::below(folder.path(), tpm), prompter, folder }
    }

    /// With a container; no PIN, because each PIN costs Argon2id.
    pub fn with_container() -> Self {
        let world = Self::software();
        assert_eq!(code(&world.run(&["container", "create"], "")), 0);
        world
    }

    pub fn with_pin(self) -> Self {
        assert_eq!(code(&self.run(&["pin", "set", "--pin-stdin"], PIN)), 0);
        self
    }

    pub fn up(&self, extra: &[&str]) -> Daemon {
        Daemon::start(&self.home, &self.prompter, extra, &self.log())
    }

    pub fn log(&self) -> PathBuf {
        self.folder.path().join("log")
    }

    pub fn log_text(&self) -> String {
        std::fs::read_to_string(self.log()).unwrap()
    }

    pub fn control(&self) -> PathBuf {
        self.home.runtime.join("control.sock")
    }

    pub fn run(&self, arguments: &[&str], input: &str) -> Output {
        self.home.run(arguments, input)
    }

    /// Exit code and what `--json` printed.
    pub fn json(&self, arguments: &[&str], input: &str) -> (i32, Value) {
        let output = self.run(&[arguments, &["--json"]].concat(), input);
        let text = String::from_utf8(output.stdout.clone()).unwrap();
        assert_eq!(text.lines().count(), 1, "one object: {text}");
        (code(&output), serde_json::from_str(&text).unwrap())
    }

    /// How many questions are held open: the rig's script becomes a long `sleep`, which has the daemon's environment.
    pub fn held_questions(&self) -> usize {
        let home = format!("LATCHKEY_DIR={}\0", self.home.data.display());
        let processes = std::fs::read_dir("/proc").unwrap().flatten();
        let held = processes.filter(|process| {
            let read = |name| std::fs::read(process.path().join(name)).unwrap_or_default();
            read("cmdline").starts_with(b"sleep\0")
                && String::from_utf8_lossy(&read("environ")).contains(&home)
        });
        held.count()
    }

    pub fn channel(&self) -> HostChannel {
        HostChannel::connect(&self.home.ctaphid(), &mut rng()).unwrap()
    }
}

pub fn rng() -> impl rand_core::CryptoRng {
    getrandom::rand_core::UnwrapErr(getrandom::SysRng)
}

pub fn code(output: &Output) -> i32 {
    output.status.code().unwrap_or_else(|| panic!("no exit code: {output:?}"))
}

pub fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Whether it comes true within ten seconds.
pub fn wait_until(condition: impl Fn() -> bool) -> bool {
    let started = Instant::now();
    while started.elapsed() < Duration::from_secs(10) {
        if condition() {
            return true;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    false
}
