//! A1: a client without authority resets, deletes or fills the authenticator, or has the user touch it for one thing and
//! uses the touch for another.

use latchkey_ctap::{Answer, Operation, Step};
use latchkey_protocol::client_pin::Permissions;
use latchkey_protocol::credential_management::{self, Params, SubCommand};
use latchkey_protocol::{CredentialDescriptor, Request, Status};

use crate::device::{CHANNEL, Device, PIN, status, typed};
use crate::platform::{
    RP, Token, ask_token_by_gesture, authentication, gesture_token, passkey, prove_authentication,
    prove_registration, registration, token, user,
};

/// Makes a request that is proved with the token.
type Make = fn(&Token) -> Request;

const BOTH: Permissions = Permissions(Permissions::MAKE_CREDENTIAL.0 | Permissions::GET_ASSERTION.0);

fn register(token: &Token) -> Request {
    let mut request = registration();
    request.user = user("mallory");
    prove_registration(&mut request, token);
    Request::MakeCredential(request)
}

fn sign_in(token: &Token) -> Request {
    let mut request = authentication();
    prove_authentication(&mut request, token);
    Request::GetAssertion(request)
}

fn delete(named: &CredentialDescriptor, token: &Token) -> Request {
    let params = Params::new(None, Some(named.clone()), None);
    let subcommand = SubCommand::DELETE_CREDENTIAL;
    let mac = token.mac(&[&[subcommand.0], params.raw()].concat());
    Request::CredentialManagement(credential_management::Request {
        subcommand,
        params: Some(params),
        protocol: Some(2),
        pin_uv_auth_param: Some(mac),
    })
}

/// CTAP 2.3 §6.1.2 step 14, §6.2.2 step 9: user presence and permissions are cleared by their first use.
#[test]
fn one_gesture_serves_one_command() {
    let rows: [(&str, Make, Make); 4] = [
        ("sign in twice", sign_in, sign_in),
        ("sign in, register", sign_in, register),
        ("register, sign in", register, sign_in),
        ("register twice", register, register),
    ];
    for (name, first, second) in rows {
        let mut device = Device::with_pin();
        passkey(&mut device, RP, "alice");
        let token = gesture_token(&mut device, BOTH, Some(RP));
        assert_eq!(status(&device.send(&first(&token))), Status::OK, "{name}");
        assert!(device.asked().is_empty(), "the gesture was evidence of presence");
        assert_eq!(status(&device.send(&second(&token))), Status::PIN_AUTH_INVALID, "{name}");
        assert!(device.asked().is_empty());
    }
}

/// §6.9: "selection" is for choosing among authenticators; a client that got this touch got nothing else.
#[test]
fn the_touch_of_a_selection_deletes_nothing() {
    let mut device = Device::with_pin();
    let named = passkey(&mut device, RP, "alice");
    device.power_cycle();
    let token = token(&mut device, Permissions::CREDENTIAL_MANAGEMENT, None);
    for (request, operation) in
        [(delete(&named, &token), Operation::Delete), (Request::Reset, Operation::Reset)]
    {
        device.user([Answer::Approved, Answer::Denied]);
        assert_eq!(device.send(&Request::Selection), [0]);
        assert_eq!(status(&device.send(&request)), Status::OPERATION_DENIED);
        let asked: Vec<Operation> = device.asked().iter().map(|prompt| prompt.operation).collect();
        assert_eq!(asked, [Operation::Select, operation], "asked for once more, by its name");
    }
    assert_eq!(device.container().discoverable_count().unwrap(), 1);
}

/// The answer to one prompt goes to the command that asked, also when another one waits at the same time.
#[test]
fn an_answer_belongs_to_its_own_prompt() {
    let mut device = Device::with_pin();
    passkey(&mut device, RP, "alice");
    let sign_in = Request::GetAssertion(authentication()).encode();
    let Step::Ask(first, signing) = device.handle(CHANNEL, &sign_in) else { panic!("no prompt") };
    device.power_cycle();
    let reset = Request::Reset.encode();
    let Step::Ask(second, resetting) = device.handle(CHANNEL, &reset) else { panic!("no prompt") };
    assert_eq!((first.operation, second.operation), (Operation::SignIn, Operation::Reset));
    // The PIN that was meant for the sign-in of before the power cycle confirms nothing now.
    let Step::Respond(late) = device.resume(signing, typed(PIN)) else { panic!("asked again") };
    assert_eq!(status(&late), Status::NOT_ALLOWED);
    let Step::Respond(refused) = device.resume(resetting, typed(PIN)) else { panic!("asked again") };
    assert_eq!(status(&refused), Status::OPERATION_DENIED, "and a PIN is no yes to a reset");
    assert!(device.container().has_pin());
}

#[test]
fn every_prompt_names_the_command_and_whom_it_is_for() {
    let mut device = Device::with_pin();
    let named = passkey(&mut device, RP, "alice");
    device.power_cycle();
    let texts =
        |device: &mut Device| -> Vec<String> { device.asked().iter().map(ToString::to_string).collect() };
    let mut other = registration();
    other.user = user("bob");
    device.user([typed(PIN)]);
    device.send(&Request::MakeCredential(other));
    assert_eq!(texts(&mut device), ["Register a passkey at site.example as bob"]);
    let ga = token(&mut device, Permissions::GET_ASSERTION, Some(RP));
    device.send(&sign_in(&ga));
    assert_eq!(texts(&mut device), ["Sign in to site.example"], "there are two accounts");
    let cm = token(&mut device, Permissions::CREDENTIAL_MANAGEMENT, None);
    device.user([Answer::Denied]);
    device.send(&delete(&named, &cm));
    assert_eq!(texts(&mut device), ["Delete the passkey of alice at site.example"]);
    device.user([Answer::Denied]);
    device.send(&Request::Reset);
    assert_eq!(texts(&mut device), ["Reset this authenticator: delete the PIN and every passkey, for good"]);
    device.send(&Request::Selection);
    assert_eq!(texts(&mut device), ["Use this authenticator"]);
    device.user([typed(PIN)]);
    drop(ask_token_by_gesture(&mut device, 2, Permissions::CREDENTIAL_MANAGEMENT, None));
    assert_eq!(texts(&mut device), ["List and change your passkeys"]);
}
