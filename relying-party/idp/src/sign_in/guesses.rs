//! Guesses are counted before they are looked at (smart lockout), and places are remembered after a complete sign-in.

use std::net::IpAddr;
use std::time::Duration;

use crate::clock::UnixTime;
use crate::domain::{Authority, TenantId, User, UserId};
use crate::limits::{Counter, Failures, FamiliarPlaces, Lockouts, Subscriber};
use crate::provider::Provider;
use crate::storage;

/// Whose lockouts count where it is not known whose thing is guessed: nobody's, so the default ones.
pub(super) const NOBODY: TenantId = TenantId::new(uuid::Uuid::nil());
const PASSWORD: &str = "password";
const REMEMBERED: Duration = Duration::from_hours(90 * 24);

/// A guess that was counted and may be looked at.
pub(super) struct Guess {
    counters: Vec<Counter>,
    lockouts: Lockouts,
}

impl Guess {
    /// Counts a guess at what `name` names: a kind of proof and a user of the tenant. `None`: it must not be looked at. Each
    /// kind of proof has counters of its own, so that the right password does not give guesses at the code back.
    pub(super) async fn count(
        provider: &Provider,
        (tenant, name): (TenantId, &str),
        address: IpAddr,
        familiar: bool,
    ) -> Result<Option<Self>, storage::Error> {
        let now = provider.now();
        let lockouts = lockouts(provider, tenant).await?;
        let counters = Counter::of_attempt(name, Subscriber::of(address), familiar);
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
        Ok(Some(Self { counters, lockouts }))
    }

    /// The guess was not looked at after all: it counts for nothing.
    pub(super) async fn withdraw(self, provider: &Provider) -> Result<(), storage::Error> {
        self.replace(provider, |_, held| Lockouts::withdrawn(held)).await
    }

    /// The guess was right.
    pub(super) async fn right(self, provider: &Provider) -> Result<(), storage::Error> {
        self.replace(provider, Lockouts::succeeded).await
    }

    async fn replace(
        self,
        provider: &Provider,
        next: impl Fn(&Counter, Failures) -> Failures + Sync,
    ) -> Result<(), storage::Error> {
        let now = provider.now();
        let lockouts = &self.lockouts;
        for counter in &self.counters {
            let replaced = |held: Option<Failures>| {
                let held = held.unwrap_or(Failures { count: 0, last: now, locked_until: None });
                let next = next(counter, held);
                (next, lockouts.of(counter).fresh_at(&next), ())
            };
            provider.database.limits().update(&counter.key(), now, replaced).await?;
        }
        Ok(())
    }
}

/// How the tenant's administrators want users locked. An address is locked the same way for everyone: it tries many users.
async fn lockouts(provider: &Provider, tenant: TenantId) -> Result<Lockouts, storage::Error> {
    let found = provider.tenant(&Authority::Tenant(tenant)).await?;
    Ok(found.map_or_else(Lockouts::default, |tenant| Lockouts::of_tenant(&tenant.policy)))
}

/// Until when wrong passwords have locked a user for places that the user does not know.
pub(crate) async fn password_locked_until(
    provider: &Provider,
    user: &User,
) -> Result<Option<UnixTime>, storage::Error> {
    let now = provider.now();
    let counter = Counter::Stranger { user: password_name(user.tenant, &user.upn).to_lowercase() };
    let held: Option<Failures> = provider.database.limits().state(&counter.key(), now).await?;
    Ok(held.and_then(|held| held.locked_until).filter(|until| *until > now))
}

/// Under which name guesses at a password are counted, whether there is such a user or not.
pub(super) fn password_name(tenant: TenantId, upn: &str) -> String {
    format!("{PASSWORD} {tenant} {}", upn.trim())
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
