//! The identity provider.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::process::Process;
use crate::programs;

/// A running `latchkey-idp` that speaks https with its own CA.
#[derive(Debug)]
pub struct Idp {
    /// The process.
    pub process: Process,
    /// Where it is, and how it is called.
    pub place: IdpPlace,
}

/// The files of an identity provider and its first tenant; it need not run.
#[derive(Clone, Debug)]
pub struct IdpPlace {
    /// Where it serves, such as `https://localhost:8090`.
    pub url: String,
    /// The first tenant's ID.
    pub tenant: String,
    /// The first tenant's domain.
    pub domain: String,
    folder: PathBuf,
    port: u16,
}

/// An application that was registered.
#[derive(Clone, Debug)]
pub struct IdpApp {
    /// The client ID.
    pub id: String,
    /// The client secret, if it has one.
    pub secret: Option<String>,
}

impl IdpPlace {
    /// Makes keys, CA, database and a tenant in `folder`; `port` is where it will serve.
    #[must_use]
    pub fn init(folder: &Path, port: u16) -> Self {
        let (url, domain) = (format!("https://localhost:{port}"), "example.org".to_owned());
        let mut place = Self { url, tenant: String::new(), domain, folder: folder.to_owned(), port };
        let said = place.run(&["init", "--tenant", "Example", "--domain", "example.org"]);
        place.tenant = after(&said, "Tenant: ").expect("init names the tenant");
        place
    }

    /// Registers an application of the first tenant; `options` as `latchkey-idp app add` takes them.
    #[must_use]
    pub fn add_app(&self, name: &str, options: &[&str]) -> IdpApp {
        let said = self.run(&[&["app", "add", "--tenant", &self.tenant, "--name", name], options].concat());
        IdpApp {
            id: after(&said, "Client ID: ").expect("app add names the client"),
            secret: after(&said, "Client secret, shown only now: "),
        }
    }

    /// The certificate of the CA that clients must trust.
    #[must_use]
    pub fn ca(&self) -> PathBuf {
        self.folder.join("ca.pem")
    }

    /// `latchkey-idp` on these files.
    #[must_use]
    pub fn command(&self) -> Command {
        let mut command = Command::new(programs::built("latchkey-idp"));
        command
            .args(["--public-url", &self.url])
            .arg("--database")
            .arg(format!("sqlite:{}", self.folder.join("idp.db").display()))
            .arg("--key-file")
            .arg(self.folder.join("idp.key"))
            .arg("--ca-certificate")
            .arg(self.ca())
            .arg("--ca-key")
            .arg(self.folder.join("ca.key"));
        command
    }

    fn run(&self, arguments: &[&str]) -> String {
        let output = self.command().args(arguments).output().expect("latchkey-idp starts");
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "latchkey-idp {arguments:?} failed: {said}{error}");
        said
    }
}

impl Idp {
    /// Starts the provider. Returns once it serves.
    #[must_use]
    pub fn start(place: &IdpPlace, log: &Path) -> Self {
        let mut command = place.command();
        command.args(["serve", "--listen", &format!("127.0.0.1:{}", place.port)]);
        let mut process = Process::start("latchkey-idp", command, log);
        process.wait_for("Latchkey identity provider: ", Duration::from_secs(20));
        Self { process, place: place.clone() }
    }
}

/// What follows `label` on its line.
fn after(said: &str, label: &str) -> Option<String> {
    said.lines().find_map(|line| line.strip_prefix(label)).map(str::to_owned)
}
