//! The client data of any caller and challenge: it is JSON for exactly these, in the one spelling that relying parties
//! may compare without a parser (WebAuthn Level 3 §5.8.1.1).
//!
//! An input is a byte of choices (bit 0: get; bit 1: cross-origin), the challenge, and the origin's host and port.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use latchkey_client::{Caller, ErrorName};
use serde_json::{Value, json};

use crate::input::Input;
use crate::page::{Ceremony, ceremony};

/// Any bytes.
///
/// # Panics
/// When the client data says something else than caller and challenge.
pub fn check(data: &[u8]) {
    let mut input = Input::new(data);
    let (Some(choice), Some(challenge)) = (input.byte(), input.piece()) else { return };
    let Ok(host) = std::str::from_utf8(input.rest()) else { return };
    let (kind, name) =
        if choice & 1 == 1 { (Ceremony::Get, "webauthn.get") } else { (Ceremony::Create, "webauthn.create") };
    let caller = Caller { origin: &format!("https://{host}"), cross_origin: choice & 2 == 2 };
    let challenge = BASE64_URL_SAFE_NO_PAD.encode(challenge);
    match ceremony(kind, &options(&challenge), caller) {
        Ok(answer) => {
            let made = answer.pointer("/response/clientDataJSON").and_then(Value::as_str);
            let made = made.and_then(|text| BASE64_URL_SAFE_NO_PAD.decode(text).ok());
            let made = made.expect("an answer has client data");
            compare(&made, name, &challenge, caller);
        }
        // The options are right, so it can only be the caller.
        Err(refused) => assert_eq!(refused.name, ErrorName::SecurityError, "{refused:?} of {caller:?}"),
    }
}

/// Options that are right for both ceremonies, for the relying party that the caller is.
fn options(challenge: &str) -> String {
    json!({
        "challenge": challenge,
        "rp": { "name": "Site" },
        "user": { "id": "AQ", "name": "alice", "displayName": "Alice" },
        "pubKeyCredParams": [{ "type": "public-key", "alg": -7 }],
    })
    .to_string()
}

fn compare(made: &[u8], kind: &str, challenge: &str, caller: Caller<'_>) {
    let read: Value = serde_json::from_slice(made).expect("client data is JSON");
    let expected = json!({
        "type": kind,
        "challenge": challenge,
        "origin": caller.origin,
        "crossOrigin": caller.cross_origin,
    });
    assert_eq!(read, expected);
    // An origin that was accepted has no character that would need an escape.
    let plain = format!(
        r#"{{"type":"{kind}","challenge":"{challenge}","origin":"{}","crossOrigin":{}}}"#,
        caller.origin, caller.cross_origin
    );
    assert_eq!(made, plain.as_bytes(), "the order of the members, and no space");
}
