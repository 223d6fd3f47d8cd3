//! authenticatorGetNextAssertion (CTAP 2.3 §6.3) and the life of its state (§6).

use latchkey_container::{Pin, PinHash};
use latchkey_ctap::ChannelId;
use latchkey_protocol::authenticator_data::{AuthenticatorData, Flags};
use latchkey_protocol::client_pin::Permissions;
use latchkey_protocol::get_assertion::Response;
use latchkey_protocol::{Request, Status};

use crate::device::{CHANNEL, Device, NOW, PIN, status, typed};
use crate::platform::{self, RP, authentication, passkey, prove_authentication, user};

const OTHER: ChannelId = ChannelId(2);

/// A device that has answered the first of three assertions.
fn begun() -> Device {
    let mut device = Device::with_pin();
    for name in ["alice", "bob", "carol"] {
        passkey(&mut device, RP, name);
    }
    let token = platform::token(&mut device, Permissions::GET_ASSERTION, Some(RP));
    let mut request = authentication();
    prove_authentication(&mut request, &token);
    let response = Response::parse(&device.send(&Request::GetAssertion(request))).unwrap();
    assert_eq!(response.number_of_credentials, Some(3));
    assert_eq!(response.user, Some(user("carol")), "the newest first, with its names");
    device
}

fn next(device: &mut Device, channel: ChannelId) -> Result<Response, Status> {
    let response = device.send_on(channel, &Request::GetNextAssertion);
    if status(&response) == Status::OK {
        Ok(Response::parse(&response).unwrap())
    } else {
        Err(status(&response))
    }
}

#[test]
fn the_rest_follows_newest_first_and_ends() {
    let mut device = begun();
    for name in ["bob", "alice"] {
        let response = next(&mut device, CHANNEL).unwrap();
        assert_eq!(response.user, Some(user(name)));
        assert_eq!(response.number_of_credentials, None);
        let flags = AuthenticatorData::parse(&response.auth_data).unwrap().flags;
        assert_eq!(flags, Flags::UP | Flags::UV, "as in the first");
    }
    assert_eq!(next(&mut device, CHANNEL), Err(Status::NOT_ALLOWED));
}

#[test]
fn nothing_to_continue_is_not_allowed() {
    assert_eq!(next(&mut Device::with_pin(), CHANNEL), Err(Status::NOT_ALLOWED));
}

#[test]
fn another_channel_gets_nothing_and_disturbs_nothing() {
    let mut device = begun();
    assert_eq!(next(&mut device, OTHER), Err(Status::NOT_ALLOWED));
    assert!(next(&mut device, CHANNEL).is_ok());
}

#[test]
fn the_state_lasts_thirty_seconds_from_its_last_use() {
    let mut device = begun();
    device.pass(29);
    assert!(next(&mut device, CHANNEL).is_ok());
    device.pass(29);
    assert!(next(&mut device, CHANNEL).is_ok());
    let mut device = begun();
    device.pass(30);
    assert_eq!(next(&mut device, CHANNEL), Err(Status::NOT_ALLOWED));
}

#[test]
fn a_closed_channel_and_a_power_cycle_end_it() {
    let mut device = begun();
    device.engine().channel_closed(OTHER);
    assert!(next(&mut device, CHANNEL).is_ok());
    device.engine().channel_closed(CHANNEL);
    assert_eq!(next(&mut device, CHANNEL), Err(Status::NOT_ALLOWED));
    let mut device = begun();
    device.power_cycle();
    assert_eq!(next(&mut device, CHANNEL), Err(Status::NOT_ALLOWED));
}

#[test]
fn it_ends_with_the_token_that_authorised_it() {
    let mut device = begun();
    platform::token(&mut device, Permissions::GET_ASSERTION, Some(RP));
    assert_eq!(next(&mut device, CHANNEL), Err(Status::NOT_ALLOWED));
}

#[test]
fn a_new_request_replaces_it() {
    let mut device = begun();
    passkey(&mut device, "single.example", "alice");
    let mut request = authentication();
    request.rp_id = "single.example".to_owned();
    device.user([typed(PIN)]);
    assert_eq!(status(&device.send(&Request::GetAssertion(request))), Status::OK);
    assert_eq!(next(&mut device, CHANNEL), Err(Status::NOT_ALLOWED));
}

#[test]
fn after_a_gesture_it_needs_no_token() {
    let mut device = Device::with_pin();
    passkey(&mut device, RP, "alice");
    passkey(&mut device, RP, "bob");
    let begin = |device: &mut Device| {
        device.user([typed(PIN)]);
        let response = device.send(&Request::GetAssertion(authentication()));
        assert_eq!(Response::parse(&response).unwrap().number_of_credentials, Some(2));
    };
    begin(&mut device);
    assert!(next(&mut device, CHANNEL).is_ok());
    // What a PIN authorised ends with the PIN, token or not.
    begin(&mut device);
    let mut rng = device.rng.clone();
    let new = Pin::parse(b"another pin", 6).unwrap();
    device.engine().change_pin(&PinHash::typed(PIN), &new, NOW, &mut rng).unwrap();
    assert_eq!(next(&mut device, CHANNEL), Err(Status::NOT_ALLOWED));
}
