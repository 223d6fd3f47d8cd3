//! The rules of a PIN, on both sides.

use super::{Pin, PinError, PinHash};

#[test]
fn rules_hold_on_both_sides() {
    let sixty_three = "a".repeat(63);
    let sixty_four = "a".repeat(64);
    let umlauts = "ä".repeat(31); // 62 bytes, 31 code points
    let cases: [(&[u8], u8, Result<(), PinError>); 12] = [
        (b"1234", 4, Ok(())),
        (b"123", 4, Err(PinError::TooShort { minimum: 4 })),
        (b"", 4, Err(PinError::TooShort { minimum: 4 })),
        (b"123456", 6, Ok(())),
        (b"12345", 6, Err(PinError::TooShort { minimum: 6 })),
        // CTAP's floor of four holds whatever the caller asks for.
        (b"123", 0, Err(PinError::TooShort { minimum: 4 })),
        // Code points count, not bytes.
        ("äöü".as_bytes(), 4, Err(PinError::TooShort { minimum: 4 })),
        (umlauts.as_bytes(), 31, Ok(())),
        (sixty_three.as_bytes(), 4, Ok(())),
        (sixty_four.as_bytes(), 4, Err(PinError::TooLong)),
        (b"1234\xff", 4, Err(PinError::NotText)),
        (b"1234\0", 4, Err(PinError::TrailingNul)),
    ];
    for (bytes, minimum, expected) in cases {
        assert_eq!(Pin::parse(bytes, minimum).map(drop), expected, "{bytes:?} with minimum {minimum}");
    }
}

#[test]
fn hash_is_the_left_half_of_sha256() {
    // SHA-256("1234") starts so; the same value is in every CTAP client.
    let expected =
        [0x03, 0xac, 0x67, 0x42, 0x16, 0xf3, 0xe1, 0x5c, 0x76, 0x1e, 0xe1, 0xa5, 0xe2, 0x55, 0xf0, 0x67];
    assert_eq!(Pin::parse(b"1234", 4).unwrap().hash().expose(), &expected);
    assert_eq!(PinHash::typed("1234").expose(), &expected);
}

#[test]
fn typed_text_becomes_nfc_and_wire_text_stays() {
    let decomposed = "a\u{308}bcd";
    let composed = "\u{e4}bcd";
    let typed = Pin::typed(decomposed, 4).unwrap();
    assert_eq!(typed.hash().expose(), Pin::parse(composed.as_bytes(), 4).unwrap().hash().expose());
    assert_eq!(PinHash::typed(decomposed).expose(), PinHash::typed(composed).expose());
    let wire = Pin::parse(decomposed.as_bytes(), 4).unwrap();
    assert_ne!(typed.hash().expose(), wire.hash().expose());
}

#[test]
fn nothing_prints() {
    let pin = Pin::parse(b"secret", 4).unwrap();
    assert_eq!(format!("{pin:?} {:?}", pin.hash()), "Pin(redacted) PinHash(redacted)");
}
