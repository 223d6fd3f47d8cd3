//! authenticatorGetAssertion (CTAP 2.3 §6.2.2).

use latchkey_ctap::{Answer, Operation, Want};
use latchkey_protocol::authenticator_data::{AuthenticatorData, Flags};
use latchkey_protocol::client_pin::Permissions;
use latchkey_protocol::cose::CoseKey;
use latchkey_protocol::get_assertion::{Request as Authentication, Response};
use latchkey_protocol::{CredentialDescriptor, Request, Status, UserEntity};
use p256::ecdsa::signature::Verifier;
use p256::ecdsa::{Signature, VerifyingKey};

use crate::device::{Device, PIN, status, typed};
use crate::platform::{
    self, HASH, RP, attested, authentication, passkey, prove_authentication, register, registration,
};
use crate::table::{Row, run};

/// A device with a passkey of `alice` and a token, and a sign-in that it accepts.
fn ready() -> (Device, Authentication) {
    let mut device = Device::with_pin();
    passkey(&mut device, RP, "alice");
    let token = platform::token(&mut device, Permissions::GET_ASSERTION, Some(RP));
    let mut request = authentication();
    prove_authentication(&mut request, &token);
    (device, request)
}

#[test]
fn each_parameter_has_its_rule() {
    let rows: &[Row<Authentication>] = &[
        Row { name: "as it is", change: |_| {}, expected: Status::OK, clause: "§6.2.2" },
        Row {
            name: "no protocol",
            change: |r| r.pin_uv_auth_protocol = None,
            expected: Status::MISSING_PARAMETER,
            clause: "step 2",
        },
        Row {
            name: "unknown protocol",
            change: |r| r.pin_uv_auth_protocol = Some(0),
            expected: Status::INVALID_PARAMETER,
            clause: "step 2",
        },
        Row {
            name: "rk",
            change: |r| r.options.rk = Some(false),
            expected: Status::UNSUPPORTED_OPTION,
            clause: "step 4",
        },
        Row {
            name: "uv true beside a token",
            change: |r| r.options.uv = Some(true),
            expected: Status::OK,
            clause: "step 4",
        },
        Row {
            name: "half of the MAC",
            change: |r| r.pin_uv_auth_param.as_mut().unwrap().truncate(16),
            expected: Status::PIN_AUTH_INVALID,
            clause: "§6.5.7, YSA-2025-02",
        },
        Row {
            name: "another relying party",
            change: |r| r.rp_id = "other.example".to_owned(),
            expected: Status::PIN_AUTH_INVALID,
            clause: "step 6.1",
        },
        Row {
            name: "an unknown credential",
            change: |r| r.allow_list = Some(vec![CredentialDescriptor::public_key(vec![1; 32])]),
            expected: Status::NO_CREDENTIALS,
            clause: "step 7",
        },
        Row {
            name: "an empty allow list",
            change: |r| r.allow_list = Some(Vec::new()),
            expected: Status::OK,
            clause: "step 7: as if absent",
        },
        Row {
            name: "too long an allow list",
            change: |r| r.allow_list = Some(vec![CredentialDescriptor::public_key(vec![7; 32]); 129]),
            expected: Status::LIMIT_EXCEEDED,
            clause: "§6.4 maxCredentialCountInList",
        },
        Row {
            name: "silently, with a token",
            change: |r| r.options.up = Some(false),
            expected: Status::OK,
            clause: "step 9",
        },
    ];
    run(rows, ready, Request::GetAssertion);
}

#[test]
fn without_a_pin_nothing_is_here() {
    let mut device = Device::fresh();
    for (up, uv, expected) in [
        (None, None, Status::PUAT_REQUIRED),
        (None, Some(true), Status::INVALID_OPTION),
        (Some(false), None, Status::NO_CREDENTIALS),
    ] {
        let mut request = authentication();
        (request.options.up, request.options.uv) = (up, uv);
        assert_eq!(status(&device.send(&Request::GetAssertion(request))), expected);
    }
}

