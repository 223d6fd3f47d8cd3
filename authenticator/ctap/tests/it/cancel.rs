//! `CTAPHID_CANCEL` at every point where a command waits (CTAP 2.3 §11.2.9.1.5): the command ends with `KEEPALIVE_CANCEL`,
//! nothing has changed, and nothing is used up: the same request succeeds afterwards.

use latchkey_ctap::{Answer, SampleStatus, Step};
use latchkey_protocol::bio_enrollment::{Params, SubCommand as Bio};
use latchkey_protocol::client_pin::{Permissions, SubCommand};
use latchkey_protocol::credential_management::{self, SubCommand as Management};
use latchkey_protocol::{Request, Status};

use crate::bio_enrollment::proven;
use crate::device::{CHANNEL, Device, PIN, status, typed};
use crate::platform::{
    RP, Session, authentication, passkey, pin_hash, prove_authentication, prove_registration, registration,
    token,
};
use crate::sensor::{device_with_sensor, sample};

/// A request that waits, and what makes it succeed: an answer for each prompt and each sample.
type Case = (&'static str, fn(&mut Device) -> (Request, Vec<Answer>), Status);

const CASES: [Case; 11] = [
    ("the touch of makeCredential", by_token, Status::OK),
    ("the gesture of makeCredential", |_| gesture(Request::MakeCredential(registration())), Status::OK),
    ("the touch of an excluded passkey", excluded, Status::CREDENTIAL_EXCLUDED),
    ("the touch of getAssertion", sign_in, Status::OK),
    ("the gesture of getAssertion", |_| gesture(Request::GetAssertion(authentication())), Status::OK),
    ("the consent to a token", token_by_pin, Status::OK),
    ("the gesture of a token", token_by_gesture, Status::OK),
    ("the touch before a passkey is deleted", delete, Status::OK),
    ("authenticatorSelection", |_| (Request::Selection, vec![Answer::Approved]), Status::OK),
    ("authenticatorReset", reset, Status::OK),
    ("an enrolment: the consent and the first sample", enrol, Status::OK),
];

#[test]
fn a_cancel_at_every_point_changes_nothing_and_uses_nothing_up() {
    for (name, prepare, expected) in CASES {
        let waits = prepare(&mut ready()).1.len();
        for point in 0..waits {
            let mut device = ready();
            let (request, answers) = prepare(&mut device);
            let before = facts(&mut device);
            device.user(answers.into_iter().take(point).chain([Answer::Cancelled]));
            let cancelled = device.send(&request);
            assert_eq!(cancelled, [Status::KEEPALIVE_CANCEL.0], "{name}, at {point}");
            assert_eq!(facts(&mut device), before, "{name}, at {point}");
            let (_, answers) = prepare_again(prepare);
            device.user(answers);
            assert_eq!(status(&device.send(&request)), expected, "{name}, again after {point}");
        }
    }
}

/// A wrong PIN that was typed before the cancel stays counted, and the next prompt begins anew.
#[test]
fn a_cancel_takes_no_wrong_pin_back() {
    let mut device = ready();
    let bytes = Request::GetAssertion(authentication()).encode();
    let Step::Ask(_, suspended) = device.handle(CHANNEL, &bytes) else { panic!("no prompt") };
    let Step::Ask(_, suspended) = device.resume(suspended, typed("000000")) else {
        panic!("no second prompt")
    };
    let Step::Respond(response) = device.resume(suspended, Answer::Cancelled) else { panic!("a third") };
    assert_eq!(response, [Status::KEEPALIVE_CANCEL.0]);
    assert_eq!(device.container().tries_left().unwrap(), 7);
}

/// With a sensor, a passkey, just powered up.
fn ready() -> Device {
    let (mut device, sensor) = device_with_sensor();
    passkey(&mut device, RP, "bob");
    device.power_cycle();
    device.add_biometrics(Box::new(sensor));
    device
}

fn facts(device: &mut Device) -> (bool, u32, u8, bool) {
    let container = device.container();
    let (pin, passkeys) = (container.has_pin(), container.discoverable_count().unwrap());
    (pin, passkeys, container.tries_left().unwrap(), device.engine().is_enrolling())
}

/// The same answers once more; `Answer` is not `Clone`, because a PIN hash is not.
fn prepare_again(prepare: fn(&mut Device) -> (Request, Vec<Answer>)) -> (Request, Vec<Answer>) {
    prepare(&mut ready())
}

fn gesture(request: Request) -> (Request, Vec<Answer>) {
    (request, vec![typed(PIN)])
}

fn by_token(device: &mut Device) -> (Request, Vec<Answer>) {
    let mut request = registration();
    let token = token(device, Permissions::MAKE_CREDENTIAL, Some(RP));
    prove_registration(&mut request, &token);
    (Request::MakeCredential(request), vec![Answer::Approved])
}

fn excluded(device: &mut Device) -> (Request, Vec<Answer>) {
    let mut request = registration();
    request.exclude_list = vec![passkey(device, RP, "bob")];
    let token = token(device, Permissions::MAKE_CREDENTIAL, Some(RP));
    prove_registration(&mut request, &token);
    (Request::MakeCredential(request), vec![Answer::Approved])
}

fn sign_in(device: &mut Device) -> (Request, Vec<Answer>) {
    let mut request = authentication();
    let token = token(device, Permissions::GET_ASSERTION, Some(RP));
    prove_authentication(&mut request, &token);
    (Request::GetAssertion(request), vec![Answer::Approved])
}

fn token_by_pin(device: &mut Device) -> (Request, Vec<Answer>) {
    let session = Session::new(device, 2);
    let mut request = session.request(SubCommand::GET_PIN_UV_AUTH_TOKEN_USING_PIN_WITH_PERMISSIONS);
    request.pin_hash_enc = Some(session.encrypt(&pin_hash(PIN)));
    (request.permissions, request.rp_id) = (Some(Permissions::GET_ASSERTION), Some(RP.to_owned()));
    (Request::ClientPin(request), vec![Answer::Approved])
}

fn token_by_gesture(device: &mut Device) -> (Request, Vec<Answer>) {
    let session = Session::new(device, 2);
    let mut request = session.request(SubCommand::GET_PIN_UV_AUTH_TOKEN_USING_UV_WITH_PERMISSIONS);
    (request.permissions, request.rp_id) = (Some(Permissions::GET_ASSERTION), Some(RP.to_owned()));
    gesture(Request::ClientPin(request))
}

fn delete(device: &mut Device) -> (Request, Vec<Answer>) {
    let named = passkey(device, "other.example", "carol");
    let token = token(device, Permissions::CREDENTIAL_MANAGEMENT, None);
    let params = credential_management::Params::new(None, Some(named), None);
    let mac = token.mac(&[&[Management::DELETE_CREDENTIAL.0], params.raw()].concat());
    let request = credential_management::Request {
        subcommand: Management::DELETE_CREDENTIAL,
        params: Some(params),
        protocol: Some(2),
        pin_uv_auth_param: Some(mac),
    };
    (Request::CredentialManagement(request), vec![Answer::Approved])
}

fn reset(_: &mut Device) -> (Request, Vec<Answer>) {
    (Request::Reset, vec![Answer::Approved])
}

fn enrol(device: &mut Device) -> (Request, Vec<Answer>) {
    let token = token(device, Permissions::BIO_ENROLLMENT, None);
    let request = proven(Bio::ENROLL_BEGIN, Some(Params::new(None, None, None)), &token);
    (Request::BioEnrollment(request), vec![Answer::Approved, sample("thumb", SampleStatus::Good, 2)])
}
