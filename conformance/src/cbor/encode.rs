//! Encoding: the shortest form of every item, in the order given.

use std::cmp::Ordering;

use super::Value;

/// The item's bytes. Maps keep their order, [`Value::Raw`] goes out as it is.
pub fn encode(value: &Value) -> Vec<u8> {
    let mut out = Vec::new();
    put(value, &mut out);
    out
}

/// CTAP2's order of map keys (CTAP 2.3 §8): by major type, then by length, then by bytes.
pub fn canonical_order(left: &Value, right: &Value) -> Ordering {
    let (left, right) = (encode(left), encode(right));
    let major = |key: &[u8]| key.first().map(|first| first >> 5);
    (major(&left), left.len(), &left).cmp(&(major(&right), right.len(), &right))
}

/// The shortest head of an item: its major type with a number.
pub fn head(major: u8, number: u64) -> Vec<u8> {
    let kind = major << 5;
    let bytes = number.to_be_bytes();
    let [.., c0, c1, c2, c3] = bytes;
    match number {
        0..=23 => vec![kind | c3],
        24..=0xFF => vec![kind | 0x18, c3],
        0x100..=0xFFFF => vec![kind | 0x19, c2, c3],
        0x1_0000..=0xFFFF_FFFF => vec![kind | 0x1A, c0, c1, c2, c3],
        _ => [&[kind | 0x1B], bytes.as_slice()].concat(),
    }
}

fn put(value: &Value, out: &mut Vec<u8>) {
    match value {
        Value::Unsigned(number) => out.extend(head(0, *number)),
        Value::Negative(below) => out.extend(head(1, *below)),
        Value::Bytes(bytes) => {
            out.extend(head(2, length(bytes.len())));
            out.extend(bytes);
        }
        Value::Text(text) => {
            out.extend(head(3, length(text.len())));
            out.extend(text.as_bytes());
        }
        Value::Array(elements) => {
            out.extend(head(4, length(elements.len())));
            for element in elements {
                put(element, out);
            }
        }
        Value::Map(entries) => {
            out.extend(head(5, length(entries.len())));
            for (key, value) in entries {
                put(key, out);
                put(value, out);
            }
        }
        Value::Tag(number, content) => {
            out.extend(head(6, *number));
            put(content, out);
        }
        Value::Bool(value) => out.push(if *value { 0xF5 } else { 0xF4 }),
        Value::Null => out.push(0xF6),
        Value::Simple(number) => out.extend(head(7, (*number).into())),
        Value::Float(number) => {
            out.push(0xFB);
            out.extend(number.to_be_bytes());
        }
        Value::Raw(bytes) => out.extend(bytes),
    }
}

fn length(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}
