//! The decoder against the rules of CTAP 2.3 §8, against ciborium, and against arbitrary bytes.

use ciborium::Value;
use proptest::collection::vec;
use proptest::prelude::*;

use super::{decode, decode_prefix, encode, member_bytes};
use crate::{MAX_MESSAGE, Status};

fn hex(digits: &str) -> Vec<u8> {
    let digits: Vec<u8> = digits.bytes().filter(|digit| !digit.is_ascii_whitespace()).collect();
    digits.chunks(2).map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap()).collect()
}

#[test]
fn canonical_values_are_decoded_and_encode_to_the_same_bytes() {
    for digits in [
        "00",
        "17",
        "1818",
        "18ff",
        "190100",
        "19ffff",
        "1a00010000",
        "1b0000000100000000",
        "1bffffffffffffffff",
        "20",
        "37",
        "3818",
        "390100",
        "3bffffffffffffffff",
        "40",
        "4401020304",
        "60",
        "62c3bc",
        "80",
        "83010203",
        "a0",
        "a201020304",
        "f4",
        "f5",
        "f6",
        // Integers before byte strings before text, shorter before longer, then by bytes.
        "a8 00f4 18 18f4 20f4 3818f4 4100f4 6162f4 6163f4 626161f4",
        "a1 01 a1 02 a1 03 a1 04 05",
        "81 81 81 81 00",
    ] {
        let bytes = hex(digits);
        let value = decode(&bytes).unwrap_or_else(|malformed| panic!("{digits}: {malformed}"));
        assert_eq!(encode(&value), bytes, "{digits}");
    }
}

#[test]
fn everything_else_is_refused_with_its_status() {
    const INVALID: Status = Status::INVALID_CBOR;
    const TYPE: Status = Status::CBOR_UNEXPECTED_TYPE;
    for (digits, status, why) in [
        ("", INVALID, "nothing"),
        ("1800", INVALID, "long form of 0"),
        ("1817", INVALID, "long form of 23"),
        ("190017", INVALID, "long form of 23 in two bytes"),
        ("1900ff", INVALID, "long form of 255"),
        ("1a0000ffff", INVALID, "long form of 65535"),
        ("1b00000000ffffffff", INVALID, "long form of 2^32-1"),
        ("3800", INVALID, "long form of -1"),
        ("5800", INVALID, "long length of bytes"),
        ("5801ff", INVALID, "long length of bytes"),
        ("780161", INVALID, "long length of text"),
        ("9800", INVALID, "long length of an array"),
        ("b800", INVALID, "long length of a map"),
        ("5f41004100ff", INVALID, "indefinite bytes"),
        ("7f61616161ff", INVALID, "indefinite text"),
        ("9f01ff", INVALID, "indefinite array"),
        ("bf0102ff", INVALID, "indefinite map"),
        ("ff", INVALID, "a lone break"),
        ("1c", INVALID, "reserved"),
        ("1d", INVALID, "reserved"),
        ("1e", INVALID, "reserved"),
        ("1f", INVALID, "indefinite integer"),
        ("fc", INVALID, "reserved"),
        ("a2 0100 0000", INVALID, "keys out of order"),
        ("a2 0100 0100", INVALID, "a key twice"),
        ("a2 6161f4 6161f5", INVALID, "a text key twice"),
        ("a2 626161f4 6162f4", INVALID, "the longer text key first"),
        ("a2 6161f4 4161f4", INVALID, "text before bytes"),
        ("a2 20f4 00f4", INVALID, "negative before unsigned"),
        ("a1 8000", INVALID, "an array as a key"),
        ("a1 a000", INVALID, "a map as a key"),
        ("a1 f400", INVALID, "a bool as a key"),
        ("a1 f600", INVALID, "null as a key"),
        ("c000", INVALID, "a tag"),
        ("d9d9f7a0", INVALID, "the self-description tag"),
        ("c24101", INVALID, "a big number"),
        ("a1 01 c1 00", INVALID, "a tag inside"),
        ("61ff", INVALID, "text that is not UTF-8"),
        ("62c328", INVALID, "text that is not UTF-8"),
        ("63eda080", INVALID, "a surrogate"),
        ("a1 01 a1 02 a1 03 a1 04 a0", INVALID, "five maps deep"),
        ("81 81 81 81 80", INVALID, "five arrays deep"),
        ("0000", INVALID, "two values"),
        ("a0ff", INVALID, "a byte after the value"),
        ("a1", INVALID, "a map that ends early"),
        ("a101", INVALID, "a key without a value"),
        ("41", INVALID, "bytes that end early"),
        ("82 00", INVALID, "an array that ends early"),
        ("5bffffffffffffffff", INVALID, "a huge byte string"),
        ("7bffffffffffffffff", INVALID, "a huge text"),
        ("9bffffffffffffffff", INVALID, "a huge array"),
        ("bbffffffffffffffff", INVALID, "a huge map"),
        ("9a7fffffff00", INVALID, "a large array"),
        ("ba7fffffff0000", INVALID, "a large map"),
        ("f818", INVALID, "a simple value in the long form"),
        ("19", INVALID, "a missing argument"),
        ("f9", INVALID, "a missing float"),
        ("f90000", TYPE, "a half float"),
        ("fa00000000", TYPE, "a float"),
        ("fb3ff0000000000000", TYPE, "a double"),
        ("a1 01 f93c00", TYPE, "a float inside"),
        ("f7", TYPE, "undefined"),
        ("e0", TYPE, "simple value 0"),
        ("f3", TYPE, "simple value 19"),
        ("f820", TYPE, "simple value 32"),
    ] {
        let refused = decode(&hex(digits)).expect_err(why);
        assert_eq!(refused.status, status, "{why}: {digits}");
    }
}

