//! `./run bench idp`: the real program over loopback TCP, on SQLite and on Postgres, beside the bare signatures of this
//! machine and npm's `oidc-provider` in memory, all in the same run.
//!
//! `--only=WORD` measures the operations with this word in their names; it may be given more than once.
//!
//! The server (with its Postgres) has one core and the load another, so "a core" is what it says. Rates a core count
//! the core's busy time, so that other work on the machine does not change them; those in wall time stand beside.
#![allow(
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    reason = "a bench reads the clock, and a broken expectation ends it"
)]

#[path = "../../tests/shared/authenticator.rs"]
#[allow(dead_code, reason = "the tests use more of it")]
mod authenticator;
mod cores;
mod floor;
mod journeys;
mod load;
mod operations;
mod ours;
mod passkey;
mod peer;
#[path = "../../tests/shared/provider.rs"]
#[allow(dead_code, reason = "who puts people there uses more of it")]
mod provider;
mod report;
mod tls;

use latchkey_tests::figures::{Table, progress};
use latchkey_tests::postgres::{self, Postgres};

use report::Report;

fn main() {
    let json = std::env::args().any(|argument| argument == "--json");
    cores::load();
    let only = std::env::args().filter_map(|argument| argument.strip_prefix("--only=").map(str::to_owned));
    let mut report = Report::new(Table::new(json), only.collect());
    let floor = floor::measure(&report.table);
    progress("oidc-provider");
    peer::measure(&mut report, &floor);
    progress("latchkey-idp on SQLite");
    let folder = tempfile::tempdir().expect("a folder");
    let database = format!("sqlite:{}", folder.path().join("idp.db").display());
    ours::measure(&mut report, &floor, ("SQLite", &database, None));
    ours::over_tls(&report, &floor);
    if postgres::installed() {
        progress("latchkey-idp on Postgres");
        let server = cores::server(Postgres::durable);
        let database = server.database("bench");
        ours::measure(&mut report, &floor, ("Postgres", &database, server.pid()));
    }
}
