//! systemd: the unit that `latchkey service install` writes, under a service manager of a user's own.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Output};
use std::thread::sleep;
use std::time::{Duration, Instant};

use latchkey_tests::process::Process;

use crate::Client;
use crate::machine::{Machine, run, succeed};

pub const CLIENT: Client = Client {
    name: "systemd",
    version: "systemctl --version | sed -n '1s/.*(\\(.*\\))/\\1/p'",
    exercised: "the unit of `latchkey service install`: enable, start, kill (it comes back), stop, uninstall",
    exercise,
};

const RUNTIME: &str = "/run/user/0";
const CGROUPS: &str = "/sys/fs/cgroup";
/// How long the service manager may take to do what it was told, on a machine that is emulated.
const PATIENCE: Duration = Duration::from_mins(3);

fn exercise(machine: &Machine) {
    machine.unplugged(|| {
        let _manager = manager(machine);
        machine.service(&["install"]);
        told(
            &[&["set-environment"], &machine.variables().iter().map(String::as_str).collect::<Vec<_>>()[..]]
                .concat(),
        );
        told(&["daemon-reload"]);
        told(&["enable", "latchkey"]);
        told(&["start", "latchkey"]);
        until("the security key appears", is_plugged_in);
        let first = process();
        told(&["kill", "--signal=KILL", "latchkey"]);
        until("another process took its place", || ![&first, "0"].contains(&process().as_str()));
        until("the security key is back", is_plugged_in);
        told(&["disable", "--now", "latchkey"]);
        assert!(!is_plugged_in(), "it was stopped");
        machine.service(&["uninstall"]);
        told(&["daemon-reload"]);
        assert!(!systemctl(&["start", "latchkey"]).status.success(), "there is no such unit any more");
    });
}

/// Starts `systemd --user`, in a control group of its own.
fn manager(machine: &Machine) -> Process {
    if !Path::new(CGROUPS).join("cgroup.procs").exists() {
        let _mounted = succeed("mount", &["-t", "cgroup2", "cgroup2", CGROUPS], "");
    }
    fs::create_dir_all(Path::new(CGROUPS).join("person")).expect("a control group can be made");
    // A user's service manager wants to see that the machine's is one, too.
    fs::create_dir_all("/run/systemd/system").expect("the folder of a service manager can be made");
    fs::create_dir_all(RUNTIME).expect("the folder of a session can be made");
    fs::set_permissions(RUNTIME, Permissions::from_mode(0o700)).expect("it is the person's own");
    let mut command = Command::new("sh");
    let line = format!("echo $$ > {CGROUPS}/person/cgroup.procs; exec setsid /lib/systemd/systemd --user");
    command.env("SYSTEMD_LOG_TARGET", "null").env("XDG_RUNTIME_DIR", RUNTIME).args(["-c", &line]);
    let manager = Process::start("systemd", command, &machine.file("systemd.log"));
    until("the service manager answers", || Path::new(RUNTIME).join("systemd/private").exists());
    manager
}

fn systemctl(arguments: &[&str]) -> Output {
    let runtime = format!("XDG_RUNTIME_DIR={RUNTIME}");
    run("env", &[&[&runtime, "systemctl", "--user"], arguments].concat(), "")
}

/// Tells the service manager something that it must do. Returns what it says.
fn told(arguments: &[&str]) -> String {
    let output = systemctl(arguments);
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

/// The process of the unit; `0` when it does not run.
fn process() -> String {
    told(&["show", "--property=MainPID", "--value", "latchkey"])
}

fn is_plugged_in() -> bool {
    succeed("fido2-token", &["-L"], "").contains("vendor=0x1209")
}

fn until(what: &str, holds: impl Fn() -> bool) {
    let start = Instant::now();
    while !holds() {
        assert!(start.elapsed() < PATIENCE, "in vain: {what}");
        sleep(Duration::from_millis(100));
    }
}
