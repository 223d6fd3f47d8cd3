//! Built-in user verification through our own prompt (CTAP 2.3 §6.5.3.1, §6.5.5.7.3), and
//! authenticatorSelection (§6.9).

use latchkey_container::secret::AuthValue;
use latchkey_container::{Biometric, Lifetime, PinHash, Recognised, TemplateDigest};
use latchkey_ctap::{Answer, Notice, Operation, Want};
use latchkey_protocol::client_pin::{Permissions, Request as ClientPin, Response, SubCommand};
use latchkey_protocol::{Request, Status};

use crate::device::{Device, NOW, PIN, rng, status, typed};
use crate::platform::{RP, Session, ask_token_by_gesture, ask_token_by_pin, authentication, registration};

const MC: Permissions = Permissions::MAKE_CREDENTIAL;
const GA: Permissions = Permissions::GET_ASSERTION;
const CM: Permissions = Permissions::CREDENTIAL_MANAGEMENT;

fn uv_retries(device: &mut Device) -> Option<u64> {
    let request = Request::ClientPin(ClientPin::new(SubCommand::GET_UV_RETRIES));
    Response::parse(&device.send(&request)).unwrap().uv_retries
}

#[test]
fn a_wrong_pin_is_asked_for_again_with_the_tries_left() {
    let mut device = Device::with_pin();
    device.user([typed("000000"), typed("111111"), typed(PIN)]);
    assert!(ask_token_by_gesture(&mut device, 2, MC, Some(RP)).is_ok());
    let notices: Vec<Option<Notice>> = device.asked().iter().map(|prompt| prompt.notice).collect();
    let wrong = |tries_left| Some(Notice::WrongPin { tries_left });
    assert_eq!(notices, [None, wrong(7), wrong(6)]);
    assert_eq!(uv_retries(&mut device), Some(3), "a right PIN starts the count again");
}

#[test]
fn what_the_user_answers_decides_about_a_token() {
    let wrong = || typed("000000");
    let rows: Vec<(Vec<Answer>, Status)> = vec![
        (vec![Answer::Denied], Status::OPERATION_DENIED),
        (vec![Answer::Approved], Status::OPERATION_DENIED),
        (vec![wrong(), Answer::Denied], Status::UV_INVALID),
        (vec![Answer::Cancelled], Status::KEEPALIVE_CANCEL),
        (vec![wrong(), Answer::Cancelled], Status::KEEPALIVE_CANCEL),
        (vec![Answer::TimedOut], Status::USER_ACTION_TIMEOUT),
        (vec![wrong(), wrong(), wrong()], Status::UV_BLOCKED),
    ];
    for (answers, expected) in rows {
        let mut device = Device::with_pin();
        device.user(answers);
        assert_eq!(ask_token_by_gesture(&mut device, 2, GA, Some(RP)).err(), Some(expected));
    }
}

#[test]
fn what_the_user_answers_decides_about_a_request() {
    let wrong = || typed("000000");
    for (answers, expected) in [
        (vec![Answer::Denied], Status::OPERATION_DENIED),
        (vec![wrong(), Answer::Denied], Status::OPERATION_DENIED),
        (vec![Answer::Cancelled], Status::KEEPALIVE_CANCEL),
        (vec![Answer::TimedOut], Status::USER_ACTION_TIMEOUT),
        (vec![wrong(), wrong(), wrong()], Status::PIN_AUTH_BLOCKED),
    ] {
        for request in [Request::MakeCredential(registration()), Request::GetAssertion(authentication())] {
            let mut device = Device::with_pin();
            device.answers = answers.iter().map(again).collect();
            assert_eq!(status(&device.send(&request)), expected);
        }
    }
}

/// The same answer once more; `Answer` is not `Clone`, because a PIN hash is not. A finger is none of these.
fn again(answer: &Answer) -> Answer {
    match answer {
        Answer::Approved => Answer::Approved,
        Answer::Pin(_) => typed("000000"),
        Answer::Denied | Answer::Recognised(_) | Answer::Captured(_) => Answer::Denied,
        Answer::Cancelled => Answer::Cancelled,
        Answer::TimedOut => Answer::TimedOut,
    }
}

