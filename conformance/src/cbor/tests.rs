use super::{Value, canonical_order, decode, diagnostic, encode};

/// Items with their shortest encodings, from RFC 8949 appendix A.
#[test]
fn items_of_the_standard_encode_and_decode() {
    let rows: [(Value, &str); 13] = [
        (0.into(), "00"),
        (23.into(), "17"),
        (24.into(), "1818"),
        (1000.into(), "1903e8"),
        (Value::Unsigned(u64::MAX), "1bffffffffffffffff"),
        ((-1).into(), "20"),
        (Value::Negative(u64::MAX), "3bffffffffffffffff"),
        ([1_u8, 2, 3, 4].into(), "4401020304"),
        ("\u{fc}".into(), "62c3bc"),
        (Value::Array(vec![1.into(), Value::Array(vec![2.into(), 3.into()])]), "8201820203"),
        (Value::Map(vec![("a".into(), 1.into()), ("b".into(), Value::Array(vec![]))]), "a26161016162 80"),
        (true.into(), "f5"),
        (Value::Null, "f6"),
    ];
    for (value, wanted) in rows {
        let bytes = unhex(wanted);
        assert_eq!(encode(&value), bytes, "{value:?}");
        let decoded = decode(&bytes).expect("it is CBOR");
        assert_eq!((decoded.value, decoded.breaches), (value, vec![]), "{wanted}");
    }
}

#[test]
fn every_breach_of_the_canonical_form_is_noted_and_understood() {
    let rows = [
        ("1817", 23.into(), "shortest"),
        ("190018", 24.into(), "shortest"),
        ("5801ff", [0xFF_u8].into(), "shortest"),
        ("a2020001 00", Value::Map(vec![(2.into(), 0.into()), (1.into(), 0.into())]), "canonical order"),
        ("a2616100 0100", Value::Map(vec![("a".into(), 0.into()), (1.into(), 0.into())]), "canonical order"),
        ("a201000100", Value::Map(vec![(1.into(), 0.into()), (1.into(), 0.into())]), "twice"),
        ("5f41014102ff", [1_u8, 2].into(), "indefinite"),
        ("9f01ff", Value::Array(vec![1.into()]), "indefinite"),
        ("bf0102ff", Value::Map(vec![(1.into(), 2.into())]), "indefinite"),
        ("f93e00", Value::Float(1.5), "floating"),
        ("c001", Value::Tag(0, Box::new(1.into())), "tag"),
        ("f7", Value::Simple(23), "simple"),
        ("0000", 0.into(), "follow"),
    ];
    for (bytes, value, breach) in rows {
        let decoded = decode(&unhex(bytes)).expect("it can be understood");
        assert_eq!(decoded.value, value, "{bytes}");
        assert!(
            decoded.breaches.iter().any(|noted| noted.contains(breach)),
            "{bytes}: {:?}",
            decoded.breaches
        );
    }
}

#[test]
fn what_is_no_cbor_is_refused_without_a_panic() {
    for bytes in [
        "",
        "18",
        "1c",
        "42 00",
        "61ff",
        "a1 01",
        "9f01",
        "ff",
        "bf01ff",
        "5bffffffffffffffff",
        "9bffffffffffffffff",
    ] {
        assert!(decode(&unhex(bytes)).is_err(), "{bytes}");
    }
    assert!(decode(&vec![0x81; 100_000]).is_err(), "endless nesting");
}

#[test]
fn keys_sort_by_major_type_then_length_then_bytes() {
    let keys: [Value; 6] = [1.into(), 24.into(), (-1).into(), "b".into(), "aa".into(), "ab".into()];
    assert!(keys.is_sorted_by(|left, right| canonical_order(left, right).is_lt()));
    let map = cbor_map! { "up" => true, "alg" => -7, 3 => 0 };
    assert_eq!(diagnostic(&map), r#"{3: 0, "up": true, "alg": -7}"#);
    assert_eq!(map.at("alg").and_then(Value::integer), Some(-7));
}

fn unhex(text: &str) -> Vec<u8> {
    let digits: Vec<char> = text.chars().filter(|digit| !digit.is_whitespace()).collect();
    digits
        .chunks(2)
        .map(|pair| u8::from_str_radix(&pair.iter().collect::<String>(), 16).expect("hexadecimal"))
        .collect()
}
