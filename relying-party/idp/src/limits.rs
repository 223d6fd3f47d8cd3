//! Smart lockout and rates, as pure states: storage keeps them, so a restart forgets nothing and several processes
//! count as one.
//!
//! An attempt is counted before the password is looked at, in one transaction with the look at the counter. A flood
//! of parallel guesses therefore gets no more guesses than one after the other.

mod traffic;

use std::net::IpAddr;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::clock::UnixTime;
use crate::domain::TenantPolicy;
pub use traffic::{Allowance, Held, Kind, Traffic};

/// One subscriber's addresses: an IPv4 address or a whole IPv6 /64, which one subscriber has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Subscriber(IpAddr);

impl Subscriber {
    /// The subscriber of an address.
    #[must_use]
    pub fn of(address: IpAddr) -> Self {
        Self(match address.to_canonical() {
            IpAddr::V4(address) => IpAddr::V4(address),
            IpAddr::V6(address) => IpAddr::V6((u128::from(address) & !u128::from(u64::MAX)).into()),
        })
    }
}

/// What is counted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Counter {
    /// Tries on a user from places where the user never signed in.
    Stranger {
        /// The tenant and the name that was typed, whether such a user exists or not.
        user: String,
    },
    /// Tries on a user from a place that the user knows. An attacker elsewhere cannot lock it.
    Familiar {
        /// As in [`Counter::Stranger`].
        user: String,
        /// The place.
        subscriber: Subscriber,
    },
    /// Tries of one subscriber on any user: password spraying.
    Subscriber(Subscriber),
}

impl Counter {
    /// The counters of an attempt, in the order in which they count it: the first that is locked ends the attempt and
    /// the next ones never see it, so a locked address locks no more users. `user` is tenant and name; letter case
    /// does not count.
    #[must_use]
    pub fn of_attempt(user: &str, subscriber: Subscriber, familiar: bool) -> Vec<Self> {
        let user = user.to_lowercase();
        if familiar {
            vec![Self::Familiar { user, subscriber }]
        } else {
            vec![Self::Subscriber(subscriber), Self::Stranger { user }]
        }
    }

    /// The primary key in storage. Names that were typed are hashed: people type passwords there.
    #[must_use]
    pub fn key(&self) -> String {
        let hash = |text: &str| URL_SAFE_NO_PAD.encode(Sha256::digest(text.as_bytes()));
        match self {
            Self::Stranger { user } => format!("stranger:{}", hash(user)),
            Self::Familiar { user, subscriber } => format!("familiar:{}:{}", hash(user), subscriber.0),
            Self::Subscriber(subscriber) => format!("address:{}", subscriber.0),
        }
    }
}

/// A counter's state, as storage keeps it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failures {
    /// Attempts that have not been found right.
    pub count: u32,
    /// The last one.
    pub last: UnixTime,
    /// Until when no attempt is looked at.
    pub locked_until: Option<UnixTime>,
}

/// Locked: no attempt is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("too many tries: try again in {}", self.wait())]
pub struct Locked {
    /// How long that lasts.
    pub retry_after: Duration,
}

impl Locked {
    /// How long that lasts, in words.
    #[must_use]
    pub fn wait(&self) -> String {
        match self.retry_after.as_secs() {
            0 | 1 => "a second".to_owned(),
            seconds => format!("{seconds} seconds"),
        }
    }
}

/// How one kind of counter locks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lockout {
    /// The failure that locks for the first time.
    pub threshold: u32,
    /// How long. Each further failure locks for twice as long as the one before.
    pub first: Duration,
    /// No lock is longer.
    pub longest: Duration,
    /// A counter without an attempt for this long starts again.
    pub forget_after: Duration,
}

impl Lockout {
    /// Counts one more attempt, which counts as failed until [`Lockouts::succeeded`] says otherwise: the next state, and
    /// whether the attempt may be looked at. A locked counter does not change.
    pub fn attempt(&self, held: Option<Failures>, now: UnixTime) -> (Failures, Result<(), Locked>) {
        let before = held.filter(|held| self.fresh_at(held) > now);
        if let Some(held) = before
            && let Some(until) = held.locked_until.filter(|until| *until > now)
        {
            return (held, Err(Locked { retry_after: until.since(now) }));
        }
        let count = before.map_or(0, |held| held.count).saturating_add(1);
        let locked_until = count.checked_sub(self.threshold).map(|beyond| now.plus(self.length(beyond)));
        (Failures { count, last: now, locked_until }, Ok(()))
    }

    /// From when on storage may forget the counter.
    #[must_use]
    pub fn fresh_at(&self, held: &Failures) -> UnixTime {
        if held.count == 0 {
            return held.last;
        }
        let quiet = held.last.plus(self.forget_after);
        held.locked_until.map_or(quiet, |until| until.max(quiet))
    }

    fn length(&self, beyond: u32) -> Duration {
        let factor = 1_u32.checked_shl(beyond).unwrap_or(u32::MAX);
        self.first.checked_mul(factor).unwrap_or(self.longest).min(self.longest)
    }
}

