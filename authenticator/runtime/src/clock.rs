//! The clock and the randomness of a program: the other libraries take both as arguments.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use getrandom::SysRng;
use getrandom::rand_core::UnwrapErr;
use latchkey_container::UnixTime;

/// The time of day.
#[allow(clippy::disallowed_methods, reason = "here the clock is read")]
#[must_use]
pub fn now() -> UnixTime {
    UnixTime(SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs())
}

/// The operating system's random source; the program cannot go on without it.
#[must_use]
pub fn rng() -> UnwrapErr<SysRng> {
    UnwrapErr(SysRng)
}

/// Counts from the moment at which the virtual device got its power.
#[derive(Debug, Clone, Copy)]
pub struct Uptime(Instant);

impl Uptime {
    /// Starts counting.
    #[allow(clippy::disallowed_methods, reason = "here the clock is read")]
    #[must_use]
    pub fn start() -> Self {
        Self(Instant::now())
    }

    /// How long ago that was.
    #[must_use]
    pub fn elapsed(self) -> Duration {
        self.0.elapsed()
    }

    /// The moment at which the count reaches `uptime`.
    #[must_use]
    pub fn at(self, uptime: Duration) -> Instant {
        self.0 + uptime
    }
}
