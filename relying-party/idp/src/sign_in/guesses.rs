//! Guesses are counted before they are looked at (smart lockout), and places are remembered after a complete sign-in.

use std::net::IpAddr;
use std::time::Duration;

use crate::domain::UserId;
use crate::limits::{Counter, Failures, FamiliarPlaces, Lockouts, Subscriber};
use crate::provider::Provider;
use crate::storage;

const REMEMBERED: Duration = Duration::from_hours(90 * 24);

/// A guess that was counted and may be looked at.
pub(super) struct Guess {
    counters: Vec<Counter>,
}

impl Guess {
    /// Counts a guess at `what` of the user with this name; `None`: it must not be looked at. Each kind of proof has
    /// counters of its own, so that the right password does not give guesses at the code back.
    pub(super) async fn count(
        provider: &Provider,
        (what, name): (&str, &str),
        address: IpAddr,
        familiar: bool,
    ) -> Result<Option<Self>, storage::Error> {
        let now = provider.now();
        let lockouts = Lockouts::default();
        let counters =
            Counter::of_attempt(&format!("{what} {}", name.trim()), Subscriber::of(address), familiar);
        for counter in &counters {
            let count = |held: Option<Failures>| {
                let (next, allowed) = lockouts.of(counter).attempt(held, now);
                (next, lockouts.of(counter).fresh_at(&next), allowed)
            };
            let allowed = provider.database.limits().update(&counter.key(), now, count).await?;
            if allowed.is_err() {
                return Ok(None);
            }
        }
        Ok(Some(Self { counters }))
    }

    /// The guess was right.
    pub(super) async fn right(self, provider: &Provider) -> Result<(), storage::Error> {
        let now = provider.now();
        let lockouts = Lockouts::default();
        for counter in &self.counters {
            let undo = |held: Option<Failures>| {
                let held = held.unwrap_or(Failures { count: 0, last: now, locked_until: None });
                let next = Lockouts::succeeded(counter, held);
                (next, lockouts.of(counter).fresh_at(&next), ())
            };
            provider.database.limits().update(&counter.key(), now, undo).await?;
        }
        Ok(())
    }
}

fn places(user: UserId) -> String {
    format!("places:{user}")
}

/// Whether the user has signed in completely from this address before.
pub(super) async fn is_familiar(
    provider: &Provider,
    user: UserId,
    address: IpAddr,
) -> Result<bool, storage::Error> {
    let now = provider.now();
    let known: Option<FamiliarPlaces> = provider.database.limits().state(&places(user), now).await?;
    Ok(known.is_some_and(|known| known.contains(Subscriber::of(address), now)))
}

/// Remembers the place of a complete sign-in.
pub(super) async fn remember_place(
    provider: &Provider,
    user: UserId,
    address: IpAddr,
) -> Result<(), storage::Error> {
    let now = provider.now();
    let add = |held: Option<FamiliarPlaces>| {
        (held.unwrap_or_default().with(Subscriber::of(address), now), now.plus(REMEMBERED), ())
    };
    provider.database.limits().update(&places(user), now, add).await
}
