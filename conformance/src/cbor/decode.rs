//! Decoding: understands everything that can be understood, and notes each breach of the canonical form.

use super::{Value, canonical_order, encode};

/// Nesting beyond this is not followed. CTAP's own limit is 4 (CTAP 2.3 §8), and a breach of it is noted.
const DEEPEST: usize = 32;
/// CTAP's limit of nesting.
const CANONICAL_DEPTH: usize = 4;

/// What the bytes say, and where they break the canonical form.
#[derive(Debug, Clone, PartialEq)]
pub struct Decoded {
    /// The item.
    pub value: Value,
    /// One sentence for each breach; empty for canonical CBOR.
    pub breaches: Vec<String>,
}

/// Bytes that are no CBOR item at all.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no CBOR: {what} at byte {at}")]
pub struct Malformed {
    /// What is wrong.
    pub what: &'static str,
    /// Where it was noticed.
    pub at: usize,
}

/// Decodes one item that fills `bytes`; what follows it is a breach.
///
/// # Errors
/// [`Malformed`] if there is no item, or it ends too early.
pub fn decode(bytes: &[u8]) -> Result<Decoded, Malformed> {
    let mut reader = Reader { bytes, at: 0, breaches: Vec::new() };
    let value = reader.item(0)?;
    if reader.at < bytes.len() {
        reader.breach(&format!("{} bytes follow the item", bytes.len().saturating_sub(reader.at)));
    }
    Ok(Decoded { value, breaches: reader.breaches })
}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
    breaches: Vec<String>,
}

/// The number in an item's head; none for an indefinite length.
struct Head {
    major: u8,
    info: u8,
    number: Option<u64>,
}

