//! Requests by address. A process takes requests from the database by the block and counts them off in memory, so that most
//! requests cost no write; a subscriber that has none left is refused from memory until there is one again.
//!
//! A block is counted as used when it is taken. A restart, or a process more, therefore forgets no request: it loses the
//! rest of a block, so a subscriber may be refused up to one block too early, and never too late.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::{Locked, Rate, Subscriber};
use crate::clock::UnixTime;

/// More subscribers than this are not held. What is dropped was counted.
const MOST: usize = 50_000;
/// A subscriber that asks nothing for this long is dropped.
const IDLE: Duration = Duration::from_mins(10);

/// Kinds of requests, each with an allowance of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Token requests: programs, sometimes a whole data centre behind one address.
    Token,
    /// Pages and forms of people.
    Page,
    /// Device codes: each is a row that waits for somebody.
    DeviceCode,
    /// What tells a broker which credentials an account has.
    Account,
    /// Metadata, keys, files: the same for everyone.
    Public,
    /// Requests with an access token.
    Api,
    /// Requests to open what a forgotten PIN protects.
    PinReset,
}

/// How many requests a subscriber has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Allowance {
    /// Requests that are taken from the database at once.
    pub block: u32,
    /// The rate of blocks.
    pub rate: Rate,
}

impl Allowance {
    /// `burst` blocks at once, then one each so many seconds.
    const fn of(block: u32, burst: u32, seconds: u64) -> Self {
        Self { block, rate: Rate { burst, interval: Duration::from_secs(seconds) } }
    }
}

impl Kind {
    /// The kind of the request for `path`, in lower case; `None`: it is not counted.
    #[must_use]
    pub fn of(path: &str) -> Option<Self> {
        let ends = |ends: &[&str]| ends.iter().any(|end| path.ends_with(end));
        let begins = |begins: &[&str]| begins.iter().any(|begin| path.starts_with(begin));
        Some(match path {
            "/healthz" => return None,
            _ if begins(&["/v1.0/", "/beta/", "/oidc/", "/enrollmentserver/"]) => Self::Api,
            _ if begins(&["/static/", "/common/userrealm/", "/common/discovery/"]) => Self::Public,
            "/getencryptionkey/v1" => Self::Public,
            "/unprotectsecret/v1" => Self::PinReset,
            _ if ends(&["/discovery/keys", "/discovery/v2.0/keys", "/.well-known/openid-configuration"]) => {
                Self::Public
            }
            _ if ends(&["/token", "/par", "/sidtoname"]) => Self::Token,
            _ if ends(&["/devicecode"]) => Self::DeviceCode,
            _ if ends(&["/getcredentialtype", "/getonetimecode.srf", "/fido/get"]) => Self::Account,
            _ => Self::Page,
        })
    }

    /// Whether a person reads the answer.
    #[must_use]
    pub const fn is_page(self) -> bool {
        match self {
            Self::Page => true,
            Self::Token | Self::DeviceCode | Self::Account | Self::Public | Self::Api | Self::PinReset => {
                false
            }
        }
    }

    /// What a subscriber has of it.
    #[must_use]
    pub const fn allowance(self) -> Allowance {
        match self {
            // 6,000 at once, then 200 a second.
            Self::Token => Allowance::of(200, 30, 1),
            // 1,000 at once, then 25 a second: an office behind one address in the morning.
            Self::Page => Allowance::of(50, 20, 2),
            // 60 at once, then one a second.
            Self::DeviceCode => Allowance::of(5, 12, 5),
            // 100 at once, then two a second.
            Self::Account => Allowance::of(10, 10, 5),
            // 10,000 at once, then 500 a second.
            Self::Public => Allowance::of(500, 20, 1),
            // 3,000 at once, then 100 a second.
            Self::Api => Allowance::of(100, 30, 1),
            // 300 at once, then one a second: an office on the morning after the holidays.
            Self::PinReset => Allowance::of(10, 30, 10),
        }
    }

    /// Its name in storage.
    const fn name(self) -> &'static str {
        match self {
            Self::Token => "token",
            Self::Page => "page",
            Self::DeviceCode => "device",
            Self::Account => "account",
            Self::Public => "public",
            Self::Api => "api",
            Self::PinReset => "pin-reset",
        }
    }

    /// The primary key in storage of a subscriber's requests of this kind.
    #[must_use]
    pub fn key(self, subscriber: Subscriber) -> String {
        format!("rate:{}:{}", self.name(), subscriber.0)
    }
}

/// What a process holds of a subscriber's requests.
#[derive(Debug, Default)]
pub struct Held {
    left: u32,
    /// No block is asked for before this.
    nothing_until: Option<UnixTime>,
    seen: Option<UnixTime>,
}

impl Held {
    /// Counts a request off.
    ///
    /// # Errors
    /// When there is none and none to be had. `Ok(false)`: a block must be taken first.
    pub fn count(&mut self, now: UnixTime) -> Result<bool, Locked> {
        self.seen = Some(now);
        if let Some(until) = self.nothing_until.filter(|until| *until > now) {
            return Err(Locked { retry_after: until.since(now) });
        }
        self.nothing_until = None;
        let counted = self.left.checked_sub(1);
        self.left = counted.unwrap_or(0);
        Ok(counted.is_some())
    }

    /// A block was taken for the request that waits.
    pub const fn take(&mut self, block: u32) {
        self.left = block.saturating_sub(1);
    }

    /// No block was to be had.
    pub fn nothing(&mut self, locked: Locked, now: UnixTime) {
        self.nothing_until = Some(now.plus(locked.retry_after));
    }

    fn is_idle(&self, now: UnixTime) -> bool {
        self.seen.is_none_or(|seen| now.since(seen) >= IDLE)
    }
}

/// One subscriber's, which one request at a time may change: of many at once one takes a block and the others wait for it.
type Shared = Arc<tokio::sync::Mutex<Held>>;

/// What a process holds of everyone's requests.
#[derive(Debug, Default)]
pub struct Traffic(Mutex<HashMap<(Kind, Subscriber), Shared>>);

impl Traffic {
    /// What is held of this subscriber's.
    #[must_use]
    pub fn of(&self, kind: Kind, subscriber: Subscriber, now: UnixTime) -> Shared {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() >= MOST && !all.contains_key(&(kind, subscriber)) {
            drop_idle(&mut all, now);
            if all.len() >= MOST {
                all.clear();
            }
        }
        Arc::clone(all.entry((kind, subscriber)).or_default())
    }

    /// Drops whoever asks nothing any more.
    pub fn tend(&self, now: UnixTime) {
        drop_idle(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner), now);
    }
}

fn drop_idle(all: &mut HashMap<(Kind, Subscriber), Shared>, now: UnixTime) {
    // One that is being changed is not idle.
    all.retain(|_, held| held.try_lock().map_or(true, |held| !held.is_idle(now)));
}

#[cfg(test)]
mod tests;
