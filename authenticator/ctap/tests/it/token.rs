//! The pinUvAuthToken on the wire (CTAP 2.3 §6.5.2.1, §6.5.5.7).

use latchkey_protocol::client_pin::{Permissions, SubCommand};
use latchkey_protocol::{Request, Status};

use crate::device::{Device, PIN, status, typed};
use crate::platform::{
    PROTOCOLS, RP, Session, Token, ask_token_by_pin, authentication, consented, gesture_token, passkey,
    pin_hash, prove_authentication, prove_registration, registration, token,
};

const MC: Permissions = Permissions::MAKE_CREDENTIAL;
const GA: Permissions = Permissions::GET_ASSERTION;

fn sign_in(device: &mut Device, token: &Token) -> Status {
    let mut request = authentication();
    prove_authentication(&mut request, token);
    status(&device.send(&Request::GetAssertion(request)))
}

fn silent(device: &mut Device, token: &Token) -> Status {
    let mut request = authentication();
    request.options.up = Some(false);
    prove_authentication(&mut request, token);
    status(&device.send(&Request::GetAssertion(request)))
}

fn with_passkey() -> Device {
    let mut device = Device::with_pin();
    passkey(&mut device, RP, "alice");
    device
}

#[test]
fn a_permission_is_for_one_thing() {
    let mut device = with_passkey();
    let wrong = token(&mut device, MC, Some(RP));
    assert_eq!(sign_in(&mut device, &wrong), Status::PIN_AUTH_INVALID);
    let wrong = token(&mut device, GA, Some(RP));
    let mut request = registration();
    prove_registration(&mut request, &wrong);
    assert_eq!(status(&device.send(&Request::MakeCredential(request))), Status::PIN_AUTH_INVALID);
    assert_eq!(sign_in(&mut device, &wrong), Status::OK);
}

#[test]
fn a_permission_for_a_relying_party_is_for_that_one() {
    let mut device = with_passkey();
    let wrong = token(&mut device, GA, Some("other.example"));
    assert_eq!(sign_in(&mut device, &wrong), Status::PIN_AUTH_INVALID);
}

#[test]
fn the_permissions_that_can_be_had() {
    let cm = Permissions::CREDENTIAL_MANAGEMENT;
    let rows = [
        (MC | GA | cm, Ok(())),
        (Permissions(0x80) | GA, Ok(())),
        (Permissions::NONE, Err(Status::INVALID_PARAMETER)),
        (Permissions::BIO_ENROLLMENT, Err(Status::UNAUTHORIZED_PERMISSION)),
        (Permissions::LARGE_BLOB_WRITE | GA, Ok(())),
        (Permissions::AUTHENTICATOR_CONFIGURATION | cm, Ok(())),
        (Permissions::PERSISTENT_CREDENTIAL_MANAGEMENT_READ_ONLY, Ok(())),
    ];
    for (permissions, expected) in rows {
        let mut device = Device::with_pin();
        let had = ask_token_by_pin(&mut device, 2, PIN, permissions, Some(RP)).map(|_| ());
        assert_eq!(had, expected, "§6.5.5.7.2 step 4: {permissions}");
    }
}

#[test]
fn an_undefined_permission_grants_nothing() {
    let mut device = with_passkey();
    let token = token(&mut device, Permissions(0x80), Some(RP));
    assert_eq!(sign_in(&mut device, &token), Status::PIN_AUTH_INVALID);
}

#[test]
fn get_pin_token_names_neither_permission_nor_relying_party() {
    for protocol in PROTOCOLS {
        let mut device = with_passkey();
        let session = Session::new(&mut device, protocol);
        let mut request = session.request(SubCommand::GET_PIN_TOKEN);
        request.pin_hash_enc = Some(session.encrypt(&pin_hash(PIN)));
        let mut with_permissions = request.clone();
        with_permissions.permissions = Some(GA);
        let mut with_rp_id = request.clone();
        with_rp_id.rp_id = Some(RP.to_owned());
        for wrong in [with_permissions, with_rp_id] {
            let refused = consented(&mut device, &session, wrong).err();
            assert_eq!(refused, Some(Status::INVALID_PARAMETER), "§6.5.5.7.1 steps 3 and 4");
        }
        let token = consented(&mut device, &session, request).unwrap();
        assert_eq!(token.secret.len(), 32);
        assert_eq!(silent(&mut device, &token), Status::OK, "mc and ga by default");
        let mut elsewhere = registration();
        elsewhere.rp.id = "other.example".to_owned();
        prove_registration(&mut elsewhere, &token);
        let bound = device.send(&Request::MakeCredential(elsewhere));
        assert_eq!(status(&bound), Status::PIN_AUTH_INVALID, "bound to the relying party of its first use");
    }
}

