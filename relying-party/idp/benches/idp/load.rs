//! The load: some connections, each of which sends a request, waits for the answer, and sends the next one.

use std::time::{Duration, Instant};

/// So many at once.
pub const CONNECTIONS: usize = 16;
const WARM_UP: Duration = Duration::from_millis(500);
const FOR: Duration = Duration::from_secs(2);
/// No connection does more than this.
const MOST: usize = 50_000;

/// What one connection does again and again.
pub type Work<'a> = Box<dyn FnMut() + Send + 'a>;

/// What was measured.
#[derive(Clone, Debug)]
pub struct Measured {
    /// How long each took, sorted.
    times: Vec<Duration>,
    /// For how long the server's core was busy with them.
    busy: Duration,
    /// How long all took.
    wall: Duration,
}

/// Drives a server whose core has been busy for `busy()`.
pub fn drive(mut connections: Vec<Work<'_>>, busy: impl Fn() -> Duration) -> Measured {
    run(&mut connections, WARM_UP);
    let (begin, before) = (Instant::now(), busy());
    let mut times = run(&mut connections, FOR);
    let (wall, busy) = (begin.elapsed(), busy().saturating_sub(before));
    times.sort();
    Measured { times, busy, wall }
}

fn run(connections: &mut [Work<'_>], limit: Duration) -> Vec<Duration> {
    let end = Instant::now() + limit;
    std::thread::scope(|scope| {
        let started: Vec<_> =
            connections.iter_mut().map(|work| scope.spawn(move || repeat(work, end))).collect();
        started.into_iter().flat_map(|thread| thread.join().expect("the server answers")).collect()
    })
}

fn repeat(work: &mut Work<'_>, end: Instant) -> Vec<Duration> {
    let mut times = Vec::new();
    while Instant::now() < end && times.len() < MOST {
        let begin = Instant::now();
        work();
        times.push(begin.elapsed());
    }
    times
}

impl Measured {
    /// In a second of a busy core.
    pub fn a_core(&self) -> f64 {
        self.done() / self.busy.as_secs_f64()
    }

    /// In a second.
    pub fn a_second(&self) -> f64 {
        self.done() / self.wall.as_secs_f64()
    }

    /// Core seconds for a thousand.
    pub fn thousand(&self) -> f64 {
        1000.0 / self.a_core()
    }

    /// What so many of a hundred do not exceed, in milliseconds.
    pub fn percentile(&self, percent: usize) -> f64 {
        self.times[(self.times.len() * percent / 100).min(self.times.len() - 1)].as_secs_f64() * 1e3
    }

    fn done(&self) -> f64 {
        f64::from(u32::try_from(self.times.len()).expect("few"))
    }
}
