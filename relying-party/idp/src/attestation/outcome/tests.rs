use super::*;

#[test]
fn each_result_is_read_as_it_was_written() {
    for (outcome, text) in [
        (Outcome::None, "none"),
        (Outcome::SelfSigned, "self"),
        (Outcome::Verified(Format::Packed), "verified packed"),
        (Outcome::Verified(Format::Tpm), "verified tpm"),
        (Outcome::UnknownRoot("fido-u2f".to_owned()), "unknown root fido-u2f"),
    ] {
        assert_eq!(outcome.to_string(), text);
        assert_eq!(text.parse::<Outcome>().unwrap(), outcome);
    }
    for text in ["", "verified", "verified apple", "Verified packed", "unknown root ", "SELF"] {
        assert!(text.parse::<Outcome>().is_err(), "{text}");
    }
}

#[test]
fn only_a_verified_one_is_shown_as_verified() {
    let word = |outcome: Outcome| Trust::from(outcome).word();
    assert_eq!(word(Outcome::Verified(Format::Tpm)), "verified");
    assert_eq!(word(Outcome::UnknownRoot("packed".to_owned())), "unknown-root");
    assert_eq!(word(Outcome::SelfSigned), "self");
    assert_eq!(word(Outcome::None), "none");
}
