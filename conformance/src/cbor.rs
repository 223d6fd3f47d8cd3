//! CBOR (RFC 8949) as a conformance runner needs it: encoded exactly as a case says, right or wrong, and decoded so that every
//! breach of CTAP2's canonical form (CTAP 2.3 §8) is known and none hides what the authenticator meant.

mod decode;
mod diagnostic;
mod encode;

pub use decode::{Decoded, decode};
pub use diagnostic::{diagnostic, hex};
pub use encode::{canonical_order, encode, head};

/// One data item. A map keeps the order it was given: [`Value::sorted`] puts it into canonical order.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// Major type 0.
    Unsigned(u64),
    /// Major type 1: the number −1 − n.
    Negative(u64),
    /// Major type 2.
    Bytes(Vec<u8>),
    /// Major type 3.
    Text(String),
    /// Major type 4.
    Array(Vec<Value>),
    /// Major type 5.
    Map(Vec<(Value, Value)>),
    /// Major type 6, which CTAP has no use for.
    Tag(u64, Box<Value>),
    /// `false` and `true`.
    Bool(bool),
    /// `null`.
    Null,
    /// Any other simple value, which CTAP has no use for.
    Simple(u8),
    /// A floating-point number, which CTAP has no use for.
    Float(f64),
    /// Bytes that go out as they are: how a case says what no right encoder would.
    Raw(Vec<u8>),
}

impl Value {
    /// A map in canonical order.
    pub fn sorted(mut entries: Vec<(Self, Self)>) -> Self {
        entries.sort_by(|(left, _), (right, _)| canonical_order(left, right));
        Self::Map(entries)
    }

    /// The value under a key, if this is a map that has it.
    pub fn at(&self, key: impl Into<Self>) -> Option<&Self> {
        let key = key.into();
        self.map()?.iter().find(|(candidate, _)| *candidate == key).map(|(_, value)| value)
    }

    /// The entries, if this is a map.
    pub fn map(&self) -> Option<&[(Self, Self)]> {
        if let Self::Map(entries) = self { Some(entries) } else { None }
    }

    /// The elements, if this is an array.
    pub fn array(&self) -> Option<&[Self]> {
        if let Self::Array(elements) = self { Some(elements) } else { None }
    }

    /// The bytes, if this is a byte string.
    pub fn bytes(&self) -> Option<&[u8]> {
        if let Self::Bytes(bytes) = self { Some(bytes) } else { None }
    }

    /// The text, if this is a text string.
    pub fn text(&self) -> Option<&str> {
        if let Self::Text(text) = self { Some(text) } else { None }
    }

    /// The number, if this is an unsigned integer.
    pub fn unsigned(&self) -> Option<u64> {
        if let Self::Unsigned(number) = self { Some(*number) } else { None }
    }

    /// The number, if this is an integer of 64 bits with sign.
    pub fn integer(&self) -> Option<i64> {
        if let Self::Negative(below) = self {
            return i64::try_from(*below).ok().map(|below| -1 - below);
        }
        self.unsigned().and_then(|number| i64::try_from(number).ok())
    }

    /// The truth value, if this is one.
    pub fn bool(&self) -> Option<bool> {
        if let Self::Bool(value) = self { Some(*value) } else { None }
    }

    /// What kind of item this is, for messages.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Unsigned(_) => "an unsigned integer",
            Self::Negative(_) => "a negative integer",
            Self::Bytes(_) => "a byte string",
            Self::Text(_) => "a text string",
            Self::Array(_) => "an array",
            Self::Map(_) => "a map",
            Self::Tag(..) => "a tag",
            Self::Bool(_) => "a boolean",
            Self::Null => "null",
            Self::Simple(_) => "a simple value",
            Self::Float(_) => "a float",
            Self::Raw(_) => "raw bytes",
        }
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        u64::try_from(number)
            .map_or_else(|_| Self::Negative(number.unsigned_abs().saturating_sub(1)), Self::Unsigned)
    }
}

impl From<i32> for Value {
    fn from(number: i32) -> Self {
        i64::from(number).into()
    }
}

impl From<u64> for Value {
    fn from(number: u64) -> Self {
        Self::Unsigned(number)
    }
}

impl From<u8> for Value {
    fn from(number: u8) -> Self {
        Self::Unsigned(number.into())
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<&[u8]> for Value {
    fn from(bytes: &[u8]) -> Self {
        Self::Bytes(bytes.to_vec())
    }
}

impl From<Vec<u8>> for Value {
    fn from(bytes: Vec<u8>) -> Self {
        Self::Bytes(bytes)
    }
}

impl<const N: usize> From<[u8; N]> for Value {
    fn from(bytes: [u8; N]) -> Self {
        Self::Bytes(bytes.to_vec())
    }
}

impl From<Vec<Value>> for Value {
    fn from(elements: Vec<Self>) -> Self {
        Self::Array(elements)
    }
}

/// A [`Value::Map`] in canonical order: `cbor_map! { "id" => id, 1 => true }`.
#[macro_export]
macro_rules! cbor_map {
    ($($key:expr => $value:expr),* $(,)?) => {
        $crate::cbor::Value::sorted(vec![$(($crate::cbor::Value::from($key), $crate::cbor::Value::from($value))),*])
    };
}

#[cfg(test)]
mod tests;
