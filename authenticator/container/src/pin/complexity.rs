//! What organisations and administrators ask of a PIN: how it looks, how often it comes again, how old it gets.

use std::fmt;

use serde::{Deserialize, Serialize};
use unicode_normalization::UnicodeNormalization as _;

use CharacterRule::{Allow, Forbid, Require};

/// What PINs are held to, beyond what the container itself wants of them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum PinRules {
    /// Nothing.
    #[default]
    None,
    /// These rules.
    Policy(PinComplexity),
    /// There are rules, and they cannot be read: no PIN can be set until they can.
    Unreadable,
}

/// The rules for PINs. One that is there already must keep those that make it stronger.
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
    /// The one that had to be changed.
    #[error("the PIN must be changed: the new one is the old one")]
    Unchanged,
    /// One of the last ones.
    #[error("your organisation wants a PIN that is none of your last {0}")]
    Repeated(u32),
    /// Nobody knows what is allowed.
    #[error(
        "the policy for PINs cannot be read, so none can be set: `latchkey policy explain` says what is wrong"
    )]
    PolicyUnreadable,
}

/// Why a PIN that is right opens nothing before it is changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PinOverdue {
    /// Too old.
    #[error("your organisation wants a new PIN every {0} days")]
    Expired(u32),
    /// Somebody who manages this device wants it (CTAP 2.3 §6.11.4).
    #[error("whoever manages this authenticator wants a new PIN")]
    Demanded,
    /// The rules became stricter.
    #[error("{0}")]
    Weak(PinRefusal),
}

/// What a PIN may have of a class of characters. The greater rule is the stricter one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "u32", into = "u32")]
pub enum CharacterRule {
    /// 0: it may have some.
    Allow,
    /// 1: it must have one.
    Require,
    /// 2: it must have none.
    Forbid,
}

/// How a PIN looks, without the PIN: what rules that come later are held against.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct PinShape {
    characters: u32,
    /// Whether it has capitals, small letters, special characters, digits.
    has: [bool; 4],
    simple: bool,
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
    /// Checks a new PIN, as far as its form goes.
    ///
    /// # Errors
    /// The first rule that it breaks.
    pub fn check(&self, pin: &str) -> Result<(), PinRefusal> {
        self.faults(&PinShape::of(pin)).next().map_or(Ok(()), Err)
    }

    /// The first rule that leaves a PIN of this form weaker than it should be. What is longer than allowed, or has
    /// characters that are not, is as hard to guess as ever.
    pub(crate) fn weakness(&self, shape: &PinShape) -> Option<PinRefusal> {
        self.faults(shape).find(|fault| !matches!(fault, PinRefusal::TooLong(_) | PinRefusal::Unwanted(_)))
    }

    fn faults(&self, shape: &PinShape) -> impl Iterator<Item = PinRefusal> {
        let length = if shape.is_shorter_than(self.minimum_length) {
            Some(PinRefusal::TooShort(self.minimum_length))
        } else if shape.characters > self.maximum_length {
            Some(PinRefusal::TooLong(self.maximum_length))
        } else {
            None
        };
        let classes = self.classes().into_iter().zip(shape.has);
        let simple = shape.simple.then_some(PinRefusal::Simple);
        length
            .into_iter()
            .chain(classes.filter_map(|((class, rule), has)| match (rule, has) {
                (Require, false) => Some(PinRefusal::Missing(class)),
                (Forbid, true) => Some(PinRefusal::Unwanted(class)),
                (Allow | Require, true) | (Allow | Forbid, false) => None,
            }))
            .chain(simple)
    }

    /// One PIN opens the container for all tenants, so the strictest rule of each counts. Where no PIN could keep both, its
    /// form follows the first: nobody loosens a rule by adding one that contradicts it.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        let both = Self {
            minimum_length: self.minimum_length.max(other.minimum_length),
            maximum_length: self.maximum_length.min(other.maximum_length),
            uppercase_letters: self.uppercase_letters.max(other.uppercase_letters),
            lowercase_letters: self.lowercase_letters.max(other.lowercase_letters),
            special_characters: self.special_characters.max(other.special_characters),
            digits: self.digits.max(other.digits),
            history: self.history.max(other.history),
            expiration: sooner(self.expiration, other.expiration),
        };
        if both.possible().1.is_empty() {
            both
        } else {
            Self { history: both.history, expiration: both.expiration, ..self }
        }
    }

    /// The rules, if some PIN keeps them; the defaults in place of those that none can keep or that mean nothing. Says
    /// what was replaced.
    #[must_use]
    pub fn possible(mut self) -> (Self, Vec<&'static str>) {
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

impl PinShape {
    /// The form of a PIN.
    pub(crate) fn of(pin: &str) -> Self {
        let has = |class| pin.nfc().any(|c| self::class(c) == class);
        Self {
            // As the container counts them.
            characters: u32::try_from(pin.nfc().count()).unwrap_or(u32::MAX),
            has: [CAPITAL, SMALL, SPECIAL, DIGITS].map(has),
            simple: is_simple(pin),
        }
    }

    pub(crate) const fn is_shorter_than(&self, minimum: u32) -> bool {
        self.characters < minimum
    }

    pub(crate) const fn is_simple(&self) -> bool {
        self.simple
    }
}

/// Of two numbers the stricter one, where 0 is no limit.
#[must_use]
pub const fn sooner(one: u32, other: u32) -> u32 {
    match (one, other) {
        (0, limit) | (limit, 0) => limit,
        (one, other) if one < other => one,
        (_, other) => other,
    }
}

impl TryFrom<u32> for CharacterRule {
    type Error = String;

    fn try_from(number: u32) -> Result<Self, String> {
        match number {
            0 => Ok(Self::Allow),
            1 => Ok(Self::Require),
            2 => Ok(Self::Forbid),
            other => Err(format!("{other} is none of 0 (allow), 1 (require), 2 (forbid)")),
        }
    }
}

impl From<CharacterRule> for u32 {
    fn from(rule: CharacterRule) -> Self {
        match rule {
            CharacterRule::Allow => 0,
            CharacterRule::Require => 1,
            CharacterRule::Forbid => 2,
        }
    }
}

impl fmt::Display for CharacterRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Allow => "0 (allow)",
            Self::Require => "1 (require)",
            Self::Forbid => "2 (forbid)",
        })
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
