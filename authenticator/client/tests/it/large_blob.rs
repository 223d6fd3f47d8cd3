//! largeBlob, credBlob, prf at registration and the rest of the extensions, against the real engine.

use latchkey_client::{Attachment, Authenticator, ErrorName, TransactError};
use latchkey_protocol::Command;
use serde_json::{Value, json};

use crate::engine::{Engine, PIN, make, registration, sign, signing_in};

fn made(engine: &mut Engine, user: u8, extensions: Value) -> Result<Value, ErrorName> {
    let mut options = registration(user);
    options["extensions"] = extensions;
    make(engine, &options)
}

/// A sign-in with this passkey, and what its extensions gave.
fn signed(
    authenticator: &mut dyn Authenticator,
    passkey: &Value,
    extensions: Value,
) -> Result<Value, ErrorName> {
    let mut options = signing_in();
    options["allowCredentials"] = json!([{ "type": "public-key", "id": passkey["id"] }]);
    options["extensions"] = extensions;
    sign(authenticator, &options, None).map(|mut response| response["clientExtensionResults"].take())
}

fn write(authenticator: &mut dyn Authenticator, passkey: &Value, blob: &str) -> Value {
    signed(authenticator, passkey, json!({ "largeBlob": { "write": blob } })).unwrap()["largeBlob"].take()
}

fn read(authenticator: &mut dyn Authenticator, passkey: &Value) -> Value {
    signed(authenticator, passkey, json!({ "largeBlob": { "read": true } })).unwrap()["largeBlob"].take()
}

#[test]
fn a_blob_is_written_read_and_replaced_and_others_stay() {
    let mut engine = Engine::new(Some(PIN));
    let required = || json!({ "largeBlob": { "support": "required" } });
    let alice = made(&mut engine, 0, required()).unwrap();
    assert_eq!(alice["clientExtensionResults"], json!({ "largeBlob": { "supported": true } }));
    let bob = made(&mut engine, 1, json!({ "largeBlob": { "support": "preferred" } })).unwrap();
    assert_eq!(read(&mut engine, &alice), json!({}), "nothing yet");
    // A long one, which is written in several messages because nothing compresses it.
    let long = incompressible(20_000);
    assert_eq!(write(&mut engine, &alice, &long), json!({ "written": true }));
    assert_eq!(write(&mut engine, &bob, "Ym9i"), json!({ "written": true }));
    assert_eq!(read(&mut engine, &alice), json!({ "blob": long }));
    assert_eq!(write(&mut engine, &alice, "YWxpY2U"), json!({ "written": true }));
    assert_eq!(read(&mut engine, &alice), json!({ "blob": "YWxpY2U" }));
    assert_eq!(read(&mut engine, &bob), json!({ "blob": "Ym9i" }));
    // Too long for the array: told, and nothing is lost.
    assert_eq!(write(&mut engine, &bob, &incompressible(66_000)), json!({ "written": false }));
    assert_eq!(read(&mut engine, &bob), json!({ "blob": "Ym9i" }));
    // A passkey without a key for it has no blob, and signs in all the same.
    let carol = made(&mut engine, 2, json!({})).unwrap();
    assert_eq!(write(&mut engine, &carol, "AA"), json!({ "written": false }));
    assert_eq!(read(&mut engine, &carol), json!({}));
}

/// Base64url of bytes without any pattern.
fn incompressible(length: usize) -> String {
    use base64::Engine as _;
    let mut bytes = vec![0; length];
    rand_chacha::rand_core::Rng::fill_bytes(&mut crate::scripted::rng(), &mut bytes);
    base64::prelude::BASE64_URL_SAFE_NO_PAD.encode(bytes)
}

