//! What goes wrong around the daemon: each case gets an exit status of its own, a sentence that says what to do, and
//! loses nothing.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};
use std::time::Duration;

use latchkey_tests::daemon::{Daemon, Home};
use latchkey_tests::native_host::NativeHost;
use latchkey_tests::process::run_with_input;
use latchkey_tests::prompter::Prompter;
use latchkey_tests::swtpm::Swtpm;
use latchkey_tests::tracer;
use tempfile::TempDir;

const PIN: &str = "a-good-pin-1";
const ORIGIN: &str = "http://localhost";

/// Exit statuses, as the README lists them.
const TPM_TROUBLE: i32 = 6;
const LOCKED_OUT: i32 = 5;
const STORAGE_TROUBLE: i32 = 7;
const IN_USE: i32 = 8;

/// A container with a PIN on an emulated TPM of its own.
struct Machine {
    folder: TempDir,
    swtpm: Swtpm,
    home: Home,
    prompter: Prompter,
}

impl Machine {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder can be made");
        let swtpm = Swtpm::start(&folder.path().join("tpm"));
        let home = Home::below(folder.path(), &swtpm.tcti());
        let prompter = Prompter::new(&folder.path().join("person"), PIN);
        let _created = home.json(&["container", "create"], "");
        let _set = home.json(&["pin", "set", "--pin-stdin"], &format!("{PIN}\n"));
        Self { folder, swtpm, home, prompter }
    }

    fn daemon(&self) -> Daemon {
        Daemon::start(&self.home, &self.prompter, &[], &self.folder.path().join("log"))
    }

    fn list(&self) -> Output {
        self.home.run(&["passkeys", "list", "--pin-stdin"], &format!("{PIN}\n"))
    }
}

/// The command failed with `status`, and its message holds each of `words`.
fn refused(output: &Output, status: i32, words: &[&str]) {
    let message = String::from_utf8_lossy(&output.stderr).to_lowercase();
    assert_eq!(output.status.code(), Some(status), "{message}");
    for word in words {
        assert!(message.contains(word), "the message must say {word:?}: {message}");
    }
    assert!(!message.contains(PIN), "no message carries a PIN");
    assert!(!message.contains("panicked"), "{message}");
}

