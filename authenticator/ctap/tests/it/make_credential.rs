//! authenticatorMakeCredential (CTAP 2.3 §6.1.2), credProtect (§12.1) and self attestation (WebAuthn L3
//! §8.2).

use ciborium::Value;
use latchkey_ctap::{Answer, Operation, Want};
use latchkey_protocol::attestation::AttestationStatement;
use latchkey_protocol::authenticator_data::{AuthenticatorData, Flags};
use latchkey_protocol::client_pin::Permissions;
use latchkey_protocol::cose::CoseKey;
use latchkey_protocol::make_credential::{Request as Registration, Response};
use latchkey_protocol::{Algorithm, CredentialDescriptor, CredentialParameter, Request, Status};
use p256::ecdsa::signature::Verifier;
use p256::ecdsa::{Signature, VerifyingKey};
use sha2::{Digest, Sha256};

use crate::device::{Device, NOW, PIN, rng, status, typed};
use crate::platform::{self, HASH, RP, attested, passkey, prove_registration, registration};
use crate::table::{Row, run};

/// What is different from a registration without evidence, and the status of that.
type Change = (fn(&mut Registration), Status);

/// A device with a token, and a registration that it accepts.
fn ready() -> (Device, Registration) {
    let mut device = Device::with_pin();
    let token = platform::token(&mut device, Permissions::MAKE_CREDENTIAL, Some(RP));
    let mut request = registration();
    prove_registration(&mut request, &token);
    (device, request)
}

#[test]
#[allow(clippy::too_many_lines, reason = "a table")]
fn each_parameter_has_its_rule() {
    let rows: &[Row<Registration>] = &[
        Row { name: "as it is", change: |_| {}, expected: Status::OK, clause: "§6.1.2" },
        Row {
            name: "no protocol",
            change: |r| r.pin_uv_auth_protocol = None,
            expected: Status::MISSING_PARAMETER,
            clause: "step 2",
        },
        Row {
            name: "unknown protocol",
            change: |r| r.pin_uv_auth_protocol = Some(3),
            expected: Status::INVALID_PARAMETER,
            clause: "step 2",
        },
        Row {
            name: "the other protocol",
            change: |r| r.pin_uv_auth_protocol = Some(1),
            expected: Status::PIN_AUTH_INVALID,
            clause: "step 11.1",
        },
        Row {
            name: "no algorithm that we have",
            change: |r| r.pub_key_cred_params = vec![CredentialParameter::public_key(Algorithm::ES512)],
            expected: Status::UNSUPPORTED_ALGORITHM,
            clause: "step 3",
        },
        Row {
            name: "our algorithm with another type",
            change: |r| {
                let kind = "secret-key".to_owned();
                r.pub_key_cred_params = vec![CredentialParameter { alg: Algorithm::ES256, kind }];
            },
            expected: Status::UNSUPPORTED_ALGORITHM,
            clause: "step 3",
        },
        Row {
            name: "an unknown algorithm first",
            change: |r| r.pub_key_cred_params.insert(0, CredentialParameter::public_key(Algorithm(-65000))),
            expected: Status::OK,
            clause: "step 3",
        },
        Row {
            name: "up false",
            change: |r| r.options.up = Some(false),
            expected: Status::INVALID_OPTION,
            clause: "step 5",
        },
        Row {
            name: "up true",
            change: |r| r.options.up = Some(true),
            expected: Status::OK,
            clause: "conformance.md 1.3",
        },
        Row {
            name: "uv true beside a token",
            change: |r| r.options.uv = Some(true),
            expected: Status::OK,
            clause: "step 5, conformance.md 1.3",
        },
        Row {
            name: "enterprise attestation",
            change: |r| r.enterprise_attestation = Some(1),
            expected: Status::INVALID_PARAMETER,
            clause: "step 9",
        },
        Row {
            name: "a MAC of another message",
            change: |r| r.client_data_hash = [0; 32],
            expected: Status::PIN_AUTH_INVALID,
            clause: "step 11.1",
        },
        Row {
            name: "half of the MAC",
            change: |r| r.pin_uv_auth_param.as_mut().unwrap().truncate(16),
            expected: Status::PIN_AUTH_INVALID,
            clause: "§6.5.7, YSA-2025-02",
        },
        Row {
            name: "another relying party",
            change: |r| r.rp.id = "other.example".to_owned(),
            expected: Status::PIN_AUTH_INVALID,
            clause: "step 11.1",
        },
        Row {
            name: "credProtect 0",
            change: |r| r.extensions.cred_protect = Some(0),
            expected: Status::INVALID_PARAMETER,
            clause: "§12.1",
        },
        Row {
            name: "credProtect 4",
            change: |r| r.extensions.cred_protect = Some(4),
            expected: Status::INVALID_PARAMETER,
            clause: "§12.1",
        },
        Row {
            name: "too long an exclude list",
            change: |r| r.exclude_list = vec![CredentialDescriptor::public_key(vec![7; 32]); 129],
            expected: Status::LIMIT_EXCEEDED,
            clause: "§6.4 maxCredentialCountInList",
        },
        Row {
            name: "an exclude list of strangers",
            change: |r| r.exclude_list = vec![CredentialDescriptor::public_key(vec![7; 32]); 128],
            expected: Status::OK,
            clause: "step 12",
        },
        Row {
            name: "an extension that we do not have",
            change: |r| r.extensions.min_pin_length = Some(true),
            expected: Status::OK,
            clause: "step 15: ignored",
        },
    ];
    run(rows, ready, Request::MakeCredential);
}

