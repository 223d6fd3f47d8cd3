//! authenticatorClientPIN (CTAP 2.3 §6.5.5): setting, changing and counting. Tokens are in `token.rs`.

use latchkey_protocol::client_pin::{Permissions, Request as ClientPin, Response, SubCommand};
use latchkey_protocol::{Request, Status};

use crate::device::{Device, PIN, status};
use crate::platform::{
    PROTOCOLS, RP, Session, ask_token_by_pin, authentication, passkey, pin_hash, prove_authentication, token,
};
use crate::table::{Row, run};

const GA: Permissions = Permissions::GET_ASSERTION;

pub fn padded(pin: &[u8]) -> Vec<u8> {
    let mut padded = pin.to_vec();
    padded.resize(64, 0);
    padded
}

pub fn set(session: &Session, padded: &[u8]) -> ClientPin {
    let mut request = session.request(SubCommand::SET_PIN);
    let sealed = session.encrypt(padded);
    request.pin_uv_auth_param = Some(session.mac(&sealed));
    request.new_pin_enc = Some(sealed);
    request
}

pub fn change(session: &Session, old: &str, padded: &[u8]) -> ClientPin {
    let mut request = session.request(SubCommand::CHANGE_PIN);
    let new = session.encrypt(padded);
    let hash = session.encrypt(&pin_hash(old));
    request.pin_uv_auth_param = Some(session.mac(&[&new[..], &hash].concat()));
    (request.new_pin_enc, request.pin_hash_enc) = (Some(new), Some(hash));
    request
}

fn retries(device: &mut Device) -> Response {
    let request = Request::ClientPin(ClientPin::new(SubCommand::GET_PIN_RETRIES));
    Response::parse(&device.send(&request)).unwrap()
}

#[test]
fn a_pin_is_set_and_serves_under_either_protocol() {
    for protocol in PROTOCOLS {
        let mut device = Device::fresh();
        let session = Session::new(&mut device, protocol);
        let response = device.send(&Request::ClientPin(set(&session, &padded(b"correct horse"))));
        assert_eq!(response, [0], "success has no result");
        for protocol in PROTOCOLS {
            assert!(ask_token_by_pin(&mut device, protocol, "correct horse", GA, Some(RP)).is_ok());
        }
        let wrong = ask_token_by_pin(&mut device, protocol, "correct horsf", GA, Some(RP));
        assert_eq!(wrong.err(), Some(Status::PIN_INVALID));
    }
}

#[test]
fn setting_has_rules() {
    let rows: &[Row<ClientPin>] = &[
        Row { name: "as it is", change: |_| {}, expected: Status::OK, clause: "§6.5.5.5" },
        Row {
            name: "no protocol",
            change: |r| r.protocol = None,
            expected: Status::MISSING_PARAMETER,
            clause: "step 1",
        },
        Row {
            name: "no key",
            change: |r| r.key_agreement = None,
            expected: Status::MISSING_PARAMETER,
            clause: "step 1",
        },
        Row {
            name: "no PIN",
            change: |r| r.new_pin_enc = None,
            expected: Status::MISSING_PARAMETER,
            clause: "step 1",
        },
        Row {
            name: "no MAC",
            change: |r| r.pin_uv_auth_param = None,
            expected: Status::MISSING_PARAMETER,
            clause: "step 1",
        },
        Row {
            name: "unknown protocol",
            change: |r| r.protocol = Some(9),
            expected: Status::INVALID_PARAMETER,
            clause: "step 2",
        },
        Row {
            name: "a point off the curve",
            change: |r| r.key_agreement.as_mut().unwrap().y = [1; 32],
            expected: Status::INVALID_PARAMETER,
            clause: "step 4",
        },
        Row {
            name: "half of the MAC",
            change: |r| r.pin_uv_auth_param.as_mut().unwrap().truncate(16),
            expected: Status::PIN_AUTH_INVALID,
            clause: "step 5",
        },
        Row {
            name: "another ciphertext",
            change: |r| r.new_pin_enc.as_mut().unwrap()[20] ^= 1,
            expected: Status::PIN_AUTH_INVALID,
            clause: "step 5",
        },
    ];
    let prepare = || {
        let mut device = Device::fresh();
        let session = Session::new(&mut device, 2);
        (device, set(&session, &padded(b"correct horse")))
    };
    run(rows, prepare, Request::ClientPin);
}

