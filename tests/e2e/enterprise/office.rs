//! An organisation with one user and one device.

use std::path::PathBuf;
use std::process::Command;

use latchkey_tests::daemon::{Daemon, Home};
use latchkey_tests::employee::Employee;
use latchkey_tests::http_proxy::HttpProxy;
use latchkey_tests::idp::{Idp, IdpPlace};
use latchkey_tests::native_host::NativeHost;
use latchkey_tests::people::{self, Population};
use latchkey_tests::process::Process;
use latchkey_tests::programs::free_port;
use latchkey_tests::prompter::Prompter;
use latchkey_tests::sql;
use latchkey_tests::swtpm::Swtpm;
use serde_json::Value;
use tempfile::TempDir;

/// The site of these tests.
pub const ORIGIN: &str = "http://localhost";
/// The PIN that is chosen first.
pub const FIRST_PIN: &str = "739264";
/// The PIN after a reset.
pub const NEXT_PIN: &str = "480175";

/// Everything that is there. Between device and provider is a proxy.
pub struct Office {
    pub employee: Employee,
    pub population: Population,
    pub daemon: Daemon,
    pub prompter: Prompter,
    pub home: Home,
    pub swtpm: Swtpm,
    pub proxy: HttpProxy,
    pub idp: Idp,
    /// The PIN reset service, where it is a process of its own.
    pub resets: Option<Process>,
    pub place: IdpPlace,
    folder: TempDir,
}

/// Where everything is, and where it is kept for later.
const PRESENT: &str = "present";
const KEPT: &str = "kept";

impl Office {
    /// A provider whose policy keeps passkeys at a reset, and a device with an empty container.
    pub fn open() -> Self {
        Self::opened(None)
    }

    /// The same with the PIN reset service as a process of its own, which logs all that it can.
    pub fn with_service_apart() -> Self {
        Self::opened(Some(free_port()))
    }

    fn opened(resets: Option<u16>) -> Self {
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
        let home = Home::below(&present, &swtpm.tcti());
        let prompter = Prompter::new(&at("person"), FIRST_PIN);
        let _created = home.json(&["container", "create"], "");
        let daemon = Daemon::start(&home, &prompter, &[], &at("log"));
        Self { employee, population, daemon, prompter, home, swtpm, proxy, idp, resets, place, folder }
    }

    /// The same for a user who signs in often, with a Temporary Access Pass.
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

    /// The same after the device has joined, with its enterprise key.
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

    /// The same where it may fail.
    pub fn try_join(&mut self) -> Result<Value, (i32, String)> {
        self.try_join_with(&[])
    }

    /// The same with options.
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

    /// The same where it may fail.
    pub fn try_reset_pin(&mut self, options: &[&str], pin: &str) -> Result<Value, (i32, String)> {
        let way: &[&str] = if options.contains(&"--device-code") { &[] } else { &["--no-browser"] };
        let reset = [&["pin", "reset", "--pin-stdin"], way, options].concat();
        self.attempt(&reset, &format!("{pin}\n"))
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
    pub fn attempt(&mut self, arguments: &[&str], input: &str) -> Result<Value, (i32, String)> {
        attempt(&self.home, &mut self.employee, arguments, input)
    }

    /// Registers a passkey at the site; returns its credential ID.
    pub fn register(&self, user: &str) -> String {
        let made = NativeHost::start(&self.home).create(ORIGIN, user);
        id(&made.unwrap_or_else(|error| panic!("no passkey: {error}")))
    }

    /// Signs in at the site; returns the credential ID.
    pub fn use_passkey(&self) -> String {
        let signed = NativeHost::start(&self.home).get(ORIGIN);
        id(&signed.unwrap_or_else(|error| panic!("no passkey signs: {error}")))
    }

    /// The credential ID of the passkey that signs in at the site, if there is one.
    pub fn passkey(&self) -> Option<String> {
        NativeHost::start(&self.home).get(ORIGIN).ok().map(|signed| id(&signed))
    }

    /// How many rows of a table the provider has: `devices`, `enterprise_keys`.
    pub fn at_provider(&self, table: &str) -> i64 {
        sql::number(self.place.database(), &format!("SELECT COUNT(*) FROM {table}"))
    }

    /// What `latchkey device status` says of the one registration.
    pub fn registration(&mut self) -> Value {
        self.latchkey(&["device", "status"], "")["devices"][0].clone()
    }

    /// A file of these tests.
    pub fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(PRESENT).join(name)
    }

    /// What all programs have printed.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.log_file()).unwrap_or_default()
    }

    fn log_file(&self) -> PathBuf {
        self.file("log")
    }
}

/// What it takes to start the provider again, from any thread.
pub struct Revival {
    place: IdpPlace,
    proxy: HttpProxy,
    log: PathBuf,
}

impl Revival {
    /// Of this office's provider.
    pub fn of(office: &Office) -> Self {
        Self { place: office.place.clone(), proxy: office.proxy.clone(), log: office.log_file() }
    }

    /// Starts it on its database.
    pub fn start(self) -> Idp {
        let port = free_port();
        let idp = Idp::start_uncounted(&self.place, port, &self.log);
        self.proxy.lead_to(port);
        idp
    }
}

/// Runs a command; where it fails, exit code and message. Whenever it says where to sign in, the employee does.
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