#[test]
fn without_a_pin_a_token_is_required() {
    let mut device = Device::fresh();
    let rows: [Change; 3] = [
        (|_| {}, Status::PUAT_REQUIRED),
        (|r| r.options.uv = Some(true), Status::INVALID_OPTION),
        (
            |r| (r.pin_uv_auth_param, r.pin_uv_auth_protocol) = (Some(vec![0; 32]), Some(2)),
            Status::PUAT_REQUIRED,
        ),
    ];
    for (change, expected) in rows {
        let mut request = registration();
        change(&mut request);
        assert_eq!(status(&device.send(&Request::MakeCredential(request))), expected);
    }
    assert!(device.asked().is_empty());
}

#[test]
fn an_es256_passkey_attests_itself() {
    let (mut device, request) = ready();
    let response = Response::parse(&device.send(&Request::MakeCredential(request))).unwrap();
    let data = AuthenticatorData::parse(&response.auth_data).unwrap();
    assert_eq!(data.flags, Flags::UP | Flags::UV | Flags::AT, "not backup eligible, no extensions");
    assert_eq!(data.rp_id_hash, <[u8; 32]>::from(Sha256::digest(RP)));
    let attested = data.attested.unwrap();
    assert_eq!(attested.aaguid, latchkey_ctap::aaguid::SOFTWARE);
    assert_eq!(attested.credential_id.len(), 32);
    let CoseKey::P256 { x, y } = attested.public_key else { panic!("another key") };
    let AttestationStatement::PackedSelf { alg, sig } = &response.att_stmt else { panic!("another format") };
    assert_eq!(*alg, Algorithm::ES256);
    let key = VerifyingKey::from_sec1_bytes(&[&[4][..], &x, &y].concat()).unwrap();
    let message = [&response.auth_data[..], &HASH].concat();
    key.verify(&message, &Signature::from_der(sig).unwrap()).unwrap();
}

#[test]
fn the_first_supported_algorithm_of_the_request_wins() {
    let (mut device, mut request) = ready();
    request.pub_key_cred_params =
        [Algorithm::ES512, Algorithm::RS256, Algorithm::ES256].map(CredentialParameter::public_key).to_vec();
    let response = Response::parse(&device.send(&Request::MakeCredential(request))).unwrap();
    let CoseKey::Rsa { n, e } = attested(&response).public_key else { panic!("another key") };
    assert_eq!((n.len(), &e), (256, &vec![1, 0, 1]));
    let AttestationStatement::PackedSelf { alg, sig } = &response.att_stmt else { panic!("another format") };
    assert_eq!(*alg, Algorithm::RS256);
    let message = [&response.auth_data[..], &HASH].concat();
    let key = aws_lc_rs::signature::RsaPublicKeyComponents { n, e };
    key.verify(&aws_lc_rs::signature::RSA_PKCS1_2048_8192_SHA256, &message, sig).unwrap();
}

