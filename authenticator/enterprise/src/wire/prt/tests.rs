use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD, Engine as _};
use latchkey_container::secret::Secret32;
use latchkey_container::{PublicKey, UnixTime};
use serde_json::Value;

use super::{Granted, Issued, Wish, assertion, request, token_request};
use crate::wire::rsa_key::RsaKey;
use crate::wire::session_key::prove;

const NOW: UnixTime = UnixTime(1_800_000_000);

fn part(jws: &str, index: usize) -> Value {
    let part = jws.split('.').nth(index).expect("three parts");
    serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(part).expect("base64url")).expect("JSON")
}

#[test]
fn the_assertion_names_key_user_and_nonce() {
    let key = RsaKey::of(&PublicKey::Rsa { modulus: vec![0xC5; 256], exponent: 65_537 }).expect("RSA");
    let signed = assertion("ann@example.org", "tenant", &key, "nonce", NOW).signed(b"signature");
    let header = part(&signed, 0);
    assert_eq!(header["use"], "ngc");
    assert_eq!(header["kid"], BASE64_STANDARD.encode(key.id()), "standard base64, with its padding");
    let payload = part(&signed, 1);
    assert_eq!(payload["iss"], "ann@example.org");
    assert_eq!(payload["request_nonce"], "nonce");
    assert_eq!(payload["exp"], NOW.0 + 300);
}

#[test]
fn the_request_carries_the_assertion_and_the_device_certificate() {
    let signed = request("ann@example.org", "a.s.s", b"certificate", "outer").signed(b"signature");
    assert_eq!(part(&signed, 0)["x5c"][0], BASE64_STANDARD.encode(b"certificate"));
    assert_eq!(part(&signed, 1)["assertion"], "a.s.s");
    assert_eq!(part(&signed, 1)["request_nonce"], "outer");
}

#[test]
fn a_token_request_is_proved_with_a_key_of_its_own() {
    let wish = Wish { client: "app", resource: Some("https://api"), scope: "openid", redirect: None };
    let payload = token_request(&wish, "the token", "nonce", NOW);
    let key = Secret32::new([3; 32]);
    let proved = prove(&key, &[1; 24], &payload);
    assert_eq!(part(&proved, 0)["kdf_ver"], 2);
    assert_eq!(part(&proved, 0)["ctx"], BASE64_STANDARD.encode([1; 24]));
    assert_eq!(part(&proved, 1), payload);
    let other = prove(&key, &[1; 24], &token_request(&Wish::RENEWAL, "the token", "nonce", NOW));
    assert_ne!(proved.rsplit('.').next(), other.rsplit('.').next());
}

#[test]
fn answers_are_read_and_never_shown() {
    let issued = Issued::read(
        br#"{"refresh_token":"secret-token","session_key_jwe":"a.b.c.d.e","refresh_token_expires_in":9}"#,
    )
    .expect("an answer");
    assert!(!format!("{issued:?}").contains("secret-token"));
    assert!(Issued::read(br#"{"refresh_token":"x"}"#).is_err());
    for expiry in ["3600", "\"3600\""] {
        let text = format!(r#"{{"access_token":"secret-token","expires_in":{expiry}}}"#);
        let granted = Granted::read(text.as_bytes()).expect("an answer");
        assert_eq!(granted.expires_in, 3600);
        assert!(!format!("{granted:?}").contains("secret-token"));
    }
}
