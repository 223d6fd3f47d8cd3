use serde_json::json;

use super::*;

fn settings() -> Settings {
    Settings::new("https://example.org", None).unwrap()
}

fn client_data(change: impl FnOnce(&mut serde_json::Value)) -> Vec<u8> {
    let mut data = json!({
        "type": "webauthn.get", "challenge": "AQID", "origin": "https://example.org", "crossOrigin": false,
    });
    change(&mut data);
    data.to_string().into_bytes()
}

#[test]
fn client_data_of_this_site_gives_its_challenge() {
    let plain = client_data(|_| ());
    assert_eq!(check_client_data(&plain, "webauthn.get", &settings()), Ok(vec![1, 2, 3]));
    // A member that a browser may leave out, and one that it may add (WebAuthn L3 §5.8.1).
    let other = client_data(|data| {
        data.as_object_mut().unwrap().remove("crossOrigin");
        data["new_keys_may_be_added_here"] = json!("do not compare clientDataJSON against a template");
    });
    assert_eq!(check_client_data(&other, "webauthn.get", &settings()), Ok(vec![1, 2, 3]));
}

#[test]
fn other_client_data_is_refused() {
    type Change = fn(&mut serde_json::Value);
    let cases: [(Change, Unacceptable); 7] = [
        (|data| data["type"] = json!("webauthn.create"), Unacceptable::WrongType),
        (|data| data["origin"] = json!("https://example.org:443"), Unacceptable::WrongOrigin),
        (|data| data["origin"] = json!("https://sub.example.org"), Unacceptable::WrongOrigin),
        (|data| data["origin"] = json!(null), Unacceptable::Malformed),
        (|data| data["crossOrigin"] = json!(true), Unacceptable::CrossOrigin),
        (|data| data["topOrigin"] = json!("https://example.org"), Unacceptable::CrossOrigin),
        (|data| data["challenge"] = json!("AQID="), Unacceptable::Malformed),
    ];
    for (change, expected) in cases {
        let data = client_data(change);
        assert_eq!(check_client_data(&data, "webauthn.get", &settings()), Err(expected));
    }
    let twice =
        br#"{"type":"webauthn.get","origin":"https://evil.example","origin":"https://example.org","challenge":""}"#;
    assert_eq!(check_client_data(twice, "webauthn.get", &settings()), Err(Unacceptable::Malformed));
}

fn authenticator_data(flags: u8) -> Vec<u8> {
    let mut data = Sha256::digest(b"example.org").to_vec();
    data.push(flags);
    data.extend([0, 0, 0, 9]);
    data
}

#[test]
fn flags() {
    for (flags, expected) in [
        (0x05, None),
        (0x0D, None),
        (0x1D, None),
        (0x04, Some(Unacceptable::UserNotPresent)),
        (0x01, Some(Unacceptable::UserNotVerified)),
        (0x15, Some(Unacceptable::Malformed)),
    ] {
        let data = authenticator_data(flags);
        assert_eq!(check_authenticator_data(&data, &settings()).err(), expected, "{flags:#x}");
    }
    for length in 0..33 {
        let data = authenticator_data(0x05);
        let short = check_authenticator_data(&data[..length], &settings()).err();
        assert_eq!(short, Some(Unacceptable::Malformed));
    }
}

fn registration(auth_data: &[u8], raw_id: &[u8]) -> RegisterPublicKeyCredential {
    let object = ciborium::Value::Map(vec![
        ("fmt".into(), "none".into()),
        ("attStmt".into(), ciborium::Value::Map(Vec::new())),
        ("authData".into(), ciborium::Value::Bytes(auth_data.to_vec())),
    ]);
    let mut attestation_object = Vec::new();
    ciborium::into_writer(&object, &mut attestation_object).unwrap();
    let client_data = client_data(|data| data["type"] = json!("webauthn.create"));
    serde_json::from_value(json!({
        "id": URL_SAFE_NO_PAD.encode(raw_id), "rawId": URL_SAFE_NO_PAD.encode(raw_id), "type": "public-key",
        "response": {
            "clientDataJSON": URL_SAFE_NO_PAD.encode(client_data),
            "attestationObject": URL_SAFE_NO_PAD.encode(attestation_object),
        },
    }))
    .unwrap()
}

fn attested(flags: u8, length: u16, id: &[u8]) -> Vec<u8> {
    let mut data = authenticator_data(flags);
    data.extend([7; 16]);
    data.extend(length.to_be_bytes());
    data.extend(id);
    data
}

#[test]
fn a_registration_says_what_the_authenticator_is() {
    let data = attested(0x4D, 4, b"abcd and a key");
    let claimed = check_registration(&registration(&data, b"abcd"), &settings()).unwrap();
    assert_eq!(claimed.credential_id, b"abcd");
    assert_eq!((claimed.aaguid, claimed.signature_count), ([7; 16], 9));
    assert_eq!((claimed.backup_eligible, claimed.backed_up), (true, false));
    assert_eq!(claimed.challenge, [1, 2, 3]);
}

#[test]
fn broken_attested_credential_data_is_refused() {
    let long = [1; 1024];
    for (data, raw_id, expected) in [
        (attested(0x45, 4, b"abcd"), b"abce".as_slice(), Unacceptable::IdMismatch),
        (attested(0x05, 4, b"abcd"), b"abcd", Unacceptable::Malformed),
        (attested(0x45, 5, b"abcd"), b"abcd", Unacceptable::Malformed),
        (attested(0x45, 0, b""), b"", Unacceptable::Malformed),
        (attested(0x45, 1024, &long), &long, Unacceptable::Malformed),
    ] {
        let refused = check_registration(&registration(&data, raw_id), &settings()).unwrap_err();
        assert_eq!(refused, expected);
    }
    let data = attested(0x45, 4, b"abcd");
    for length in 37..data.len() {
        assert!(check_registration(&registration(&data[..length], b"abcd"), &settings()).is_err());
    }
}

#[test]
fn attestation_objects_that_are_none() {
    let deep = [vec![0x81; 5_000], vec![0x00]].concat();
    let twice = b"\xA2\x68authData\x41\x00\x68authData\x41\x01";
    for object in [b"".as_slice(), b"\xA0", b"\x80", b"\xFF", &deep, twice] {
        assert_eq!(authenticator_data_of(object), Err(Unacceptable::Malformed));
    }
}