/// How each kind of counter locks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lockouts {
    /// For one user, from places that the user does not know.
    pub stranger: Lockout,
    /// For one user, from one place that the user knows.
    pub familiar: Lockout,
    /// For one subscriber, over all users.
    pub subscriber: Lockout,
}

impl Default for Lockouts {
    fn default() -> Self {
        let day = Duration::from_hours(24);
        let user = Lockout {
            threshold: 10,
            first: Duration::from_mins(1),
            longest: Duration::from_hours(2),
            forget_after: day,
        };
        Self { stranger: user, familiar: user, subscriber: Lockout { threshold: 100, ..user } }
    }
}

impl Lockouts {
    /// As a tenant's administrators decided for its users.
    #[must_use]
    pub fn of_tenant(policy: &TenantPolicy) -> Self {
        let default = Self::default();
        let first = Duration::from_secs(policy.lockout_seconds.into());
        let user = Lockout {
            threshold: policy.lockout_threshold.max(1),
            first,
            longest: default.stranger.longest.max(first),
            ..default.stranger
        };
        Self { stranger: user, familiar: user, subscriber: default.subscriber }
    }

    /// How this counter locks.
    #[must_use]
    pub fn of(&self, counter: &Counter) -> &Lockout {
        match counter {
            Counter::Stranger { .. } => &self.stranger,
            Counter::Familiar { .. } => &self.familiar,
            Counter::Subscriber(_) => &self.subscriber,
        }
    }

    /// The counter after the attempt that [`Lockout::attempt`] counted was right.
    ///
    /// A subscriber only gets the one attempt back: otherwise an attacker would sign in to an account of their own
    /// between the guesses.
    #[must_use]
    pub fn succeeded(counter: &Counter, held: Failures) -> Failures {
        let count = match counter {
            Counter::Stranger { .. } | Counter::Familiar { .. } => 0,
            Counter::Subscriber(_) => held.count.saturating_sub(1),
        };
        Failures { count, last: held.last, locked_until: None }
    }

    /// The counter after an attempt that [`Lockout::attempt`] counted was not looked at. A lock stays: who else tried
    /// meanwhile may have been wrong.
    #[must_use]
    pub fn withdrawn(held: Failures) -> Failures {
        Failures { count: held.count.saturating_sub(1), ..held }
    }
}

/// The places from which a user has signed in, latest first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct FamiliarPlaces(Vec<(Subscriber, UnixTime)>);

impl FamiliarPlaces {
    const MOST: usize = 10;
    const LASTING: Duration = Duration::from_hours(90 * 24);

    /// Whether the user has signed in from there within 90 days.
    #[must_use]
    pub fn contains(&self, subscriber: Subscriber, now: UnixTime) -> bool {
        self.0.iter().any(|(known, at)| *known == subscriber && now.since(*at) < Self::LASTING)
    }

    /// The places after a complete sign-in (all factors) from there.
    #[must_use]
    pub fn with(&self, subscriber: Subscriber, now: UnixTime) -> Self {
        let others =
            self.0.iter().filter(|(known, at)| *known != subscriber && now.since(*at) < Self::LASTING);
        Self(std::iter::once((subscriber, now)).chain(others.copied()).take(Self::MOST).collect())
    }
}

/// `burst` requests at once, then one each `interval` (the generic cell rate algorithm).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// Requests that a full bucket allows at once.
    pub burst: u32,
    /// Time in which one request is earned back; whole seconds.
    pub interval: Duration,
}

impl Rate {
    /// Takes one request from a bucket: its next state, and whether there was one. The state is the time at which the
    /// bucket is full again; from then on it need not be kept.
    pub fn take(&self, full_again: Option<UnixTime>, now: UnixTime) -> (UnixTime, Result<(), Locked>) {
        let full = full_again.filter(|full| *full > now).unwrap_or(now);
        let after = full.plus(self.interval);
        let missing = after.since(now).saturating_sub(self.interval.saturating_mul(self.burst));
        if missing.is_zero() { (after, Ok(())) } else { (full, Err(Locked { retry_after: missing })) }
    }
}

/// At most so many in any stretch of time of this length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// How many.
    pub most: u32,
    /// The length of the stretch.
    pub within: Duration,
}

impl Window {
    /// Counts one: the next state, when that is as good as fresh, and whether there was room. The state is when those of the last
    /// stretch were, the oldest first.
    pub fn take(
        &self,
        held: Option<Vec<UnixTime>>,
        now: UnixTime,
    ) -> (Vec<UnixTime>, UnixTime, Result<(), Locked>) {
        let mut times = held.unwrap_or_default();
        times.retain(|time| now.since(*time) < self.within);
        let full = usize::try_from(self.most).is_ok_and(|most| times.len() >= most);
        let allowed = if let Some(oldest) = times.first().filter(|_| full) {
            Err(Locked { retry_after: oldest.plus(self.within).since(now) })
        } else {
            times.push(now);
            Ok(())
        };
        let fresh_at = times.last().copied().unwrap_or(now).plus(self.within);
        (times, fresh_at, allowed)
    }
}

#[cfg(test)]
mod tests;
