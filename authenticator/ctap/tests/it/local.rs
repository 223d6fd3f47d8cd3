//! The PIN from this side of the wire, and what waits across a power cycle.

use latchkey_container::{Error as ContainerError, Pin, PinHash};
use latchkey_ctap::{Answer, PinRefused, Step, Suspended};
use latchkey_protocol::client_pin::Permissions;
use latchkey_protocol::{Request, Status};

use crate::device::{CHANNEL, Device, NOW, PIN, rng, status, typed};
use crate::platform::{
    RP, ask_token_by_pin, authentication, passkey, prove_authentication, prove_registration, registration,
    token,
};

const GA: Permissions = Permissions::GET_ASSERTION;

fn wrong(device: &mut Device) -> PinRefused {
    device.engine().unlock(&PinHash::typed("000000"), NOW, &mut rng()).unwrap_err()
}

#[test]
fn wrong_pins_of_commands_and_of_ctap_count_together() {
    let mut device = Device::with_pin();
    assert!(matches!(wrong(&mut device), PinRefused::Container(ContainerError::WrongPin { tries_left: 7 })));
    assert_eq!(ask_token_by_pin(&mut device, 2, "000000", GA, Some(RP)).err(), Some(Status::PIN_INVALID));
    let new = Pin::parse(b"another pin", 6).unwrap();
    let third = device.engine().change_pin(&PinHash::typed("111111"), &new, NOW, &mut rng());
    assert!(matches!(third, Err(PinRefused::Container(ContainerError::WrongPin { tries_left: 5 }))));

    let right = device.engine().unlock(&PinHash::typed(PIN), NOW, &mut rng());
    assert!(matches!(right, Err(PinRefused::NeedsPowerUp)), "even the right PIN");
    let blocked = ask_token_by_pin(&mut device, 2, PIN, GA, Some(RP)).err();
    assert_eq!(blocked, Some(Status::PIN_AUTH_BLOCKED));
    assert_eq!(device.container().tries_left().unwrap(), 5, "and nothing was tried");

    device.power_cycle();
    assert!(device.engine().unlock(&PinHash::typed(PIN), NOW, &mut rng()).is_ok());
    assert_eq!(device.container().tries_left().unwrap(), 8);
}

#[test]
fn a_right_pin_of_a_command_starts_the_count_again() {
    let mut device = Device::with_pin();
    for _ in 0..2 {
        wrong(&mut device);
        wrong(&mut device);
        assert!(device.engine().unlock(&PinHash::typed(PIN), NOW, &mut rng()).is_ok());
    }
    assert!(ask_token_by_pin(&mut device, 2, PIN, GA, Some(RP)).is_ok());
}

#[test]
fn a_prompt_that_was_open_meanwhile_is_no_extra_try() {
    let mut device = Device::with_pin();
    let request = Request::GetAssertion(authentication()).encode();
    let Step::Ask(_, suspended) = device.handle(CHANNEL, &request) else { panic!("no prompt") };
    for _ in 0..3 {
        wrong(&mut device);
    }
    let step = resume(&mut device, suspended, typed(PIN));
    assert_eq!(step, [Status::PIN_AUTH_BLOCKED.0]);
    assert_eq!(device.container().tries_left().unwrap(), 5);
}

#[test]
fn a_blocked_pin_is_called_blocked() {
    let mut device = Device::with_pin();
    for left in (1..8).rev() {
        let refused = wrong(&mut device);
        let expected = ContainerError::WrongPin { tries_left: left };
        assert_eq!(refused.to_string(), expected.to_string());
        if left % 3 == 2 {
            device.power_cycle();
        }
    }
    assert!(matches!(wrong(&mut device), PinRefused::Container(ContainerError::PinBlocked)));
    assert!(matches!(wrong(&mut device), PinRefused::Container(ContainerError::PinBlocked)));
}

#[test]
fn a_change_by_a_command_ends_the_tokens() {
    let mut device = Device::fresh();
    let pin = Pin::parse(PIN.as_bytes(), 6).unwrap();
    device.engine().set_pin(&pin, NOW, &mut rng()).unwrap();
    let again = device.engine().set_pin(&pin, NOW, &mut rng());
    assert!(matches!(again, Err(ContainerError::PinAlreadySet)));
    passkey(&mut device, RP, "alice");
    let before = token(&mut device, GA, Some(RP));
    let new = Pin::parse(b"another pin", 6).unwrap();
    device.engine().change_pin(&PinHash::typed(PIN), &new, NOW, &mut rng()).unwrap();
    assert_eq!(device.engine().next_deadline(), None, "no token is left");
    let mut request = authentication();
    prove_authentication(&mut request, &before);
    assert_eq!(status(&device.send(&Request::GetAssertion(request))), Status::PIN_AUTH_INVALID);
}

#[test]
fn what_waits_does_not_outlive_a_power_cycle() {
    let mut device = Device::with_pin();
    device.power_cycle();
    let token = token(&mut device, Permissions::MAKE_CREDENTIAL, Some(RP));
    let mut proven = registration();
    prove_registration(&mut proven, &token);
    for (request, answer) in [
        (Request::MakeCredential(proven), Answer::Approved),
        (Request::GetAssertion(authentication()), typed(PIN)),
        (Request::Reset, Answer::Approved),
        (Request::Selection, Answer::Approved),
    ] {
        let Step::Ask(_, suspended) = device.handle(CHANNEL, &request.encode()) else { panic!("no prompt") };
        device.power_cycle();
        assert_eq!(resume(&mut device, suspended, answer), [Status::NOT_ALLOWED.0]);
        assert!(device.container().has_pin());
        assert_eq!(device.container().discoverable_count().unwrap(), 0);
    }
}

fn resume(device: &mut Device, suspended: Suspended, answer: Answer) -> Vec<u8> {
    let Step::Respond(response) = device.resume(suspended, answer) else { panic!("another prompt") };
    response
}