#[test]
fn a_new_pin_has_a_length_in_code_points_and_in_bytes() {
    let rows: [(&str, Vec<u8>, Status); 7] = [
        ("shorter than the minimum", padded(b"12345"), Status::PIN_POLICY_VIOLATION),
        ("the minimum", padded(b"123456"), Status::OK),
        ("code points, not bytes, count", padded("ééé".as_bytes()), Status::PIN_POLICY_VIOLATION),
        ("63 bytes", padded(&[b'x'; 63]), Status::OK),
        ("64 bytes", vec![b'x'; 64], Status::PIN_POLICY_VIOLATION),
        ("not UTF-8", padded(&[0xFF; 8]), Status::PIN_POLICY_VIOLATION),
        ("not padded to 64", vec![b'x'; 32], Status::INVALID_PARAMETER),
    ];
    for (name, padded, expected) in rows {
        let mut device = Device::fresh();
        let session = Session::new(&mut device, 2);
        assert_eq!(status(&device.send(&Request::ClientPin(set(&session, &padded)))), expected, "{name}");
        assert_eq!(device.container().has_pin(), expected == Status::OK, "{name}");
    }
}

#[test]
fn a_set_pin_cannot_be_set_again() {
    let mut device = Device::with_pin();
    let session = Session::new(&mut device, 2);
    let response = device.send(&Request::ClientPin(set(&session, &padded(b"another pin"))));
    assert_eq!(status(&response), Status::PIN_AUTH_INVALID, "§6.5.5.5 step 3");
    assert!(ask_token_by_pin(&mut device, 2, PIN, GA, Some(RP)).is_ok());
}

#[test]
fn a_change_keeps_the_passkeys_and_ends_the_tokens() {
    for protocol in PROTOCOLS {
        let mut device = Device::with_pin();
        passkey(&mut device, RP, "alice");
        let old_token = token(&mut device, GA, Some(RP));
        let session = Session::new(&mut device, protocol);
        let response = device.send(&Request::ClientPin(change(&session, PIN, &padded(b"another pin"))));
        assert_eq!(response, [0]);
        let mut request = authentication();
        prove_authentication(&mut request, &old_token);
        let stale = device.send(&Request::GetAssertion(request.clone()));
        assert_eq!(status(&stale), Status::PIN_AUTH_INVALID, "§6.5.5.6 step 19");
        let wrong = ask_token_by_pin(&mut device, 2, PIN, GA, Some(RP)).err();
        assert_eq!(wrong, Some(Status::PIN_INVALID), "the old PIN");
        let token = ask_token_by_pin(&mut device, 2, "another pin", GA, Some(RP)).unwrap();
        prove_authentication(&mut request, &token);
        assert_eq!(status(&device.send(&Request::GetAssertion(request))), Status::OK);
    }
}

#[test]
fn a_change_checks_the_old_pin_before_the_new_one() {
    let rows: [(&str, &str, Vec<u8>, Status, u64); 4] = [
        ("wrong old, bad new", "000000", padded(b"1"), Status::PIN_INVALID, 7),
        ("right old, bad new", PIN, padded(b"1"), Status::PIN_POLICY_VIOLATION, 8),
        ("right old, short block", PIN, vec![b'x'; 16], Status::INVALID_PARAMETER, 8),
        ("wrong old, good new", "000000", padded(b"another pin"), Status::PIN_INVALID, 7),
    ];
    for (name, old, new, expected, left) in rows {
        let mut device = Device::with_pin();
        let session = Session::new(&mut device, 2);
        let response = device.send(&Request::ClientPin(change(&session, old, &new)));
        assert_eq!(status(&response), expected, "{name}");
        assert_eq!(retries(&mut device).pin_retries, Some(left), "{name}");
        assert!(ask_token_by_pin(&mut device, 2, PIN, GA, Some(RP)).is_ok(), "{name}: the old PIN stays");
    }
}

#[test]
fn without_a_pin_there_is_nothing_to_change_or_count() {
    let mut device = Device::fresh();
    let session = Session::new(&mut device, 2);
    let requests =
        [change(&session, PIN, &padded(b"another pin")), ClientPin::new(SubCommand::GET_PIN_RETRIES)];
    for request in requests {
        assert_eq!(status(&device.send(&Request::ClientPin(request))), Status::PIN_NOT_SET);
    }
    let refused = ask_token_by_pin(&mut device, 2, PIN, GA, Some(RP)).err();
    assert_eq!(refused, Some(Status::PIN_NOT_SET));
}

