//! Temporary Access Passes: a code that an administrator hands to a user who has no other method yet, or lost all.
//!
//! A pass is short enough to be typed, so it is stored like a password (the [`crate::password`] pool hashes it) and
//! guesses count in [`crate::limits`].

use std::fmt;
use std::time::Duration;

use rand_core::CryptoRng;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::clock::UnixTime;
use crate::password::{Password, PasswordError};

/// Letters and digits that nobody mistakes for each other when they are read out.
const ALPHABET: &[u8; 32] = b"23456789ABCDEFGHJKLMNPQRSTUVWXYZ";
const SHORTEST: usize = 8;
const LONGEST: usize = 48;
const BRIEFEST: Duration = Duration::from_mins(10);
const LASTING: Duration = Duration::from_hours(30 * 24);

/// What an administrator asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PassOptions {
    /// Characters of the code, 8 to 48.
    pub length: usize,
    /// How long it can be used, 10 minutes to 30 days.
    pub lifetime: Duration,
    /// Whether it can be used once only.
    pub once: bool,
    /// From when; from now on if `None`.
    pub start: Option<UnixTime>,
}

impl Default for PassOptions {
    fn default() -> Self {
        Self { length: 10, lifetime: Duration::from_hours(1), once: true, start: None }
    }
}

/// The options cannot be granted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OptionsError {
    /// Too short or too long.
    #[error("a pass has {SHORTEST} to {LONGEST} characters")]
    Length,
    /// Too brief or too long.
    #[error("a pass lasts from 10 minutes to 30 days")]
    Lifetime,
}

/// The code, for the administrator's eyes, once.
pub struct PassCode(Zeroizing<String>);

impl PassCode {
    /// A new code.
    ///
    /// # Errors
    /// When the options ask for one that is too short or too long.
    pub fn random(options: &PassOptions, rng: &mut dyn CryptoRng) -> Result<Self, OptionsError> {
        if !(SHORTEST..=LONGEST).contains(&options.length) {
            return Err(OptionsError::Length);
        }
        let mut bytes = Zeroizing::new(vec![0; options.length]);
        rng.fill_bytes(&mut bytes);
        let mut code = Zeroizing::new(String::with_capacity(options.length));
        for byte in bytes.iter() {
            // 32 letters: each is as likely as the other.
            code.push(ALPHABET.get(usize::from(byte & 31)).copied().map_or('2', char::from));
        }
        Ok(Self(code))
    }

    /// The text to show.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// What a user typed, as the password that the pool is to verify. Letter case, spaces and hyphens do not count.
    ///
    /// # Errors
    /// When it is nothing, or too long to be a pass.
    pub fn typed(text: &str) -> Result<Password, PasswordError> {
        // Far more than a pass with a hyphen after each letter.
        if text.len() > 4 * LONGEST {
            return Err(PasswordError::TooLong);
        }
        let kept = text.chars().filter(|character| !character.is_whitespace() && *character != '-');
        let code: Zeroizing<String> =
            Zeroizing::new(kept.map(|character| character.to_ascii_uppercase()).collect());
        Password::parse(&code)
    }

    /// The code as the password that the pool is to hash.
    ///
    /// # Errors
    /// Never for a code that [`PassCode::random`] made.
    pub fn to_password(&self) -> Result<Password, PasswordError> {
        Self::typed(&self.0)
    }
}

impl fmt::Debug for PassCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PassCode(..)")
    }
}

/// When a pass can be used; what is stored beside its hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PassTerms {
    /// From when.
    pub from: UnixTime,
    /// Until when.
    pub until: UnixTime,
    /// Whether once only.
    pub once: bool,
    /// When it was last used.
    pub used: Option<UnixTime>,
}

/// Why the right code is not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PassRefused {
    /// Too early.
    #[error("this pass cannot be used yet: try again later, or ask your administrator for another one")]
    NotYet,
    /// Too late.
    #[error("this pass has expired: ask your administrator for another one")]
    Expired,
    /// It was for one use.
    #[error("this pass was already used: ask your administrator for another one")]
    Used,
}

impl PassTerms {
    /// The terms of a new pass.
    ///
    /// # Errors
    /// When it would be usable for too short or too long.
    pub fn new(options: &PassOptions, now: UnixTime) -> Result<Self, OptionsError> {
        if !(BRIEFEST..=LASTING).contains(&options.lifetime) {
            return Err(OptionsError::Lifetime);
        }
        let from = options.start.map_or(now, |start| start.max(now));
        Ok(Self { from, until: from.plus(options.lifetime), once: options.once, used: None })
    }

    /// The terms after this use. Storage must write them only if `used` is still what it was: of two uses of a
    /// one-time pass at the same time one wins.
    ///
    /// # Errors
    /// When the pass cannot be used now.
    pub fn r#use(&self, now: UnixTime) -> Result<Self, PassRefused> {
        if now < self.from {
            Err(PassRefused::NotYet)
        } else if now >= self.until {
            Err(PassRefused::Expired)
        } else if self.once && self.used.is_some() {
            Err(PassRefused::Used)
        } else {
            Ok(Self { used: Some(now), ..*self })
        }
    }
}

#[cfg(test)]
mod tests;
