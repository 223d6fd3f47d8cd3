//! What one side encodes the other side parses, and only in that one form.

use coset::CborSerializable;
use latchkey_protocol::attestation::AttestationObject;
use latchkey_protocol::authenticator_data::AuthenticatorData;
use latchkey_protocol::cbor::{self, Value};
use latchkey_protocol::cose::CoseKey;
use latchkey_protocol::{
    Malformed, Request, ResponseError, Status, client_pin, credential_management, get_assertion, get_info,
    large_blobs, make_credential, parse_empty_response,
};
use proptest::collection::vec;
use proptest::prelude::*;

use crate::generators;

/// Everything that parses bytes, for tests that no bytes can upset.
fn parse_everything(bytes: &[u8]) {
    drop(Request::parse(bytes));
    drop(make_credential::Response::parse(bytes));
    drop(get_assertion::Response::parse(bytes));
    drop(client_pin::Response::parse(bytes));
    drop(credential_management::Response::parse(bytes));
    drop(get_info::Response::parse(bytes));
    drop(large_blobs::Response::parse(bytes));
    drop(AuthenticatorData::parse(bytes));
    drop(AttestationObject::parse(bytes));
    drop(CoseKey::parse(bytes));
    let _ = parse_empty_response(bytes);
}

/// Other encodings of the map in `body` that CBOR allows and CTAP2 does not.
fn not_canonical(body: &[u8]) -> Vec<Vec<u8>> {
    let count = body[0] & 0x1F;
    assert!(body[0] >> 5 == 5 && count < 24, "a small map");
    let entries = &body[1..];
    let mut variants = vec![
        [&[0xB8, count], entries].concat(),
        [&[0xB9, 0, count], entries].concat(),
        [&[0xBF], entries, &[0xFF]].concat(),
        [&[0xD9, 0xD9, 0xF7], body].concat(),
        [body, &[0]].concat(),
        body[..body.len() - 1].to_vec(),
    ];
    let mut map = cbor::decode(body).unwrap().into_map().unwrap();
    if let Some((label, member)) = map.first().cloned() {
        map.push((label, member));
        variants.push(in_this_order(&map));
        map.pop();
    }
    if map.len() > 1 {
        map.reverse();
        variants.push(in_this_order(&map));
    }
    variants
}

fn in_this_order(entries: &[(Value, Value)]) -> Vec<u8> {
    let mut bytes = Vec::new();
    ciborium::into_writer(&Value::Map(entries.to_vec()), &mut bytes).unwrap();
    bytes
}

