//! From the gesture to a token, on a TPM and without one, in turn: a machine whose speed drifts is the same for both.

use latchkey_tests::figures::{Row, Table, progress};
use latchkey_tests::office::{FIRST_PIN, Office, Protection};
use latchkey_tests::tpm_costs::{token, unlock};

use crate::shares::Shares;

const ROUNDS: usize = 100;

#[derive(Default)]
struct Measured {
    unlock: Shares,
    sign_in: Shares,
    token: Shares,
}

pub fn measure(table: &Table) {
    let mut offices = [Protection::WatchedTpm, Protection::Software].map(joined);
    let mut measured = [Measured::default(), Measured::default()];
    for round in 0..ROUNDS {
        if round % 25 == 0 {
            progress(&format!("{round} of {ROUNDS} sign-ins"));
        }
        for (office, measured) in offices.iter_mut().zip(&mut measured) {
            measured.unlock.time(office, |office| unlock(&office.home, FIRST_PIN));
            measured.sign_in.time(office, |office| {
                drop(office.sign_in(FIRST_PIN));
                token(office);
            });
            measured.token.time(office, token);
        }
    }
    let [tpm, software] = measured;
    tpm.sign_in.print(table, "PIN to token", Some(&software.sign_in));
    tpm.unlock.print(table, "unlock by PIN", Some(&software.unlock));
    tpm.token.print(table, "token by primary token", Some(&software.token));
    let rate = |measured: &Measured| 1e3 / measured.token.whole.percentile(50);
    let uses = Row::alone("tokens a second, one after the other", rate(&tpm), "1/s");
    table.row(&uses.against("in a software container", rate(&software)));
}

/// A device that has joined.
pub fn joined(protection: Protection) -> Office {
    let mut office = Office::with(protection);
    drop(office.join());
    office
}
