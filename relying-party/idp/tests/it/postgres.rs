//! A Postgres of our own, from Debian's package, on a Unix socket in a folder that goes with it.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tempfile::TempDir;

/// A server that ends with its value; or the one that `LATCHKEY_TEST_POSTGRES` names.
pub struct Postgres {
    url: String,
    server: Option<(Child, TempDir)>,
}

impl Postgres {
    pub async fn start() -> Self {
        if let Ok(url) = std::env::var("LATCHKEY_TEST_POSTGRES") {
            return Self { url, server: None };
        }
        let directory = tempfile::Builder::new().prefix("latchkey-pg-").tempdir_in("/tmp").unwrap();
        let root = is_root();
        if root {
            // PostgreSQL refuses to run as root.
            run(Command::new("chown").arg("postgres:").arg(directory.path()));
        }
        let data = directory.path().join("data");
        let mut initdb = as_postgres(root, "initdb");
        initdb.arg("-D").arg(&data).args(["-A", "trust", "-U", "latchkey", "--no-sync", "-E", "UTF8"]);
        run(initdb.arg("--no-locale").current_dir(directory.path()));
        let mut server = as_postgres(root, "postgres");
        server.arg("-D").arg(&data).arg("-k").arg(directory.path());
        server.args(["-c", "listen_addresses=", "-c", "fsync=off", "-c", "max_connections=60"]);
        let server = server.current_dir(directory.path()).stdout(Stdio::null()).stderr(Stdio::null());
        let server = server.spawn().unwrap();
        let url = format!("postgres://latchkey@localhost/postgres?host={}", directory.path().display());
        let postgres = Self { url, server: Some((server, directory)) };
        postgres.wait().await;
        postgres
    }

    async fn wait(&self) {
        for _ in 0..200 {
            if sqlx::PgPool::connect(&self.url).await.is_ok() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("PostgreSQL did not start");
    }

    /// The URL of a new, empty database.
    pub async fn database(&self, name: &str) -> String {
        let pool = sqlx::PgPool::connect(&self.url).await.unwrap();
        for statement in [format!("DROP DATABASE IF EXISTS {name}"), format!("CREATE DATABASE {name}")] {
            sqlx::query(sqlx::AssertSqlSafe(statement)).execute(&pool).await.unwrap();
        }
        pool.close().await;
        let (server, options) = self.url.split_once('?').unwrap_or((&self.url, ""));
        let (server, _) = server.rsplit_once('/').unwrap();
        format!("{server}/{name}?{options}")
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        if let Some((server, _directory)) = &mut self.server {
            let _ = Command::new("kill").args(["-INT", &server.id().to_string()]).status();
            let _ = server.wait();
        }
    }
}

fn as_postgres(root: bool, program: &str) -> Command {
    let program = binary(program);
    if !root {
        return Command::new(program);
    }
    // setpriv becomes the program, so its pid is the program's.
    let mut command = Command::new("setpriv");
    command.args(["--reuid", "postgres", "--regid", "postgres", "--init-groups", "--"]).arg(program);
    command
}

/// Debian keeps the server's programs out of the path.
fn binary(program: &str) -> PathBuf {
    let versions = std::fs::read_dir("/usr/lib/postgresql").expect("install Debian's package postgresql");
    let mut found: Vec<_> = versions.map(|entry| entry.unwrap().path().join("bin").join(program)).collect();
    found.retain(|path| path.exists());
    found.sort();
    found.pop().expect("install Debian's package postgresql")
}

fn is_root() -> bool {
    use std::os::unix::fs::MetadataExt as _;
    std::fs::metadata(Path::new("/proc/self")).unwrap().uid() == 0
}

fn run(command: &mut Command) {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
}
