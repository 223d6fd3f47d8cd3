//! What came of a run, and how it is told.

use std::fmt;
use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;

use crate::case::{Case, Judged, Stop};
use crate::session::Exchange;

mod html;
mod junit;
mod terminal;

/// What came of one case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// The authenticator keeps the rule.
    Passed,
    /// The rule does not apply to it.
    NotApplicable,
    /// It breaks the rule, and an exception says why.
    ExpectedFailure,
    /// It breaks the rule; or it keeps one that an exception says it breaks.
    Unexpected,
}

impl fmt::Display for Outcome {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Passed => "passed",
            Self::NotApplicable => "not applicable",
            Self::ExpectedFailure => "expected failure",
            Self::Unexpected => "unexpected",
        })
    }
}

/// One case, played.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Entry {
    /// Its id.
    pub id: String,
    /// Its area.
    pub area: String,
    /// Who must do it.
    #[serde(skip)]
    who: &'static str,
    /// What its clause is of.
    #[serde(skip)]
    standard: &'static str,
    /// Its clause.
    pub clause: &'static str,
    /// What the authenticator must do.
    pub must: String,
    /// What came of it.
    pub outcome: Outcome,
    /// What rules it out, or the reason of its exception.
    pub reason: Option<String>,
    /// What the authenticator did, where it did not pass.
    pub found: Option<String>,
    /// What it must do there.
    pub wanted: Option<String>,
    /// What to fix.
    pub fix: Option<String>,
    /// What was said.
    pub exchanges: Vec<Exchange>,
    /// How long it took, in milliseconds.
    pub milliseconds: u128,
}

impl Entry {
    /// A case that was played and is not judged yet; `exception` is the reason for which it is not expected to pass.
    pub fn of<J: Judged>(case: &Case<J>, exception: Option<&str>, took: Duration) -> Self {
        Self {
            id: case.id.clone(),
            area: case.area().to_owned(),
            who: J::NAME,
            standard: J::STANDARD,
            clause: case.clause,
            must: case.must.clone(),
            outcome: Outcome::Passed,
            reason: exception.map(str::to_owned),
            found: None,
            wanted: None,
            fix: None,
            exchanges: Vec::new(),
            milliseconds: took.as_millis(),
        }
    }

    /// Judges what came of it.
    pub fn judge(&mut self, outcome: Result<(), Stop>) {
        let excepted = self.reason.is_some();
        let (standard, clause) = (self.standard, self.clause);
        match outcome {
            Ok(()) if excepted => {
                self.outcome = Outcome::Unexpected;
                self.found = Some("the case passes, and an exception says that it does not".to_owned());
                self.fix = Some("Remove the exception from the file of expectations.".to_owned());
            }
            Ok(()) => self.outcome = Outcome::Passed,
            Err(Stop::NotApplicable(why)) => {
                self.outcome = Outcome::NotApplicable;
                self.reason = Some(why);
            }
            Err(Stop::Failed(failure)) => {
                self.outcome = if excepted { Outcome::ExpectedFailure } else { Outcome::Unexpected };
                self.fix = Some(format!("{standard} §{clause}: {} Wanted: {}.", self.rule(), failure.wanted));
                self.found = Some(failure.found);
                self.wanted = Some(failure.wanted);
            }
            Err(Stop::Broken(why)) => {
                self.outcome = Outcome::Unexpected;
                self.fix = Some(format!(
                    "See that the {} answers, and that a hook does what it is asked to.",
                    self.who
                ));
                self.found = Some(why);
            }
        }
    }

    /// The rule as a sentence.
    pub fn rule(&self) -> String {
        format!("The {} must {}.", self.who, self.must)
    }

    /// What there is to say about it, line by line.
    pub fn lines(&self) -> Vec<String> {
        let said = [("found", &self.found), ("wanted", &self.wanted), ("reason", &self.reason)];
        let said =
            said.into_iter().filter_map(|(what, text)| text.as_ref().map(|text| format!("{what}: {text}")));
        said.chain(self.fix.clone()).collect()
    }

    /// Its outcome as a word of a style sheet.
    fn style(&self) -> &'static str {
        match self.outcome {
            Outcome::Passed => "passed",
            Outcome::NotApplicable => "not-applicable",
            Outcome::ExpectedFailure => "expected",
            Outcome::Unexpected => "unexpected",
        }
    }
}

/// How many cases came out how.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// All of them.
    pub cases: usize,
    /// Passed.
    pub passed: usize,
    /// Ruled out by getInfo.
    pub not_applicable: usize,
    /// Excepted.
    pub expected_failures: usize,
    /// Anything else.
    pub unexpected: usize,
}

impl Summary {
    fn of<'a>(entries: impl IntoIterator<Item = &'a Entry>) -> Self {
        let mut summary = Self::default();
        for entry in entries {
            summary.cases = summary.cases.saturating_add(1);
            let count = match entry.outcome {
                Outcome::Passed => &mut summary.passed,
                Outcome::NotApplicable => &mut summary.not_applicable,
                Outcome::ExpectedFailure => &mut summary.expected_failures,
                Outcome::Unexpected => &mut summary.unexpected,
            };
            *count = count.saturating_add(1);
        }
        summary
    }
}

/// A whole run.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// Which suite.
    pub suite: String,
    /// Against what.
    pub target: String,
    /// The standard whose cases were played, with its version.
    pub standard: String,
    /// When it began.
    pub started: String,
    /// How long it took, in seconds.
    pub seconds: f64,
    /// How many came out how.
    #[serde(flatten)]
    pub summary: Summary,
    /// Each case.
    pub entries: Vec<Entry>,
}

impl Report {
    /// Sums up.
    pub fn new(
        suite: &str,
        target: &str,
        standard: String,
        started: Timestamp,
        took: Duration,
        mut entries: Vec<Entry>,
    ) -> Self {
        // Cases of one area stand together; within it their order stays.
        entries.sort_by(|left, right| left.area.cmp(&right.area));
        Self {
            suite: suite.to_owned(),
            target: target.to_owned(),
            standard,
            started: started.strftime("%Y-%m-%d %H:%M UTC").to_string(),
            seconds: took.as_secs_f64(),
            summary: Summary::of(&entries),
            entries,
        }
    }

    /// All of it as JSON.
    ///
    /// # Errors
    /// When it cannot be encoded.
    pub fn json(&self) -> Result<String, serde_json::Error> {
        serde_json::to_string_pretty(self)
    }

    /// The counts as one line of JSON.
    pub fn line(&self) -> String {
        let Summary { cases, passed, not_applicable, expected_failures, unexpected } = self.summary;
        serde_json::json!({
            "suite": self.suite,
            "cases": cases,
            "passed": passed,
            "not_applicable": not_applicable,
            "expected_failures": expected_failures,
            "unexpected": unexpected,
        })
        .to_string()
    }

    /// The areas with their counts, in order.
    fn areas(&self) -> Vec<(&str, Summary)> {
        let mut names: Vec<&str> = self.entries.iter().map(|entry| entry.area.as_str()).collect();
        names.dedup();
        names
            .into_iter()
            .map(|name| (name, Summary::of(self.entries.iter().filter(|entry| entry.area == name))))
            .collect()
    }
}
