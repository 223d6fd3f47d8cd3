use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;

use super::*;

#[test]
fn a_token_is_three_parts_with_a_plain_header() {
    let part = |text: &str| URL_SAFE_NO_PAD.encode(text);
    let header = part("{\"alg\":\"RS256\"}");
    let body = part("{}");
    assert!(Jws::parse(&format!("{header}.{body}.")).is_ok());
    for (wrong, error) in [
        (String::new(), JwsError::Malformed),
        ("..".to_owned(), JwsError::Malformed),
        (format!("{header}.{body}"), JwsError::Malformed),
        (format!("{header}.{body}.x.y"), JwsError::Malformed),
        (format!("{header}=.{body}."), JwsError::Malformed),
        (format!("{header}.{}.", "A".repeat(20_000)), JwsError::Malformed),
        (format!("{}.{body}.", part("[]")), JwsError::Malformed),
        (format!("{}.{body}.", part("{\"alg\":\"RS256\",\"crit\":[\"x\"]}")), JwsError::Critical),
        (format!("{}.{body}.", part("{\"alg\":\"RS256\",\"b64\":false}")), JwsError::Critical),
    ] {
        assert_eq!(Jws::parse(&wrong).unwrap_err(), error, "{wrong}");
    }
}

#[test]
fn a_jwk_is_a_key_that_we_can_verify_with() {
    for wrong in [
        "{}",
        "{\"kty\":\"oct\",\"k\":\"AAAA\"}",
        "{\"kty\":\"RSA\",\"n\":\"AQAB\"}",
        "{\"kty\":\"EC\",\"crv\":\"P-384\",\"x\":\"AA\",\"y\":\"AA\"}",
        "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"AA\",\"y\":\"AA\"}",
    ] {
        let jwk: Value = serde_json::from_str(wrong).unwrap();
        assert!(PublicKey::from_jwk(&jwk).is_none(), "{wrong}");
    }
}