impl Reader<'_> {
    fn breach(&mut self, what: &str) {
        self.breaches.push(format!("{what} (byte {})", self.at));
    }

    fn fail(&self, what: &'static str) -> Malformed {
        Malformed { what, at: self.at }
    }

    fn take(&mut self, length: u64) -> Result<Vec<u8>, Malformed> {
        let end = usize::try_from(length).ok().and_then(|length| self.at.checked_add(length));
        let taken = end
            .and_then(|end| self.bytes.get(self.at..end))
            .ok_or_else(|| self.fail("the bytes end too early"))?;
        let taken = taken.to_vec();
        self.at = self.at.saturating_add(taken.len());
        Ok(taken)
    }

    fn byte(&mut self) -> Result<u8, Malformed> {
        self.take(1).map(|byte| byte.first().copied().unwrap_or_default())
    }

    fn head(&mut self) -> Result<Head, Malformed> {
        let first = self.byte()?;
        let (major, info) = (first >> 5, first & 0x1F);
        let number = match info {
            0..=23 => Some(u64::from(info)),
            24..=27 => {
                let wide = self.take(1 << (info - 24))?;
                let number = wide.iter().fold(0_u64, |sum, byte| sum << 8 | u64::from(*byte));
                if major != 7 && super::head(major, number).len() != wide.len().saturating_add(1) {
                    self.breach("a number or length is not in its shortest form");
                }
                Some(number)
            }
            31 => None,
            _ => return Err(self.fail("a reserved head")),
        };
        Ok(Head { major, info, number })
    }

    fn item(&mut self, depth: usize) -> Result<Value, Malformed> {
        if depth > DEEPEST {
            return Err(self.fail("nesting without end"));
        }
        let head = self.head()?;
        if depth == CANONICAL_DEPTH && matches!(head.major, 4 | 5) {
            self.breach("maps and arrays are nested more than four deep");
        }
        match (head.major, head.number) {
            (0, Some(number)) => Ok(Value::Unsigned(number)),
            (1, Some(number)) => Ok(Value::Negative(number)),
            (2 | 3, number) => self.string(head.major, number),
            (4, number) => self.elements(number, depth).map(Value::Array),
            (5, number) => self.entries(number, depth).map(Value::Map),
            (6, Some(number)) => {
                self.breach("a tag");
                Ok(Value::Tag(number, Box::new(self.item(depth.saturating_add(1))?)))
            }
            (7, Some(number)) => self.simple(head.info, number),
            _ => Err(self.fail("a head without a length")),
        }
    }

    fn string(&mut self, major: u8, length: Option<u64>) -> Result<Value, Malformed> {
        let bytes = match length {
            Some(length) => self.take(length)?,
            None => self.chunks(major)?,
        };
        if major == 2 {
            return Ok(Value::Bytes(bytes));
        }
        String::from_utf8(bytes).map(Value::Text).map_err(|_| self.fail("text that is not UTF-8"))
    }

    fn chunks(&mut self, major: u8) -> Result<Vec<u8>, Malformed> {
        self.breach("a string of indefinite length");
        let mut whole = Vec::new();
        while !self.at_break()? {
            let head = self.head()?;
            let length = head
                .number
                .filter(|_| head.major == major)
                .ok_or_else(|| self.fail("a chunk of another type"))?;
            whole.extend(self.take(length)?);
        }
        Ok(whole)
    }

    /// Whether the break of an indefinite length is next; takes it if so.
    fn at_break(&mut self) -> Result<bool, Malformed> {
        let next = self.bytes.get(self.at).ok_or_else(|| self.fail("the bytes end too early"))?;
        let found = *next == 0xFF;
        self.at = self.at.saturating_add(usize::from(found));
        Ok(found)
    }

    fn elements(&mut self, length: Option<u64>, depth: usize) -> Result<Vec<Value>, Malformed> {
        let mut elements = Vec::new();
        let mut left = length;
        if length.is_none() {
            self.breach("an array or map of indefinite length");
        }
        loop {
            match &mut left {
                Some(0) => break,
                Some(left) => *left -= 1,
                None if self.at_break()? => break,
                None => {}
            }
            elements.push(self.item(depth.saturating_add(1))?);
        }
        Ok(elements)
    }

    fn entries(&mut self, length: Option<u64>, depth: usize) -> Result<Vec<(Value, Value)>, Malformed> {
        let flat = self.elements(length.map(|pairs| pairs.saturating_mul(2)), depth)?;
        let (pairs, rest) = flat.as_chunks::<2>();
        if !rest.is_empty() {
            return Err(self.fail("a key without a value"));
        }
        let entries: Vec<_> = pairs.iter().map(|[key, value]| (key.clone(), value.clone())).collect();
        for ((before, _), (after, _)) in entries.iter().zip(entries.iter().skip(1)) {
            if encode(before) == encode(after) {
                self.breach("a map has the same key twice");
            } else if canonical_order(before, after).is_gt() {
                self.breach("the keys of a map are not in canonical order");
            }
        }
        Ok(entries)
    }

    fn simple(&mut self, info: u8, number: u64) -> Result<Value, Malformed> {
        match (info, number) {
            (20, _) => Ok(Value::Bool(false)),
            (21, _) => Ok(Value::Bool(true)),
            (22, _) => Ok(Value::Null),
            (25..=27, bits) => {
                self.breach("a floating-point number");
                Ok(Value::Float(float(info, bits)))
            }
            (_, number) => {
                self.breach("a simple value");
                u8::try_from(number).map(Value::Simple).map_err(|_| self.fail("a reserved simple value"))
            }
        }
    }
}

/// The number behind the bits of a float of two, four or eight bytes.
fn float(info: u8, bits: u64) -> f64 {
    match info {
        27 => f64::from_bits(bits),
        26 => f64::from(f32::from_bits(u32::try_from(bits).unwrap_or_default())),
        _ => {
            let (exponent, mantissa) = (i32::try_from(bits >> 10 & 0x1F).unwrap_or_default(), bits & 0x3FF);
            let mantissa = f64::from(u32::try_from(mantissa).unwrap_or_default());
            let size = match exponent {
                0 => mantissa * 2_f64.powi(-24),
                31 if mantissa == 0.0 => f64::INFINITY,
                31 => f64::NAN,
                _ => (mantissa + 1024.0) * 2_f64.powi(exponent.saturating_sub(25)),
            };
            if bits & 0x8000 == 0 { size } else { -size }
        }
    }
}
