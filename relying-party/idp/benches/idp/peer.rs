//! npm's `oidc-provider`: its own in-memory adapter, keys of the same kinds, the same grants.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use latchkey_tests::figures::Row;
use latchkey_tests::journeys::{Website, code};
use latchkey_tests::process::Process;
use latchkey_tests::programs::free_port;
use latchkey_tests::usage::{busy, peak_mib, resident_mib};
use latchkey_tests::visitor::Visitor;

use crate::cores;
use crate::floor::Floor;
use crate::journeys::{Provider, fetch};
use crate::operations::{self, Clients, Subject};
use crate::report::Report;

struct Peer {
    process: Process,
    provider: Provider,
}

pub fn measure(report: &mut Report, floor: &Floor) {
    let folder = tempfile::tempdir().expect("a folder");
    let peer = Peer::start(&installed(), &folder.path().join("log"));
    let connection = &mut peer.provider.connect();
    fetch(connection, &peer.provider.discovery);
    let idle = resident_mib(peer.process.pid());
    report.table.row(&Row::alone("oidc-provider resident memory, idle", idle, "MiB"));
    let clients = Clients {
        rs256: website("rs", "openid profile offline_access read"),
        es256: website("es", "openid profile offline_access read"),
        plain: website("opaque", "openid profile"),
    };
    let subject = Subject {
        provider: &peer.provider,
        busy: &|| busy(peer.process.pid()),
        signed_in: &|_, website| peer.signed_in(website),
    };
    operations::measure(&subject, &clients, floor, |operation, limit, measure| {
        report.peer(operation, limit, measure);
    });
    let most = peak_mib(peer.process.pid());
    report.table.row(&Row::alone("oidc-provider resident memory, at most", most, "MiB"));
}

fn website(id: &str, scope: &str) -> Website {
    Website {
        authorize: "/auth".to_owned(),
        token: "/token".to_owned(),
        id: id.to_owned(),
        secret: "bench-client-secret-of-enough-length".to_owned(),
        own_scope: "read".to_owned(),
        scope: scope.to_owned(),
    }
}

impl Peer {
    fn start(folder: &Path, log: &Path) -> Self {
        let port = free_port();
        let mut command = Command::new(folder.join("node_modules/.bin/node"));
        command.arg(folder.join("server.mjs")).arg(port.to_string()).env("NODE_ENV", "production");
        let mut process = cores::server(|| Process::start("oidc-provider", command, log));
        process.wait_for("oidc-provider on", Duration::from_secs(20));
        let provider = Provider {
            port,
            userinfo: "/me".to_owned(),
            discovery: "/.well-known/openid-configuration".to_owned(),
            keys: "/jwks".to_owned(),
        };
        Self { process, provider }
    }

    /// A browser with a session: whoever asks is signed in.
    fn signed_in(&self, website: &Website) -> Visitor {
        let mut visitor = Visitor::new(self.provider.connect());
        let mut answer = visitor.get(&website.request()).expect("it answers");
        for _ in 0..4 {
            let location = answer.header("location").expect("a redirect").to_owned();
            if location.contains("code=") {
                break;
            }
            let own = format!("http://127.0.0.1:{}", self.provider.port);
            answer = visitor.get(location.strip_prefix(&own).unwrap_or(&location)).expect("it answers");
        }
        let _code = code(&answer).expect("a code");
        visitor
    }
}

/// Installs what the lock file names, once, into the build folder.
fn installed() -> PathBuf {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/idp/peer");
    let output = Command::new(source.join("install")).output().expect("sh runs");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        output.status.success(),
        "oidc-provider was not installed: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    PathBuf::from(said.trim())
}
