//! Passwords: Argon2id in a pool of workers, each with memory of its own, behind a queue of fixed length.
//!
//! A flood of sign-ins fills the queue and no more: whoever finds it full is told at once when to try again, memory
//! does not grow, and the threads that answer token requests never hash.

mod hash;
mod pool;

use std::fmt;

use unicode_normalization::UnicodeNormalization as _;
use zeroize::Zeroizing;

pub use hash::{Cost, PasswordHash, UnreadableHash};
pub use pool::{Busy, Pending, Pool, PoolError, PoolOptions, Verdict};

/// The longest password, in bytes after normalization. Argon2 would take more; nobody types more.
const LONGEST: usize = 1024;

/// A password as a user typed it.
///
/// It is NFC with any space as U+0020, so that two keyboards that write one letter in two ways agree (RFC 8265 §4.2,
/// `OpaqueString`).
pub struct Password(Zeroizing<String>);

/// This cannot be a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PasswordError {
    /// Nothing was typed.
    #[error("enter a password")]
    Empty,
    /// Longer than anything that is hashed.
    #[error("the password is too long: use at most {LONGEST} bytes")]
    TooLong,
    /// It has control characters, which no keyboard types.
    #[error("the password has characters that cannot be typed")]
    Control,
    /// Shorter than a new password may be.
    #[error("choose a password of at least {0} characters")]
    TooShort(usize),
}

impl Password {
    /// A typed password.
    ///
    /// # Errors
    /// When it is empty, too long, or has control characters.
    pub fn parse(text: &str) -> Result<Self, PasswordError> {
        // Before the normalization, which a long text would keep busy.
        if text.len() > LONGEST {
            return Err(PasswordError::TooLong);
        }
        let mut password = Zeroizing::new(String::with_capacity(text.len().saturating_mul(2)));
        for character in text.nfc() {
            if character.is_control() {
                return Err(PasswordError::Control);
            }
            password.push(if character.is_whitespace() { ' ' } else { character });
        }
        match password.len() {
            0 => Err(PasswordError::Empty),
            1..=LONGEST => Ok(Self(password)),
            _ => Err(PasswordError::TooLong),
        }
    }

    /// A password that is to be set: also long enough (NIST SP 800-63B-4 §3.1.1.2).
    ///
    /// # Errors
    /// As [`Password::parse`], and when it has fewer than `minimum` characters.
    pub fn parse_new(text: &str, minimum: usize) -> Result<Self, PasswordError> {
        let password = Self::parse(text)?;
        if password.0.chars().count() < minimum {
            return Err(PasswordError::TooShort(minimum));
        }
        Ok(password)
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(..)")
    }
}

#[cfg(test)]
mod tests;
