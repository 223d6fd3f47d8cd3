use super::*;

#[test]
fn base32_as_in_the_standard() {
    assert_eq!(base32("MZXW6YTBOI"), b"foobar");
    assert_eq!(base32("mzxw6yq="), b"foob");
}

#[test]
fn codes_as_in_the_standard() {
    // RFC 6238 Appendix B, SHA-1: the last six of the eight digits.
    let app = App::scan("otpauth://totp/x?issuer=y&secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ");
    for (seconds, code) in [(59, "287082"), (1_111_111_109, "081804"), (20_000_000_000, "353130")] {
        assert_eq!(app.at(seconds / PERIOD), code);
    }
}
