//! What an operation took, and whose time it was.

use std::time::{Duration, Instant};

use latchkey_tests::figures::{Row, Spread, Table};
use latchkey_tests::office::Office;

/// The times of one operation.
#[derive(Default)]
pub struct Shares {
    /// From the start of the first command to the end of the last.
    pub whole: Spread,
    /// The TPM's.
    pub tpm: Spread,
    /// The provider's, and the way to it.
    pub provider: Spread,
    /// What the person does on the provider's pages.
    pub person: Spread,
    /// Everything else: the daemon (Argon2id for the most part) and the commands.
    pub rest: Spread,
}

impl Shares {
    /// Times `work` once.
    pub fn time(&mut self, office: &mut Office, work: impl FnOnce(&mut Office)) {
        let _before = times(office);
        let begin = Instant::now();
        work(office);
        let whole = begin.elapsed();
        let [tpm, provider, person] = times(office);
        self.whole.add(whole);
        self.tpm.add(tpm);
        self.provider.add(provider);
        self.person.add(person);
        self.rest.add(whole.saturating_sub(tpm + provider + person));
    }

    /// Prints median, beside the same in a software container where that was measured, p99, and the shares.
    pub fn print(&self, table: &Table, name: &str, software: Option<&Self>) {
        let median = Row::alone(format!("{name}, p50"), self.whole.percentile(50), "ms");
        table.row(&match software {
            Some(software) => median.against("in a software container", software.whole.percentile(50)),
            None => median,
        });
        table.row(&Row::alone(format!("{name}, p99"), self.whole.percentile(99), "ms"));
        let shares = [
            ("the TPM", &self.tpm),
            ("the provider", &self.provider),
            ("the person's pages", &self.person),
            ("daemon and commands", &self.rest),
        ];
        for (whose, share) in shares {
            let median = share.percentile(50);
            if median > 0.0 {
                table.row(&Row::alone(format!("{name}, of it {whose}"), median, "ms"));
            }
        }
    }
}

/// What TPM, provider and person took since the last look.
fn times(office: &mut Office) -> [Duration; 3] {
    let tpm = office.tpm.as_ref().map(|proxy| proxy.take_log().iter().map(|command| command.took).sum());
    [tpm.unwrap_or_default(), office.proxy.take_time(), std::mem::take(&mut office.employee.took)]
}
