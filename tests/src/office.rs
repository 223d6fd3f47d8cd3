//! An organisation with one user and one device: the real provider, the real daemon, and a proxy between them.

use std::path::PathBuf;
use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;

use crate::daemon::{Daemon, Home};
use crate::employee::Employee;
use crate::http_proxy::HttpProxy;
use crate::idp::{Idp, IdpPlace};
use crate::native_host::NativeHost;
use crate::people::{self, Population};
use crate::process::Process;
use crate::programs::free_port;
use crate::prompter::Prompter;
use crate::sql;
use crate::swtpm::Swtpm;
use crate::tpm_proxy::TpmProxy;

/// The site that passkeys are for.
pub const ORIGIN: &str = "http://localhost";
/// The PIN that is chosen first.
pub const FIRST_PIN: &str = "739264";
/// The PIN after a reset.
pub const NEXT_PIN: &str = "480175";

/// What protects the device's container.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protection {
    /// An emulated TPM.
    Tpm,
    /// The same behind a proxy that notes its commands.
    WatchedTpm,
    /// No TPM.
    Software,
}

/// Everything that is there.
#[derive(Debug)]
pub struct Office {
    /// The user.
    pub employee: Employee,
    /// Everybody at the provider.
    pub population: Population,
    /// The device's daemon.
    pub daemon: Daemon,
    /// The user at the daemon's prompts.
    pub prompter: Prompter,
    /// The device's container.
    pub home: Home,
    /// The device's TPM, which a software container leaves alone.
    pub swtpm: Swtpm,
    /// Between the device and its TPM, where that is watched.
    pub tpm: Option<TpmProxy>,
    /// Between the device and the provider.
    pub proxy: HttpProxy,
    /// The provider.
    pub idp: Idp,
    /// The PIN reset service, where it is a process of its own.
    pub resets: Option<Process>,
    /// Where the provider is.
    pub place: IdpPlace,
    folder: TempDir,
}

/// Where everything is, and where it is kept for later.
const PRESENT: &str = "present";
const KEPT: &str = "kept";

impl Office {
    /// A provider whose policy keeps passkeys at a reset, and a device with a TPM and an empty container.
    #[must_use]
    pub fn open() -> Self {
        Self::with(Protection::Tpm)
    }

    /// The same with any protection.
    #[must_use]
    pub fn with(protection: Protection) -> Self {
        Self::made(protection, None)
    }

    /// The same with a TPM, and with the PIN reset service as a process of its own, which logs all that it can.
    #[must_use]
    pub fn with_service_apart() -> Self {
        Self::made(Protection::Tpm, Some(free_port()))
    }

    fn made(protection: Protection, resets: Option<u16>) -> Self {
        let folder = tempfile::tempdir().expect("a folder can be made");
        let present = folder.path().join(PRESENT);
        std::fs::create_dir(&present).expect("a folder can be made");
        let at = |name: &str| present.join(name);
        let port = free_port();
        let database = format!("sqlite:{}", at("idp.db").display());
        let mut place = IdpPlace::on(&database, &present, port);
        if let Some(port) = resets {
            place.options = vec!["--pin-reset-url".to_owned(), format!("http://localhost:{port}")];
        }
        let population = people::settle(&place, 2);
        place.change_policy(&["enable_pin_recovery=true"]);
        let behind = free_port();
        let idp = Idp::start_uncounted(&place, behind, &at("log"));
        let resets = resets.map(|port| place.serve_pin_resets(port, &at("resets.log")));
        let proxy = HttpProxy::start(port, behind);
        let employee = Employee::new(&population.people.app, &population.people.password);
        let swtpm = Swtpm::start(&at("tpm"));
        let tpm = (protection == Protection::WatchedTpm).then(|| TpmProxy::start(&swtpm.socket()));
        let tcti = match protection {
            Protection::Tpm => swtpm.tcti(),
            Protection::WatchedTpm => tpm.as_ref().expect("it is watched").tcti(),
            Protection::Software => "software".to_owned(),
        };
        let home = Home::below(&present, &tcti);
        let prompter = Prompter::new(&at("person"), FIRST_PIN);
        let _created = home.json(&["container", "create"], "");
        let daemon = Daemon::start(&home, &prompter, &[], &at("log"));
        Self { employee, population, daemon, prompter, home, swtpm, tpm, proxy, idp, resets, place, folder }
    }

