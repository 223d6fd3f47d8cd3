//! The rows of one operation.

use latchkey_tests::figures::{Row, Table};

use crate::floor::Floor;
use crate::load::Measured;

/// The table, and what the machine can do at most.
pub struct Lines {
    pub table: Table,
    pub floor: Floor,
}

impl Lines {
    /// An operation of the provider, for which it makes so many RS256 signatures.
    pub fn operation(&self, name: &str, measured: &Measured, signatures: f64) {
        let rate = Row::alone(format!("{name}, a core"), measured.a_core(), "1/s");
        self.table.row(&rate.against("its RS256 signatures alone", self.floor.rs256 / signatures));
        for (figure, value, unit) in [
            ("wall", measured.a_second(), "1/s"),
            ("p50", measured.percentile(50), "ms"),
            ("p99", measured.percentile(99), "ms"),
            ("CPU for 1000", measured.thousand(), "s"),
        ] {
            self.figure(&format!("{name}, {figure}"), value, unit);
        }
    }

    /// One figure.
    pub fn figure(&self, name: &str, value: f64, unit: &'static str) {
        self.table.row(&Row::alone(name, value, unit));
    }
}