#[test]
fn gesture_and_client_pin_count_together() {
    let mut device = Device::with_pin();
    assert_eq!(ask_token_by_pin(&mut device, 2, "000000", GA, Some(RP)).err(), Some(Status::PIN_INVALID));
    assert_eq!(uv_retries(&mut device), Some(2));
    device.user([typed("000000"), typed("000000")]);
    assert_eq!(ask_token_by_gesture(&mut device, 2, GA, Some(RP)).err(), Some(Status::UV_BLOCKED));
    assert_eq!(device.asked().len(), 2, "the third wrong PIN since power-up is not followed by a prompt");
    assert_eq!(uv_retries(&mut device), Some(0));
    assert_eq!(ask_token_by_gesture(&mut device, 2, GA, Some(RP)).err(), Some(Status::UV_BLOCKED));
    assert_eq!(status(&device.send(&Request::GetAssertion(authentication()))), Status::PIN_AUTH_BLOCKED);
    assert!(device.asked().is_empty(), "nothing is asked that cannot be answered");
    assert_eq!(ask_token_by_pin(&mut device, 2, PIN, GA, Some(RP)).err(), Some(Status::PIN_AUTH_BLOCKED));
    device.power_cycle();
    assert_eq!(uv_retries(&mut device), Some(3));
    device.user([typed(PIN)]);
    assert!(ask_token_by_gesture(&mut device, 2, GA, Some(RP)).is_ok());
}

#[test]
fn the_last_try_of_the_device_blocks_for_good() {
    let mut device = Device::with_pin();
    for _ in 0..2 {
        device.user([typed("000000"), typed("000000"), typed("000000")]);
        assert_eq!(ask_token_by_gesture(&mut device, 2, GA, Some(RP)).err(), Some(Status::UV_BLOCKED));
        device.power_cycle();
    }
    assert_eq!(uv_retries(&mut device), Some(2));
    device.user([typed("000000"), typed("000000")]);
    let response = device.send(&Request::GetAssertion(authentication()));
    assert_eq!(status(&response), Status::PIN_BLOCKED, "§6.2.2 step 6.2");
    device.power_cycle();
    assert_eq!(ask_token_by_gesture(&mut device, 2, GA, Some(RP)).err(), Some(Status::UV_BLOCKED));
    assert_eq!(status(&device.send(&Request::MakeCredential(registration()))), Status::PIN_BLOCKED);
}

#[test]
fn without_a_pin_there_is_no_gesture() {
    let mut device = Device::fresh();
    assert_eq!(ask_token_by_gesture(&mut device, 2, GA, Some(RP)).err(), Some(Status::NOT_ALLOWED), "step 5");
}

#[test]
fn the_prompt_says_what_the_token_is_for() {
    let rows = [
        (MC, Some(RP), "Register a passkey at site.example"),
        (GA, Some(RP), "Sign in to site.example"),
        (CM, None, "List and change your passkeys"),
        (MC | GA, Some(RP), "Let an application use your passkeys for site.example"),
    ];
    for (permissions, rp_id, text) in rows {
        let mut device = Device::with_pin();
        device.user([typed(PIN)]);
        assert!(ask_token_by_gesture(&mut device, 2, permissions, rp_id).is_ok());
        let asked = device.asked();
        assert_eq!((asked[0].to_string().as_str(), asked[0].want), (text, Want::Pin));
    }
}

#[test]
fn parameters_of_a_gesture_are_mandatory() {
    let mut device = Device::with_pin();
    let session = Session::new(&mut device, 2);
    let mut complete = session.request(SubCommand::GET_PIN_UV_AUTH_TOKEN_USING_UV_WITH_PERMISSIONS);
    complete.permissions = Some(GA);
    complete.rp_id = Some(RP.to_owned());
    let mut rows = vec![(complete, Status::OK); 7];
    (rows[1].0.protocol, rows[1].1) = (None, Status::MISSING_PARAMETER);
    (rows[2].0.key_agreement, rows[2].1) = (None, Status::MISSING_PARAMETER);
    (rows[3].0.permissions, rows[3].1) = (None, Status::MISSING_PARAMETER);
    (rows[4].0.permissions, rows[4].1) = (Some(Permissions::NONE), Status::INVALID_PARAMETER);
    let unsupported = Permissions::BIO_ENROLLMENT;
    (rows[5].0.permissions, rows[5].1) = (Some(unsupported), Status::UNAUTHORIZED_PERMISSION);
    (rows[6].0.rp_id, rows[6].1) = (None, Status::MISSING_PARAMETER);
    for (request, expected) in rows {
        device.user([typed(PIN)]);
        assert_eq!(status(&device.send(&Request::ClientPin(request))), expected);
    }
}

