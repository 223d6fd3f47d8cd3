//! Rate limits: a bucket of tokens for each address and each user name.
//!
//! A bucket is one number, the time at which it will be full again (the generic cell rate algorithm), so a bucket
//! that is full can be forgotten.

use std::collections::HashMap;
use std::hash::Hash;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::clock::UnixTime;
use crate::names::NameKey;

/// `burst` requests at once, then one each `interval`.
#[derive(Clone, Copy, Debug)]
pub struct Rate {
    /// Requests that a full bucket allows at once.
    pub burst: u32,
    /// Time in which one request is earned back.
    pub interval: Duration,
}

/// The site's rates.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Pages, for one address.
    pub pages: Rate,
    /// Ceremony calls and form posts, for one address.
    pub calls: Rate,
    /// Ceremonies that name one user.
    pub user_name: Rate,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            pages: Rate { burst: 240, interval: Duration::from_millis(250) },
            calls: Rate { burst: 120, interval: Duration::from_millis(500) },
            user_name: Rate { burst: 20, interval: Duration::from_secs(3) },
        }
    }
}

/// The bucket is empty; how long until it has a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Exhausted {
    pub(crate) retry_after: Duration,
}

/// All buckets of a running site.
pub(crate) struct Limiter {
    pages: Buckets<IpAddr>,
    calls: Buckets<IpAddr>,
    user_names: Buckets<NameKey>,
}

impl Limiter {
    pub(crate) fn new(limits: &Limits) -> Self {
        Self {
            pages: Buckets::new(limits.pages),
            calls: Buckets::new(limits.calls),
            user_names: Buckets::new(limits.user_name),
        }
    }

    pub(crate) fn page(&self, address: IpAddr, now: UnixTime) -> Result<(), Exhausted> {
        self.pages.take(subscriber(address), now)
    }

    pub(crate) fn call(&self, address: IpAddr, now: UnixTime) -> Result<(), Exhausted> {
        self.calls.take(subscriber(address), now)
    }

    pub(crate) fn user_name(&self, name: NameKey, now: UnixTime) -> Result<(), Exhausted> {
        self.user_names.take(name, now)
    }
}

/// One subscriber has a whole IPv6 /64, so that is what is counted.
fn subscriber(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => IpAddr::V4(address),
        IpAddr::V6(address) => IpAddr::V6((u128::from(address) & !u128::from(u64::MAX)).into()),
    }
}

struct Buckets<K> {
    rate: Rate,
    full_again: Mutex<HashMap<K, i64>>,
}

impl<K: Eq + Hash> Buckets<K> {
    /// Above this many buckets the full ones are forgotten.
    const MANY: usize = 10_000;

    fn new(rate: Rate) -> Self {
        Self { rate, full_again: Mutex::new(HashMap::new()) }
    }

    fn take(&self, key: K, now: UnixTime) -> Result<(), Exhausted> {
        let now = now.millis();
        let interval = i64::try_from(self.rate.interval.as_millis()).unwrap_or(i64::MAX);
        let capacity = interval.saturating_mul(self.rate.burst.into());
        let mut full_again = self.full_again.lock().unwrap_or_else(PoisonError::into_inner);
        if full_again.len() > Self::MANY {
            full_again.retain(|_, full| *full > now);
        }
        let full = full_again.entry(key).or_insert(now);
        let after = now.max(*full).saturating_add(interval);
        let missing = after.saturating_sub(now).saturating_sub(capacity);
        if missing > 0 {
            return Err(Exhausted { retry_after: Duration::from_millis(missing.unsigned_abs()) });
        }
        *full = after;
        Ok(())
    }
}

#[cfg(test)]
mod tests;
