//! hmac-secret (CTAP 2.3 §12.7) and hmac-secret-mc (§12.8).

use ciborium::Value;
use hmac::{Hmac, KeyInit, Mac};
use latchkey_protocol::authenticator_data::AuthenticatorData;
use latchkey_protocol::client_pin::Permissions;
use latchkey_protocol::extensions::HmacSecretInput;
use latchkey_protocol::get_assertion::Response;
use latchkey_protocol::{CredentialDescriptor, Request, Status, make_credential};
use sha2::Sha256;

use crate::device::{Device, NOW, rng, status};
use crate::platform::{
    PROTOCOLS, RP, Session, attested, authentication, gesture_token, prove_authentication,
    prove_registration, register, registration, user,
};

pub fn input(session: &Session, salts: &[u8]) -> HmacSecretInput {
    let salt_enc = session.encrypt(salts);
    HmacSecretInput {
        key_agreement: session.point.clone(),
        salt_auth: session.mac(&salt_enc),
        salt_enc,
        protocol: Some(session.protocol),
    }
}

/// A name, the extension's input, and the status it gets.
type Case = (&'static str, fn(&Session) -> HmacSecretInput, Status);

fn with_secret(device: &mut Device, wanted: Option<bool>) -> CredentialDescriptor {
    let mut request = registration();
    request.extensions.hmac_secret = wanted;
    let response = register(device, request);
    let extensions = AuthenticatorData::parse(&response.auth_data).unwrap().extensions;
    let expected = wanted
        .filter(|wanted| *wanted)
        .map(|_| Value::Map(vec![(Value::from("hmac-secret"), Value::Bool(true))]));
    assert_eq!(extensions, expected);
    CredentialDescriptor::public_key(attested(&response).credential_id)
}

fn assert(device: &mut Device, extension: HmacSecretInput) -> Vec<u8> {
    let token = gesture_token(device, Permissions::GET_ASSERTION, Some(RP));
    let mut request = authentication();
    request.extensions.hmac_secret = Some(extension);
    prove_authentication(&mut request, &token);
    device.send(&Request::GetAssertion(request))
}

pub fn output(session: &Session, response: &[u8]) -> Option<Vec<u8>> {
    let response = Response::parse(response).unwrap();
    let extensions = AuthenticatorData::parse(&response.auth_data).unwrap().extensions?;
    let entries = extensions.into_map().unwrap();
    assert_eq!(entries.len(), 1);
    let (name, value) = entries.into_iter().next().unwrap();
    assert_eq!(name, Value::from("hmac-secret"));
    Some(session.decrypt(&value.into_bytes().unwrap()))
}

#[test]
fn outputs_depend_on_salt_and_passkey_and_on_nothing_else() {
    let mut device = Device::with_pin();
    let first = with_secret(&mut device, Some(true));
    let mut seen = Vec::new();
    for protocol in PROTOCOLS {
        let session = Session::new(&mut device, protocol);
        let one = assert(&mut device, input(&session, &[1; 32]));
        let one = output(&session, &one).unwrap();
        let session = Session::new(&mut device, protocol);
        let both = assert(&mut device, input(&session, &[[1; 32], [2; 32]].concat()));
        let both = output(&session, &both).unwrap();
        assert_eq!((one.len(), both.len()), (32, 64));
        assert_eq!(one, both[..32]);
        assert_ne!(both[..32], both[32..]);
        seen.push(both);
    }
    assert_eq!(seen[0], seen[1], "the same under either protocol");
    // It is HMAC under the passkey's key for verified users.
    let pin = latchkey_container::PinHash::typed(crate::device::PIN);
    let unlocked = device.container().unlock(&pin, NOW, &mut rng()).unwrap();
    let id = latchkey_container::CredentialId(first.id);
    let passkey = device.container().passkey(&unlocked, &id).unwrap().unwrap();
    let mut mac = Hmac::<Sha256>::new_from_slice(passkey.cred_random(true).unwrap().expose()).unwrap();
    mac.update(&[1; 32]);
    assert_eq!(seen[0][..32], *mac.finalize().into_bytes());
    device.container().delete(&unlocked, &id).unwrap();

    with_secret(&mut device, Some(true));
    let session = Session::new(&mut device, 2);
    let other = assert(&mut device, input(&session, &[1; 32]));
    assert_ne!(output(&session, &other).unwrap(), seen[0][..32], "another passkey");
}

#[test]
fn a_passkey_without_it_answers_without_it() {
    for wanted in [None, Some(false)] {
        let mut device = Device::with_pin();
        with_secret(&mut device, wanted);
        let session = Session::new(&mut device, 2);
        let response = assert(&mut device, input(&session, &[1; 32]));
        assert_eq!(output(&session, &response), None);
    }
}

#[test]
fn each_parameter_has_its_rule() {
    let rows: [Case; 9] = [
        ("as it is", |s| input(s, &[1; 32]), Status::OK),
        (
            "no protocol means one",
            |s| HmacSecretInput { protocol: None, ..input(s, &[1; 32]) },
            Status::PIN_AUTH_INVALID,
        ),
        (
            "unknown protocol",
            |s| HmacSecretInput { protocol: Some(3), ..input(s, &[1; 32]) },
            Status::INVALID_PARAMETER,
        ),
        (
            "a wrong MAC",
            |s| HmacSecretInput { salt_auth: vec![0; 32], ..input(s, &[1; 32]) },
            Status::PIN_AUTH_INVALID,
        ),
        (
            "half of the MAC",
            |s| {
                let mut input = input(s, &[1; 32]);
                input.salt_auth.truncate(16);
                input
            },
            Status::PIN_AUTH_INVALID,
        ),
        (
            "a point off the curve",
            |s| {
                let mut input = input(s, &[1; 32]);
                input.key_agreement.x = [2; 32];
                input
            },
            Status::INVALID_PARAMETER,
        ),
        ("a short salt", |s| input(s, &[1; 16]), Status::INVALID_PARAMETER),
        ("a salt and a half", |s| input(s, &[1; 48]), Status::INVALID_PARAMETER),
        ("three salts", |s| input(s, &[1; 96]), Status::INVALID_PARAMETER),
    ];
    for (name, make, expected) in rows {
        let mut device = Device::with_pin();
        with_secret(&mut device, Some(true));
        let session = Session::new(&mut device, 2);
        let extension = make(&session);
        assert_eq!(status(&assert(&mut device, extension)), expected, "{name}");
    }
}

#[test]
fn it_needs_user_presence() {
    let mut device = Device::with_pin();
    with_secret(&mut device, Some(true));
    let session = Session::new(&mut device, 2);
    let token = gesture_token(&mut device, Permissions::GET_ASSERTION, Some(RP));
    let mut request = authentication();
    request.extensions.hmac_secret = Some(input(&session, &[1; 32]));
    request.options.up = Some(false);
    prove_authentication(&mut request, &token);
    assert_eq!(status(&device.send(&Request::GetAssertion(request))), Status::UNSUPPORTED_OPTION);
}

#[test]
fn the_next_assertion_has_its_own_output() {
    let mut device = Device::with_pin();
    with_secret(&mut device, Some(true));
    let mut request = registration();
    request.user = user("bob");
    request.extensions.hmac_secret = Some(true);
    register(&mut device, request);
    let session = Session::new(&mut device, 2);
    let first = assert(&mut device, input(&session, &[1; 32]));
    let second = device.send(&Request::GetNextAssertion);
    let (first, second) = (output(&session, &first).unwrap(), output(&session, &second).unwrap());
    assert_eq!(second.len(), 32);
    assert_ne!(first, second);
}

/// A registration that asks for an output at once.
fn at_registration(device: &mut Device, input: HmacSecretInput, wanted: Option<bool>) -> Vec<u8> {
    let token = gesture_token(device, Permissions::MAKE_CREDENTIAL, Some(RP));
    let mut request = registration();
    request.extensions.hmac_secret = wanted;
    request.extensions.hmac_secret_mc = Some(input);
    prove_registration(&mut request, &token);
    device.send(&Request::MakeCredential(request))
}

#[test]
fn a_registration_answers_as_the_passkey_will() {
    for protocol in PROTOCOLS {
        let mut device = Device::with_pin();
        let session = Session::new(&mut device, protocol);
        let salts = [[1; 32], [2; 32]].concat();
        let response = at_registration(&mut device, input(&session, &salts), Some(true));
        let data = make_credential::Response::parse(&response).unwrap().auth_data;
        let outputs = AuthenticatorData::parse(&data).unwrap().extensions.unwrap().into_map().unwrap();
        let [(enabled, yes), (name, output_mc)] = outputs.try_into().unwrap();
        assert_eq!((enabled, yes, name), ("hmac-secret".into(), true.into(), "hmac-secret-mc".into()));
        let at_once = session.decrypt(&output_mc.into_bytes().unwrap());
        let session = Session::new(&mut device, protocol);
        let later = assert(&mut device, input(&session, &salts));
        assert_eq!(output(&session, &later).unwrap(), at_once);
    }
}

#[test]
fn a_registration_with_a_wrong_input_makes_no_passkey() {
    type Change = fn(&mut HmacSecretInput);
    let rows: [(&str, Change, Option<bool>, Status); 7] = [
        ("as it is", |_| {}, Some(true), Status::OK),
        ("without hmac-secret", |_| {}, None, Status::MISSING_PARAMETER),
        ("with hmac-secret: false", |_| {}, Some(false), Status::MISSING_PARAMETER),
        ("half of the MAC", |i| i.salt_auth.truncate(16), Some(true), Status::PIN_AUTH_INVALID),
        ("a MAC and a byte", |i| i.salt_auth.push(0), Some(true), Status::PIN_AUTH_INVALID),
        ("unknown protocol", |i| i.protocol = Some(3), Some(true), Status::INVALID_PARAMETER),
        ("a point off the curve", |i| i.key_agreement.x = [2; 32], Some(true), Status::INVALID_PARAMETER),
    ];
    for (name, change, wanted, expected) in rows {
        let mut device = Device::with_pin();
        let session = Session::new(&mut device, 2);
        let mut sent = input(&session, &[1; 32]);
        change(&mut sent);
        assert_eq!(status(&at_registration(&mut device, sent, wanted)), expected, "{name} (§12.8)");
        let count = u32::from(expected == Status::OK);
        assert_eq!(device.container().discoverable_count().unwrap(), count, "{name}");
    }
    let mut device = Device::with_pin();
    let session = Session::new(&mut device, 2);
    let short = at_registration(&mut device, input(&session, &[1; 16]), Some(true));
    assert_eq!(status(&short), Status::INVALID_PARAMETER, "a short salt");
}
