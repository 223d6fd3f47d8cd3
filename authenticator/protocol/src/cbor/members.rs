//! Reading the members of a map: each is taken out once, with its type; what nobody takes is ignored, because a
//! later specification may have put it there (CTAP 2.3 §8).

use ciborium::Value;
use ciborium::value::Integer;

use super::decode;
use crate::Malformed;

/// The members of one map that have not been taken yet.
pub(crate) struct Members(Vec<(Value, Value)>);

/// What a map calls a member.
pub(crate) trait Label: Copy {
    fn is(self, key: &Value) -> bool;
}

/// What a member can be read as.
pub(crate) trait Decode: Sized {
    fn decode(value: Value, what: &'static str) -> Result<Self, Malformed>;
}

impl Members {
    /// Reads the map that every message with parameters is. No bytes at all are a map without members, so that
    /// the answer to a bare command names what is missing.
    pub(crate) fn of_message(bytes: &[u8]) -> Result<Self, Malformed> {
        if bytes.is_empty() {
            return Ok(Self(Vec::new()));
        }
        Self::decode(decode(bytes)?, "the message is not a map")
    }

    /// Takes a member that may be absent.
    pub(crate) fn optional<T: Decode>(
        &mut self,
        label: impl Label,
        what: &'static str,
    ) -> Result<Option<T>, Malformed> {
        let Some(position) = self.0.iter().position(|(key, _)| label.is(key)) else {
            return Ok(None);
        };
        // Order no longer matters: the decoder has checked it.
        let (_, value) = self.0.swap_remove(position);
        T::decode(value, what).map(Some)
    }

    /// Takes a member that must be there.
    pub(crate) fn required<T: Decode>(
        &mut self,
        label: impl Label,
        what: &'static str,
    ) -> Result<T, Malformed> {
        self.optional(label, what)?.ok_or(Malformed::missing(what))
    }

    /// Takes a list that may be absent, which means the same as an empty one.
    pub(crate) fn list<T: Decode>(
        &mut self,
        label: impl Label,
        what: &'static str,
    ) -> Result<Vec<T>, Malformed> {
        Ok(self.optional(label, what)?.unwrap_or_default())
    }

    /// What has not been taken, for maps whose names are data.
    pub(crate) fn rest(self) -> Vec<(Value, Value)> {
        self.0
    }

    /// Whether nothing is left.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Label for i64 {
    fn is(self, key: &Value) -> bool {
        key.as_integer() == Some(Integer::from(self))
    }
}

impl Label for &str {
    fn is(self, key: &Value) -> bool {
        key.as_text() == Some(self)
    }
}

impl Decode for Members {
    fn decode(value: Value, what: &'static str) -> Result<Self, Malformed> {
        value.into_map().map(Self).map_err(|_| Malformed::unexpected_type(what))
    }
}

impl Decode for Value {
    fn decode(value: Value, _what: &'static str) -> Result<Self, Malformed> {
        Ok(value)
    }
}

impl Decode for String {
    fn decode(value: Value, what: &'static str) -> Result<Self, Malformed> {
        value.into_text().map_err(|_| Malformed::unexpected_type(what))
    }
}

impl Decode for Vec<u8> {
    fn decode(value: Value, what: &'static str) -> Result<Self, Malformed> {
        value.into_bytes().map_err(|_| Malformed::unexpected_type(what))
    }
}

impl<const N: usize> Decode for [u8; N] {
    fn decode(value: Value, what: &'static str) -> Result<Self, Malformed> {
        let bytes: Vec<u8> = Decode::decode(value, what)?;
        Self::try_from(bytes).map_err(|_| Malformed::length(what))
    }
}

impl Decode for bool {
    fn decode(value: Value, what: &'static str) -> Result<Self, Malformed> {
        value.as_bool().ok_or(Malformed::unexpected_type(what))
    }
}

impl Decode for Integer {
    fn decode(value: Value, what: &'static str) -> Result<Self, Malformed> {
        value.as_integer().ok_or(Malformed::unexpected_type(what))
    }
}

impl Decode for u64 {
    /// A negative number is another type: CBOR has a major type for each, and the messages say "unsigned".
    fn decode(value: Value, what: &'static str) -> Result<Self, Malformed> {
        let number: Integer = Decode::decode(value, what)?;
        Self::try_from(number).map_err(|_| Malformed::unexpected_type(what))
    }
}

impl<T: Decode> Decode for Vec<T> {
    fn decode(value: Value, what: &'static str) -> Result<Self, Malformed> {
        let elements = value.into_array().map_err(|_| Malformed::unexpected_type(what))?;
        elements.into_iter().map(|element| T::decode(element, what)).collect()
    }
}
