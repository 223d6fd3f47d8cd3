//! What a bench measured, as a table for people or as JSON lines.

use std::fmt::Write;
use std::time::Duration;

/// One measured figure.
#[derive(Clone, Debug)]
pub struct Row {
    /// What it is.
    pub name: String,
    /// The figure.
    pub value: f64,
    /// Its unit.
    pub unit: &'static str,
    /// What it is compared with, measured in the same run, and that figure.
    pub reference: Option<(String, f64)>,
    /// What the ratio to the reference, or the figure itself where there is none, should be.
    pub goal: Option<Goal>,
}

/// A bound.
#[derive(Clone, Copy, Debug)]
pub enum Goal {
    /// No more than this.
    AtMost(f64),
    /// No less than this.
    AtLeast(f64),
}

impl Goal {
    fn bound(self) -> f64 {
        match self {
            Self::AtMost(bound) | Self::AtLeast(bound) => bound,
        }
    }

    fn holds(self, figure: f64) -> bool {
        match self {
            Self::AtMost(most) => figure <= most,
            Self::AtLeast(least) => figure >= least,
        }
    }
}

impl Row {
    /// A figure that stands alone.
    #[must_use]
    pub fn alone(name: impl Into<String>, value: f64, unit: &'static str) -> Self {
        Self { name: name.into(), value, unit, reference: None, goal: None }
    }

    /// The same with the most that it should be.
    #[must_use]
    pub const fn at_most(mut self, goal: f64) -> Self {
        self.goal = Some(Goal::AtMost(goal));
        self
    }

    /// The same with the least that it should be.
    #[must_use]
    pub const fn at_least(mut self, goal: f64) -> Self {
        self.goal = Some(Goal::AtLeast(goal));
        self
    }

    /// The same beside a reference.
    #[must_use]
    pub fn against(mut self, what: impl Into<String>, value: f64) -> Self {
        self.reference = Some((what.into(), value));
        self
    }

    fn ratio(&self) -> Option<f64> {
        self.reference.as_ref().map(|(_, reference)| self.value / reference)
    }

    fn ok(&self) -> Option<bool> {
        self.goal.map(|goal| goal.holds(self.ratio().unwrap_or(self.value)))
    }

    fn json(&self) -> String {
        let number = |value: Option<f64>| value.map_or("null".to_owned(), |value| format!("{value:.3}"));
        let reference = self
            .reference
            .as_ref()
            .map_or("null".to_owned(), |(what, value)| format!("\"{what}: {value:.3}\""));
        let ok = self.ok().map_or("null".to_owned(), |ok| ok.to_string());
        format!(
            "{{\"name\":\"{}\",\"value\":{:.3},\"unit\":\"{}\",\"reference\":{reference},\"ratio\":{},\"goal\":{},\"ok\":{ok}}}",
            self.name,
            self.value,
            self.unit,
            number(self.ratio()),
            number(self.goal.map(Goal::bound)),
        )
    }

    fn line(&self) -> String {
        let mut line = format!("{:<46} {:>12.1} {:<5}", self.name, self.value, self.unit);
        if let Some((what, value)) = &self.reference {
            let _infallible = write!(line, " {:>6.2} x {what} ({value:.1})", self.value / value);
        }
        if let (Some(goal), Some(ok)) = (self.goal, self.ok()) {
            let _infallible =
                write!(line, "  goal {}: {}", goal.bound(), if ok { "holds" } else { "MISSED" });
        }
        line
    }
}

/// Prints rows as they come.
#[derive(Debug)]
pub struct Table {
    json: bool,
}

impl Table {
    /// `json`: one object a line on standard output.
    #[must_use]
    pub const fn new(json: bool) -> Self {
        Self { json }
    }

    /// Prints one row.
    pub fn row(&self, row: &Row) {
        if self.json {
            println!("{}", row.json());
        } else {
            println!("{}", row.line());
        }
    }
}

/// What something took each time.
#[derive(Clone, Debug, Default)]
pub struct Spread(Vec<Duration>);

impl Spread {
    /// Once more.
    pub fn add(&mut self, took: Duration) {
        self.0.push(took);
    }

    /// What so many of a hundred did not exceed, in milliseconds; nothing where nothing was added.
    #[must_use]
    pub fn percentile(&self, percent: usize) -> f64 {
        let mut sorted = self.0.clone();
        sorted.sort();
        let at = (sorted.len() * percent / 100).min(sorted.len().saturating_sub(1));
        sorted.get(at).map_or(0.0, |took| took.as_secs_f64() * 1e3)
    }
}

/// Says on standard error what takes long.
pub fn progress(text: &str) {
    eprintln!("bench: {text}");
}