#[test]
fn what_makes_no_sense_is_refused_before_anybody_is_asked() {
    let mut engine = Engine::new(Some(PIN));
    let alice = made(&mut engine, 0, json!({ "largeBlob": {} })).unwrap();
    engine.prompts.clear();
    for wrong in [json!({ "read": true }), json!({ "write": "AA" })] {
        assert_eq!(made(&mut engine, 1, json!({ "largeBlob": wrong })), Err(ErrorName::NotSupportedError));
    }
    for wrong in [json!({ "support": "required" }), json!({ "read": true, "write": "AA" })] {
        let outcome = signed(&mut engine, &alice, json!({ "largeBlob": wrong }));
        assert_eq!(outcome, Err(ErrorName::NotSupportedError), "§10.1.5");
    }
    let mut anybody = signing_in();
    anybody["extensions"] = json!({ "largeBlob": { "write": "AA" } });
    assert_eq!(sign(&mut engine, &anybody, None), Err(ErrorName::NotSupportedError), "whose blob?");
    // A passkey that is not discoverable has no key.
    let mut hidden = registration(1);
    hidden["authenticatorSelection"] = json!({ "residentKey": "discouraged" });
    hidden["extensions"] = json!({ "largeBlob": { "support": "required" } });
    assert_eq!(make(&mut engine, &hidden), Err(ErrorName::NotAllowedError));
    assert!(engine.prompts.is_empty(), "{:?}", engine.prompts);
    hidden["extensions"] = json!({ "largeBlob": { "support": "preferred" } });
    let hidden = make(&mut engine, &hidden).unwrap();
    assert_eq!(hidden["clientExtensionResults"]["largeBlob"], json!({ "supported": false }));
}

/// Lets another client write its blob when the first one is about to send its request number `after` of the large blobs.
struct Between<'a> {
    engine: &'a mut Engine,
    after: usize,
    other: &'a Value,
    told: Option<Value>,
}

impl Authenticator for Between<'_> {
    fn transact(&mut self, request: &[u8]) -> Result<Vec<u8>, TransactError> {
        if request.first() == Some(&Command::LARGE_BLOBS.0) {
            if self.after == 0 && self.told.is_none() {
                self.told = Some(write(self.engine, self.other, "b3RoZXI"));
            }
            self.after = self.after.saturating_sub(1);
        }
        self.engine.transact(request)
    }

    fn attachment(&self) -> Attachment {
        Attachment::Platform
    }
}

#[test]
fn two_clients_at_once_lose_no_blob_in_silence() {
    // In the way of the reading, of the first fragment, and of the one after it.
    for after in 0..=2 {
        let mut engine = Engine::new(Some(PIN));
        let alice = made(&mut engine, 0, json!({ "largeBlob": {} })).unwrap();
        let bob = made(&mut engine, 1, json!({ "largeBlob": {} })).unwrap();
        assert_eq!(write(&mut engine, &alice, "b2xk"), json!({ "written": true }));
        let mut between = Between { engine: &mut engine, after, other: &bob, told: None };
        let long = incompressible(9000);
        let told = write(&mut between, &alice, &long);
        assert_eq!(between.told, Some(json!({ "written": true })), "the other client, after {after}");
        assert_eq!(read(&mut engine, &bob), json!({ "blob": "b3RoZXI" }), "after {after}");
        let kept = if told == json!({ "written": true }) { long.as_str() } else { "b2xk" };
        assert_eq!(read(&mut engine, &alice), json!({ "blob": kept }), "after {after}: {told}");
    }
}

#[test]
fn a_few_bytes_and_the_other_extensions_come_back_as_they_are_asked_for() {
    let mut engine = Engine::new(Some(PIN));
    let all = json!({ "credBlob": "AQID", "minPinLength": true, "payment": { "isPayment": true }, "largeBlob": {},
        "credentialProtectionPolicy": "userVerificationOptional", "prf": { "eval": { "first": "AQ", "second": "Ag" } } });
    let alice = made(&mut engine, 0, all).unwrap();
    let results = &alice["clientExtensionResults"];
    assert_eq!(results["credBlob"], true);
    assert_eq!(results["largeBlob"], json!({ "supported": true }));
    let at_once = &results["prf"];
    assert_eq!(at_once["enabled"], true);
    let later = json!({ "getCredBlob": true, "prf": { "eval": { "first": "AQ", "second": "Ag" } } });
    let later = signed(&mut engine, &alice, later).unwrap();
    assert_eq!(later["getCredBlob"], "AQID");
    assert_eq!(later["prf"]["results"], at_once["results"], "as at registration (hmac-secret-mc)");
    assert_eq!(signed(&mut engine, &alice, json!({})).unwrap(), json!({}), "outputs answer inputs");
    let long = made(&mut engine, 1, json!({ "credBlob": incompressible(65) })).unwrap();
    assert_eq!(long["clientExtensionResults"], json!({ "credBlob": false }));
}
