//! The demo site.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use crate::process::Process;
use crate::programs;

/// A running `latchkey-site`.
#[derive(Debug)]
pub struct Site {
    /// The process.
    pub process: Process,
    /// Where it serves, such as `http://localhost:8080`; also its origin.
    pub origin: String,
}

impl Site {
    /// Starts the site on `port` of the loopback interface. Returns once it serves.
    #[must_use]
    pub fn start(database: &Path, port: u16, log: &Path) -> Self {
        let origin = format!("http://localhost:{port}");
        let mut command = Command::new(programs::built("latchkey-site"));
        command
            .args(["--listen", &format!("127.0.0.1:{port}"), "--origin", &origin, "--rp-id", "localhost"])
            .arg("--database")
            .arg(database);
        let mut process = Process::start("latchkey-site", command, log);
        process.wait_for(&origin, Duration::from_secs(20));
        Self { process, origin }
    }
}
