//! The test vectors of W3C Web Authentication Level 3, one file each in `tests/vectors`.

use std::fs;
use std::path::Path;

use latchkey_protocol::attestation::{AttestationObject, AttestationStatement};
use latchkey_protocol::authenticator_data::{AttestedCredential, AuthenticatorData, Flags};
use latchkey_protocol::cbor::Value;
use latchkey_protocol::cose::CoseKey;
use latchkey_protocol::{Algorithm, Status, make_credential};
use serde_json::Value as Json;

fn hex(json: &Json) -> Vec<u8> {
    let digits = json.as_str().expect("a hexadecimal text").as_bytes();
    assert!(digits.len().is_multiple_of(2));
    digits.chunks(2).map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap()).collect()
}

fn array<const N: usize>(json: &Json) -> [u8; N] {
    hex(json).try_into().expect("the right length")
}

fn vectors() -> Vec<(String, Json)> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors");
    let mut vectors: Vec<_> = fs::read_dir(directory)
        .unwrap()
        .map(|entry| {
            let path = entry.unwrap().path();
            let name = path.file_stem().unwrap().to_string_lossy().into_owned();
            (name, serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap())
        })
        .collect();
    vectors.sort_by(|(a, _), (b, _)| a.cmp(b));
    vectors
}

fn public_key(json: &Json) -> CoseKey {
    match json["kind"].as_str().unwrap() {
        "p256" => CoseKey::P256 { x: array(&json["x"]), y: array(&json["y"]) },
        "rsa" => CoseKey::Rsa { n: hex(&json["n"]), e: hex(&json["e"]) },
        "other" => {
            let key = CoseKey::parse(&hex(&json["cose"])).unwrap();
            assert_eq!(key.algorithm(), json["alg"].as_i64().map(Algorithm));
            key
        }
        other => panic!("no such kind of key: {other}"),
    }
}

fn statement(registration: &Json) -> AttestationStatement {
    let sig = || hex(&registration["sig"]);
    match (registration["fmt"].as_str().unwrap(), registration["x5c"].as_array()) {
        ("none", None) => AttestationStatement::None,
        ("packed", None) => AttestationStatement::PackedSelf { alg: Algorithm::ES256, sig: sig() },
        (format, Some(certificates)) => AttestationStatement::Other(
            format.to_owned(),
            Value::Map(vec![
                ("alg".into(), (-7).into()),
                ("sig".into(), sig().into()),
                ("x5c".into(), certificates.iter().map(|c| Value::Bytes(hex(c))).collect::<Vec<_>>().into()),
            ]),
        ),
        (format, None) => panic!("no such format: {format}"),
    }
}

fn flags(json: &Json) -> Flags {
    Flags(json["flags"].as_u64().unwrap().try_into().unwrap())
}

#[test]
fn all_are_there() {
    let names: Vec<String> = vectors().into_iter().map(|(name, _)| name).collect();
    assert_eq!(
        names,
        [
            "none-es256",
            "none-es256-cross-origin",
            "none-es256-long-credential-id",
            "none-es256-top-origin",
            "packed-eddsa",
            "packed-rs256",
            "packed-self-es256",
        ]
    );
}

#[test]
fn attestation_objects_are_parsed_and_encoded_to_the_byte() {
    for (name, vector) in vectors() {
        let registration = &vector["registration"];
        let bytes = hex(&registration["attestation_object"]);
        let expected = AttestationObject {
            att_stmt: statement(registration),
            auth_data: hex(&registration["authenticator_data"]),
        };
        assert_eq!(AttestationObject::parse(&bytes).unwrap(), expected, "{name}");
        assert_eq!(expected.encode(), bytes, "{name}");
    }
}

#[test]
fn authenticator_data_are_parsed_and_encoded_to_the_byte() {
    for (name, vector) in vectors() {
        let registration = &vector["registration"];
        let bytes = hex(&registration["authenticator_data"]);
        let expected = AuthenticatorData {
            rp_id_hash: array(&registration["rp_id_hash"]),
            flags: flags(registration),
            sign_count: 0,
            attested: Some(AttestedCredential {
                aaguid: array(&registration["aaguid"]),
                credential_id: hex(&registration["credential_id"]),
                public_key: public_key(&registration["public_key"]),
            }),
            extensions: None,
        };
        assert_eq!(AuthenticatorData::parse(&bytes).unwrap(), expected, "{name}");
        assert_eq!(expected.encode(), bytes, "{name}");

        let authentication = &vector["authentication"];
        let bytes = hex(&authentication["authenticator_data"]);
        let expected = AuthenticatorData { flags: flags(authentication), attested: None, ..expected };
        assert_eq!(AuthenticatorData::parse(&bytes).unwrap(), expected, "{name}");
        assert_eq!(expected.encode(), bytes, "{name}");
    }
}

#[test]
fn public_keys_are_parsed_and_encoded_to_the_byte() {
    for (name, vector) in vectors() {
        let json = &vector["registration"]["public_key"];
        let bytes = hex(&json["cose"]);
        let expected = public_key(json);
        assert_eq!(CoseKey::parse(&bytes).unwrap(), expected, "{name}");
        assert_eq!(expected.encode(), bytes, "{name}");
    }
}

#[test]
fn a_ctap_response_gives_the_attestation_object() {
    for (name, vector) in vectors() {
        let bytes = hex(&vector["registration"]["attestation_object"]);
        let object = AttestationObject::parse(&bytes).unwrap();
        let response = make_credential::Response::new(object.auth_data, object.att_stmt).encode();
        assert_eq!(response.first(), Some(&Status::OK.0));
        let response = make_credential::Response::parse(&response).unwrap();
        let object = AttestationObject { att_stmt: response.att_stmt, auth_data: response.auth_data };
        assert_eq!(object.encode(), bytes, "{name}");
    }
}
