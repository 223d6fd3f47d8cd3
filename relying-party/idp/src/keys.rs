//! The keys that tokens are signed with: published ahead of their use, kept published until the last token is over.

mod pair;

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use rand_core::CryptoRng;

use crate::clock::UnixTime;
use crate::domain::SigningAlgorithm;
use crate::secrets::{Place, Purpose, SealingKeys};
use crate::storage::{self, Database, StoredSigningKey};
use crate::tokens::PublicKey;
pub use pair::{KeyError, SigningKey};

/// A key signs for this long before another takes over.
const LIFETIME: Duration = Duration::from_hours(60 * 24);
/// A new key is published so long before it signs: as long as clients cache our keys.
const LEAD: Duration = Duration::from_hours(24);
/// A key is published so long after it signed last: longer than any token lives.
const AFTERGLOW: Duration = Duration::from_hours(48);
const ALGORITHMS: [SigningAlgorithm; 2] = [SigningAlgorithm::Rs256, SigningAlgorithm::Es256];

/// Why there is no key to sign with.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The database.
    #[error(transparent)]
    Storage(#[from] storage::Error),
    /// The stored keys are sealed under another key.
    #[error("a signing key cannot be opened: {0}")]
    Sealed(#[from] crate::secrets::OpenError),
    /// The cryptographic library.
    #[error(transparent)]
    Key(#[from] KeyError),
}

/// All keys, opened and parsed once: a token costs one signature and nothing else.
#[derive(Debug)]
pub struct SigningKeys {
    sealing: Arc<SealingKeys>,
    loaded: RwLock<Arc<Loaded>>,
}

#[derive(Debug, Default)]
struct Loaded {
    keys: Vec<Arc<SigningKey>>,
    jwks: Arc<str>,
}

impl SigningKeys {
    /// Opens the stored keys, and makes the first ones.
    ///
    /// # Errors
    /// When they cannot be read or opened.
    pub async fn open(
        database: &Database,
        sealing: Arc<SealingKeys>,
        now: UnixTime,
        rng: &mut (dyn CryptoRng + Send),
    ) -> Result<Self, Error> {
        let keys = Self { sealing, loaded: RwLock::default() };
        keys.tend(database, now, rng).await?;
        Ok(keys)
    }

    /// Reads what other processes stored, and replaces keys that are old enough. A program calls it now and then, at
    /// least once within [`LEAD`].
    ///
    /// # Errors
    /// When keys cannot be read, opened or stored; those that are loaded stay in use.
    pub async fn tend(
        &self,
        database: &Database,
        now: UnixTime,
        rng: &mut (dyn CryptoRng + Send),
    ) -> Result<(), Error> {
        let mut stored = database.signing_keys().all(now).await?;
        let mut changed = false;
        for algorithm in ALGORITHMS {
            let newest =
                stored.iter().filter(|key| key.algorithm == algorithm).map(|key| key.signs_from).max();
            let (signs_from, newest) = match newest {
                None => (now, UnixTime::from_seconds(-1)),
                Some(newest) if now.since(newest) >= LIFETIME => (now.plus(LEAD), newest),
                Some(_) => continue,
            };
            self.replace(database, algorithm, (signs_from, newest), rng).await?;
            changed = true;
        }
        if changed {
            stored = database.signing_keys().all(now).await?;
        }
        self.load(&stored)
    }

    /// Replaces all keys before their time. The new ones are published now and sign after [`LEAD`].
    ///
    /// # Errors
    /// As [`SigningKeys::tend`].
    pub async fn rotate(
        &self,
        database: &Database,
        now: UnixTime,
        rng: &mut (dyn CryptoRng + Send),
    ) -> Result<(), Error> {
        for algorithm in ALGORITHMS {
            self.replace(database, algorithm, (now.plus(LEAD), now), rng).await?;
        }
        let stored = database.signing_keys().all(now).await?;
        self.load(&stored)
    }

    /// The key that signs now.
    #[must_use]
    pub fn signing(&self, algorithm: SigningAlgorithm, now: UnixTime) -> Option<Arc<SigningKey>> {
        let loaded = self.loaded();
        let ready = loaded.keys.iter().filter(|key| key.algorithm == algorithm && key.signs_from <= now);
        ready.max_by_key(|key| key.signs_from).cloned()
    }

    /// The public key of this name.
    #[must_use]
    pub fn verifying(&self, kid: &str) -> Option<PublicKey> {
        self.loaded().keys.iter().find(|key| key.kid == kid).map(|key| key.public_key().clone())
    }

    /// The JWKS document (RFC 7517 §5).
    #[must_use]
    pub fn jwks(&self) -> Arc<str> {
        Arc::clone(&self.loaded().jwks)
    }

    fn loaded(&self) -> Arc<Loaded> {
        Arc::clone(&self.loaded.read().unwrap_or_else(PoisonError::into_inner))
    }

    async fn replace(
        &self,
        database: &Database,
        algorithm: SigningAlgorithm,
        (signs_from, unless_after): (UnixTime, UnixTime),
        rng: &mut (dyn CryptoRng + Send),
    ) -> Result<(), Error> {
        let (key, private) = SigningKey::generate(algorithm, signs_from)?;
        let place = Place { purpose: Purpose::SigningKey, row: key.kid.as_bytes() };
        let stored = StoredSigningKey {
            kid: key.kid.clone(),
            algorithm,
            public: key.jwk().to_string(),
            sealed: self.sealing.seal(place, &private, rng),
            signs_from,
            gone_at: None,
        };
        // False: another process was faster, and its key will do.
        let others_gone_at = signs_from.plus(AFTERGLOW);
        let _ = database.signing_keys().replace(&stored, unless_after, others_gone_at).await?;
        Ok(())
    }

    fn load(&self, stored: &[StoredSigningKey]) -> Result<(), Error> {
        let before = self.loaded();
        let mut keys = Vec::with_capacity(stored.len());
        for stored in stored {
            if let Some(known) = before.keys.iter().find(|key| key.kid == stored.kid) {
                keys.push(Arc::clone(known));
                continue;
            }
            let place = Place { purpose: Purpose::SigningKey, row: stored.kid.as_bytes() };
            let private = self.sealing.open(place, &stored.sealed)?;
            keys.push(Arc::new(SigningKey::open(stored.algorithm, &private, stored.signs_from)?));
        }
        let jwks: Vec<_> = keys.iter().map(|key| key.jwk().clone()).collect();
        let jwks = serde_json::json!({ "keys": jwks }).to_string().into();
        *self.loaded.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(Loaded { keys, jwks });
        Ok(())
    }
}

#[cfg(test)]
mod tests;
