//! Whether a request may come in.

use std::net::IpAddr;

use super::Provider;
use crate::clock::UnixTime;
use crate::limits::{Kind, Locked, Subscriber};
use crate::network::Network;

impl Provider {
    /// The provider in this network.
    #[must_use]
    pub fn in_network(mut self, network: Network) -> Self {
        self.network = network;
        self
    }

    /// Counts a request of `address`.
    ///
    /// # Errors
    /// When it had too many.
    pub(crate) async fn admit(&self, kind: Kind, address: IpAddr) -> Result<(), Locked> {
        if self.network.is_unlimited(address) {
            return Ok(());
        }
        let (now, subscriber) = (self.now(), Subscriber::of(address));
        let held = self.traffic.of(kind, subscriber, now);
        let mut held = held.lock().await;
        if held.count(now)? {
            return Ok(());
        }
        let allowance = kind.allowance();
        let take = |full: Option<UnixTime>| {
            let (next, allowed) = allowance.rate.take(full, now);
            (next, next, allowed)
        };
        match self.database.limits().update(&kind.key(subscriber), now, take).await {
            Ok(Ok(())) => held.take(allowance.block),
            Ok(Err(locked)) => {
                tracing::warn!(%address, ?kind, "too many requests");
                held.nothing(locked, now);
                return Err(locked);
            }
            // A database that does not answer refuses what needs it; the rest goes on.
            Err(error) => {
                tracing::error!(%error, "requests cannot be counted");
                held.take(allowance.block);
            }
        }
        Ok(())
    }
}