#[test]
fn three_wrong_pins_need_a_power_cycle_and_eight_are_final() {
    let mut device = Device::with_pin();
    let guess = |device: &mut Device, pin| ask_token_by_pin(device, 2, pin, GA, Some(RP)).err();
    let mut left = 8;
    loop {
        for this_boot in 1..=3 {
            let refused = guess(&mut device, "000000");
            left -= 1;
            if left == 0 {
                assert_eq!(refused, Some(Status::PIN_BLOCKED));
                break;
            }
            let expected = if this_boot == 3 { Status::PIN_AUTH_BLOCKED } else { Status::PIN_INVALID };
            assert_eq!(refused, Some(expected), "{left} left");
            let reported = retries(&mut device);
            assert_eq!(reported.pin_retries, Some(left));
            assert_eq!(reported.power_cycle_state, Some(this_boot == 3));
        }
        if left == 0 {
            break;
        }
        assert_eq!(guess(&mut device, PIN), Some(Status::PIN_AUTH_BLOCKED), "even the right PIN");
        device.power_cycle();
    }
    device.power_cycle();
    assert_eq!(guess(&mut device, PIN), Some(Status::PIN_BLOCKED), "also after a power cycle");
    assert_eq!(retries(&mut device).pin_retries, Some(0));
}

#[test]
fn a_right_pin_starts_the_count_again() {
    let mut device = Device::with_pin();
    for _ in 0..3 {
        for _ in 0..2 {
            assert_eq!(
                ask_token_by_pin(&mut device, 1, "no pin", GA, Some(RP)).err(),
                Some(Status::PIN_INVALID)
            );
        }
        assert!(ask_token_by_pin(&mut device, 1, PIN, GA, Some(RP)).is_ok());
        assert_eq!(retries(&mut device).pin_retries, Some(8));
    }
}

#[test]
fn a_wrong_pin_costs_the_key_agreement() {
    for protocol in PROTOCOLS {
        let mut device = Device::with_pin();
        let session = Session::new(&mut device, protocol);
        let mut request = session.request(SubCommand::GET_PIN_TOKEN);
        request.pin_hash_enc = Some(session.encrypt(&pin_hash("000000")));
        assert_eq!(status(&device.send(&Request::ClientPin(request))), Status::PIN_INVALID);
        // The same session again: its keys are no longer the device's, so even the right PIN is wrong.
        let mut request = session.request(SubCommand::GET_PIN_TOKEN);
        request.pin_hash_enc = Some(session.encrypt(&pin_hash(PIN)));
        assert_eq!(status(&device.send(&Request::ClientPin(request))), Status::PIN_INVALID);
        assert_eq!(retries(&mut device).pin_retries, Some(6));
    }
}

#[test]
fn a_hash_that_cannot_be_opened_counts_as_a_wrong_pin() {
    for sealed in [vec![], vec![0; 15], vec![0; 64]] {
        let mut device = Device::with_pin();
        let session = Session::new(&mut device, 2);
        let mut request = session.request(SubCommand::GET_PIN_TOKEN);
        request.pin_hash_enc = Some(sealed);
        let response = device.send(&Request::ClientPin(request));
        assert_eq!(status(&response), Status::PIN_INVALID, "§6.5.5.7.1 step 9.1");
        assert_eq!(retries(&mut device).pin_retries, Some(7));
    }
}

#[test]
fn the_key_agreement_names_its_protocol() {
    let mut device = Device::with_pin();
    for (protocol, expected) in [
        (None, Status::MISSING_PARAMETER),
        (Some(1), Status::OK),
        (Some(2), Status::OK),
        (Some(3), Status::INVALID_PARAMETER),
    ] {
        let mut request = ClientPin::new(SubCommand::GET_KEY_AGREEMENT);
        request.protocol = protocol;
        assert_eq!(status(&device.send(&Request::ClientPin(request))), expected, "{protocol:?}");
    }
}

#[test]
fn unknown_subcommands_are_named_so() {
    let mut device = Device::with_pin();
    for number in [0x00, 0x08, 0x0A, 0xFF] {
        let request = Request::ClientPin(ClientPin::new(SubCommand(number)));
        assert_eq!(status(&device.send(&request)), Status::INVALID_SUBCOMMAND, "§8.1: {number:#x}");
    }
}
