//! Questions on a terminal: util-linux's `script` gives the program one of its own.

use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::daemon::Home;

/// How long a text may take to be shown.
const PATIENCE: Duration = Duration::from_secs(20);

/// A terminal with a command on it.
#[derive(Debug)]
pub struct Terminal {
    screen: PathBuf,
    child: Child,
    keys: ChildStdin,
    seen: usize,
}

impl Terminal {
    /// Runs a shell command; `latchkey` in it is the program of this home. What is shown is kept in `screen`.
    #[must_use]
    pub fn start(home: &Home, command: &str, screen: &Path) -> Self {
        let latchkey = home.latchkey();
        let program = latchkey.get_program().to_str().expect("paths of tests are text");
        let mut script = Command::new("script");
        script.args(["-qefc", &command.replace("latchkey", program), "/dev/null"]);
        for (name, value) in latchkey.get_envs() {
            match value {
                Some(value) => script.env(name, value),
                None => script.env_remove(name),
            };
        }
        script.env("SHELL", "/bin/sh").env_remove("DISPLAY").env_remove("WAYLAND_DISPLAY");
        let shown = File::create(screen).expect("what is shown can be kept");
        let script = script.stdin(Stdio::piped()).stdout(shown).stderr(Stdio::null());
        let mut child = script.spawn().expect("script is installed");
        let keys = child.stdin.take().expect("standard input is a pipe");
        Self { screen: screen.to_owned(), child, keys, seen: 0 }
    }

    /// Waits for text that was not waited for before.
    ///
    /// # Panics
    /// When it is not shown.
    pub fn sees(&mut self, text: &str) {
        let started = Instant::now();
        loop {
            let screen = self.text();
            if let Some(found) = screen.get(self.seen..).and_then(|new| new.find(text)) {
                self.seen += found + text.len();
                return;
            }
            assert!(started.elapsed() < PATIENCE, "no {text:?} in {screen}");
            sleep(Duration::from_millis(20));
        }
    }

    /// Waits for text, and returns what follows it on its line.
    ///
    /// # Panics
    /// As [`Terminal::sees`].
    #[must_use]
    pub fn reads_after(&mut self, text: &str) -> String {
        self.sees(text);
        let from = self.seen;
        self.sees("\n");
        self.text()[from..self.seen].trim().to_owned()
    }

    /// Everything that was shown.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&std::fs::read(&self.screen).expect("what was shown")).into_owned()
    }

    /// Presses keys.
    ///
    /// # Panics
    /// When the program has ended.
    pub fn types(&mut self, keys: &str) {
        // What is typed before the question is thrown away, so a person's pause belongs to it.
        sleep(Duration::from_millis(200));
        self.keys.write_all(keys.as_bytes()).expect("somebody reads the keys");
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ended = self.child.kill();
        let _ended = self.child.wait();
    }
}
