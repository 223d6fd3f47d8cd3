//! Who runs where: servers on the first core, the load on the second.

use std::process::Command;

/// Keeps this process on the second core, where threads that it starts stay too.
pub fn load() {
    keep("1");
}

/// Starts a server on the first core: it inherits where this thread is.
pub fn server<T>(start: impl FnOnce() -> T) -> T {
    keep("0");
    let started = start();
    keep("1");
    started
}

fn keep(core: &str) {
    let own = std::process::id().to_string();
    let moved = Command::new("taskset").args(["--cpu-list", "--pid", core, &own]).output();
    let moved = moved.expect("taskset is in Debian's util-linux");
    // On a machine with one core there is no second one to go to.
    assert!(moved.status.success() || core == "1", "{}", String::from_utf8_lossy(&moved.stderr));
}
