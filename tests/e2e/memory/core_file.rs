//! A daemon that ends by a fault leaves no core file behind, however much its user allows.

use std::os::unix::process::ExitStatusExt;
use std::time::Duration;

use latchkey_tests::daemon::Home;
use latchkey_tests::process::{Process, allow_core_files, fault};

#[test]
fn a_fault_writes_no_core_file() {
    allow_core_files();
    let folder = tempfile::tempdir().expect("a folder can be made");
    let home = Home::below(folder.path(), "software");
    let mut command = home.latchkey();
    command.arg("up").current_dir(folder.path());
    let mut daemon = Process::start("latchkey up", command, &folder.path().join("log"));
    daemon.wait_for("latchkey: ready", Duration::from_secs(20));
    fault(daemon.pid());
    let status = daemon.wait(Duration::from_secs(20));
    assert_eq!(status.signal(), Some(6), "it ends by the fault");
    assert!(!status.core_dumped(), "its memory is in a core file");
}
