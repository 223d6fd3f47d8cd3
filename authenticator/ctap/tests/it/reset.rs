//! authenticatorReset (CTAP 2.3 §6.6).

use latchkey_ctap::{Answer, Operation, Want};
use latchkey_protocol::client_pin::Permissions;
use latchkey_protocol::{Request, Status};

use crate::device::{Device, status};
use crate::platform::{RP, authentication, passkey, prove_authentication, token};

#[test]
fn the_window_is_ten_seconds_after_power_up() {
    for (seconds, expected) in [(0, Status::OK), (10, Status::OK), (11, Status::NOT_ALLOWED)] {
        let mut device = Device::with_pin();
        device.power_cycle();
        device.pass(seconds);
        assert_eq!(status(&device.send(&Request::Reset)), expected, "after {seconds} s");
        assert_eq!(device.container().has_pin(), expected != Status::OK);
        assert_eq!(device.asked().len(), usize::from(expected == Status::OK));
    }
}

#[test]
fn it_wants_its_own_approval() {
    for (answer, expected) in [
        (Answer::Denied, Status::OPERATION_DENIED),
        (Answer::Cancelled, Status::KEEPALIVE_CANCEL),
        (Answer::TimedOut, Status::USER_ACTION_TIMEOUT),
        (Answer::Approved, Status::OK),
    ] {
        let mut device = Device::with_pin();
        device.power_cycle();
        device.user([answer]);
        assert_eq!(status(&device.send(&Request::Reset)), expected);
        let asked = device.asked();
        assert_eq!((asked[0].operation, asked[0].want), (Operation::Reset, Want::Approval));
        assert_eq!(device.container().has_pin(), expected != Status::OK);
    }
}

#[test]
fn it_takes_passkeys_pin_and_tokens() {
    let mut device = Device::with_pin();
    passkey(&mut device, RP, "alice");
    device.power_cycle();
    let token = token(&mut device, Permissions::GET_ASSERTION, Some(RP));
    assert_eq!(device.send(&Request::Reset), [0]);
    assert_eq!(device.container().discoverable_count().unwrap(), 0);
    let mut request = authentication();
    request.options.up = Some(false);
    prove_authentication(&mut request, &token);
    assert_eq!(status(&device.send(&Request::GetAssertion(request))), Status::PIN_AUTH_INVALID);
}
