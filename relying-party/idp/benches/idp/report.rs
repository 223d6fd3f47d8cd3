//! The rows of one operation, and what they are compared with.

use std::collections::BTreeMap;

use latchkey_tests::figures::{Row, Table};

use crate::load::Measured;
use crate::operations::Limit;

/// Tokens should cost little more than their signatures.
const OF_THE_LIMIT: f64 = 0.8;

/// The table, and the other provider's rates by operation.
pub struct Report {
    pub table: Table,
    /// What the names of the operations to measure have in them; without any word all are measured.
    only: Vec<String>,
    peer: BTreeMap<&'static str, f64>,
}

impl Report {
    pub const fn new(table: Table, only: Vec<String>) -> Self {
        Self { table, only, peer: BTreeMap::new() }
    }

    /// Whether something with this in its name is to be measured.
    pub fn wants(&self, name: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|word| name.contains(word))
    }

    /// An operation of the other provider.
    pub fn peer(&mut self, operation: &'static str, limit: Limit, measure: &dyn Fn() -> Measured) {
        if !self.wants(operation) {
            return;
        }
        let measured = measure();
        self.peer.insert(operation, measured.a_core());
        self.rows(&format!("oidc-provider {operation}"), &measured, limit, None);
    }

    /// An operation of ours.
    pub fn ours(
        &self,
        database: &str,
        operation: &'static str,
        limit: Limit,
        measure: impl FnOnce() -> Measured,
    ) {
        if !self.wants(operation) {
            return;
        }
        let measured = &measure();
        let name = format!("{database} {operation}");
        // The goal is for tokens; a code takes a page's worth of work besides.
        let bounded = operation.ends_with("RS256") && !operation.starts_with("code");
        self.rows(&name, measured, limit, bounded.then_some(OF_THE_LIMIT));
        if let Some(peer) = self.peer.get(operation) {
            let row = Row::alone(format!("{name}, compared"), measured.a_core(), "1/s");
            self.table.row(&row.against("oidc-provider", *peer).at_least(1.0));
        }
    }

    fn rows(&self, name: &str, measured: &Measured, limit: Limit, goal: Option<f64>) {
        let mut rate = Row::alone(format!("{name}, a core"), measured.a_core(), "1/s");
        if let Some((what, most)) = limit {
            rate = rate.against(what, most);
        }
        if let Some(goal) = goal {
            rate = rate.at_least(goal);
        }
        self.table.row(&rate);
        for (figure, value, unit) in [
            ("wall", measured.a_second(), "1/s"),
            ("p50", measured.percentile(50), "ms"),
            ("p99", measured.percentile(99), "ms"),
            ("CPU for 1000", measured.thousand(), "s"),
        ] {
            self.table.row(&Row::alone(format!("{name}, {figure}"), value, unit));
        }
    }
}
