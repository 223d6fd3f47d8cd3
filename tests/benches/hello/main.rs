//! `./run bench hello`, the device's half: what its user waits for, and what its TPM is asked. The real commands and daemon, an
//! emulated TPM or none, and the real provider over HTTP without TLS; a proxy on either side of the daemon tells whose time
//! it was.
#![allow(
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    reason = "a bench reads the clock, and a broken expectation ends it"
)]

mod resets;
mod shares;
mod sign_ins;

use latchkey_tests::figures::{Row, Table, progress};
use latchkey_tests::tpm_costs;

fn main() {
    let table = Table::new(std::env::args().any(|argument| argument == "--json"));
    progress("TPM commands of each step");
    commands(&table);
    sign_ins::measure(&table);
    resets::measure(&table);
}

fn commands(table: &Table) {
    for cost in tpm_costs::measure() {
        let count = u32::try_from(cost.commands.len()).expect("few");
        let row = Row::alone(format!("TPM, {}", cost.step), f64::from(count), "cmds");
        let ceiling = cost.ceiling.and_then(|ceiling| u32::try_from(ceiling).ok());
        table.row(&match ceiling {
            Some(ceiling) => row.at_most(f64::from(ceiling)),
            None => row,
        });
    }
}
