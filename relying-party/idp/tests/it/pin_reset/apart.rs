//! The service as a process of its own, `latchkey-idp pin-reset serve`: whole releases over HTTP, with its keys in each place,
//! and what it keeps of them.

use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, SystemTime};

use axum::body::Body;
use axum::http::Request;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use latchkey_idp::pin_reset::{Owner, Purpose};
use latchkey_tests::process::Process;
use latchkey_tests::softhsm::{SoftHsm, TOKEN};
use latchkey_tests::swtpm::Swtpm;
use latchkey_tests::{memory, sql};
use tempfile::TempDir;

use super::door::Door;
use super::ground::{Ground, on_both};
use super::helpdesk;
use super::protector::text;
use super::scene::Scene;
use crate::program::program;
use crate::rig::{Rig, SEALING, URL};

on_both! { "apart":
    it_releases_and_keeps_nothing
}

/// The program on a rig's database, logging all that it can.
struct Service {
    process: Process,
    port: u16,
    url: String,
    options: Vec<String>,
    environment: Vec<(&'static str, String)>,
    folder: TempDir,
}

impl Service {
    /// Starts it; for the rig it is now, too.
    fn start(rig: &Rig, options: Vec<String>, environment: Vec<(&'static str, String)>) -> Self {
        #[allow(clippy::disallowed_methods, reason = "the program reads this clock")]
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
        rig.wait(now.saturating_sub(Duration::from_secs(rig.now().seconds().unsigned_abs())));
        let folder = tempfile::tempdir().unwrap();
        key_file(&folder.path().join("key"));
        let url = rig.url.clone();
        let mut command = command((&url, folder.path()), &options, &environment);
        command.args(["pin-reset", "serve", "--behind-proxy", "--listen", "127.0.0.1:0"]);
        command.env("RUST_LOG", "trace");
        let mut process = Process::start("latchkey-idp pin-reset", command, &folder.path().join("log"));
        let line = process.wait_for("Latchkey PIN reset service: ", Duration::from_secs(20));
        let port = line.rsplit(':').next().unwrap().parse().unwrap();
        Self { process, port, url, options, environment, folder }
    }

    fn door(&self) -> Door {
        Door::Port(self.port)
    }

    /// Runs a command of its keys.
    fn keys(&self, verb: &[&str]) {
        let mut command = command((&self.url, self.folder.path()), &self.options, &self.environment);
        let output = command.args(["pin-reset", "keys"]).args(verb).output().unwrap();
        assert!(output.status.success(), "{}", crate::program::text(&output));
    }

    /// Where these bytes lie, as they are or as a text of them: its log, the database, its memory.
    fn holds(&self, bytes: &[u8]) -> [bool; 3] {
        let hex = bytes.iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"));
        let forms =
            [bytes.to_vec(), text(bytes).into_bytes(), STANDARD.encode(bytes).into_bytes(), hex.into()];
        let (log, database) = (self.process.output(), sql::everything(&self.url));
        let memory = memory::of(self.process.pid());
        let within = |place: &[u8], form: &Vec<u8>| place.windows(form.len()).any(|window| window == form);
        [
            forms.iter().any(|form| within(log.as_bytes(), form)),
            forms.iter().any(|form| within(&database, form)),
            forms.iter().any(|form| !memory::find(&memory, form).is_empty()),
        ]
    }
}

fn command(
    (url, folder): (&str, &Path),
    options: &[String],
    environment: &[(&'static str, String)],
) -> Command {
    let mut command = program(folder);
    command.args(["--public-url", URL, "--database", url, "--key-file", "key"]);
    command.args(options).envs(environment.iter().cloned());
    command
}

/// The key that the rig's provider seals with, as the program reads it.
fn key_file(path: &Path) {
    let mut options = std::fs::OpenOptions::new();
    let mut file = options.write(true).create_new(true).mode(0o600).open(path).unwrap();
    std::io::Write::write_all(&mut file, format!("{}\n", STANDARD.encode(SEALING)).as_bytes()).unwrap();
}

async fn it_releases_and_keeps_nothing(ground: &Ground) {
    for protocol in ["hpke-p256", "blind-p256"] {
        let rig = ground.rig().await;
        let service = Service::start(&rig, Vec::new(), Vec::new());
        let mut scene = Scene::at(rig, service.door(), protocol).await;
        let reset = scene.reset().await;
        let answer = scene.send(&reset).await;
        assert_eq!(scene.opened(&reset, answer), scene.protector.secrets[0]);
        let again = scene.send(&reset).await;
        scene.refused(&again, 400, "nonce_invalid").await;
        let code = helpdesk::code(&scene).await;
        let rearm = scene.reset_with(&format!("Helpdesk {code}"), Purpose::Administer).await;
        let answer = scene.send(&rearm).await;
        assert_eq!(scene.opened(&rearm, answer), scene.protector.secrets[1]);

        let token = Request::post(format!("/{}/oauth2/v2.0/token", scene.rig.tenant));
        let elsewhere = service.door().send(&scene.rig, token.body(Body::empty()).unwrap()).await;
        assert_eq!(elsewhere.status, 404, "it answers nothing of the provider's");
        let log = service.process.output();
        assert!(log.contains("DEBUG") && log.contains("nonce_invalid"), "it logs all that it can: {log}");
        let [_, kept, held] = service.holds(scene.protector.kid.as_bytes());
        assert!(kept && held, "the search finds what is there");
        for secret in &scene.protector.secrets {
            assert_eq!(service.holds(secret), [false; 3], "{protocol}: in log, database, memory");
        }
        let (_, bearer) = reset.authorization.split_once(' ').unwrap();
        for secret in [scene.protector.envelope.as_str(), bearer, code.as_str()] {
            let [logged, kept, _] = service.holds(secret.as_bytes());
            assert!(!logged && !kept, "{protocol}: {secret}");
        }
    }
}

#[tokio::test]
async fn its_keys_may_be_in_a_tpm() {
    let folder = tempfile::tempdir().unwrap();
    let tpm = Swtpm::start(&folder.path().join("tpm"));
    let options = ["--tcti", &tpm.tcti(), "--pin-reset-keys", "tpm"].map(str::to_owned).to_vec();
    lives_and_retires("tpm", options, Vec::new()).await;
}

#[tokio::test]
async fn its_keys_may_be_in_a_security_module() {
    let folder = tempfile::tempdir().unwrap();
    let module = SoftHsm::create(folder.path());
    let environment = vec![("SOFTHSM2_CONF", module.configuration().display().to_string())];
    lives_and_retires("pkcs11", module.options(TOKEN, &module.pin_file()), environment).await;
}

/// Keys in this place open what was made for them, also when there are newer ones, until they are retired.
async fn lives_and_retires(place: &str, options: Vec<String>, environment: Vec<(&'static str, String)>) {
    let rig = Rig::start().await;
    let service = Service::start(&rig, options, environment);
    let mut scene = Scene::at(rig, service.door(), "hpke-p256").await;
    let kid = scene.protector.kid.clone();
    let stored = scene.rig.database.reset_keys().find(&kid).await.unwrap().unwrap();
    assert_eq!(stored.place, place);
    for rotated in [false, true] {
        let reset = scene.reset().await;
        let answer = scene.send(&reset).await;
        assert_eq!(scene.opened(&reset, answer), scene.protector.secrets[0], "rotated: {rotated}");
        if !rotated {
            service.keys(&["rotate"]);
        }
    }
    service.keys(&["retire", &kid]);
    let reset = scene.reset().await;
    let answer = scene.send(&reset).await;
    scene.refused(&answer, 403, "key_retired").await;
    let owner: Owner = scene.protector.owner.clone();
    scene.protector = scene.protect(&owner, "hpke-p256").await;
    assert_ne!(scene.protector.kid, kid);
    let reset = scene.reset().await;
    let answer = scene.send(&reset).await;
    assert_eq!(scene.opened(&reset, answer), scene.protector.secrets[0], "by the newer one");
}
