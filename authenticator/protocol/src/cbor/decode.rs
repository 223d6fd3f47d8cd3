//! The decoder.

use ciborium::Value;
use ciborium::value::Integer;

use super::MAX_DEPTH;
use crate::{MAX_MESSAGE, Malformed, Status};

/// Decodes exactly one value.
///
/// # Errors
/// [`Malformed`] with `INVALID_CBOR` for everything that is not canonical, `CBOR_UNEXPECTED_TYPE` for floats and
/// unused simple values, `REQUEST_TOO_LARGE` beyond [`MAX_MESSAGE`].
pub fn decode(bytes: &[u8]) -> Result<Value, Malformed> {
    let (value, rest) = decode_prefix(bytes)?;
    if rest.is_empty() { Ok(value) } else { Err(Malformed::cbor("bytes after the value")) }
}

/// Decodes one value at the start of `bytes` and hands back what follows it (authenticator data puts a COSE key
/// before more bytes, WebAuthn Level 3 §6.5.1).
///
/// # Errors
/// As [`decode`], except that bytes may follow.
pub fn decode_prefix(bytes: &[u8]) -> Result<(Value, &[u8]), Malformed> {
    if bytes.len() > MAX_MESSAGE {
        return Err(Malformed::new(Status::REQUEST_TOO_LARGE, "the message is longer than maxMsgSize"));
    }
    let mut decoder = Decoder { rest: bytes };
    let value = decoder.value(0)?;
    Ok((value, decoder.rest))
}

/// The bytes, as received, of the member `label` of a map: what a MAC over a part of a message is computed from.
///
/// # Errors
/// As [`decode`]; `CBOR_UNEXPECTED_TYPE` if the value is not a map.
pub fn member_bytes(message: &[u8], label: u64) -> Result<Option<&[u8]>, Malformed> {
    let mut decoder = Decoder { rest: message };
    let head = decoder.head()?;
    if head.major != MAP {
        return Err(Malformed::unexpected_type("the message is not a map"));
    }
    for _ in 0..head.argument {
        let key = decoder.value(1)?;
        let start = decoder.rest;
        decoder.value(1)?;
        if key.as_integer() == Some(Integer::from(label)) {
            return Ok(start.get(..start.len() - decoder.rest.len()));
        }
    }
    Ok(None)
}

const UNSIGNED: u8 = 0;
const NEGATIVE: u8 = 1;
const BYTES: u8 = 2;
const TEXT: u8 = 3;
const ARRAY: u8 = 4;
const MAP: u8 = 5;
const TAG: u8 = 6;

/// No more than this many elements are reserved on the word of a length; the rest grows as elements arrive.
const RESERVED: usize = 16;

const TRUNCATED: Malformed = Malformed::cbor("the message ends inside a value");

struct Decoder<'a> {
    rest: &'a [u8],
}

/// The initial byte of an item and the argument that follows it (RFC 8949 §3).
struct Head {
    major: u8,
    /// The low five bits of the initial byte.
    additional: u8,
    argument: u64,
}

impl<'a> Decoder<'a> {
    fn take<const N: usize>(&mut self) -> Result<[u8; N], Malformed> {
        let (taken, rest) = self.rest.split_first_chunk::<N>().ok_or(TRUNCATED)?;
        self.rest = rest;
        Ok(*taken)
    }

    fn head(&mut self) -> Result<Head, Malformed> {
        let [initial] = self.take()?;
        let (major, additional) = (initial >> 5, initial & 0x1F);
        let (argument, smallest) = match additional {
            0..=23 => (u64::from(additional), 0),
            24 => (u64::from(u8::from_be_bytes(self.take()?)), 24),
            25 => (u64::from(u16::from_be_bytes(self.take()?)), 0x100),
            26 => (u64::from(u32::from_be_bytes(self.take()?)), 0x1_0000),
            27 => (u64::from_be_bytes(self.take()?), 0x1_0000_0000),
            31 => return Err(Malformed::cbor("an indefinite length")),
            _ => return Err(Malformed::cbor("a reserved initial byte")),
        };
        // The argument of a float is its bits, for which "shortest" means something else.
        if argument < smallest && major != 7 {
            return Err(Malformed::cbor("a number that is not in its shortest form"));
        }
        Ok(Head { major, additional, argument })
    }