#[test]
fn format_none_is_given_where_it_is_preferred() {
    for (preference, none) in [
        (vec!["none"], true),
        (vec!["tpm", "none", "packed"], true),
        (vec!["packed", "none"], false),
        (vec!["tpm"], false),
    ] {
        let (mut device, mut request) = ready();
        request.attestation_formats_preference = preference.iter().map(|&format| format.to_owned()).collect();
        let response = Response::parse(&device.send(&Request::MakeCredential(request))).unwrap();
        assert_eq!(response.att_stmt == AttestationStatement::None, none, "{preference:?}");
    }
}

#[test]
fn cred_protect_is_answered_only_when_asked_for() {
    for (level, output) in [(None, None), (Some(1), Some(1)), (Some(2), Some(2)), (Some(3), Some(3))] {
        let (mut device, mut request) = ready();
        request.extensions.cred_protect = level;
        let response = Response::parse(&device.send(&Request::MakeCredential(request))).unwrap();
        let extensions = AuthenticatorData::parse(&response.auth_data).unwrap().extensions;
        let expected =
            output.map(|level: u8| Value::Map(vec![(Value::from("credProtect"), Value::from(level))]));
        assert_eq!(extensions, expected);
    }
}

#[test]
fn a_token_made_elsewhere_needs_an_approval_that_names_everything() {
    let (mut device, request) = ready();
    assert_eq!(status(&device.send(&Request::MakeCredential(request))), Status::OK);
    let asked = device.asked();
    assert_eq!(asked.len(), 1);
    assert_eq!((asked[0].operation, asked[0].want), (Operation::Register, Want::Approval));
    assert_eq!(asked[0].to_string(), "Register a passkey at site.example as alice");
}

#[test]
fn the_gesture_of_the_token_is_the_only_prompt_of_the_journey() {
    let mut device = Device::with_pin();
    device.user([typed(PIN)]);
    let token =
        platform::ask_token_by_gesture(&mut device, 2, Permissions::MAKE_CREDENTIAL, Some(RP)).unwrap();
    let mut request = registration();
    prove_registration(&mut request, &token);
    assert_eq!(status(&device.send(&Request::MakeCredential(request.clone()))), Status::OK);
    assert_eq!(device.asked().len(), 1);
    // One gesture, one command: the permission is gone.
    assert_eq!(status(&device.send(&Request::MakeCredential(request))), Status::PIN_AUTH_INVALID);
}

#[test]
fn without_a_token_the_gesture_is_asked_for_here() {
    for uv in [None, Some(false), Some(true)] {
        let mut device = Device::with_pin();
        let mut request = registration();
        request.options.uv = uv;
        device.user([typed(PIN)]);
        let response = device.send(&Request::MakeCredential(request));
        assert_eq!(status(&response), Status::OK, "alwaysUv turns {uv:?} into true (step 6.3)");
        let asked = device.asked();
        assert_eq!(asked.len(), 1, "the gesture is evidence of user presence too (step 13)");
        assert_eq!(asked[0].want, Want::Pin);
    }
}

#[test]
fn what_the_user_answers_decides() {
    let rows = [
        (Answer::Approved, Status::OK),
        (typed(PIN), Status::OPERATION_DENIED),
        (Answer::Denied, Status::OPERATION_DENIED),
        (Answer::Cancelled, Status::KEEPALIVE_CANCEL),
        (Answer::TimedOut, Status::OPERATION_DENIED),
    ];
    for (answer, expected) in rows {
        let (mut device, request) = ready();
        device.user([answer]);
        assert_eq!(status(&device.send(&Request::MakeCredential(request))), expected);
        let count = u32::from(expected == Status::OK);
        assert_eq!(device.container().discoverable_count().unwrap(), count);
    }
}

