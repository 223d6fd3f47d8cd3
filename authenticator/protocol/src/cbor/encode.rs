//! The encoder. Messages are written straight into the buffer, in the order that their tables give; only
//! [`Value`]s, whose order nobody guarantees, are sorted.

use ciborium::Value;

/// Encodes a value canonically: shortest forms, definite lengths, map keys sorted.
///
/// The floats and tags that [`decode`](super::decode) refuses are written as they are.
#[must_use]
pub fn encode(value: &Value) -> Vec<u8> {
    let mut encoded = Vec::new();
    value.encode_into(&mut encoded);
    encoded
}

/// What can be part of a message.
pub(crate) trait Encode {
    fn encode_into(&self, to: &mut Vec<u8>);
}

/// A member of a map that may be absent.
pub(crate) type Member<'a> = Option<&'a dyn Encode>;

/// Writes a map with integer labels. The caller lists the members in canonical order: 0, 1, 2, …, −1, −2, ….
pub(crate) fn members(to: &mut Vec<u8>, members: &[(i64, Member<'_>)]) {
    head(to, 5, present(members.iter().map(|(_, member)| member)));
    for (label, member) in members {
        if let Some(member) = member {
            label.encode_into(to);
            member.encode_into(to);
        }
    }
}

/// Writes a map with names. The caller lists the members in canonical order: shorter names first, then by bytes.
pub(crate) fn named(to: &mut Vec<u8>, members: &[(&str, Member<'_>)]) {
    head(to, 5, present(members.iter().map(|(_, member)| member)));
    for (name, member) in members {
        if let Some(member) = member {
            name.encode_into(to);
            member.encode_into(to);
        }
    }
}

/// A reference as a member, or absent.
pub(crate) fn some<T: Encode>(member: Option<&T>) -> Member<'_> {
    member.map(|member| -> &dyn Encode { member })
}

/// A list as a member, absent when it is empty: CTAP never sends empty lists.
pub(crate) fn unless_empty<T>(list: &Vec<T>) -> Member<'_>
where
    Vec<T>: Encode,
{
    if list.is_empty() { None } else { Some(list) }
}

/// A byte string; `Vec<u8>` alone would read as an array of integers.
pub(crate) struct Bytes<'a>(pub &'a [u8]);

fn present<'a>(members: impl Iterator<Item = &'a Member<'a>>) -> u64 {
    members.flatten().fold(0, |count, _| count + 1)
}

/// The initial byte and the argument in the shortest form (RFC 8949 §3).
fn head(to: &mut Vec<u8>, major: u8, argument: u64) {
    let major = major << 5;
    if let Ok(argument) = u8::try_from(argument) {
        if argument < 24 {
            to.push(major | argument);
        } else {
            to.extend([major | 0x18, argument]);
        }
    } else if let Ok(argument) = u16::try_from(argument) {
        to.push(major | 0x19);
        to.extend(argument.to_be_bytes());
    } else if let Ok(argument) = u32::try_from(argument) {
        to.push(major | 0x1A);
        to.extend(argument.to_be_bytes());
    } else {
        to.push(major | 0x1B);
        to.extend(argument.to_be_bytes());
    }
}

/// A length always fits: no machine has more than 64 address bits.
fn length(of: usize) -> u64 {
    u64::try_from(of).unwrap_or(u64::MAX)
}

impl Encode for u64 {
    fn encode_into(&self, to: &mut Vec<u8>) {
        head(to, 0, *self);
    }
}

impl Encode for i64 {
    fn encode_into(&self, to: &mut Vec<u8>) {
        match u64::try_from(*self) {
            Ok(number) => head(to, 0, number),
            // −1 − n is the bitwise complement of n.
            Err(_) => head(to, 1, (!*self).unsigned_abs()),
        }
    }
}

impl Encode for bool {
    fn encode_into(&self, to: &mut Vec<u8>) {
        to.push(if *self { 0xF5 } else { 0xF4 });
    }
}

impl Encode for &str {
    fn encode_into(&self, to: &mut Vec<u8>) {
        head(to, 3, length(self.len()));
        to.extend_from_slice(self.as_bytes());
    }
}

impl Encode for String {
    fn encode_into(&self, to: &mut Vec<u8>) {
        self.as_str().encode_into(to);
    }
}

impl Encode for Bytes<'_> {
    fn encode_into(&self, to: &mut Vec<u8>) {
        head(to, 2, length(self.0.len()));
        to.extend_from_slice(self.0);
    }
}

impl Encode for Vec<u8> {
    fn encode_into(&self, to: &mut Vec<u8>) {
        Bytes(self).encode_into(to);
    }
}

impl<const N: usize> Encode for [u8; N] {
    fn encode_into(&self, to: &mut Vec<u8>) {
        Bytes(self).encode_into(to);
    }
}

impl<T: Encode> Encode for Vec<T> {
    fn encode_into(&self, to: &mut Vec<u8>) {
        head(to, 4, length(self.len()));
        for element in self {
            element.encode_into(to);
        }
    }
}

impl Encode for Value {
    fn encode_into(&self, to: &mut Vec<u8>) {
        if let Value::Map(entries) = self {
            let mut entries: Vec<_> = entries.iter().map(|(key, value)| (encode(key), value)).collect();
            entries.sort_by(|(a, _), (b, _)| a.cmp(b));
            head(to, 5, length(entries.len()));
            for (key, value) in entries {
                to.extend(key);
                value.encode_into(to);
            }
        } else if let Value::Array(elements) = self {
            elements.encode_into(to);
        } else if let Value::Tag(tag, value) = self {
            head(to, 6, *tag);
            value.encode_into(to);
        } else if let Value::Bytes(bytes) = self {
            bytes.encode_into(to);
        } else if let Value::Text(text) = self {
            text.encode_into(to);
        } else {
            // A number, a simple value or a float: ciborium writes the shortest form, and a Vec takes every byte.
            let written = ciborium::into_writer(self, to);
            debug_assert!(written.is_ok(), "a scalar is always written");
        }
    }
}
