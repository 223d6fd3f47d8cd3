//! The consent to a token that is asked for with the PIN (CTAP 2.3 §6.5.5.7.1 and §6.5.5.7.2 step 7).

use latchkey_ctap::{Answer, Want};
use latchkey_protocol::client_pin::{Permissions, Request as ClientPin, Response, SubCommand};
use latchkey_protocol::{Request, Status};

use crate::device::{Device, PIN, status, typed};
use crate::platform::{PROTOCOLS, RP, Session, pin_hash, received};

fn request(session: &Session, pin: &str, permissions: Option<Permissions>) -> ClientPin {
    let mut request = session.request(match permissions {
        Some(_) => SubCommand::GET_PIN_UV_AUTH_TOKEN_USING_PIN_WITH_PERMISSIONS,
        None => SubCommand::GET_PIN_TOKEN,
    });
    request.pin_hash_enc = Some(session.encrypt(&pin_hash(pin)));
    request.rp_id = permissions.map(|_| RP.to_owned());
    request.permissions = permissions;
    request
}

fn retries(device: &mut Device) -> Option<u64> {
    let request = Request::ClientPin(ClientPin::new(SubCommand::GET_PIN_RETRIES));
    Response::parse(&device.send(&request)).unwrap().pin_retries
}

#[test]
fn nobody_gets_a_token_or_tries_a_pin_behind_the_users_back() {
    let rows = [
        (Answer::Approved, None),
        (Answer::Denied, Some(Status::OPERATION_DENIED)),
        (typed(PIN), Some(Status::OPERATION_DENIED)),
        (Answer::TimedOut, Some(Status::OPERATION_DENIED)),
        (Answer::Cancelled, Some(Status::KEEPALIVE_CANCEL)),
    ];
    for (answer, refused) in rows {
        let mut device = Device::with_pin();
        let session = Session::new(&mut device, 2);
        device.user([answer]);
        let request = request(&session, "000000", Some(Permissions::GET_ASSERTION));
        let expected = refused.unwrap_or(Status::PIN_INVALID);
        assert_eq!(status(&device.send(&Request::ClientPin(request))), expected);
        assert_eq!(device.asked().len(), 1);
        let left = if refused.is_some() { 8 } else { 7 };
        assert_eq!(retries(&mut device), Some(left), "a PIN that is not consented to is not tried");
    }
}

#[test]
fn the_prompt_says_what_is_granted() {
    let cm = Permissions::CREDENTIAL_MANAGEMENT;
    let rows = [
        (None, "Let an application use your passkeys"),
        (Some(Permissions::MAKE_CREDENTIAL), "Let an application use your passkeys for site.example"),
        (Some(Permissions::GET_ASSERTION), "Let an application use your passkeys for site.example"),
        (Some(cm), "List and change your passkeys for site.example"),
        (Some(cm | Permissions::GET_ASSERTION), "Let an application use your passkeys for site.example"),
    ];
    for (permissions, text) in rows {
        for protocol in PROTOCOLS {
            let mut device = Device::with_pin();
            let session = Session::new(&mut device, protocol);
            assert!(received(&mut device, &session, request(&session, PIN, permissions)).is_ok());
            let asked = device.asked();
            assert_eq!(asked.len(), 1);
            assert_eq!((asked[0].to_string().as_str(), asked[0].want), (text, Want::Approval));
        }
    }
}

#[test]
fn what_cannot_be_granted_is_not_asked_for() {
    let mut device = Device::with_pin();
    for _ in 0..3 {
        let session = Session::new(&mut device, 2);
        let wrong = request(&session, "000000", None);
        assert!(received(&mut device, &session, wrong).is_err());
    }
    device.asked();
    let session = Session::new(&mut device, 2);
    let mut off_the_curve = request(&session, PIN, None);
    off_the_curve.key_agreement.as_mut().unwrap().y = [1; 32];
    let blocked = request(&session, PIN, None);
    assert_eq!(received(&mut device, &session, blocked).err(), Some(Status::PIN_AUTH_BLOCKED));
    device.power_cycle();
    assert_eq!(received(&mut device, &session, off_the_curve).err(), Some(Status::INVALID_PARAMETER));
    assert!(device.asked().is_empty());
}
