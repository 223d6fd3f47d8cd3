//! Stateful commands (CTAP 2.3 §6) of several clients at once: each goes on on its own channel, whatever the others do.

use latchkey_ctap::{Answer, ChannelId, SampleStatus};
use latchkey_protocol::bio_enrollment::{Params, SubCommand as Bio};
use latchkey_protocol::client_pin::{Permissions, Request as ClientPin, SubCommand};
use latchkey_protocol::credential_management::{self, SubCommand as Management};
use latchkey_protocol::{Request, Status, get_assertion};

use crate::bio_enrollment::proven;
use crate::device::{Device, PIN, status, typed};
use crate::platform::{RP, Token, authentication, passkey, token};
use crate::sensor::{device_with_sensor, sample};

const SIGNS: ChannelId = ChannelId(11);
const LISTS: ChannelId = ChannelId(12);
const ENROLS: ChannelId = ChannelId(13);

/// What every client may send in between: nothing of it begins anything.
const IDLE: [fn() -> Request; 4] = [
    || Request::GetInfo,
    || Request::ClientPin(ClientPin::new(SubCommand::GET_PIN_RETRIES)),
    || Request::ClientPin(ClientPin::new(SubCommand::GET_UV_RETRIES)),
    || Request::Selection,
];

/// Three clients amid their sequences: assertions, relying parties, samples.
fn begun() -> (Device, Token) {
    let (mut device, _sensor) = device_with_sensor();
    for (rp_id, name) in [(RP, "alice"), (RP, "bob"), (RP, "carol"), ("b.example", "x"), ("c.example", "y")] {
        passkey(&mut device, rp_id, name);
    }
    let both = Permissions::CREDENTIAL_MANAGEMENT | Permissions::BIO_ENROLLMENT;
    let token = token(&mut device, both, None);
    device.user([typed(PIN)]);
    let signed = device.send_on(SIGNS, &Request::GetAssertion(authentication()));
    assert_eq!(get_assertion::Response::parse(&signed).unwrap().number_of_credentials, Some(3));
    assert_eq!(status(&device.send_on(LISTS, &list(Management::ENUMERATE_RPS_BEGIN, &token))), Status::OK);
    device.user([Answer::Approved, sample("thumb", SampleStatus::Good, 2)]);
    let begun = Request::BioEnrollment(proven(Bio::ENROLL_BEGIN, None, &token));
    assert_eq!(status(&device.send_on(ENROLS, &begun)), Status::OK);
    (device, token)
}

fn list(subcommand: Management, token: &Token) -> Request {
    Request::CredentialManagement(credential_management::Request {
        subcommand,
        params: None,
        protocol: Some(token.protocol),
        pin_uv_auth_param: Some(token.mac(&[subcommand.0])),
    })
}

/// The next command of each client.
fn nexts(token: &Token) -> [(ChannelId, Request); 3] {
    let params = Params::new(Some(b"thumb".to_vec()), None, None);
    [
        (SIGNS, Request::GetNextAssertion),
        (LISTS, list(Management::ENUMERATE_RPS_GET_NEXT_RP, token)),
        (ENROLS, Request::BioEnrollment(proven(Bio::ENROLL_CAPTURE_NEXT_SAMPLE, Some(params), token))),
    ]
}

fn send(device: &mut Device, channel: ChannelId, request: &Request, remaining: u8) -> Status {
    device.user([sample("thumb", SampleStatus::Good, remaining)]);
    status(&device.send_on(channel, request))
}

#[test]
fn nobody_continues_what_another_channel_has_begun_nor_disturbs_it() {
    let (mut device, token) = begun();
    for remaining in [1, 0] {
        for (owner, request) in nexts(&token) {
            for channel in [SIGNS, LISTS, ENROLS, ChannelId(14)] {
                if channel != owner {
                    let refused = send(&mut device, channel, &request, 0);
                    assert_eq!(refused, Status::NOT_ALLOWED, "{:?} on {channel:?}", request.command());
                }
            }
        }
        for (owner, request) in nexts(&token) {
            assert_eq!(send(&mut device, owner, &request, remaining), Status::OK, "{:?}", request.command());
        }
    }
    for (owner, request) in nexts(&token) {
        assert_eq!(send(&mut device, owner, &request, 0), Status::NOT_ALLOWED, "it is at its end");
    }
}

#[test]
fn what_begins_nothing_ends_nothing() {
    let (mut device, token) = begun();
    for (owner, request) in nexts(&token) {
        for idle in IDLE {
            for channel in [owner, ChannelId(14)] {
                device.user([Answer::Approved]);
                assert_eq!(status(&device.send_on(channel, &idle())), Status::OK);
            }
        }
        assert_eq!(send(&mut device, owner, &request, 1), Status::OK, "{:?}", request.command());
    }
}

#[test]
fn a_channel_that_goes_takes_only_its_own_along() {
    for gone in [SIGNS, LISTS, ENROLS] {
        let (mut device, token) = begun();
        device.engine().channel_closed(gone);
        for (owner, request) in nexts(&token) {
            let expected = if owner == gone { Status::NOT_ALLOWED } else { Status::OK };
            assert_eq!(send(&mut device, owner, &request, 1), expected, "{gone:?}: {:?}", request.command());
        }
    }
}
