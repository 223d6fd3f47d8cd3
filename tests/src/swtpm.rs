//! An emulated TPM: swtpm on a unix socket, with its state kept in a directory.

use std::fs;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::process::Process;

/// How long swtpm may take until it answers.
const START_LIMIT: Duration = Duration::from_secs(20);
const POLL: Duration = Duration::from_millis(5);

/// What `swtpm_setup` wants to know about the machine that a certificate is for.
const MACHINE: &str = "--platform-manufacturer Latchkey\n--platform-version 1\n--platform-model Test\n";

/// A running swtpm. Stopped on drop; its state stays in the directory, so a later start continues the same TPM.
#[derive(Debug)]
pub struct Swtpm {
    state_dir: PathBuf,
    process: Process,
}

impl Swtpm {
    /// Starts swtpm on the state in `state_dir`, which is made when it is not there.
    #[must_use]
    pub fn start(state_dir: &Path) -> Self {
        fs::create_dir_all(state_dir)
            .unwrap_or_else(|error| panic!("{} cannot be made: {error}", state_dir.display()));
        let state_dir = fs::canonicalize(state_dir).expect("a directory just made has a path");
        let process = launch(&state_dir);
        Self { state_dir, process }
    }

    /// Makes a TPM in `state_dir` as a manufacturer would, with a certificate of its endorsement key by the authority in
    /// `authority_dir`, which is made when it is not there, and starts it. [`authority_root`] is who it trusts.
    ///
    /// # Panics
    /// When `swtpm_setup` (package swtpm-tools) is missing or refuses.
    #[must_use]
    pub fn start_certified(state_dir: &Path, authority_dir: &Path) -> Self {
        for dir in [state_dir, authority_dir] {
            fs::create_dir_all(dir)
                .unwrap_or_else(|error| panic!("{} cannot be made: {error}", dir.display()));
        }
        let at = |name: &str| authority_dir.join(name);
        let authority = format!(
            "statedir = {}\nsigningkey = {}\nissuercert = {}\ncertserial = {}\n",
            authority_dir.display(),
            at("signing-key.pem").display(),
            at("issuer.pem").display(),
            at("serial").display()
        );
        let setup = format!(
            "create_certs_tool = /usr/bin/swtpm_localca\ncreate_certs_tool_config = {}\n\
             create_certs_tool_options = {}\nactive_pcr_banks = sha256\n",
            at("authority.conf").display(),
            at("machine.options").display()
        );
        for (name, text) in
            [("authority.conf", authority.as_str()), ("machine.options", MACHINE), ("setup.conf", &setup)]
        {
            fs::write(at(name), text).expect("a directory just made can be written");
        }
        let user = rustix::process::geteuid().as_raw().to_string();
        let made = Command::new("swtpm_setup")
            .args(["--tpm2", "--create-ek-cert", "--runas", &user, "--tpmstate"])
            .arg(state_dir)
            .arg("--config")
            .arg(at("setup.conf"))
            .output()
            .unwrap_or_else(|error| panic!("swtpm_setup (package swtpm-tools): {error}"));
        assert!(made.status.success(), "swtpm_setup: {}", String::from_utf8_lossy(&made.stdout));
        Self::start(state_dir)
    }

    /// Starts swtpm for a machine in QEMU (`-tpmdev emulator`), which reaches it by [`Swtpm::control`] and switches it on.
    #[must_use]
    pub fn for_machine(state_dir: &Path) -> Self {
        fs::create_dir_all(state_dir)
            .unwrap_or_else(|error| panic!("{} cannot be made: {error}", state_dir.display()));
        let control = with_ctrl(&socket(state_dir));
        let process = started(state_dir, swtpm(state_dir), || control.exists());
        Self { state_dir: state_dir.to_owned(), process }
    }

    /// The control socket.
    #[must_use]
    pub fn control(&self) -> PathBuf {
        with_ctrl(&self.socket())
    }

    /// The data socket. The control socket is beside it, with `.ctrl` appended, as tpm2-tss expects.
    #[must_use]
    pub fn socket(&self) -> PathBuf {
        socket(&self.state_dir)
    }

    /// The TCTI string that reaches this TPM.
    #[must_use]
    pub fn tcti(&self) -> String {
        format!("swtpm:path={}", self.socket().display())
    }

    /// The process id, for a crash test.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.process.pid()
    }

    /// Kills the TPM at once, as a power loss would.
    pub fn kill(&mut self) {
        self.process.kill();
    }

    /// Stops the TPM if it runs and starts it again on the same state: a reboot.
    pub fn restart(&mut self) {
        self.process.stop();
        self.process = launch(&self.state_dir);
    }
}

/// The root certificate of the authority in a directory given to [`Swtpm::start_certified`], PEM.
#[must_use]
pub fn authority_root(authority_dir: &Path) -> PathBuf {
    authority_dir.join("swtpm-localca-rootca-cert.pem")
}

/// The issuer of its endorsement certificates, PEM: an intermediate under the root.
#[must_use]
pub fn authority_issuer(authority_dir: &Path) -> PathBuf {
    authority_dir.join("issuer.pem")
}

fn socket(state_dir: &Path) -> PathBuf {
    state_dir.join("swtpm.sock")
}

/// swtpm with its control socket and its state, and no data socket yet.
fn swtpm(state_dir: &Path) -> Command {
    let mut command = Command::new("swtpm");
    command
        .args(["socket", "--tpm2", "--ctrl"])
        .arg(format!("type=unixio,path={},mode=0600", with_ctrl(&socket(state_dir)).display()))
        .arg("--tpmstate")
        .arg(format!("dir={},mode=0600", state_dir.display()));
    command
}

fn launch(state_dir: &Path) -> Process {
    let data = socket(state_dir);
    let control = with_ctrl(&data);
    for stale in [&data, &control] {
        let _absent = fs::remove_file(stale);
    }
    let mut command = swtpm(state_dir);
    command
        .args(["--flags", "not-need-init,startup-clear", "--server"])
        .arg(format!("type=unixio,path={},mode=0600", data.display()));
    started(state_dir, command, || control.exists() && UnixStream::connect(&data).is_ok())
}

/// Starts swtpm and waits until it is `ready`.
fn started(state_dir: &Path, command: Command, ready: impl Fn() -> bool) -> Process {
    let mut process = Process::start("swtpm", command, &state_dir.join("swtpm.log"));
    let start = Instant::now();
    while !ready() {
        if let Some(status) = process.ended() {
            panic!("swtpm ended ({status}):\n{}", process.output());
        }
        assert!(start.elapsed() < START_LIMIT, "swtpm does not answer:\n{}", process.output());
        sleep(POLL);
    }
    process
}

/// The control socket that belongs to a data socket.
pub(crate) fn with_ctrl(data: &Path) -> PathBuf {
    let mut path = data.as_os_str().to_owned();
    path.push(".ctrl");
    PathBuf::from(path)
}
