//! What a new PIN must look like.

use unicode_normalization::UnicodeNormalization as _;

use super::range::CharacterRule::{self, Allow, Forbid, Require};

/// The rules for a new PIN. A PIN that is there already is never looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PinComplexity {
    /// The least characters.
    pub minimum_length: u32,
    /// The most characters.
    pub maximum_length: u32,
    /// Capital letters.
    pub uppercase_letters: CharacterRule,
    /// Small letters.
    pub lowercase_letters: CharacterRule,
    /// What is neither a letter with case nor a digit.
    pub special_characters: CharacterRule,
    /// 0 to 9.
    pub digits: CharacterRule,
    /// How many PINs back none may come again; 0: none is remembered.
    pub history: u32,
    /// Days after which a PIN must be changed; 0: never.
    pub expiration: u32,
}

/// Which rule a new PIN breaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PinRefusal {
    /// Too short.
    #[error("your organisation wants PINs of at least {0} characters")]
    TooShort(u32),
    /// Too long.
    #[error("your organisation wants PINs of at most {0} characters")]
    TooLong(u32),
    /// A class of characters is missing.
    #[error("your organisation wants a PIN with {0}")]
    Missing(&'static str),
    /// A class of characters must not be there.
    #[error("your organisation wants a PIN without {0}")]
    Unwanted(&'static str),
    /// Digits in even steps.
    #[error("this PIN is too easy to guess: its digits go in even steps, like 1234 or 1111")]
    Simple,
}

const CAPITAL: &str = "capital letters";
const SMALL: &str = "small letters";
const SPECIAL: &str = "special characters";
const DIGITS: &str = "digits";

impl Default for PinComplexity {
    fn default() -> Self {
        Self {
            minimum_length: 6,
            maximum_length: 127,
            uppercase_letters: Forbid,
            lowercase_letters: Forbid,
            special_characters: Forbid,
            digits: Require,
            history: 0,
            expiration: 0,
        }
    }
}

impl PinComplexity {
    /// Checks a new PIN.
    ///
    /// # Errors
    /// The first rule that it breaks.
    pub fn check(&self, pin: &str) -> Result<(), PinRefusal> {
        // As the container will count them.
        let length = u32::try_from(pin.nfc().count()).unwrap_or(u32::MAX);
        if length < self.minimum_length {
            return Err(PinRefusal::TooShort(self.minimum_length));
        }
        if length > self.maximum_length {
            return Err(PinRefusal::TooLong(self.maximum_length));
        }
        for (class, rule) in self.classes() {
            match (rule, pin.nfc().any(|c| self::class(c) == class)) {
                (Require, false) => return Err(PinRefusal::Missing(class)),
                (Forbid, true) => return Err(PinRefusal::Unwanted(class)),
                (Allow | Require, true) | (Allow | Forbid, false) => {}
            }
        }
        if is_simple(pin) { Err(PinRefusal::Simple) } else { Ok(()) }
    }

    /// One PIN opens the container for all tenants, so the strictest rule of each counts.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self {
            minimum_length: self.minimum_length.max(other.minimum_length),
            maximum_length: self.maximum_length.min(other.maximum_length),
            uppercase_letters: self.uppercase_letters.max(other.uppercase_letters),
            lowercase_letters: self.lowercase_letters.max(other.lowercase_letters),
            special_characters: self.special_characters.max(other.special_characters),
            digits: self.digits.max(other.digits),
            history: self.history.max(other.history),
            expiration: sooner(self.expiration, other.expiration),
        }
        .possible()
        .0
    }

    /// The rules, if some PIN keeps them; the defaults in place of those that none can keep or that mean nothing. Says
    /// what was replaced.
    pub(super) fn possible(mut self) -> (Self, Vec<&'static str>) {
        let (default, mut replaced) = (Self::default(), Vec::new());
        if self.minimum_length >= self.maximum_length {
            self.minimum_length = default.minimum_length;
            self.maximum_length = default.maximum_length;
            replaced.push("MinimumPINLength must be below MaximumPINLength: both are at their defaults");
        }
        let all_are = |rule| self.classes().iter().all(|(_, class)| *class == rule);
        if all_are(Allow) || all_are(Forbid) {
            self.uppercase_letters = default.uppercase_letters;
            self.lowercase_letters = default.lowercase_letters;
            self.special_characters = default.special_characters;
            self.digits = default.digits;
            replaced.push("no class of characters is required, or all are forbidden: PINs are digits");
        }
        (self, replaced)
    }

    const fn classes(&self) -> [(&'static str, CharacterRule); 4] {
        [
            (CAPITAL, self.uppercase_letters),
            (SMALL, self.lowercase_letters),
            (SPECIAL, self.special_characters),
            (DIGITS, self.digits),
        ]
    }
}

/// Of two numbers of days the stricter one; 0 is never.
pub(super) const fn sooner(one: u32, other: u32) -> u32 {
    match (one, other) {
        (0, days) | (days, 0) => days,
        (one, other) if one < other => one,
        (_, other) => other,
    }
}

fn class(c: char) -> &'static str {
    match c {
        '0'..='9' => DIGITS,
        c if c.is_uppercase() => CAPITAL,
        c if c.is_lowercase() => SMALL,
        _ => SPECIAL,
    }
}

/// Whether a PIN of digits goes in even steps, modulo ten: of each length exactly 100 do.
fn is_simple(pin: &str) -> bool {
    if !pin.bytes().all(|byte| byte.is_ascii_digit()) {
        return false;
    }
    let mut steps = pin.bytes().zip(pin.bytes().skip(1)).map(|(one, next)| (10 + next - one) % 10);
    steps.next().is_some_and(|first| steps.all(|step| step == first))
}