    /// The same for a user who signs in often, with a Temporary Access Pass.
    #[must_use]
    pub fn for_many_sign_ins() -> Self {
        let mut office = Self::open();
        office.employee.pass = Some(office.place.access_pass(&office.employee.name));
        office
    }

    /// Stops every program, and keeps what they have written.
    pub fn keep(&mut self) {
        self.daemon.process.stop();
        self.idp.process.stop();
        self.swtpm.kill();
        self.copy(PRESENT, KEPT);
    }

    /// Everything as it was kept, running.
    pub fn restore(&mut self) {
        self.daemon.process.kill();
        self.idp.process.kill();
        self.swtpm.kill();
        std::fs::remove_dir_all(self.folder.path().join(PRESENT)).expect("nobody uses it");
        self.copy(KEPT, PRESENT);
        self.swtpm.restart();
        self.idp = Revival::of(self).start();
        self.restart_daemon();
    }

    fn copy(&self, from: &str, to: &str) {
        let [from, to] = [from, to].map(|name| self.folder.path().join(name));
        let copied = Command::new("cp").arg("-a").args([from, to]).status();
        assert!(copied.expect("cp runs").success());
    }

    /// Starts the daemon again after it was killed.
    pub fn restart_daemon(&mut self) {
        self.restart_daemon_with(&[]);
    }

    /// The same, with options.
    pub fn restart_daemon_with(&mut self, options: &[&str]) {
        self.daemon.process.kill();
        self.daemon = Daemon::start(&self.home, &self.prompter, options, &self.log_file());
    }

    /// A device with a TPM that has joined, with its enterprise key.
    #[must_use]
    pub fn joined() -> Self {
        let mut office = Self::open();
        let _joined = office.join();
        office
    }

    /// Joins, and chooses the first PIN.
    pub fn join(&mut self) -> Value {
        self.try_join_with(&[])
            .unwrap_or_else(|(code, said)| panic!("no join ({code}): {said}\n{}", self.log()))
    }

    /// The same where it may fail: exit code and message.
    ///
    /// # Errors
    /// What the command said.
    pub fn try_join(&mut self) -> Result<Value, (i32, String)> {
        self.try_join_with(&[])
    }

    /// The same with options.
    ///
    /// # Errors
    /// What the command said.
    pub fn try_join_with(&mut self, options: &[&str]) -> Result<Value, (i32, String)> {
        let url = self.place.url.clone();
        let join = ["device", "join", "--idp", &url, "--name", "desk-1", "--no-browser", "--pin-stdin"];
        self.attempt(&[&join, options].concat(), &format!("{FIRST_PIN}\n"))
    }

    /// Signs in with the PIN.
    pub fn sign_in(&mut self, pin: &str) -> Value {
        self.latchkey(&["signin", "--pin-stdin"], &format!("{pin}\n"))
    }

    /// Resets the PIN.
    pub fn reset_pin(&mut self, options: &[&str], pin: &str) -> Value {
        self.try_reset_pin(options, pin)
            .unwrap_or_else(|(code, said)| panic!("no reset ({code}): {said}\n{}", self.log()))
    }

    /// The same where it may fail: exit code and message.
    ///
    /// # Errors
    /// What the command said.
    pub fn try_reset_pin(&mut self, options: &[&str], pin: &str) -> Result<Value, (i32, String)> {
        let way: &[&str] = if options.contains(&"--device-code") { &[] } else { &["--no-browser"] };
        let reset = [&["pin", "reset", "--pin-stdin"], way, options].concat();
        self.attempt(&reset, &format!("{pin}\n"))
    }

    /// As if hours had passed: the provider takes the codes of the user's app again, and counts no PIN reset of before.
    pub fn wait_for_hours(&mut self) {
        for statement in ["UPDATE totp SET last_step = 0", "DELETE FROM limits"] {
            sql::change(self.place.database(), statement);
        }
        self.employee.forget_codes();
    }

