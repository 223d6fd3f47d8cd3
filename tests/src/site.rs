//! The demo site.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
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

/// The identity provider whose users may sign in at the site.
#[derive(Clone, Debug)]
pub struct SiteIdp {
    /// Its issuer.
    pub issuer: String,
    /// The site's client ID there.
    pub client_id: String,
    /// A file with the client secret.
    pub secret_file: PathBuf,
    /// Its CA, when it is no CA that the system trusts.
    pub ca: Option<PathBuf>,
}

impl Site {
    /// Starts the site on `port` of the loopback interface. Returns once it serves.
    #[must_use]
    pub fn start(database: &Path, port: u16, idp: Option<&SiteIdp>, log: &Path) -> Self {
        let origin = format!("http://localhost:{port}");
        let mut command = Command::new(programs::built("latchkey-site"));
        command
            .args(["--listen", &format!("127.0.0.1:{port}"), "--origin", &origin, "--rp-id", "localhost"])
            .arg("--database")
            .arg(database);
        if let Some(SiteIdp { issuer, client_id, secret_file, ca }) = idp {
            command.args(["--idp-issuer", issuer, "--idp-client-id", client_id]);
            command.arg("--idp-client-secret-file").arg(secret_file);
            command.args(ca.iter().flat_map(|ca| [OsStr::new("--idp-ca"), ca.as_os_str()]));
        }
        let mut process = Process::start("latchkey-site", command, log);
        process.wait_for(&origin, Duration::from_secs(20));
        Self { process, origin }
    }
}
