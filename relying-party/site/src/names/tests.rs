use super::*;

#[test]
fn names_are_trimmed_and_normalised() {
    for (written, shown) in [
        ("alice", "alice"),
        ("  Alice Example ", "Alice Example"),
        ("e\u{301}lodie", "\u{e9}lodie"),
        ("山田太郎", "山田太郎"),
        ("<script>alert(1)</script>", "<script>alert(1)</script>"),
        ("🔑", "🔑"),
    ] {
        assert_eq!(UserName::parse(written).expect(written).as_str(), shown);
    }
    assert!(UserName::parse(&"é".repeat(64)).is_ok());
}

#[test]
fn unusable_names_are_refused() {
    for (written, expected) in [
        ("", NameError::Empty),
        ("   ", NameError::Empty),
        ("a\u{0}b", NameError::Unprintable),
        ("a\nb", NameError::Unprintable),
        ("a\u{202E}b", NameError::Unprintable),
        ("a\u{200B}b", NameError::Unprintable),
        ("\u{3164}", NameError::Unprintable),
        ("a\u{A0}b", NameError::Unprintable),
    ] {
        assert_eq!(UserName::parse(written), Err(expected), "{written:?}");
    }
    assert_eq!(UserName::parse(&"é".repeat(65)), Err(NameError::TooLong));
    assert_eq!(UserName::parse(&"x".repeat(1_000_000)), Err(NameError::TooLong));
}

#[test]
fn one_account_for_one_name_however_it_is_written() {
    let key = |name: &str| UserName::parse(name).unwrap().key();
    assert_eq!(key("Alice"), key("aLICE"));
    assert_eq!(key("Ａｌｉｃｅ"), key("alice"));
    assert_eq!(key("E\u{301}"), key("\u{e9}"));
    assert_ne!(key("alice"), key("alicia"));
}
