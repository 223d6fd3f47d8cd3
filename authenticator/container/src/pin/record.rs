//! What is kept of a PIN beside its protector: how it looks, and verifiers of it and of the ones before.
//!
//! The record is sealed under the authentication key. So nobody has verifiers to guess against who could not open the
//! container already; and whoever can, pays for each guess what a try of the PIN itself costs.

#[cfg(test)]
mod tests;

use rand_core::CryptoRng;
use serde::{Deserialize, Serialize};
use serde_bytes::ByteArray;
use zeroize::Zeroizing;

use super::{Pin, PinHash, PinShape};
use crate::error::Error;
use crate::seal::{Place, Purpose, SealingKey};
use crate::secret::Secret32;
use crate::stretch::{StretchCost, verifier};

/// Where the record is sealed: there is one per container.
const ROW: [u8; 32] = *b"latchkey record of form and past";

/// The record.
#[derive(Serialize, Deserialize)]
pub(crate) struct PinRecord {
    /// Unknown of a PIN that was set before there was a record.
    shape: Option<PinShape>,
    salt: ByteArray<32>,
    /// Newest first; the first is the PIN of now, where it was written down.
    verifiers: Vec<ByteArray<32>>,
}

impl PinRecord {
    /// A record that knows nothing.
    pub fn empty(rng: &mut dyn CryptoRng) -> Self {
        let mut salt = [0; 32];
        rng.fill_bytes(&mut salt);
        Self { shape: None, salt: ByteArray::new(salt), verifiers: Vec::new() }
    }

    /// How the PIN looks, where that is known.
    pub const fn shape(&self) -> Option<&PinShape> {
        self.shape.as_ref()
    }

    /// The record with a new PIN in it, remembering `history` PINs; `None` when it is one of those.
    ///
    /// # Errors
    /// [`Error::Memory`].
    pub fn with(mut self, pin: &Pin, history: u32, cost: StretchCost) -> Result<Option<Self>, Error> {
        self.shape = Some(PinShape::of(pin.text()));
        self.shorten(history);
        if history == 0 {
            return Ok(Some(self));
        }
        let new = self.verifier(&pin.hash(), cost)?;
        if self.verifiers.contains(&new) {
            return Ok(None);
        }
        self.verifiers.insert(0, new);
        self.shorten(history);
        Ok(Some(self))
    }

    /// Makes it remember `history` PINs, the one of now among them; tells whether it is another record now.
    ///
    /// # Errors
    /// [`Error::Memory`].
    pub fn fit(&mut self, current: &PinHash, history: u32, cost: StretchCost) -> Result<bool, Error> {
        let before = self.verifiers.len();
        self.shorten(history);
        if history > 0 && self.verifiers.is_empty() {
            self.verifiers.push(self.verifier(current, cost)?);
        }
        Ok(self.verifiers.len() != before)
    }

    fn shorten(&mut self, history: u32) {
        self.verifiers.truncate(usize::try_from(history).unwrap_or(usize::MAX));
    }

    /// Seals it.
    pub fn seal(&self, container: &[u8; 16], key: &Secret32, rng: &mut dyn CryptoRng) -> Vec<u8> {
        let mut cbor = Zeroizing::new(Vec::with_capacity(4096));
        ciborium::into_writer(self, &mut *cbor)
            .unwrap_or_else(|error| unreachable!("writing to memory failed: {error}"));
        SealingKey::derive(key, Purpose::PinRecord).seal(Place { container, row: &ROW }, &cbor, rng)
    }

    /// Opens it under the authentication key's key for it; `None` for anything that was not sealed here under this key.
    pub fn open(container: &[u8; 16], key: &SealingKey, sealed: &[u8]) -> Option<Self> {
        let cbor = key.open(Place { container, row: &ROW }, sealed)?;
        ciborium::from_reader(cbor.as_slice()).ok()
    }

    fn verifier(&self, pin: &PinHash, cost: StretchCost) -> Result<ByteArray<32>, Error> {
        Ok(ByteArray::new(*verifier(cost, pin, &self.salt)?.expose()))
    }
}
