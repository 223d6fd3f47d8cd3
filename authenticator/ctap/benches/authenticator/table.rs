//! What was measured, as a table for people or as JSON lines.

use std::fmt::Write;

use crate::measure::Times;

/// One measured figure.
pub struct Row {
    /// What it is.
    pub name: String,
    /// The figure.
    pub value: f64,
    /// Its unit.
    pub unit: &'static str,
    /// What it is compared with, measured in the same run, and that figure.
    pub reference: Option<(&'static str, f64)>,
    /// The most that the ratio to the reference, or the figure itself where there is none, may be.
    pub goal: Option<f64>,
}

impl Row {
    /// A figure that stands alone.
    pub fn alone(name: impl Into<String>, value: f64, unit: &'static str) -> Self {
        Self { name: name.into(), value, unit, reference: None, goal: None }
    }

    /// The same with a limit.
    pub const fn at_most(mut self, goal: f64) -> Self {
        self.goal = Some(goal);
        self
    }

    /// The same beside a reference.
    pub const fn against(mut self, what: &'static str, value: f64) -> Self {
        self.reference = Some((what, value));
        self
    }

    fn ratio(&self) -> Option<f64> {
        self.reference.map(|(_, reference)| self.value / reference)
    }

    fn ok(&self) -> Option<bool> {
        self.goal.map(|goal| self.ratio().unwrap_or(self.value) <= goal)
    }

    fn json(&self) -> String {
        let number = |value: Option<f64>| value.map_or("null".to_owned(), |value| format!("{value:.3}"));
        let reference =
            self.reference.map_or("null".to_owned(), |(what, value)| format!("\"{what}: {value:.3}\""));
        let ok = self.ok().map_or("null".to_owned(), |ok| ok.to_string());
        format!(
            "{{\"name\":\"{}\",\"value\":{:.3},\"unit\":\"{}\",\"reference\":{reference},\"ratio\":{},\"goal\":{},\"ok\":{ok}}}",
            self.name,
            self.value,
            self.unit,
            number(self.ratio()),
            number(self.goal),
        )
    }

    fn line(&self) -> String {
        let mut line = format!("{:<46} {:>12.1} {:<5}", self.name, self.value, self.unit);
        if let Some((what, value)) = self.reference {
            let _infallible = write!(line, " {:>6.2} x {what} ({value:.1})", self.value / value);
        }
        if let (Some(goal), Some(ok)) = (self.goal, self.ok()) {
            let _infallible = write!(line, "  goal {goal}: {}", if ok { "holds" } else { "MISSED" });
        }
        line
    }
}

/// Prints rows as they come.
pub struct Table {
    json: bool,
}

impl Table {
    /// `json`: one object a line on standard output.
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

    /// Prints the three figures of an operation: its median, compared, then p95 and operations a second.
    pub fn operation(&self, name: &str, times: &Times, compare: impl FnOnce(Row) -> Row) {
        self.row(&compare(Row::alone(format!("{name} p50"), times.p50(), "us")));
        self.row(&Row::alone(format!("{name} p95"), times.p95(), "us"));
        self.row(&Row::alone(format!("{name} rate"), times.per_second(), "1/s"));
    }
}

/// Says on standard error what takes long.
pub fn progress(text: &str) {
    eprintln!("bench: {text}");
}