#[test]
fn the_longest_message_is_accepted_and_one_byte_more_is_not() {
    let mut message = encode(&Value::Bytes(vec![0; MAX_MESSAGE - 3]));
    assert_eq!(message.len(), MAX_MESSAGE);
    assert!(decode(&message).is_ok());
    message.push(0);
    assert_eq!(decode(&message).unwrap_err().status, Status::REQUEST_TOO_LARGE);
}

#[test]
fn a_prefix_leaves_the_rest() {
    let (value, rest) = decode_prefix(&[0x81, 0x00, 0xFF, 0x01]).unwrap();
    assert_eq!(value, Value::Array(vec![0.into()]));
    assert_eq!(rest, [0xFF, 0x01]);
}

#[test]
fn the_bytes_of_a_member_are_those_received() {
    let message = hex("a3 01 06 02 a2 01 41aa 02 40 03 02");
    assert_eq!(member_bytes(&message, 2).unwrap(), Some(hex("a2 01 41aa 02 40").as_slice()));
    assert_eq!(member_bytes(&message, 3).unwrap(), Some([0x02].as_slice()));
    assert_eq!(member_bytes(&message, 4).unwrap(), None);
    assert_eq!(member_bytes(&[0x80], 4).unwrap_err().status, Status::CBOR_UNEXPECTED_TYPE);
}

fn scalar() -> impl Strategy<Value = Value> {
    prop_oneof![
        any::<u64>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u8>().prop_map(Value::from),
        any::<u64>().prop_map(|n| Value::Integer((-1 - i128::from(n)).try_into().unwrap())),
        vec(any::<u8>(), 0..40).prop_map(Value::Bytes),
        any::<String>().prop_map(Value::Text),
        any::<bool>().prop_map(Value::Bool),
        Just(Value::Null),
    ]
}

fn value() -> impl Strategy<Value = Value> {
    scalar().prop_recursive(3, 24, 5, |inner| {
        let key = scalar().prop_filter("a key", |key| !key.is_bool() && !key.is_null());
        prop_oneof![
            vec(inner.clone(), 0..5).prop_map(Value::Array),
            vec((key, inner), 0..5).prop_map(|mut entries| {
                entries.sort_by_key(|(key, _)| encode(key));
                entries.dedup_by_key(|(key, _)| encode(key));
                Value::Map(entries)
            }),
        ]
    })
}

/// The same value, encoded by ciborium, which keeps the order of map entries.
fn as_given(value: &Value) -> Vec<u8> {
    let mut bytes = Vec::new();
    ciborium::into_writer(value, &mut bytes).unwrap();
    bytes
}

proptest! {
    #[test]
    fn what_is_encoded_is_decoded(value in value()) {
        let bytes = encode(&value);
        prop_assert_eq!(&decode(&bytes).unwrap(), &value);
        // ciborium writes shortest forms too, and the entries are sorted already.
        prop_assert_eq!(as_given(&value), bytes);
    }

    #[test]
    fn the_order_of_map_entries_does_not_matter_to_the_encoder_and_does_to_the_decoder(
        value in value().prop_filter("two entries", |value| value.as_map().is_some_and(|map| map.len() > 1)),
    ) {
        let mut entries = value.as_map().unwrap().clone();
        entries.reverse();
        let reversed = Value::Map(entries);
        prop_assert_eq!(encode(&reversed), encode(&value));
        prop_assert_eq!(decode(&as_given(&reversed)).unwrap_err().status, Status::INVALID_CBOR);
    }

    #[test]
    fn what_is_accepted_is_canonical_and_means_what_ciborium_says(bytes in vec(any::<u8>(), 0..64)) {
        if let Ok(value) = decode(&bytes) {
            prop_assert_eq!(&ciborium::from_reader::<Value, _>(bytes.as_slice()).unwrap(), &value);
            prop_assert_eq!(encode(&value), bytes);
        }
    }

    #[test]
    fn a_changed_byte_never_makes_something_else_than_canonical_cbor(
        value in value(), at in any::<prop::sample::Index>(), to in any::<u8>(),
    ) {
        let mut bytes = encode(&value);
        let at = at.index(bytes.len());
        bytes[at] = to;
        if let Ok(changed) = decode(&bytes) {
            prop_assert_eq!(encode(&changed), bytes);
        }
    }

    #[test]
    fn no_proper_prefix_is_a_value(value in value(), length in any::<prop::sample::Index>()) {
        let bytes = encode(&value);
        let length = length.index(bytes.len());
        prop_assert!(decode(&bytes[..length]).is_err());
    }
}