fn allowed(output: &Output) {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn a_policy_that_wants_a_tpm_refuses_software_and_lets_a_tpm_through() {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let software = Home::below(folder.path(), "software");
    refused(&software.run(&["container", "create", "--require-tpm"], ""), TPM_TROUBLE, &["tpm"]);
    refused(&software.run(&["up", "--require-tpm", "--prompt", "terminal"], ""), TPM_TROUBLE, &["tpm"]);
    assert!(!software.data.join("container").exists(), "nothing was made");
    let swtpm = Swtpm::start(&folder.path().join("tpm"));
    let real = Home { tpm: swtpm.tcti(), ..software };
    allowed(&real.run(&["container", "create", "--require-tpm"], ""));
}

#[test]
fn a_tpm_that_dies_is_reported_and_works_again_after_it_came_back() {
    let mut machine = Machine::new();
    let _daemon = machine.daemon();
    allowed(&machine.list());
    machine.swtpm.kill();
    refused(&machine.list(), TPM_TROUBLE, &["tpm cannot be reached"]);
    let unreachable = NativeHost::start(&machine.home).create(ORIGIN, "ann");
    assert!(unreachable.is_err(), "no passkey without a TPM");
    machine.swtpm.restart();
    allowed(&machine.list());
    NativeHost::start(&machine.home).create(ORIGIN, "ann").expect("a passkey can be made again");
}

#[test]
fn a_tpm_in_lockout_is_named_and_no_try_is_lost() {
    let machine = Machine::new();
    let locked = lock_out(&machine);
    allowed(&locked);
    refused(&machine.list(), LOCKED_OUT, &["lockout"]);
    let status = &machine.home.json(&["status"], "")["status"];
    assert_eq!(status["pin"]["tries_left"], 8, "{status}");
    assert_eq!(status["lockout"]["locked"], true, "{status}");
}

#[test]
fn a_container_of_another_tpm_is_recognised_and_left_alone() {
    let machine = Machine::new();
    let other = Swtpm::start(&machine.folder.path().join("other-tpm"));
    let moved = Home { tpm: other.tcti(), ..machine.home.clone() };
    refused(
        &moved.run(&["passkeys", "list", "--pin-stdin"], &format!("{PIN}\n")),
        TPM_TROUBLE,
        &["another tpm"],
    );
    refused(&moved.run(&["up", "--prompt", "terminal"], ""), TPM_TROUBLE, &["another tpm"]);
    allowed(&machine.list());
}

#[test]
fn two_daemons_on_one_container_do_not_meet() {
    let machine = Machine::new();
    let _daemon = machine.daemon();
    refused(&machine.home.run(&["up", "--prompt", "terminal"], ""), IN_USE, &["another daemon"]);
    let elsewhere = Home { runtime: machine.folder.path().join("run2"), ..machine.home.clone() };
    refused(&elsewhere.run(&["up", "--prompt", "terminal"], ""), IN_USE, &["use"]);
    allowed(&machine.list());
}

#[test]
fn a_full_disk_is_reported_and_the_old_pin_still_works() {
    let machine = Machine::new();
    let mut change = machine.home.latchkey();
    change.args(["pin", "change", "--pin-stdin"]);
    let full = run_with_input(
        tracer::failing_from(&change, &machine.folder.path().join("notes"), 1, "ENOSPC"),
        &format!("{PIN}\nanother-pin-2\n"),
    );
    refused(&full, STORAGE_TROUBLE, &["disk"]);
    allowed(&machine.list());
    let changed = machine.home.run(&["pin", "change", "--pin-stdin"], &format!("{PIN}\nanother-pin-2\n"));
    allowed(&changed);
}

#[test]
fn a_read_only_disk_is_reported_and_nothing_is_lost() {
    let machine = Machine::new();
    let mount = ReadOnly::mount(&machine.home.data);
    let Some(mount) = mount else {
        println!("skipped: mounting a folder read-only needs root");
        return;
    };
    let changed = machine.home.run(&["pin", "change", "--pin-stdin"], &format!("{PIN}\nanother-pin-2\n"));
    refused(&changed, STORAGE_TROUBLE, &["read-only"]);
    drop(mount);
    allowed(&machine.list());
}

#[test]
fn garbage_on_the_ctaphid_socket_does_not_stop_the_daemon() {
    let machine = Machine::new();
    let _daemon = machine.daemon();
    let socket =
        socket2::Socket::new(socket2::Domain::UNIX, socket2::Type::SEQPACKET, None).expect("a socket");
    socket.connect(&socket2::SockAddr::unix(machine.home.ctaphid()).expect("a path")).expect("it connects");
    for length in [0_usize, 1, 63, 64, 65, 4096] {
        for fill in [0x00_u8, 0x7F, 0x80, 0xFF] {
            let _closed = socket.send(&vec![fill; length]);
        }
    }
    std::thread::sleep(Duration::from_millis(700));
    NativeHost::start(&machine.home).create(ORIGIN, "ann").expect("the daemon still serves");
}

/// Puts the TPM into dictionary-attack lockout: one wrong try at a limit of one. The TCTI of Debian's tpm2-tss reaches a
/// unix socket only through a command.
fn lock_out(machine: &Machine) -> Output {
    let script = "set -e
        tpm2_dictionarylockout --setup-parameters --max-tries=1 --recovery-time=600 --lockout-recovery-time=600
        tpm2_createprimary -Q -C o -c parent
        tpm2_flushcontext -t
        printf secret | tpm2_create -Q -C parent -i - -p right -u public -r private
        tpm2_flushcontext -t
        tpm2_load -Q -C parent -u public -r private -c sealed
        tpm2_flushcontext -t
        ! tpm2_unseal -Q -c sealed -p wrong";
    Command::new("sh")
        .args(["-c", script])
        .current_dir(machine.folder.path())
        .env("TPM2TOOLS_TCTI", format!("cmd:socat - UNIX-CONNECT:{}", machine.swtpm.socket().display()))
        .output()
        .expect("sh runs")
}

/// A folder that is mounted on itself read-only until this is dropped.
struct ReadOnly<'a>(&'a Path);

impl<'a> ReadOnly<'a> {
    fn mount(folder: &'a Path) -> Option<Self> {
        let mount = |arguments: &[&str]| {
            let status = Command::new("mount")
                .args(arguments)
                .arg(folder)
                .stderr(fs::File::create("/dev/null").ok()?)
                .status();
            status.ok()?.success().then_some(())
        };
        mount(&["--bind", folder.to_str()?])?;
        let mounted = Self(folder);
        mount(&["-o", "remount,bind,ro"])?;
        Some(mounted)
    }
}

impl Drop for ReadOnly<'_> {
    fn drop(&mut self) {
        let _gone = Command::new("umount").arg(self.0).status();
    }
}
