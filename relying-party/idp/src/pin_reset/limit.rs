//! How often: a user, and all users together. Requests by address are counted before anything else is done for them
//! ([`crate::limits::Kind::PinReset`]); these two count only what has passed every other check, so that nobody can use up what
//! is somebody else's.

use std::time::Duration;

use super::refusal::ResetRefusal;
use crate::domain::UserId;
use crate::limits::{Rate, Window};
use crate::provider::Provider;

/// Nobody forgets a PIN more often; and whoever has a user's second factor gets no more tries than this.
const USER: Window = Window { most: 3, within: Duration::from_hours(1) };
/// 1,000 at once, then one a second.
const SERVICE: Rate = Rate { burst: 1000, interval: Duration::from_secs(1) };

/// Counts a release for a user.
pub(super) async fn user(provider: &Provider, user: UserId) -> Result<(), ResetRefusal> {
    let now = provider.now();
    let take = |held| USER.take(held, now);
    let counted = provider.database.limits().update(&format!("pin-reset:{user}"), now, take).await?;
    counted.map_err(ResetRefusal::TooMany)
}

/// Counts a release for the whole service.
pub(super) async fn service(provider: &Provider) -> Result<(), ResetRefusal> {
    let now = provider.now();
    let take = |full| {
        let (next, allowed) = SERVICE.take(full, now);
        (next, next, allowed)
    };
    provider.database.limits().update("pin-reset", now, take).await?.map_err(ResetRefusal::Flood)
}