    /// Whether a PIN opens the container.
    pub fn opens(&mut self, pin: &str) -> bool {
        self.attempt(&["passkeys", "list", "--pin-stdin"], &format!("{pin}\n")).is_ok()
    }

    /// Runs a command that must succeed; the user signs in when it asks for it.
    pub fn latchkey(&mut self, arguments: &[&str], input: &str) -> Value {
        self.attempt(arguments, input).unwrap_or_else(|(code, said)| {
            panic!("latchkey {arguments:?} failed ({code}): {said}\n{}", self.log())
        })
    }

    /// Runs a command; where it fails, exit code and message.
    ///
    /// # Errors
    /// What the command said.
    pub fn attempt(&mut self, arguments: &[&str], input: &str) -> Result<Value, (i32, String)> {
        attempt(&self.home, &mut self.employee, arguments, input)
    }

    /// Registers a passkey at the site; returns its credential ID.
    #[must_use]
    pub fn register(&self, user: &str) -> String {
        let made = NativeHost::start(&self.home).create(ORIGIN, user);
        id(&made.unwrap_or_else(|error| panic!("no passkey: {error}")))
    }

    /// Signs in at the site; returns the credential ID.
    #[must_use]
    pub fn use_passkey(&self) -> String {
        let signed = NativeHost::start(&self.home).get(ORIGIN);
        id(&signed.unwrap_or_else(|error| panic!("no passkey signs: {error}")))
    }

    /// The credential ID of the passkey that signs in at the site, if there is one.
    #[must_use]
    pub fn passkey(&self) -> Option<String> {
        NativeHost::start(&self.home).get(ORIGIN).ok().map(|signed| id(&signed))
    }

    /// How many rows of a table the provider has: `devices`, `enterprise_keys`.
    #[must_use]
    pub fn at_provider(&self, table: &str) -> i64 {
        sql::number(self.place.database(), &format!("SELECT COUNT(*) FROM {table}"))
    }

    /// What `latchkey device status` says of the one registration.
    pub fn registration(&mut self) -> Value {
        self.latchkey(&["device", "status"], "")["devices"][0].clone()
    }

    /// A file of these tests.
    #[must_use]
    pub fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(PRESENT).join(name)
    }

    /// What all programs have printed.
    #[must_use]
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.log_file()).unwrap_or_default()
    }

    fn log_file(&self) -> PathBuf {
        self.file("log")
    }
}

/// What it takes to start the provider again, from any thread.
#[derive(Debug)]
pub struct Revival {
    place: IdpPlace,
    proxy: HttpProxy,
    log: PathBuf,
}

impl Revival {
    /// Of this office's provider.
    #[must_use]
    pub fn of(office: &Office) -> Self {
        Self { place: office.place.clone(), proxy: office.proxy.clone(), log: office.log_file() }
    }

    /// Starts it on its database.
    #[must_use]
    pub fn start(self) -> Idp {
        let port = free_port();
        let idp = Idp::start_uncounted(&self.place, port, &self.log);
        self.proxy.lead_to(port);
        idp
    }
}

/// Runs a command; where it fails, exit code and message. Whenever it says where to sign in, the employee does.
///
/// # Errors
/// What the command said.
pub fn attempt(
    home: &Home,
    employee: &mut Employee,
    arguments: &[&str],
    input: &str,
) -> Result<Value, (i32, String)> {
    let mut command = home.latchkey();
    command.args(arguments).arg("--json");
    let output = employee.operate(command, input);
    let text = String::from_utf8_lossy(&output.stdout);
    let said: Value = serde_json::from_str(&text).unwrap_or_else(|error| {
        panic!("latchkey {arguments:?}: {error} in {text}{}", String::from_utf8_lossy(&output.stderr))
    });
    if output.status.success() {
        return Ok(said);
    }
    let message = said["error"]["message"].as_str().unwrap_or_default().to_owned();
    Err((output.status.code().unwrap_or(-1), message))
}

fn id(response: &Value) -> String {
    response["id"].as_str().unwrap_or_else(|| panic!("no id in {response}")).to_owned()
}