#[test]
fn the_signature_covers_authenticator_data_and_client_data() {
    let mut device = Device::with_pin();
    let registered = attested(&register(&mut device, registration()));
    let token = platform::token(&mut device, Permissions::GET_ASSERTION, Some(RP));
    let mut request = authentication();
    prove_authentication(&mut request, &token);
    let response = Response::parse(&device.send(&Request::GetAssertion(request))).unwrap();
    let CoseKey::P256 { x, y } = registered.public_key else { panic!("another key") };
    let key = VerifyingKey::from_sec1_bytes(&[&[4][..], &x, &y].concat()).unwrap();
    let message = [&response.auth_data[..], &HASH].concat();
    key.verify(&message, &Signature::from_der(&response.signature).unwrap()).unwrap();
    let data = AuthenticatorData::parse(&response.auth_data).unwrap();
    assert_eq!(data.flags, Flags::UP | Flags::UV);
    assert_eq!(response.credential.unwrap().id, registered.credential_id);
    assert_eq!(response.number_of_credentials, None);
    let only_the_handle = UserEntity { id: b"alice".to_vec(), name: None, display_name: None };
    assert_eq!(response.user, Some(only_the_handle), "names only where there are several accounts");
}

#[test]
fn the_count_rises_with_every_signature_and_across_power_cycles() {
    let mut device = Device::with_pin();
    passkey(&mut device, RP, "alice");
    let mut last = 0;
    for round in 0..3 {
        let token = platform::token(&mut device, Permissions::GET_ASSERTION, Some(RP));
        for _ in 0..2 {
            let mut request = authentication();
            request.options.up = Some(false);
            prove_authentication(&mut request, &token);
            let response = Response::parse(&device.send(&Request::GetAssertion(request))).unwrap();
            let count = AuthenticatorData::parse(&response.auth_data).unwrap().sign_count;
            assert!(count > last, "round {round}: {count} after {last}");
            last = count;
        }
        device.power_cycle();
    }
}

#[test]
fn a_silent_probe_learns_nothing() {
    let mut device = Device::with_pin();
    for level in [1, 2, 3] {
        let mut request = registration();
        request.user.id = vec![level];
        request.extensions.cred_protect = Some(level);
        let id = attested(&register(&mut device, request)).credential_id;
        // Even while a token of somebody else has the container open.
        let _other = platform::token(&mut device, Permissions::GET_ASSERTION, Some(RP));
        for allow_list in [None, Some(vec![CredentialDescriptor::public_key(id.clone())])] {
            let mut probe = authentication();
            probe.allow_list = allow_list;
            (probe.options.up, probe.options.uv) = (Some(false), Some(false));
            let response = device.send(&Request::GetAssertion(probe));
            assert_eq!(status(&response), Status::NO_CREDENTIALS, "credProtect {level}, §12.1");
        }
    }
    assert!(device.asked().is_empty());
}

#[test]
fn a_silent_assertion_does_not_spend_the_token() {
    let (mut device, mut request) = ready();
    request.options.up = Some(false);
    for _ in 0..3 {
        let response = Response::parse(&device.send(&Request::GetAssertion(request.clone()))).unwrap();
        let flags = AuthenticatorData::parse(&response.auth_data).unwrap().flags;
        assert_eq!(flags, Flags::UV, "user presence is not claimed");
    }
    request.options.up = None;
    assert_eq!(status(&device.send(&Request::GetAssertion(request.clone()))), Status::OK);
    assert_eq!(device.asked().len(), 1);
    let again = status(&device.send(&Request::GetAssertion(request)));
    assert_eq!(again, Status::PIN_AUTH_INVALID, "with presence it is spent (step 9)");
}

#[test]
fn an_allow_list_finds_what_is_not_discoverable() {
    let mut device = Device::with_pin();
    let mut request = registration();
    request.options.rk = Some(false);
    let id = attested(&register(&mut device, request)).credential_id;
    let stranger = CredentialDescriptor::public_key(vec![1; 64]);
    let mut other_kind = CredentialDescriptor::public_key(id.clone());
    other_kind.kind = "secret-key".to_owned();
    let here = CredentialDescriptor::public_key(id.clone());
    let cases = [
        (None, None),
        (Some(vec![stranger.clone()]), None),
        (Some(vec![other_kind]), None),
        (Some(vec![stranger, here]), Some(id)),
    ];
    for (allow_list, expected) in cases {
        let token = platform::token(&mut device, Permissions::GET_ASSERTION, Some(RP));
        let mut request = authentication();
        request.allow_list = allow_list;
        prove_authentication(&mut request, &token);
        let response = device.send(&Request::GetAssertion(request));
        match expected {
            None => assert_eq!(status(&response), Status::NO_CREDENTIALS),
            Some(id) => {
                let response = Response::parse(&response).unwrap();
                assert_eq!(response.credential.unwrap().id, id);
                assert_eq!(response.user, None, "only discoverable credentials have one");
            }
        }
    }
}

