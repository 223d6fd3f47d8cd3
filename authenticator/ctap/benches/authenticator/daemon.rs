//! The daemon itself: how long it takes to start with many passkeys, and how much memory it keeps.

use std::time::{Duration, Instant};

use latchkey_tests::daemon::{Daemon, Home};
use latchkey_tests::prompter::Prompter;
use latchkey_tests::usage::resident_mib;

use crate::filled::Filled;
use crate::measure::micros;
use latchkey_tests::figures::{Row, Table};

const STARTS: usize = 5;

/// Starts the daemon on a full container a few times.
pub fn measure(table: &Table, full: &Filled) {
    let folder = tempfile::tempdir().expect("a folder");
    let home = Home { data: full.path().to_owned(), ..Home::below(folder.path(), "software") };
    let prompter = Prompter::new(&folder.path().join("person"), crate::device::PIN);
    let mut starts = Vec::new();
    let mut memory = 0.0_f64;
    for _ in 0..STARTS {
        let begin = Instant::now();
        let mut daemon = Daemon::start(&home, &prompter, &[], &folder.path().join("log"));
        starts.push(micros(begin.elapsed()) / 1000.0);
        let pin = format!("{}\n", crate::device::PIN);
        let _listed = home.json(&["status"], &pin);
        memory = memory.max(resident_mib(daemon.process.pid()));
        daemon.process.stop();
        daemon.process.wait(Duration::from_secs(10));
    }
    starts.sort_by(f64::total_cmp);
    table.row(&Row::alone("daemon start, 10000 passkeys, p50", starts[STARTS / 2], "ms").at_most(100.0));
    table.row(&Row::alone("daemon resident memory, 10000 passkeys", memory, "MiB").at_most(30.0));
}