#[test]
fn an_excluded_passkey_is_told_only_after_a_touch() {
    let rows = [
        (Answer::Approved, Status::CREDENTIAL_EXCLUDED),
        (Answer::Denied, Status::CREDENTIAL_EXCLUDED),
        (Answer::TimedOut, Status::CREDENTIAL_EXCLUDED),
        (Answer::Cancelled, Status::KEEPALIVE_CANCEL),
    ];
    for (answer, expected) in rows {
        let mut device = Device::with_pin();
        let here = passkey(&mut device, RP, "alice");
        let token = platform::token(&mut device, Permissions::MAKE_CREDENTIAL, Some(RP));
        let mut request = registration();
        request.exclude_list = vec![CredentialDescriptor::public_key(vec![1; 32]), here];
        prove_registration(&mut request, &token);
        device.user([answer]);
        assert_eq!(status(&device.send(&Request::MakeCredential(request))), expected, "step 12");
        let asked = device.asked();
        assert_eq!((asked.len(), asked[0].operation), (1, Operation::Excluded));
    }
}

#[test]
fn a_passkey_of_another_site_excludes_nothing() {
    let mut device = Device::with_pin();
    let elsewhere = passkey(&mut device, "other.example", "alice");
    let token = platform::token(&mut device, Permissions::MAKE_CREDENTIAL, Some(RP));
    let mut request = registration();
    request.exclude_list = vec![elsewhere];
    prove_registration(&mut request, &token);
    assert_eq!(status(&device.send(&Request::MakeCredential(request))), Status::OK);
}

#[test]
fn a_gesture_that_found_an_excluded_passkey_is_spent() {
    let mut device = Device::with_pin();
    let here = passkey(&mut device, RP, "alice");
    let token = platform::gesture_token(&mut device, Permissions::MAKE_CREDENTIAL, Some(RP));
    let mut request = registration();
    request.exclude_list = vec![here];
    prove_registration(&mut request, &token);
    assert_eq!(status(&device.send(&Request::MakeCredential(request.clone()))), Status::CREDENTIAL_EXCLUDED);
    assert!(device.asked().is_empty(), "the gesture was just made");
    request.exclude_list.clear();
    assert_eq!(status(&device.send(&Request::MakeCredential(request))), Status::OK);
    assert_eq!(device.asked().len(), 1, "another registration needs another touch");
}

#[test]
fn a_second_passkey_of_the_account_replaces_the_first() {
    let mut device = Device::with_pin();
    let first = passkey(&mut device, RP, "alice");
    let second = passkey(&mut device, RP, "alice");
    assert_ne!(first.id, second.id);
    assert_eq!(device.container().discoverable_count().unwrap(), 1, "step 18");
    let mut request = registration();
    request.options.rk = None;
    platform::register(&mut device, request);
    assert_eq!(device.container().discoverable_count().unwrap(), 1, "rk is false by default");
}

#[test]
fn a_long_name_is_cut_between_two_characters() {
    let mut device = Device::with_pin();
    let mut request = registration();
    request.user.name = Some("é".repeat(200));
    request.user.display_name = Some(String::new());
    platform::register(&mut device, request);
    let unlocked =
        device.container().unlock(&latchkey_container::PinHash::typed(PIN), NOW, &mut rng()).unwrap();
    let user = device.container().passkeys_for(&unlocked, RP).unwrap().remove(0).user;
    assert_eq!((user.name, user.display_name), (Some("é".repeat(127)), None));
}

#[test]
fn a_zero_length_param_asks_for_a_touch_that_counts_for_nothing() {
    for (mut device, expected) in
        [(Device::with_pin(), Status::PIN_INVALID), (Device::fresh(), Status::PIN_NOT_SET)]
    {
        let mut request = registration();
        request.pin_uv_auth_param = Some(Vec::new());
        for (answer, expected) in [
            (Answer::Approved, expected),
            (Answer::Denied, Status::OPERATION_DENIED),
            (Answer::TimedOut, Status::OPERATION_DENIED),
            (Answer::Cancelled, Status::KEEPALIVE_CANCEL),
        ] {
            device.user([answer]);
            assert_eq!(status(&device.send(&Request::MakeCredential(request.clone()))), expected, "step 1");
            assert_eq!(device.asked()[0].operation, Operation::Select);
        }
    }
}