#[test]
fn parameters_of_a_token_request_are_mandatory() {
    let mut device = Device::with_pin();
    let session = Session::new(&mut device, 2);
    let mut complete = session.request(SubCommand::GET_PIN_UV_AUTH_TOKEN_USING_PIN_WITH_PERMISSIONS);
    complete.pin_hash_enc = Some(session.encrypt(&pin_hash(PIN)));
    complete.permissions = Some(GA);
    complete.rp_id = Some(RP.to_owned());
    let mut incomplete = vec![complete.clone(); 5];
    incomplete[0].protocol = None;
    incomplete[1].key_agreement = None;
    incomplete[2].pin_hash_enc = None;
    incomplete[3].permissions = None;
    incomplete[4].rp_id = None;
    for request in incomplete {
        assert_eq!(consented(&mut device, &session, request).err(), Some(Status::MISSING_PARAMETER));
    }
    assert!(consented(&mut device, &session, complete).is_ok());
}

#[test]
fn an_unused_token_ends_after_thirty_seconds() {
    let mut device = with_passkey();
    let fresh = token(&mut device, GA, Some(RP));
    device.pass(29);
    assert_eq!(silent(&mut device, &fresh), Status::OK);
    device.pass(60);
    assert_eq!(silent(&mut device, &fresh), Status::OK, "used, it lives on");
    device.pass(511);
    assert_eq!(silent(&mut device, &fresh), Status::PIN_AUTH_INVALID, "but never longer than ten minutes");

    let unused = token(&mut device, GA, Some(RP));
    device.pass(30);
    assert_eq!(silent(&mut device, &unused), Status::PIN_AUTH_INVALID);
}

#[test]
fn the_driver_learns_when_to_end_it() {
    let mut device = Device::with_pin();
    assert_eq!(device.engine().next_deadline(), None);
    token(&mut device, GA, Some(RP));
    let deadline = device.engine().next_deadline().unwrap();
    assert_eq!(deadline.as_secs(), device.uptime.as_secs() + 30);
    device.engine().tick(deadline);
    assert_eq!(device.engine().next_deadline(), None);
}

#[test]
fn the_presence_of_a_gesture_ends_before_the_token_does() {
    let mut device = with_passkey();
    let fresh = gesture_token(&mut device, GA, Some(RP));
    assert_eq!(sign_in(&mut device, &fresh), Status::OK);
    assert!(device.asked().is_empty());

    let older = gesture_token(&mut device, GA, Some(RP));
    assert_eq!(silent(&mut device, &older), Status::OK);
    device.pass(31);
    assert_eq!(sign_in(&mut device, &older), Status::OK);
    assert_eq!(device.asked().len(), 1, "the touch is too old");
}

#[test]
fn a_gesture_of_another_request_leaves_it_alone() {
    let mut device = with_passkey();
    let one = gesture_token(&mut device, GA, Some(RP));
    let mut make = registration();
    make.user.id = b"bob".to_vec();
    for request in [Request::GetAssertion(authentication()), Request::MakeCredential(make)] {
        device.user([typed(PIN)]);
        assert_eq!(status(&device.send(&request)), Status::OK);
    }
    device.asked();
    assert_eq!(sign_in(&mut device, &one), Status::OK, "§6.2.2 step 8, §6.1.2 step 13");
    assert!(device.asked().is_empty(), "the presence of its own gesture");
}

#[test]
fn a_new_token_and_a_power_cycle_end_it() {
    let mut device = with_passkey();
    let old = token(&mut device, GA, Some(RP));
    let newer = token(&mut device, GA, Some(RP));
    assert_eq!(silent(&mut device, &old), Status::PIN_AUTH_INVALID);
    assert_eq!(silent(&mut device, &newer), Status::OK);
    device.power_cycle();
    assert_eq!(silent(&mut device, &newer), Status::PIN_AUTH_INVALID);
}

#[test]
fn a_token_of_one_protocol_says_nothing_under_the_other() {
    let mut device = with_passkey();
    for (made, used) in [(1, 2), (2, 1)] {
        let real = ask_token_by_pin(&mut device, made, PIN, GA, Some(RP)).unwrap();
        let other = Token { protocol: used, secret: real.secret.clone() };
        assert_eq!(silent(&mut device, &other), Status::PIN_AUTH_INVALID);
        assert_eq!(silent(&mut device, &real), Status::OK);
    }
}
