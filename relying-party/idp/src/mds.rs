//! The FIDO Metadata Service BLOB (MDS3): what is known about authenticators, by AAGUID.
//!
//! The BLOB is a signed file that an operator puts beside the provider. Nothing that it names is fetched: no `x5u`, no
//! rogue list, no revocation list (a host that reads addresses from a file asks whatever the file says).

mod chain;
mod entry;
mod jws;

use std::collections::HashMap;
use std::collections::hash_map::Entry as Place;
use std::time::Duration;

use serde::Deserialize;
use serde_json::value::RawValue;
use uuid::Uuid;

use crate::clock::UnixTime;

pub use chain::{ChainError, Revocation, Trust, TrustError};
pub use entry::{Authenticator, Status, StatusReport};

/// Larger than any BLOB that has been seen, by a factor of ten.
const LARGEST: usize = 64 * 1024 * 1024;

/// Why a BLOB is not used. Each text says what to do.
#[derive(Debug, thiserror::Error)]
pub enum BlobError {
    /// It is no compact JWS.
    #[error("the metadata file is not a FIDO BLOB: {0}. Download it again")]
    Form(&'static str),
    /// An algorithm that is not accepted.
    #[error("the metadata file is signed with an algorithm that is not accepted: only RS256 and ES256 are")]
    Algorithm,
    /// The signer is not trusted.
    #[error("the metadata file's signer is not trusted: {0}")]
    Chain(#[from] ChainError),
    /// The signature is wrong.
    #[error("the metadata file's signature is wrong: it was changed, or damaged. Download it again")]
    Signature,
    /// The payload is not the dictionary of MDS3 §3.1.6.
    #[error("the metadata file is signed but its contents cannot be read. Download it again")]
    Payload,
    /// An older one than is held.
    #[error(
        "the metadata file has number {number}, but number {held} was seen: an older file is not accepted"
    )]
    Rollback {
        /// The file's number.
        number: u64,
        /// The number that was seen.
        held: u64,
    },
    /// Too old.
    #[error("the metadata file should have been replaced by {0}. Download the current one")]
    Overdue(String),
}

/// Whether a BLOB may be used after its `nextUpdate`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Freshness {
    /// For so long after the end of that day, then it is refused.
    Within(Duration),
    /// Always: an installation without a network decides for itself.
    AnyAge,
}

/// A verified BLOB.
#[derive(Debug)]
pub struct Blob {
    number: u64,
    next_update: UnixTime,
    authenticators: HashMap<Uuid, Authenticator>,
    skipped: usize,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Payload<'a> {
    no: u64,
    next_update: String,
    // One by one, so that an entry that cannot be read loses itself only.
    #[serde(borrow)]
    entries: Vec<&'a RawValue>,
}

impl Blob {
    /// Verifies a BLOB as MDS3 §3.2 says, as of `now`. `held` is the highest number that was accepted before.
    ///
    /// # Errors
    /// When it must not be used.
    pub fn verify(
        text: &str,
        trust: &Trust,
        freshness: Freshness,
        held: Option<u64>,
        now: UnixTime,
    ) -> Result<Self, BlobError> {
        if text.len() > LARGEST {
            return Err(BlobError::Form("it is too large"));
        }
        let jws = jws::Jws::parse(text.trim_ascii())?;
        let signer = trust.verify(&jws.certificates, now)?;
        if !signer.signed(&jws) {
            return Err(BlobError::Signature);
        }
        let blob = Self::parse(&jws.payload)?;
        if let Some(held) = held.filter(|held| blob.number < *held) {
            return Err(BlobError::Rollback { number: blob.number, held });
        }
        match freshness {
            Freshness::Within(grace) if blob.next_update.plus(grace) < now => {
                Err(BlobError::Overdue(blob.next_update.to_text()))
            }
            Freshness::Within(_) | Freshness::AnyAge => Ok(blob),
        }
    }

    fn parse(payload: &[u8]) -> Result<Self, BlobError> {
        let payload: Payload<'_> = serde_json::from_slice(payload).map_err(|_| BlobError::Payload)?;
        let next_update = end_of_day(&payload.next_update).ok_or(BlobError::Payload)?;
        let mut blob = Self { number: payload.no, next_update, authenticators: HashMap::new(), skipped: 0 };
        for entry in payload.entries {
            match entry::parse(entry.get()) {
                entry::Parsed::Fido2(aaguid, authenticator) => blob.insert(aaguid, authenticator),
                entry::Parsed::OtherProtocol => {}
                entry::Parsed::Unreadable(aaguid) => {
                    blob.skipped = blob.skipped.saturating_add(1);
                    // It may have said that the authenticator is compromised, so it does not count as unknown.
                    if let Some(aaguid) = aaguid {
                        blob.insert(aaguid, Authenticator::unreadable());
                    }
                }
            }
        }
        Ok(blob)
    }

    /// Of two entries for one AAGUID neither may hide what the other says.
    fn insert(&mut self, aaguid: Uuid, authenticator: Authenticator) {
        match self.authenticators.entry(aaguid) {
            Place::Vacant(place) => {
                place.insert(authenticator);
            }
            Place::Occupied(mut place) => place.get_mut().merge(authenticator),
        }
    }

    /// Its serial number, to be kept against rollback.
    #[must_use]
    pub fn number(&self) -> u64 {
        self.number
    }

    /// Until when it is current.
    #[must_use]
    pub fn next_update(&self) -> UnixTime {
        self.next_update
    }

    /// How many entries could not be read.
    #[must_use]
    pub fn skipped(&self) -> usize {
        self.skipped
    }

    /// How many authenticators it knows by AAGUID.
    #[must_use]
    pub fn len(&self) -> usize {
        self.authenticators.len()
    }

    /// Whether it knows none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.authenticators.is_empty()
    }

    /// What is known about an authenticator.
    #[must_use]
    pub fn authenticator(&self, aaguid: Uuid) -> Option<&Authenticator> {
        self.authenticators.get(&aaguid)
    }

    /// All authenticators.
    pub fn authenticators(&self) -> impl Iterator<Item = (Uuid, &Authenticator)> {
        self.authenticators.iter().map(|(aaguid, authenticator)| (*aaguid, authenticator))
    }
}

/// The end of an ISO 8601 date in UTC.
fn end_of_day(date: &str) -> Option<UnixTime> {
    let date: jiff::civil::Date = date.parse().ok()?;
    let start = date.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp().as_second();
    Some(UnixTime::from_seconds(start).plus(Duration::from_hours(24)))
}

/// A BLOB with these models and statuses, and models whose entries cannot be read.
#[cfg(test)]
pub(crate) fn blob_of(models: &[(u128, &[&str])], unreadable: &[u128]) -> Blob {
    tests::blob_of(models, unreadable)
}

/// BLOBs of one mint with these numbers, each with the trust that verifies it, and when they are current.
#[cfg(test)]
pub(crate) fn minted(numbers: &[u64]) -> (UnixTime, Vec<(String, Trust)>) {
    tests::minted(numbers)
}

#[cfg(test)]
mod tests;
