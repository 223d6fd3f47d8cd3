//! The port through which private halves of service keys are used: in software, in a TPM, or in a hardware security module.

use std::fmt;
use std::pin::Pin;

use p256::elliptic_curve::Generate as _;
use p256::{PublicKey, SecretKey};
use rand_core::CryptoRng;
use tokio::sync::{Semaphore, SemaphorePermit};
use zeroize::Zeroizing;

use super::point::{self, Shared};

/// What a place is going to answer.
pub type Answering<'a, T> = Pin<Box<dyn Future<Output = Result<T, PlaceError>> + Send + 'a>>;

/// A place did not do what it was asked for. The text says what went wrong and what to do; it holds no secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct PlaceError(pub String);

/// A key pair that a place made.
pub struct NewKey {
    /// The public half.
    pub public: PublicKey,
    /// What the place finds the private half by, or the private half itself. It is stored sealed.
    pub handle: Zeroizing<Vec<u8>>,
}

/// Where private halves of P-256 key pairs are, and the one thing that is done with them there.
pub trait KeyPlace: Send + Sync {
    /// Its name in the database: never changed.
    fn name(&self) -> &'static str;

    /// Makes a key pair.
    fn create<'a>(&'a self, rng: &'a mut (dyn CryptoRng + Send)) -> Answering<'a, NewKey>;

    /// The x-coordinate of the private half of `handle` times `peer`.
    fn agree<'a>(&'a self, handle: &'a [u8], peer: &'a PublicKey) -> Answering<'a, Shared>;

    /// Destroys the private half, if it is in the place itself.
    fn destroy<'a>(&'a self, handle: &'a [u8]) -> Answering<'a, ()>;
}

/// In the provider's own memory, for as long as it is used; at rest the scalar is sealed like every other key.
pub struct Software;

impl KeyPlace for Software {
    fn name(&self) -> &'static str {
        "software"
    }

    fn create<'a>(&'a self, rng: &'a mut (dyn CryptoRng + Send)) -> Answering<'a, NewKey> {
        let private = SecretKey::generate_from_rng(rng);
        let handle = Zeroizing::new(private.to_bytes().to_vec());
        Box::pin(async move { Ok(NewKey { public: private.public_key(), handle }) })
    }

    fn agree<'a>(&'a self, handle: &'a [u8], peer: &'a PublicKey) -> Answering<'a, Shared> {
        Box::pin(async move {
            let private = SecretKey::from_slice(handle).map_err(|_| {
                PlaceError("a stored key of the PIN reset service is no P-256 key".to_owned())
            })?;
            Ok(point::agree(&private, peer))
        })
    }

    fn destroy<'a>(&'a self, _handle: &'a [u8]) -> Answering<'a, ()> {
        Box::pin(async { Ok(()) })
    }
}

/// The places of a running service: new keys are made in the first, keys of all are used.
pub struct KeyPlaces {
    places: Vec<Box<dyn KeyPlace>>,
    turns: Semaphore,
}

/// So many requests may work with keys or wait for it. A TPM needs a second for each.
const TURNS: usize = 64;

impl Default for KeyPlaces {
    fn default() -> Self {
        Self::of(vec![Box::new(Software)])
    }
}

impl KeyPlaces {
    /// New keys are made in `first`; keys that were made in software before are used on.
    #[must_use]
    pub fn with(first: Box<dyn KeyPlace>) -> Self {
        Self::of(vec![first, Box::new(Software)])
    }

    fn of(places: Vec<Box<dyn KeyPlace>>) -> Self {
        Self { places, turns: Semaphore::new(TURNS) }
    }

    /// Leave to work with a key, for as long as it is held; nothing if too many do already.
    pub(super) fn turn(&self) -> Option<SemaphorePermit<'_>> {
        self.turns.try_acquire().ok()
    }

    /// Where new keys are made.
    pub(super) fn first(&self) -> &dyn KeyPlace {
        self.places.first().map_or(&Software, |place| &**place)
    }

    /// The place with this name.
    pub(super) fn named(&self, name: &str) -> Result<&dyn KeyPlace, PlaceError> {
        let found = self.places.iter().find(|place| place.name() == name);
        found.map(|place| &**place).ok_or_else(|| {
            PlaceError(format!("this process does not reach the {name} keys: give --pin-reset-keys {name}"))
        })
    }
}

impl fmt::Debug for KeyPlaces {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.places.iter().map(|place| place.name())).finish()
    }
}