    /// `depth` counts the maps and arrays around this value.
    fn value(&mut self, depth: usize) -> Result<Value, Malformed> {
        let head = self.head()?;
        match head.major {
            UNSIGNED => Ok(Value::Integer(head.argument.into())),
            NEGATIVE => negative(head.argument).map(Value::Integer),
            BYTES => Ok(Value::Bytes(self.string(head.argument)?.to_vec())),
            TEXT => {
                let text = std::str::from_utf8(self.string(head.argument)?)
                    .map_err(|_| Malformed::cbor("text that is not UTF-8"))?;
                Ok(Value::Text(text.to_owned()))
            }
            ARRAY => self.array(head.argument, depth),
            MAP => self.map(head.argument, depth),
            TAG => Err(Malformed::cbor("a tag")),
            _ => simple(&head),
        }
    }

    fn string(&mut self, length: u64) -> Result<&'a [u8], Malformed> {
        let length = usize::try_from(length).map_err(|_| TRUNCATED)?;
        let (taken, rest) = self.rest.split_at_checked(length).ok_or(TRUNCATED)?;
        self.rest = rest;
        Ok(taken)
    }

    /// The number of elements, if that many can follow at `bytes_each` or more.
    fn count(&self, claimed: u64, bytes_each: usize, depth: usize) -> Result<usize, Malformed> {
        if depth >= MAX_DEPTH {
            return Err(Malformed::cbor("more than four levels of nesting"));
        }
        let count = usize::try_from(claimed).map_err(|_| TRUNCATED)?;
        if count > self.rest.len() / bytes_each {
            return Err(TRUNCATED);
        }
        Ok(count)
    }

    fn array(&mut self, claimed: u64, depth: usize) -> Result<Value, Malformed> {
        let count = self.count(claimed, 1, depth)?;
        let mut elements = Vec::with_capacity(count.min(RESERVED));
        for _ in 0..count {
            elements.push(self.value(depth + 1)?);
        }
        Ok(Value::Array(elements))
    }

    fn map(&mut self, claimed: u64, depth: usize) -> Result<Value, Malformed> {
        let count = self.count(claimed, 2, depth)?;
        let mut entries = Vec::with_capacity(count.min(RESERVED));
        // Empty, so before every key.
        let mut previous: &[u8] = &[];
        for _ in 0..count {
            let start = self.rest;
            let key = self.value(depth + 1)?;
            let encoded = start.get(..start.len() - self.rest.len()).unwrap_or_default();
            if !(key.is_integer() || key.is_text() || key.is_bytes()) {
                return Err(Malformed::cbor("a map key that is neither an integer nor a string"));
            }
            // For integers and strings the order of §8 (major type, length, content) is the order of the
            // canonical encodings, because type and length come first in them.
            if encoded <= previous {
                return Err(Malformed::cbor("map keys out of canonical order, or one of them twice"));
            }
            previous = encoded;
            entries.push((key, self.value(depth + 1)?));
        }
        Ok(Value::Map(entries))
    }
}

/// −1 − `argument`, which may lie below the range of `i64`.
fn negative(argument: u64) -> Result<Integer, Malformed> {
    Integer::try_from(-1 - i128::from(argument)).map_err(|_| Malformed::cbor("an integer out of range"))
}

/// Major type 7: simple values and floats (RFC 8949 §3.3).
fn simple(head: &Head) -> Result<Value, Malformed> {
    match (head.additional, head.argument) {
        (20, _) => Ok(Value::Bool(false)),
        (21, _) => Ok(Value::Bool(true)),
        (22, _) => Ok(Value::Null),
        (24, 0..=31) => Err(Malformed::cbor("a simple value that is not in its shortest form")),
        (25..=27, _) => Err(Malformed::unexpected_type("a floating-point number")),
        _ => Err(Malformed::unexpected_type("a simple value without meaning here")),
    }
}
