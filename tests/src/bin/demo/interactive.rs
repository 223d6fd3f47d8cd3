//! The demo with a display: a real window, real prompts, a person.

use std::process::{Child, Command, Stdio};

use latchkey_tests::browser::extension;

use crate::stage::Stage;

/// A Chromium window that is closed when this is dropped.
pub struct Window(Child);

/// Makes sure there is a container with a PIN, and opens Chromium with the extension on the site.
pub fn open(stage: &Stage) -> Window {
    let status = stage.home.run(&["status", "--json"], "");
    if !status.status.success() {
        let _created = stage.home.json(&["container", "create"], "");
        println!("choose a PIN for the container:");
        let set = stage.home.latchkey().args(["pin", "set"]).status().expect("latchkey can be started");
        assert!(set.success(), "no PIN was set; run the demo again");
    }
    println!("opening Chromium with the Latchkey extension on {}", stage.site.origin);
    let mut command = Command::new("chromium");
    if rustix::process::geteuid().is_root() {
        // Chromium refuses to run as root with its sandbox.
        command.arg("--no-sandbox");
    }
    command
        .args(["--no-first-run", "--disable-sync"])
        .arg(format!("--user-data-dir={}", stage.profile().display()))
        .arg(format!("--load-extension={}", extension().display()))
        .arg(&stage.site.origin)
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    Window(command.spawn().expect("chromium can be started"))
}

impl Drop for Window {
    fn drop(&mut self) {
        let _gone = self.0.kill();
        let _status = self.0.wait();
    }
}
