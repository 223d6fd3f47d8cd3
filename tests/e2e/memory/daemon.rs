//! The daemon, after either reset.

use std::path::Path;
use std::process::Command;

use latchkey_tests::daemon::{Daemon, Home};
use latchkey_tests::memory;
use latchkey_tests::native_host::NativeHost;
use latchkey_tests::organisation::{Organisation, open_session};
use latchkey_tests::prompter::Prompter;
use latchkey_tests::swtpm::Swtpm;

use serde_json::Value;

use super::secrets::{Moment, Secrets};

const OLD: &str = "old-pin-314159";
const NEW: &str = "new-pin-271828";
const ORIGIN: &str = "http://localhost";

type Reset = fn(&Organisation, &Home, &str, &str) -> Result<(), String>;
type Use = fn(&mut NativeHost) -> Result<Value, Value>;

#[test]
fn a_pin_reset_leaves_no_secret_behind() {
    leaves_no_secret(Organisation::reset_pin, |host| host.get(ORIGIN));
}

#[test]
fn a_destructive_reset_leaves_no_secret_behind() {
    leaves_no_secret(Organisation::begin_anew, |host| host.create(ORIGIN, "second"));
}

/// Resets the PIN, uses the container with the new one, and searches each time.
fn leaves_no_secret(reset: Reset, use_it: Use) {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let swtpm = Swtpm::start(&folder.path().join("tpm"));
    let home = Home::below(folder.path(), &swtpm.tcti());
    let _created = home.json(&["container", "create"], "");
    let _set = home.json(&["pin", "set", "--pin-stdin"], &format!("{OLD}\n"));
    let prompter = Prompter::new(&folder.path().join("person"), OLD);
    let mut daemon = Daemon::start(&home, &prompter, &[], &folder.path().join("log"));
    NativeHost::start(&home).create(ORIGIN, "first").expect("a passkey");

    let organisation = Organisation::new();
    let at = organisation.join(&home).expect("joined");
    open_session(&home, OLD).expect("opened");
    organisation.provision(&home, &at).expect("an enterprise key");
    organisation.offer_recovery(&home, &at).expect("offered");
    open_session(&home, OLD).expect("opened, and the protector made");
    let envelope = || organisation.envelope(&home, &at, "recover").expect("there is a protector").0;
    let backup = folder.path().join("backup");
    let before = Moment { name: "before", data: backup.clone(), envelope: envelope() };
    copy(&home.data, &backup);

    reset(&organisation, &home, &at, NEW).expect("reset");
    let pid = daemon.process.pid();
    let right_after_it = [memory::of(pid), memory::core_dump(pid, folder.path())];
    prompter.knows(NEW);
    use_it(&mut NativeHost::start(&home)).expect("the new PIN opens it, and leaves its traces");
    let later = [memory::of(pid), memory::core_dump(pid, folder.path())];

    let after = Moment { name: "after", data: home.data.clone(), envelope: envelope() };
    daemon.process.kill();
    let secrets = Secrets::of(&[before, after], &organisation.service, &swtpm, folder.path(), &[OLD, NEW]);
    let mut found = Vec::new();
    for (when, searched) in [("right after it", right_after_it), ("after its use", later)] {
        for (where_to, regions) in ["in memory", "in a core dump"].iter().zip(searched) {
            let known = home.runtime.to_string_lossy().into_owned();
            assert!(!memory::find(&regions, known.as_bytes()).is_empty(), "the search finds what is there");
            found.extend(secrets.within(&format!("{when}, {where_to}"), &regions));
        }
    }
    assert!(found.is_empty(), "of the daemon: {found:#?}");
}

/// Copies a folder.
pub fn copy(from: &Path, to: &Path) {
    let copied = Command::new("cp").arg("-a").args([from, to]).status();
    assert!(copied.expect("cp runs").success());
}
