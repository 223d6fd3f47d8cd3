//! The identity provider.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use serde_json::Value;

use crate::process::Process;
use crate::programs;
use crate::site::SiteIdp;

/// A running `latchkey-idp`.
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
    /// Where the first administrator begins, as `init` printed it; known to the run that made the provider.
    pub first_link: Option<String>,
    /// Options of the program that all its commands get besides.
    pub options: Vec<String>,
    folder: PathBuf,
    database: String,
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
    /// Makes keys, CA, database and a tenant in `folder`; `port` is where it will serve, over https with its own CA.
    #[must_use]
    pub fn init(folder: &Path, port: u16) -> Self {
        Self::made(folder, format!("https://localhost:{port}"), port)
    }

    /// The same without TLS, which this machine's browsers allow for names below localhost; finds what an earlier call
    /// made in `folder`. The name of its own keeps its passkeys and cookies apart from a site at `localhost`.
    #[must_use]
    pub fn local(folder: &Path, port: u16) -> Self {
        let url = format!("http://id.localhost:{port}");
        let note = folder.join("tenant");
        if let Ok(tenant) = fs::read_to_string(&note) {
            return Self { tenant, ..Self::at(folder, url, port) };
        }
        fs::create_dir_all(folder).expect("the provider's folder can be made");
        let place = Self::made(folder, url, port);
        fs::write(note, &place.tenant).expect("the tenant can be noted");
        place
    }

    /// One at `localhost` without TLS, on any database.
    #[must_use]
    pub fn on(database: &str, folder: &Path, port: u16) -> Self {
        let place = Self::at(folder, format!("http://localhost:{port}"), port);
        Self { database: database.to_owned(), ..place }.with_tenant()
    }

    /// The same under a name that is not this machine's: whoever serves it there makes the certificate.
    #[must_use]
    pub fn named(folder: &Path, host: &str) -> Self {
        Self::made(folder, format!("https://{host}"), 443)
    }

    fn at(folder: &Path, url: String, port: u16) -> Self {
        let domain = "example.org".to_owned();
        let database = format!("sqlite:{}", folder.join("idp.db").display());
        Self {
            url,
            tenant: String::new(),
            domain,
            first_link: None,
            options: Vec::new(),
            folder: folder.to_owned(),
            database,
            port,
        }
    }

    fn made(folder: &Path, url: String, port: u16) -> Self {
        Self::at(folder, url, port).with_tenant()
    }

    fn with_tenant(self) -> Self {
        let said = self.run(&["init", "--tenant", "Example", "--domain", &self.domain]);
        let tenant = after(&said, "Tenant: ").expect("init names the tenant");
        let first_link =
            said.lines().find_map(|line| line.split_once(": http").map(|(_, url)| format!("http{url}")));
        Self { tenant, first_link, ..self }
    }

    /// The issuer of the first tenant's tokens.
    #[must_use]
    pub fn issuer(&self) -> String {
        format!("{}/{}/v2.0", self.url, self.tenant)
    }

    /// Registers the demo site at `origin`, with its secret in `secret_file`.
    #[must_use]
    pub fn add_site(&self, origin: &str, secret_file: &Path) -> SiteIdp {
        let uris = ["answer", "signed-out"].map(|path| format!("{origin}/identity/{path}"));
        let app = self.add_app(
            "Demo site",
            &["--redirect-uri", &uris[0], "--post-logout-redirect-uri", &uris[1], "--secret", "365"],
        );
        let back = format!("post_logout_redirect_uris=[{:?}]", uris[1]);
        let told = format!("front_channel_logout_uri={origin}/identity/front-channel-sign-out");
        self.run(&["app", "change", "--tenant", &self.tenant, &app.id, &back, &told]);
        fs::write(secret_file, app.secret.expect("it asked for a secret")).expect("the secret can be kept");
        SiteIdp {
            issuer: self.issuer(),
            client_id: app.id,
            secret_file: secret_file.to_owned(),
            ca: self.url.starts_with("https:").then(|| self.ca()),
        }
    }

    /// Makes a user of the first tenant, and returns the link of their first sign-in.
    #[must_use]
    pub fn add_person(&self, user_name: &str, name: &str) -> String {
        let made = self.operate(&["user", "add", user_name, "--name", name]);
        made["invitation"].as_str().expect("user add makes a link").to_owned()
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

    /// Changes an application's registration; `changes` as `latchkey-idp app change` takes them.
    pub fn change_app(&self, app: &IdpApp, changes: &[&str]) {
        let _said = self.run(&[&["app", "change", &app.id, "--tenant", &self.tenant], changes].concat());
    }

    /// Runs a command on the first tenant, and returns what `--json` printed.
    #[must_use]
    pub fn operate(&self, arguments: &[&str]) -> Value {
        let said = self.run(&[arguments, &["--tenant", &self.tenant, "--json"]].concat());
        serde_json::from_str(&said).unwrap_or_else(|error| panic!("{arguments:?}: {error} in {said}"))
    }

    /// Makes a Temporary Access Pass that can be used again.
    #[must_use]
    pub fn access_pass(&self, user: &str) -> String {
        let made = self.operate(&["user", "pass", user, "--reusable"]);
        made["temporaryAccessPass"].as_str().expect("it names the pass").to_owned()
    }

    /// Changes what the first tenant allows; `changes` as `latchkey-idp policy change` takes them.
    pub fn change_policy(&self, changes: &[&str]) {
        let _said = self.run(&[&["policy", "change", "--tenant", &self.tenant], changes].concat());
    }

    /// Makes a user of the first tenant: the password that is good for one sign-in, at which another one is chosen.
    #[must_use]
    pub fn add_user(&self, name: &str, shown: &str) -> String {
        let _made = self.operate(&["user", "add", name, "--name", shown]);
        let said = self.operate(&["user", "password", name]);
        said["newPassword"].as_str().expect("it names the password").to_owned()
    }

    /// Replaces the keys of the PIN reset service.
    pub fn rotate_reset_keys(&self) {
        let _said = self.run(&["pin-reset", "keys", "rotate"]);
    }

    /// The certificate of the CA that clients must trust.
    #[must_use]
    pub fn ca(&self) -> PathBuf {
        self.folder.join("ca.pem")
    }

    /// That CA's key.
    #[must_use]
    pub fn ca_key(&self) -> PathBuf {
        self.folder.join("ca.key")
    }

    /// The URL of its database.
    #[must_use]
    pub fn database(&self) -> &str {
        &self.database
    }

    /// The file with the key that seals what is secret in the database.
    #[must_use]
    pub fn key_file(&self) -> PathBuf {
        self.folder.join("idp.key")
    }

    /// `latchkey-idp` on these files.
    #[must_use]
    pub fn command(&self) -> Command {
        let mut command = Command::new(programs::built("latchkey-idp"));
        command
            .args(["--public-url", &self.url])
            .args(["--database", &self.database])
            .arg("--key-file")
            .arg(self.key_file())
            .arg("--ca-certificate")
            .arg(self.ca())
            .arg("--ca-key")
            .arg(self.ca_key())
            .args(&self.options);
        command
    }

    /// The same as a JSON list of words, for a test in another language.
    ///
    /// # Panics
    /// When a path is no text.
    #[must_use]
    pub fn command_words(&self) -> String {
        let command = self.command();
        let words = std::iter::once(command.get_program()).chain(command.get_args());
        let words: Vec<_> = words.map(|word| word.to_str().expect("paths of the test are text")).collect();
        serde_json::to_string(&words).expect("texts are JSON")
    }

    /// Runs a command of the keys of the PIN reset service: `rotate`, `retire KID`.
    pub fn change_reset_keys(&self, arguments: &[&str]) {
        let _said = self.run(&[&["pin-reset", "keys"], arguments].concat());
    }

    /// Starts the PIN reset service as a process of its own. Returns once it serves, and logs all that it can.
    #[must_use]
    pub fn serve_pin_resets(&self, port: u16, log: &Path) -> Process {
        let mut command = self.command();
        command
            .args(["pin-reset", "serve", "--listen", &format!("127.0.0.1:{port}")])
            .env("RUST_LOG", "trace");
        let mut process = Process::start("latchkey-idp pin-reset", command, log);
        process.wait_for("Latchkey PIN reset service: ", Duration::from_secs(20));
        process
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
    /// What the program prints once it serves begins like this.
    pub const READY: &str = "Latchkey identity provider: ";

    /// Starts the provider. Returns once it serves.
    #[must_use]
    pub fn start(place: &IdpPlace, log: &Path) -> Self {
        Self::serve(place, place.port, &[], log)
    }

    /// Starts a process that counts no requests by address, on any port: many processes can serve one place.
    #[must_use]
    pub fn start_uncounted(place: &IdpPlace, port: u16, log: &Path) -> Self {
        Self::serve(place, port, &["--unlimited", "127.0.0.0/8"], log)
    }

    fn serve(place: &IdpPlace, port: u16, options: &[&str], log: &Path) -> Self {
        let mut command = place.command();
        command.args(["serve", "--listen", &format!("127.0.0.1:{port}")]).args(options);
        let mut process = Process::start("latchkey-idp", command, log);
        process.wait_for(Self::READY, Duration::from_secs(20));
        Self { process, place: place.clone() }
    }
}

/// What follows `label` on its line.
fn after(said: &str, label: &str) -> Option<String> {
    said.lines().find_map(|line| line.strip_prefix(label)).map(str::to_owned)
}