proptest! {
    #[test]
    fn requests(request in generators::request()) {
        let bytes = request.encode();
        prop_assert_eq!(&Request::parse(&bytes).unwrap(), &request);
        let body = &bytes[1..];
        if !body.is_empty() {
            prop_assert_eq!(cbor::encode(&cbor::decode(body).unwrap()), body, "not canonical");
            // No bytes at all are a map without members.
            for variant in not_canonical(body).into_iter().filter(|variant| !variant.is_empty()) {
                let refused = Request::parse(&[&bytes[..1], &variant].concat()).unwrap_err();
                prop_assert_eq!(refused.status, Status::INVALID_CBOR, "{:02x?}", variant);
            }
        }
    }

    #[test]
    fn make_credential_responses(response in generators::make_credential_response()) {
        prop_assert_eq!(make_credential::Response::parse(&response.encode()).unwrap(), response.clone());
        let object = AttestationObject { att_stmt: response.att_stmt, auth_data: response.auth_data };
        prop_assert_eq!(AttestationObject::parse(&object.encode()).unwrap(), object);
    }

    #[test]
    fn get_assertion_responses(response in generators::get_assertion_response()) {
        prop_assert_eq!(get_assertion::Response::parse(&response.encode()).unwrap(), response);
    }

    #[test]
    fn client_pin_responses(response in generators::client_pin_response()) {
        prop_assert_eq!(client_pin::Response::parse(&response.encode()).unwrap(), response);
    }

    #[test]
    fn credential_management_responses(response in generators::credential_management_response()) {
        prop_assert_eq!(credential_management::Response::parse(&response.encode()).unwrap(), response);
    }

    #[test]
    fn large_blobs_responses(config in generators::bytes()) {
        let response = large_blobs::Response { config };
        prop_assert_eq!(large_blobs::Response::parse(&response.encode()).unwrap(), response);
    }

    #[test]
    fn get_info_responses(response in generators::get_info_response()) {
        prop_assert_eq!(get_info::Response::parse(&response.encode()).unwrap(), response);
    }

    #[test]
    fn authenticator_data(data in generators::authenticator_data(), extra in any::<u8>()) {
        let mut bytes = data.encode();
        prop_assert_eq!(&AuthenticatorData::parse(&bytes).unwrap(), &data);
        for length in 0..bytes.len() {
            prop_assert!(AuthenticatorData::parse(&bytes[..length]).is_err());
        }
        bytes.push(extra);
        prop_assert!(AuthenticatorData::parse(&bytes).is_err());
    }

    #[test]
    fn public_keys_are_what_coset_reads(key in generators::public_key()) {
        let bytes = key.encode();
        prop_assert_eq!(&CoseKey::parse(&bytes).unwrap(), &key);
        let mut read = coset::CoseKey::from_slice(&bytes).unwrap();
        let algorithm = coset::Algorithm::Assigned(coset::iana::EnumI64::from_i64(key.algorithm().unwrap().0).unwrap());
        prop_assert_eq!(read.alg.as_ref(), Some(&algorithm));
        read.canonicalize(coset::CborOrdering::LengthFirstLexicographic);
        prop_assert_eq!(read.to_vec().unwrap(), bytes);
    }

    #[test]
    fn arbitrary_bytes_upset_nothing(bytes in vec(any::<u8>(), 0..200)) {
        parse_everything(&bytes);
    }

    #[test]
    fn arbitrary_bodies_upset_nothing(command in 0_u8..0x10, bytes in vec(any::<u8>(), 0..200)) {
        parse_everything(&[&[command], bytes.as_slice()].concat());
    }

    #[test]
    fn changed_requests_upset_nothing(
        request in generators::request(),
        changes in vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
    ) {
        let mut bytes = request.encode();
        for (at, to) in changes {
            let at = at.index(bytes.len());
            bytes[at] = to;
        }
        parse_everything(&bytes);
    }

    #[test]
    fn any_other_status_is_a_refusal(status in 1_u8.., rest in generators::bytes()) {
        let response = [&[status], rest.as_slice()].concat();
        let refused = ResponseError::Refused(Status(status));
        prop_assert_eq!(get_info::Response::parse(&response).unwrap_err(), refused);
        prop_assert_eq!(parse_empty_response(&response).unwrap_err(), refused);
    }
}

#[test]
fn empty_results_are_only_the_status() {
    assert_eq!(client_pin::Response::default().encode(), [0]);
    assert_eq!(credential_management::Response::default().encode(), [0]);
    assert_eq!(client_pin::Response::parse(&[0]).unwrap(), client_pin::Response::default());
    assert_eq!(parse_empty_response(&[0]), Ok(()));
    assert_eq!(Status::PIN_INVALID.response(), [0x31]);
    let wrong = Malformed::new(Status::INVALID_LENGTH, "a result where none belongs");
    assert_eq!(parse_empty_response(&[0, 0xA0]), Err(ResponseError::Malformed(wrong)));
    assert!(parse_empty_response(&[]).is_err());
}

#[test]
fn the_mac_of_credential_management_covers_the_bytes_as_received() {
    // An unknown member 0x7F is ignored but it is part of what was sent.
    let params = [0xA2, 0x01, 0x58, 0x20].iter().copied().chain([7; 32]).chain([0x18, 0x7F, 0x00]);
    let params: Vec<u8> = params.collect();
    let message = [&[0x0A, 0xA2, 0x01, 0x04, 0x02], params.as_slice()].concat();
    let Request::CredentialManagement(request) = Request::parse(&message).unwrap() else {
        panic!("another request");
    };
    let parsed = request.params.as_ref().unwrap();
    assert_eq!(parsed.raw(), params);
    assert_eq!(parsed.members.rp_id_hash, Some([7; 32]));
    assert_eq!(Request::CredentialManagement(request).encode(), message);
}
