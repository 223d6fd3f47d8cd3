//! A Postgres of our own, from Debian's package, on a Unix socket in a folder that goes with it.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

/// A server that ends with its value; or the one that `LATCHKEY_TEST_POSTGRES` names.
#[derive(Debug)]
pub struct Postgres {
    url: String,
    server: Option<(Child, TempDir)>,
}

/// Whether Debian's package is there.
#[must_use]
pub fn installed() -> bool {
    find("postgres").is_some()
}

impl Postgres {
    /// A server for tests: what it writes may be lost with the machine, so it is fast.
    #[must_use]
    pub fn start() -> Self {
        match std::env::var("LATCHKEY_TEST_POSTGRES") {
            Ok(url) => Self { url, server: None },
            Err(_) => Self::launch(&["-c", "fsync=off"]),
        }
    }

    /// A server that keeps what it has confirmed, as in production.
    #[must_use]
    pub fn durable() -> Self {
        Self::launch(&[])
    }

    fn launch(options: &[&str]) -> Self {
        let directory =
            tempfile::Builder::new().prefix("latchkey-pg-").tempdir().expect("a folder can be made");
        if is_root() {
            // PostgreSQL refuses to run as root.
            run(Command::new("chown").arg("postgres:").arg(directory.path()));
        }
        let data = directory.path().join("data");
        let mut initdb = as_postgres("initdb");
        initdb.arg("-D").arg(&data).args(["-A", "trust", "-U", "latchkey", "--no-sync", "-E", "UTF8"]);
        run(initdb.arg("--no-locale").current_dir(directory.path()));
        let mut server = as_postgres("postgres");
        server.arg("-D").arg(&data).arg("-k").arg(directory.path()).args(["-c", "listen_addresses="]);
        let server =
            server.args(options).current_dir(directory.path()).stdout(Stdio::null()).stderr(Stdio::null());
        let server = server.spawn().expect("PostgreSQL starts");
        let url = format!("postgres://latchkey@localhost/postgres?host={}", directory.path().display());
        let postgres = Self { url, server: Some((server, directory)) };
        for _ in 0..200 {
            if postgres.psql("SELECT 1").status().expect("psql starts").success() {
                return postgres;
            }
            sleep(Duration::from_millis(50));
        }
        panic!("PostgreSQL did not start");
    }

    /// The URL of a new, empty database.
    #[must_use]
    pub fn database(&self, name: &str) -> String {
        run(&mut self.psql(&format!("DROP DATABASE IF EXISTS {name}")));
        run(&mut self.psql(&format!("CREATE DATABASE {name}")));
        let (server, options) = self.url.split_once('?').unwrap_or((&self.url, ""));
        let (server, _) = server.rsplit_once('/').expect("the URL names a database");
        format!("{server}/{name}?{options}")
    }

    /// The process id of the server, if it is ours.
    #[must_use]
    pub fn pid(&self) -> Option<u32> {
        self.server.as_ref().map(|(server, _)| server.id())
    }

    fn psql(&self, statement: &str) -> Command {
        let mut command = client("psql", &["-q", "-d", &self.url, "-c", statement]);
        command.stdout(Stdio::null()).stderr(Stdio::null());
        command
    }
}

/// A client program of Debian's package with these arguments.
///
/// # Panics
/// When the package is not there.
#[must_use]
pub fn client(program: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new(find(program).expect("install Debian's package postgresql"));
    command.args(arguments);
    command
}

impl Drop for Postgres {
    fn drop(&mut self) {
        if let Some((server, _directory)) = &mut self.server {
            // INT ends the sessions of whoever is connected; TERM would wait for them.
            let _gone = kill_process(Pid::from_child(server), Signal::INT);
            let _status = server.wait();
        }
    }
}

fn as_postgres(program: &str) -> Command {
    let program = find(program).expect("install Debian's package postgresql");
    if !is_root() {
        return Command::new(program);
    }
    // setpriv becomes the program, so its process id is the program's.
    let mut command = Command::new("setpriv");
    command.args(["--reuid", "postgres", "--regid", "postgres", "--init-groups", "--"]).arg(program);
    command
}

/// Debian keeps the server's programs out of the path.
fn find(program: &str) -> Option<PathBuf> {
    let versions = std::fs::read_dir("/usr/lib/postgresql").ok()?;
    let mut found: Vec<_> = versions.flatten().map(|entry| entry.path().join("bin").join(program)).collect();
    found.retain(|path| path.exists());
    found.sort();
    found.pop()
}

fn is_root() -> bool {
    use std::os::unix::fs::MetadataExt as _;
    std::fs::metadata(Path::new("/proc/self")).is_ok_and(|process| process.uid() == 0)
}

fn run(command: &mut Command) {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?} cannot be started: {error}"));
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
}
