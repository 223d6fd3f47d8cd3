//! Time-based one-time passwords (RFC 6238): six digits, steps of 30 seconds.

use std::fmt::{self, Write as _};

use aws_lc_rs::hmac;
use rand_core::CryptoRng;
use subtle::{ConditionallySelectable as _, ConstantTimeEq as _};
use zeroize::Zeroizing;

use crate::clock::UnixTime;

/// Seconds in a step (RFC 6238 §5.2).
const STEP: u64 = 30;
/// Codes below this number: six digits.
const CODES: u32 = 1_000_000;

/// The hash that both sides use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Algorithm {
    /// What every authenticator app knows.
    Sha1,
    /// For apps that can.
    Sha256,
}

impl Algorithm {
    /// The name in an `otpauth` address and in the database.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sha1 => "SHA1",
            Self::Sha256 => "SHA256",
        }
    }

    /// The algorithm with this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Sha1, Self::Sha256].into_iter().find(|algorithm| algorithm.name() == name)
    }

    /// RFC 6238 §5.1: as long as the hash.
    const fn secret_length(self) -> usize {
        match self {
            Self::Sha1 => 20,
            Self::Sha256 => 32,
        }
    }

    fn hmac(self) -> hmac::Algorithm {
        match self {
            // HMAC does not need what SHA-1 has lost (RFC 6194 §3.3), and apps know nothing else for certain.
            Self::Sha1 => hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY,
            Self::Sha256 => hmac::HMAC_SHA256,
        }
    }
}

/// The number of a 30-second step since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct TimeStep(u64);

impl TimeStep {
    /// The step with this number.
    #[must_use]
    pub const fn new(number: u64) -> Self {
        Self(number)
    }

    /// Its number, for the database.
    #[must_use]
    pub const fn number(self) -> u64 {
        self.0
    }

    /// The step of a time.
    #[must_use]
    pub fn at(time: UnixTime) -> Self {
        Self(u64::try_from(time.seconds()).unwrap_or(0) / STEP)
    }
}

/// What a code is worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Answer {
    /// The code is right. Keep the step: the caller must store it, and only if no later one is stored, before it
    /// lets the user in (RFC 6238 §5.2: a code is accepted once).
    Accepted(TimeStep),
    /// The code is right, but it or a later one was used before.
    Replayed,
    /// The code is wrong.
    Wrong,
}

/// The secret that the user's app and the provider share.
pub struct TotpSecret {
    algorithm: Algorithm,
    bytes: Zeroizing<Vec<u8>>,
}

impl TotpSecret {
    /// A new secret.
    #[must_use]
    pub fn random(algorithm: Algorithm, rng: &mut dyn CryptoRng) -> Self {
        let mut bytes = Zeroizing::new(vec![0; algorithm.secret_length()]);
        rng.fill_bytes(&mut bytes);
        Self { algorithm, bytes }
    }

    /// The secret that the database kept. `None` when it is shorter than 128 bits (RFC 4226 §4, R6).
    #[must_use]
    pub fn from_bytes(algorithm: Algorithm, bytes: Zeroizing<Vec<u8>>) -> Option<Self> {
        (bytes.len() >= 16).then_some(Self { algorithm, bytes })
    }

    /// The bytes, to be sealed.
    #[must_use]
    pub fn expose(&self) -> &[u8] {
        &self.bytes
    }

    /// The algorithm.
    #[must_use]
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// What to type where no QR code can be read.
    #[must_use]
    pub fn base32(&self) -> Zeroizing<String> {
        base32(&self.bytes)
    }

    /// The address that the QR code shows: `otpauth://totp/{issuer}:{account}?…`.
    #[must_use]
    pub fn otpauth(&self, issuer: &str, account: &str) -> Zeroizing<String> {
        let issuer = percent_encoded(issuer);
        Zeroizing::new(format!(
            "otpauth://totp/{issuer}:{}?secret={}&issuer={issuer}&algorithm={}&digits=6&period={STEP}",
            percent_encoded(account),
            *self.base32(),
            self.algorithm.name(),
        ))
    }

    /// Judges what a user typed. `last` is the step of the last accepted code of this secret.
    ///
    /// One step before and after are tried too (RFC 6238 §6), each time all three.
    pub fn verify(&self, typed: &str, last: Option<TimeStep>, now: UnixTime) -> Answer {
        let Some(typed) = digits(typed) else { return Answer::Wrong };
        let current = TimeStep::at(now).0;
        let mut matched = 0_u64;
        // Oldest first, so that of two steps with one code the later one counts as used.
        for step in [current.saturating_sub(1), current, current.saturating_add(1)] {
            matched.conditional_assign(&step, self.code(TimeStep(step)).ct_eq(&typed));
        }
        match (matched, last) {
            (0, _) => Answer::Wrong,
            (step, Some(last)) if step <= last.0 => Answer::Replayed,
            (step, _) => Answer::Accepted(TimeStep(step)),
        }
    }

    /// The code of a step (RFC 4226 §5.3).
    fn code(&self, step: TimeStep) -> u32 {
        let key = hmac::Key::new(self.algorithm.hmac(), &self.bytes);
        let tag = hmac::sign(&key, &step.0.to_be_bytes());
        let hash = tag.as_ref();
        let offset = usize::from(hash.last().map_or(0, |byte| byte & 0x0F));
        let chunk = hash.get(offset..).and_then(<[u8]>::first_chunk::<4>).copied().unwrap_or_default();
        (u32::from_be_bytes(chunk) & 0x7FFF_FFFF) % CODES
    }
}

impl fmt::Debug for TotpSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TotpSecret").field("algorithm", &self.algorithm).finish_non_exhaustive()
    }
}

/// Six ASCII digits. People type the space that their app shows between them.
fn digits(typed: &str) -> Option<u32> {
    let mut number = 0;
    let mut count = 0;
    for character in typed.chars().filter(|character| *character != ' ') {
        count += 1;
        if count > 6 {
            return None;
        }
        number = number * 10 + character.to_digit(10)?;
    }
    (count == 6).then_some(number)
}

/// RFC 4648 §6 without padding, as the apps read it.
fn base32(bytes: &[u8]) -> Zeroizing<String> {
    const ALPHABET: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    let mut text = Zeroizing::new(String::with_capacity(bytes.len().div_ceil(5) * 8));
    for group in bytes.chunks(5) {
        let mut buffer = [0; 8];
        for (place, byte) in buffer.iter_mut().skip(3).zip(group) {
            *place = *byte;
        }
        let bits = u64::from_be_bytes(buffer);
        for index in 0..(group.len() * 8).div_ceil(5) {
            let shift = 35_usize.saturating_sub(index * 5);
            let digit = usize::try_from((bits >> shift) & 31).unwrap_or(0);
            text.push(ALPHABET.get(digit).copied().map_or('A', char::from));
        }
    }
    text
}

/// RFC 3986 §2.3: all but the unreserved characters. `+` for a space, as forms write it, would show as a plus.
fn percent_encoded(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            // Writing to a string cannot fail.
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}

#[cfg(test)]
mod tests;
