//! The PIN and the only thing that CTAP lets an authenticator see of it.

use sha2::{Digest, Sha256};
use unicode_normalization::UnicodeNormalization;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use crate::traces::without_traces;

mod complexity;
mod record;
#[cfg(test)]
mod tests;

pub(crate) use complexity::PinShape;
pub use complexity::{CharacterRule, PinComplexity, PinOverdue, PinRefusal, PinRules, sooner};
pub(crate) use record::PinRecord;

/// The longest PIN in bytes of UTF-8 (CTAP 2.3 §6.5.1).
const MAXIMUM_BYTES: usize = 63;
/// The fewest code points that CTAP allows (CTAP 2.3 §6.5.1).
const MINIMUM_CODE_POINTS: u8 = 4;

/// A PIN that is to be set: at most 63 bytes of UTF-8 with enough code points and no NUL at its end. Wiped on drop.
#[derive(Zeroize, ZeroizeOnDrop)]
pub struct Pin(Vec<u8>);

impl Pin {
    /// Takes a PIN as it comes over the wire, where the platform has already made it NFC (CTAP 2.3 §6.5.1).
    ///
    /// # Errors
    /// [`PinError`], when it breaks a rule; never with the PIN or its length in it.
    pub fn parse(bytes: &[u8], minimum_code_points: u8) -> Result<Self, PinError> {
        let minimum = minimum_code_points.max(MINIMUM_CODE_POINTS);
        let text = std::str::from_utf8(bytes).map_err(|_| PinError::NotText)?;
        if bytes.len() > MAXIMUM_BYTES {
            return Err(PinError::TooLong);
        }
        if bytes.last() == Some(&0) {
            return Err(PinError::TrailingNul);
        }
        if text.chars().count() < usize::from(minimum) {
            return Err(PinError::TooShort { minimum });
        }
        Ok(Self(bytes.to_vec()))
    }

    /// Takes a PIN as a person typed it: we are the platform then, so it becomes NFC first.
    ///
    /// # Errors
    /// [`PinError`], as [`Pin::parse`].
    pub fn typed(text: &str, minimum_code_points: u8) -> Result<Self, PinError> {
        Self::parse(normalised(text).as_bytes(), minimum_code_points)
    }

    /// The text; [`Pin::parse`] has seen that it is one.
    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }

    /// What every path that sets or checks a PIN uses.
    #[must_use]
    pub fn hash(&self) -> PinHash {
        PinHash::of(&self.0)
    }
}

impl std::fmt::Debug for Pin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Pin(redacted)")
    }
}

/// `LEFT(SHA-256(PIN), 16)`: what the platform sends (CTAP 2.3 §6.5.5.7). Not `Clone`, wiped on drop.
#[derive(Zeroize, ZeroizeOnDrop)]
pub struct PinHash([u8; 16]);

impl PinHash {
    /// Takes the hash that a platform sent.
    #[must_use]
    pub const fn new(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// Hashes what a person typed to *verify* a PIN. No rule of length applies: a wrong guess is just wrong.
    #[must_use]
    pub fn typed(text: &str) -> Self {
        Self::of(normalised(text).as_bytes())
    }

    /// The hash function copies the PIN into a block of its own, on the stack.
    fn of(bytes: &[u8]) -> Self {
        without_traces(|| {
            let mut digest = Sha256::digest(bytes);
            let mut hash = [0; 16];
            for (to, from) in hash.iter_mut().zip(digest.iter()) {
                *to = *from;
            }
            digest.as_mut_slice().zeroize();
            let this = Self(hash);
            hash.zeroize();
            this
        })
    }

    pub(crate) const fn expose(&self) -> &[u8; 16] {
        &self.0
    }
}

impl std::fmt::Debug for PinHash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PinHash(redacted)")
    }
}

/// Which rule a new PIN breaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PinError {
    /// Too few code points.
    #[error("the PIN is too short: use at least {minimum} characters")]
    TooShort {
        /// How many there must be.
        minimum: u8,
    },
    /// More than 63 bytes.
    #[error("the PIN is too long: use at most 63 bytes of UTF-8")]
    TooLong,
    /// Not UTF-8.
    #[error("the PIN is not UTF-8 text")]
    NotText,
    /// Ends in NUL, which the wire's padding would swallow.
    #[error("the PIN must not end in a NUL character")]
    TrailingNul,
}

/// Reserves the most that normalisation can need (a factor of three in UTF-8 for NFC), so that no reallocation
/// leaves a copy behind.
fn normalised(text: &str) -> Zeroizing<String> {
    let mut normalised = Zeroizing::new(String::with_capacity(text.len().saturating_mul(3)));
    normalised.extend(text.nfc());
    normalised
}
