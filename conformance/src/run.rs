//! Plays cases and judges what came of them.

use std::io::{IsTerminal, Write, stderr};
use std::time::Instant;

use crate::case::{Case, Judged, Stop};
use crate::expectations::Expectations;
use crate::report::{Entry, Outcome, Report};

/// Plays cases one after the other.
pub struct Player<'a, J> {
    session: &'a mut J,
    expectations: &'a Expectations,
    live: bool,
}

impl<'a, J: Judged> Player<'a, J> {
    /// A player for one authenticator, or server.
    pub fn new(session: &'a mut J, expectations: &'a Expectations) -> Self {
        Self { session, expectations, live: stderr().is_terminal() }
    }

    /// Plays them, those first that want nothing and then those that want the authenticator fresh, so that it is reset as
    /// seldom as can be.
    pub fn play(mut self, cases: Vec<Case<J>>, target: &str, standard: String) -> Report {
        let started = jiff::Timestamp::now();
        let since = Instant::now();
        let count = cases.len();
        let mut entries: Vec<(usize, Entry)> = Vec::with_capacity(count);
        let mut order: Vec<(usize, Case<J>)> = cases.into_iter().enumerate().collect();
        order.sort_by_key(|(_, case)| case.state);
        for (number, (place, case)) in (1_usize..).zip(&order) {
            self.progress(&format!("[{number}/{count}] {}", case.id));
            let entry = judged(self.session, case, self.expectations.of(case));
            if entry.outcome == Outcome::Unexpected {
                self.progress("");
                eprintln!("unexpected: {}: {}", entry.id, entry.lines().join("; "));
            }
            entries.push((*place, entry));
        }
        self.progress("");
        // Told in the order of the list.
        entries.sort_by_key(|(place, _)| *place);
        let entries = entries.into_iter().map(|(_, entry)| entry).collect();
        Report::new(J::NAME, target, standard, started, since.elapsed(), entries)
    }

    fn progress(&mut self, text: &str) {
        if self.live {
            eprint!("\r\x1b[K{text}");
            let _shown = stderr().flush();
        }
    }
}

/// Plays one case; `exception` is the reason for which it is not expected to pass.
pub fn judged<J: Judged>(session: &mut J, case: &Case<J>, exception: Option<&str>) -> Entry {
    let since = Instant::now();
    let outcome = played(session, case);
    if matches!(outcome, Err(Stop::Broken(_))) {
        session.disturb();
    }
    let (exchanges, outcome) = match session.end() {
        Ok(exchanges) => (exchanges, outcome),
        Err(stop) => (Vec::new(), outcome.and(Err(stop))),
    };
    let mut entry = Entry::of(case, exception, since.elapsed());
    entry.exchanges = exchanges;
    entry.judge(outcome);
    entry
}

fn played<J: Judged>(session: &mut J, case: &Case<J>) -> Result<(), Stop> {
    session.begin(case.state)?;
    if let Some(why) = session.unmet(&case.needs) {
        return Err(Stop::NotApplicable(why));
    }
    case.run(session)
}