#[test]
fn selection_is_a_touch_that_counts_for_nothing_else() {
    let mut device = Device::with_pin();
    for (answer, expected) in [
        (Answer::Approved, Status::OK),
        (Answer::Denied, Status::OPERATION_DENIED),
        (Answer::Cancelled, Status::KEEPALIVE_CANCEL),
        (Answer::TimedOut, Status::USER_ACTION_TIMEOUT),
    ] {
        device.user([answer]);
        assert_eq!(device.send(&Request::Selection), [expected.0]);
        assert_eq!(device.asked()[0].operation, Operation::Select);
    }
    let token = ask_token_by_pin(&mut device, 2, PIN, MC, Some(RP)).unwrap();
    device.send(&Request::Selection);
    device.asked();
    let mut request = registration();
    crate::platform::prove_registration(&mut request, &token);
    assert_eq!(status(&device.send(&Request::MakeCredential(request))), Status::OK);
    assert_eq!(device.asked()[0].operation, Operation::Register, "asked for again");
}

/// What a biometric service says after a match of this finger.
fn finger(name: &str) -> Answer {
    let template = TemplateDigest::of("alice", "sensor", Biometric::Fingerprint, name.as_bytes());
    let secret = AuthValue::new([1; 32]);
    Answer::Recognised(Box::new(Recognised { kind: Biometric::Fingerprint, template, secret }))
}

/// A device whose user has enrolled the first finger and typed the PIN since.
fn with_finger() -> Device {
    let mut device = Device::with_pin();
    let container = device.container();
    container.offer_biometric(Biometric::Fingerprint, AuthValue::new([1; 32]), Lifetime::Boot).unwrap();
    let unlocked = container.unlock(&PinHash::typed(PIN), NOW, &mut rng()).unwrap();
    let template = TemplateDigest::of("alice", "sensor", Biometric::Fingerprint, b"first");
    container.enrol_biometric(&unlocked, Biometric::Fingerprint, template, &mut rng()).unwrap();
    device
}

#[test]
fn a_finger_does_where_the_pin_does() {
    let mut device = with_finger();
    device.user([finger("first")]);
    let registered = device.send(&Request::MakeCredential(registration()));
    assert_eq!(status(&registered), Status::OK);
    device.user([finger("first")]);
    assert!(ask_token_by_gesture(&mut device, 2, GA, Some(RP)).is_ok());
    device.user([finger("first")]);
    assert_eq!(status(&device.send(&Request::GetAssertion(authentication()))), Status::OK);
}

#[test]
fn a_finger_that_is_not_accepted_is_followed_by_the_pin() {
    let mut device = with_finger();
    device.user([finger("second"), typed(PIN)]);
    assert!(ask_token_by_gesture(&mut device, 2, GA, Some(RP)).is_ok());
    let notices: Vec<Option<Notice>> = device.asked().iter().map(|prompt| prompt.notice).collect();
    assert_eq!(notices, [None, Some(Notice::TemplateNotEnrolled)]);
    let mut without = Device::with_pin();
    without.user([finger("first"), typed(PIN)]);
    assert!(ask_token_by_gesture(&mut without, 2, GA, Some(RP)).is_ok());
    let notices: Vec<Option<Notice>> = without.asked().iter().map(|prompt| prompt.notice).collect();
    assert_eq!(notices, [None, Some(Notice::PinNeeded)]);
}

#[test]
fn a_finger_does_not_forgive_wrong_pins_and_is_no_yes() {
    let mut device = with_finger();
    device.user([typed("000000"), typed("000000"), finger("first")]);
    assert!(ask_token_by_gesture(&mut device, 2, GA, Some(RP)).is_ok());
    device.asked();
    assert_eq!(uv_retries(&mut device), Some(1), "one wrong PIN more and a restart is needed");
    device.user([finger("first")]);
    assert_eq!(device.send(&Request::Selection), [Status::OPERATION_DENIED.0]);
}