#[test]
fn a_passkey_of_another_site_does_not_sign() {
    let mut device = Device::with_pin();
    let elsewhere = passkey(&mut device, "other.example", "alice");
    let token = platform::token(&mut device, Permissions::GET_ASSERTION, Some(RP));
    let mut request = authentication();
    request.allow_list = Some(vec![elsewhere]);
    prove_authentication(&mut request, &token);
    assert_eq!(status(&device.send(&Request::GetAssertion(request))), Status::NO_CREDENTIALS);
    assert!(device.asked().is_empty());
}

#[test]
fn an_empty_user_handle_is_left_out() {
    let mut device = Device::with_pin();
    let mut request = registration();
    request.user.id = Vec::new();
    register(&mut device, request);
    let token = platform::gesture_token(&mut device, Permissions::GET_ASSERTION, Some(RP));
    let mut request = authentication();
    prove_authentication(&mut request, &token);
    let response = Response::parse(&device.send(&Request::GetAssertion(request))).unwrap();
    assert_eq!(response.user, None, "conformance.md 1.3");
}

#[test]
fn without_a_token_the_gesture_is_asked_for_here() {
    // alwaysUv, step 5; and step 8: the gesture is evidence of user presence even where it was not asked for.
    for (up, uv) in [(None, None), (Some(true), Some(false)), (None, Some(true)), (Some(false), Some(true))] {
        let mut device = Device::with_pin();
        passkey(&mut device, RP, "alice");
        let mut request = authentication();
        (request.options.up, request.options.uv) = (up, uv);
        device.user([typed(PIN)]);
        let response = Response::parse(&device.send(&Request::GetAssertion(request))).unwrap();
        let flags = AuthenticatorData::parse(&response.auth_data).unwrap().flags;
        assert_eq!(flags, Flags::UP | Flags::UV, "{up:?} {uv:?}");
        let asked = device.asked();
        assert_eq!((asked.len(), asked[0].want), (1, Want::Pin));
        assert_eq!(asked[0].to_string(), "Sign in to site.example");
    }
}

#[test]
fn the_gesture_comes_before_the_answer_whether_a_passkey_is_here() {
    let mut device = Device::with_pin();
    let elsewhere = passkey(&mut device, "other.example", "alice");
    for allow_list in [None, Some(vec![elsewhere]), Some(vec![CredentialDescriptor::public_key(vec![1; 32])])]
    {
        let mut request = authentication();
        request.allow_list = allow_list;
        request.options.uv = Some(true);
        device.user([Answer::Denied]);
        let declined = device.send(&Request::GetAssertion(request.clone()));
        assert_eq!(status(&declined), Status::OPERATION_DENIED, "who does not verify learns nothing");
        device.user([typed(PIN)]);
        assert_eq!(status(&device.send(&Request::GetAssertion(request))), Status::NO_CREDENTIALS, "step 7");
        assert_eq!(device.asked().len(), 2);
    }
}

#[test]
fn what_the_user_answers_decides() {
    let rows = [
        (Answer::Approved, Status::OK),
        (Answer::Denied, Status::OPERATION_DENIED),
        (Answer::Cancelled, Status::KEEPALIVE_CANCEL),
        (Answer::TimedOut, Status::OPERATION_DENIED),
    ];
    for (answer, expected) in rows {
        let (mut device, request) = ready();
        device.user([answer]);
        assert_eq!(status(&device.send(&Request::GetAssertion(request))), expected);
        let asked = device.asked();
        assert_eq!((asked[0].operation, asked[0].want), (Operation::SignIn, Want::Approval));
        assert_eq!(asked[0].to_string(), "Sign in to site.example as alice");
    }
}

#[test]
fn a_zero_length_param_asks_for_a_touch() {
    let (mut device, mut request) = ready();
    request.pin_uv_auth_param = Some(Vec::new());
    assert_eq!(status(&device.send(&Request::GetAssertion(request))), Status::PIN_INVALID, "step 1");
    assert_eq!(device.asked()[0].operation, Operation::Select);
}
