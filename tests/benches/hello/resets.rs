//! A forgotten PIN, from the command to the new PIN: the person signs in with password and code on the provider's pages, the
//! service is asked, the container gets the new PIN. By both protocols, and without a TPM.

use latchkey_tests::figures::{Table, progress};
use latchkey_tests::office::{FIRST_PIN, NEXT_PIN, Office, Protection};

use crate::shares::Shares;

const ROUNDS: usize = 50;

pub fn measure(table: &Table) {
    let mut offices = [
        (Protection::WatchedTpm, "hpke-p256"),
        (Protection::WatchedTpm, "blind-p256"),
        (Protection::Software, "hpke-p256"),
    ]
    .map(|(protection, protocol)| speaking(protection, protocol));
    let mut shares = [Shares::default(), Shares::default(), Shares::default()];
    for round in 0..ROUNDS {
        if round % 10 == 0 {
            progress(&format!("{round} of {ROUNDS} PIN resets, each three ways"));
        }
        let pin = if round % 2 == 0 { NEXT_PIN } else { FIRST_PIN };
        for (office, shares) in offices.iter_mut().zip(&mut shares) {
            // Nobody forgets a PIN so often: three resets in an hour are all that the service allows.
            office.wait_for_hours();
            shares.time(office, |office| drop(office.reset_pin(&[], pin)));
        }
    }
    let [hpke, blind, software] = shares;
    hpke.print(table, "PIN reset by hpke-p256", Some(&software));
    blind.print(table, "PIN reset by blind-p256", None);
}

/// A device that has joined a tenant with this protocol.
fn speaking(protection: Protection, protocol: &str) -> Office {
    let mut office = Office::with(protection);
    office.place.change_policy(&[&format!("pin_recovery_protocol={protocol}")]);
    drop(office.join());
    assert_eq!(office.registration()["recovery"]["protocol"], protocol);
    office
}
