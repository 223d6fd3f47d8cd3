//! The requests, without their command byte, and what the measure needs of the responses.

use ciborium::{Value, cbor};

const HASH: [u8; 32] = [0xCD; 32];

/// A discoverable ES256 passkey for alice at this site, without extensions.
pub fn registration(rp_id: &str) -> Vec<u8> {
    encode(&cbor!({
        1 => bytes(&HASH),
        2 => { "id" => rp_id, "name" => "Site" },
        3 => { "id" => bytes(b"alice"), "name" => "alice", "displayName" => "ALICE" },
        4 => [{ "alg" => -7, "type" => "public-key" }],
        7 => { "rk" => true },
    }))
}

/// An assertion with the passkey of this ID, without user presence.
pub fn assertion(rp_id: &str, credential_id: &[u8]) -> Vec<u8> {
    encode(&cbor!({
        1 => rp_id,
        2 => bytes(&HASH),
        3 => [{ "id" => bytes(credential_id), "type" => "public-key" }],
        5 => { "up" => false },
    }))
}

/// The ID in the authenticator data of a registration: after the hash, flags and counter, the AAGUID and a length.
pub fn credential_id(response: &[u8]) -> Vec<u8> {
    let data = member(response, 2);
    let length = usize::from(u16::from_be_bytes([data[53], data[54]]));
    data[55..55 + length].to_vec()
}

/// Ends the measure unless the response holds an ES256 signature in DER.
pub fn expect_signature(response: &[u8]) {
    let signature = member(response, 3);
    assert!(signature[0] == 0x30 && (66..=72).contains(&signature.len()), "no signature: {signature:02x?}");
}

fn member(response: &[u8], key: i128) -> Vec<u8> {
    let Value::Map(members) = ciborium::from_reader(response).expect("a response is CBOR") else {
        panic!("a response is a map");
    };
    let found = members.into_iter().find(|(name, _)| name.as_integer().map(i128::from) == Some(key));
    found.and_then(|(_, value)| value.into_bytes().ok()).expect("it has the byte string")
}

fn bytes(bytes: &[u8]) -> Value {
    Value::Bytes(bytes.to_vec())
}

fn encode(value: &Result<Value, ciborium::value::Error>) -> Vec<u8> {
    let mut encoded = Vec::new();
    ciborium::into_writer(value.as_ref().expect("a map"), &mut encoded).expect("it encodes");
    encoded
}
