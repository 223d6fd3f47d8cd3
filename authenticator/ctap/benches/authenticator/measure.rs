//! Times one operation many times, and says what it took.

use std::time::{Duration, Instant};

use latchkey_tests::figures::{Row, Table};

/// The times of one operation, in microseconds, sorted.
pub struct Times(Vec<f64>);

impl Times {
    /// Times `work` on what `prepare` makes, `count` times after a tenth of that to warm up. Only `work` is timed.
    pub fn of<T>(count: usize, mut prepare: impl FnMut() -> T, mut work: impl FnMut(T)) -> Self {
        for _ in 0..count / 10 {
            work(prepare());
        }
        let mut times = Self(Vec::with_capacity(count));
        for _ in 0..count {
            times.add(prepare(), &mut work);
        }
        times.sorted()
    }

    /// Times two operations in turn, so that a machine whose speed drifts is the same for both.
    pub fn of_pair(count: usize, mut one: impl FnMut(), mut other: impl FnMut()) -> (Self, Self) {
        for _ in 0..count / 10 {
            one();
            other();
        }
        let (mut first, mut second) = (Self(Vec::new()), Self(Vec::new()));
        for _ in 0..count {
            first.add((), |()| one());
            second.add((), |()| other());
        }
        (first.sorted(), second.sorted())
    }

    fn add<T>(&mut self, prepared: T, work: impl FnOnce(T)) {
        let start = Instant::now();
        work(prepared);
        self.0.push(micros(start.elapsed()));
    }

    fn sorted(mut self) -> Self {
        self.0.sort_by(f64::total_cmp);
        self
    }

    /// The median.
    pub fn p50(&self) -> f64 {
        self.at(50)
    }

    /// The time that 95 of 100 do not exceed.
    pub fn p95(&self) -> f64 {
        self.at(95)
    }

    /// Operations a second, one after the other.
    pub fn per_second(&self) -> f64 {
        let total: f64 = self.0.iter().sum();
        1e6 * self.0.iter().map(|_| 1.0).sum::<f64>() / total
    }

    /// Operations a second when each takes as long as the median: what another program beside takes is not in it.
    pub fn median_rate(&self) -> f64 {
        1e6 / self.p50()
    }

    /// Prints the three figures of an operation: its median, compared, then p95 and operations a second.
    pub fn print(&self, table: &Table, name: &str, compare: impl FnOnce(Row) -> Row) {
        table.row(&compare(Row::alone(format!("{name} p50"), self.p50(), "us")));
        table.row(&Row::alone(format!("{name} p95"), self.p95(), "us"));
        table.row(&Row::alone(format!("{name} rate"), self.per_second(), "1/s"));
    }

    fn at(&self, percent: usize) -> f64 {
        self.0[(self.0.len() * percent / 100).min(self.0.len() - 1)]
    }
}

/// A duration in microseconds.
pub fn micros(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e6
}
