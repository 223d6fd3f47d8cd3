//! credBlob (CTAP 2.3 §12.2), largeBlobKey (§12.3) and thirdPartyPayment, from registration to credential management.

use ciborium::Value;
use latchkey_protocol::authenticator_data::AuthenticatorData;
use latchkey_protocol::client_pin::Permissions;
use latchkey_protocol::extensions::{AuthenticationExtensions, RegistrationExtensions};
use latchkey_protocol::{Request, Status, get_assertion, make_credential};

use crate::device::{Device, status};
use crate::platform::{
    RP, authentication, gesture_token, prove_authentication, prove_registration, register, registration, user,
};

/// A name, what is asked of a registration, whether of a discoverable passkey, and the status.
type Row = (&'static str, RegistrationExtensions, bool, Status);

fn output(auth_data: &[u8], name: &str) -> Option<Value> {
    let extensions = AuthenticatorData::parse(auth_data).unwrap().extensions?;
    extensions
        .into_map()
        .unwrap()
        .into_iter()
        .find(|(key, _)| *key == Value::from(name))
        .map(|(_, value)| value)
}

fn asked(change: impl FnOnce(&mut RegistrationExtensions)) -> RegistrationExtensions {
    let mut extensions = RegistrationExtensions::default();
    change(&mut extensions);
    extensions
}

fn made(
    device: &mut Device,
    extensions: RegistrationExtensions,
    discoverable: bool,
) -> make_credential::Response {
    let mut request = registration();
    request.extensions = extensions;
    request.options.rk = Some(discoverable);
    register(device, request)
}

/// A sign-in that asks for everything.
fn sign_in(device: &mut Device, extensions: AuthenticationExtensions) -> Vec<u8> {
    let token = gesture_token(device, Permissions::GET_ASSERTION, Some(RP));
    let mut request = authentication();
    request.extensions = extensions;
    prove_authentication(&mut request, &token);
    device.send(&Request::GetAssertion(request))
}

fn everything() -> AuthenticationExtensions {
    AuthenticationExtensions {
        cred_blob: Some(true),
        large_blob_key: Some(true),
        third_party_payment: Some(true),
        hmac_secret: None,
    }
}

#[test]
fn a_blob_is_kept_with_a_discoverable_passkey_if_it_is_short_enough() {
    for (length, discoverable, kept) in
        [(0, true, true), (32, true, true), (64, true, true), (65, true, false), (32, false, false)]
    {
        let mut device = Device::with_pin();
        let blob = vec![7; length];
        let response = made(&mut device, asked(|e| e.cred_blob = Some(blob.clone())), discoverable);
        assert_eq!(output(&response.auth_data, "credBlob"), Some(Value::Bool(kept)), "{length} bytes");
        if discoverable {
            let signed = get_assertion::Response::parse(&sign_in(&mut device, everything())).unwrap();
            let expected = if kept { blob } else { Vec::new() };
            assert_eq!(output(&signed.auth_data, "credBlob"), Some(Value::Bytes(expected)), "{length} bytes");
        }
    }
}

#[test]
fn each_input_of_a_registration_has_its_rule() {
    let rows: [Row; 6] = [
        ("largeBlobKey", asked(|e| e.large_blob_key = Some(true)), true, Status::OK),
        ("largeBlobKey: false", asked(|e| e.large_blob_key = Some(false)), true, Status::INVALID_OPTION),
        ("largeBlobKey without rk", asked(|e| e.large_blob_key = Some(true)), false, Status::INVALID_OPTION),
        ("thirdPartyPayment", asked(|e| e.third_party_payment = Some(true)), false, Status::OK),
        ("thirdPartyPayment: false", asked(|e| e.third_party_payment = Some(false)), true, Status::OK),
        ("an unknown one is ignored", RegistrationExtensions::default(), true, Status::OK),
    ];
    for (name, extensions, discoverable, expected) in rows {
        let mut device = Device::with_pin();
        let token = gesture_token(&mut device, Permissions::MAKE_CREDENTIAL, Some(RP));
        let mut request = registration();
        request.extensions = extensions;
        request.options.rk = Some(discoverable);
        prove_registration(&mut request, &token);
        assert_eq!(status(&device.send(&Request::MakeCredential(request))), expected, "{name} (§12)");
        let count = u32::from(expected == Status::OK && discoverable);
        assert_eq!(device.container().discoverable_count().unwrap(), count, "{name}");
    }
}

#[test]
fn wrong_types_are_told() {
    // makeCredential with nothing but what stands before the extensions, and the extension's value.
    for (name, value) in [
        ("credBlob", Value::Bool(true)),
        ("largeBlobKey", Value::from(1)),
        ("hmac-secret", Value::from("yes")),
        ("hmac-secret-mc", Value::Bool(true)),
        ("thirdPartyPayment", Value::Null),
        ("credProtect", Value::Bool(true)),
    ] {
        let mut encoded = Request::MakeCredential(registration()).encode();
        let mut map = ciborium::from_reader::<Value, _>(&encoded[1..]).unwrap().into_map().unwrap();
        map.push((6.into(), Value::Map(vec![(name.into(), value)])));
        encoded.truncate(1);
        encoded.extend(latchkey_protocol::cbor::encode(&Value::Map(map)));
        let response = Device::with_pin().bytes_on(crate::device::CHANNEL, &encoded);
        assert_eq!(status(&response), Status::CBOR_UNEXPECTED_TYPE, "{name}");
    }
}

#[test]
fn the_key_for_large_blobs_stands_beside_the_signed_data_and_stays_the_same() {
    let mut device = Device::with_pin();
    let response = made(&mut device, asked(|e| e.large_blob_key = Some(true)), true);
    let key = response.large_blob_key.unwrap();
    assert_eq!(key.len(), 32, "§12.3");
    assert_eq!(output(&response.auth_data, "largeBlobKey"), None, "relying parties do not see it");
    for _ in 0..2 {
        let signed = get_assertion::Response::parse(&sign_in(&mut device, everything())).unwrap();
        assert_eq!(signed.large_blob_key.as_ref(), Some(&key));
    }
    let unasked =
        get_assertion::Response::parse(&sign_in(&mut device, AuthenticationExtensions::default())).unwrap();
    assert_eq!((unasked.large_blob_key, output(&unasked.auth_data, "credBlob")), (None, None));
    let refused =
        AuthenticationExtensions { large_blob_key: Some(false), ..AuthenticationExtensions::default() };
    assert_eq!(status(&sign_in(&mut device, refused)), Status::INVALID_OPTION);

    // Another passkey has another key, and one that was made without has none; each answers for itself.
    let mut bob = registration();
    bob.user = user("bob");
    bob.extensions.large_blob_key = Some(true);
    assert_ne!(register(&mut device, bob).large_blob_key.unwrap(), key);
    let mut carol = registration();
    carol.user = user("carol");
    assert_eq!(register(&mut device, carol).large_blob_key, None);
    let first = get_assertion::Response::parse(&sign_in(&mut device, everything())).unwrap();
    let second = get_assertion::Response::parse(&device.send(&Request::GetNextAssertion)).unwrap();
    let third = get_assertion::Response::parse(&device.send(&Request::GetNextAssertion)).unwrap();
    let keys = [first, second, third].map(|response| response.large_blob_key);
    assert_eq!((keys[0].is_none(), keys[1].is_some(), &keys[2]), (true, true, &Some(key)), "newest first");
}

#[test]
fn payment_is_a_property_of_the_passkey() {
    for (wanted, bit) in [(None, false), (Some(false), false), (Some(true), true)] {
        let mut device = Device::with_pin();
        let response = made(&mut device, asked(|e| e.third_party_payment = wanted), true);
        let told = bit.then_some(Value::Bool(true));
        assert_eq!(output(&response.auth_data, "thirdPartyPayment"), told);
        let signed = get_assertion::Response::parse(&sign_in(&mut device, everything())).unwrap();
        assert_eq!(output(&signed.auth_data, "thirdPartyPayment"), Some(Value::Bool(bit)));
    }
}
