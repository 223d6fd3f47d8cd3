//! authenticatorLargeBlobs (CTAP 2.3 §6.10).

use latchkey_container::Profile;
use latchkey_ctap::ChannelId;
use latchkey_protocol::client_pin::Permissions;
use latchkey_protocol::large_blobs::{Request as LargeBlobs, Response};
use latchkey_protocol::{Request, Status};
use sha2::{Digest, Sha256};

use crate::device::{CHANNEL, Device, status};
use crate::platform::{self, RP, Token};

const LBW: Permissions = Permissions::LARGE_BLOB_WRITE;
const FRAGMENT: usize = 7609 - 64;
const MAX: usize = 65_536;

/// An array of this many bytes that ends in its own hash.
fn array(length: usize) -> Vec<u8> {
    let mut array = vec![0x5A; length - 16];
    let check = Sha256::digest(&array);
    array.extend_from_slice(&check[..16]);
    array
}

fn get(offset: u64, length: u64) -> LargeBlobs {
    LargeBlobs { get: Some(length), offset: Some(offset), ..LargeBlobs::default() }
}

/// A fragment of `array`, with the MAC as CTAP spells it.
fn set(array: &[u8], offset: usize, length: usize, token: &Token) -> LargeBlobs {
    let fragment = &array[offset..offset + length];
    let place = u32::try_from(offset).unwrap().to_le_bytes();
    let message = [&[0xFF; 32][..], b"\x0c\x00", &place, &Sha256::digest(fragment)].concat();
    LargeBlobs {
        set: Some(fragment.to_vec()),
        offset: Some(offset.try_into().unwrap()),
        length: (offset == 0).then(|| array.len().try_into().unwrap()),
        pin_uv_auth_param: Some(token.mac(&message)),
        pin_uv_auth_protocol: Some(token.protocol),
        ..LargeBlobs::default()
    }
}

fn send_on(device: &mut Device, channel: ChannelId, request: &LargeBlobs) -> Status {
    let response = device.send_on(channel, &Request::LargeBlobs(request.clone()));
    let bare = response.len() == 1;
    assert!(bare || request.get.is_some() && status(&response) == Status::OK, "only reading has a result");
    status(&response)
}

fn send(device: &mut Device, request: &LargeBlobs) -> Status {
    send_on(device, CHANNEL, request)
}

/// Reads the whole array as a platform does.
fn read(device: &mut Device) -> Vec<u8> {
    let mut whole = Vec::new();
    loop {
        let request = get(whole.len().try_into().unwrap(), FRAGMENT.try_into().unwrap());
        let part = Response::parse(&device.send(&Request::LargeBlobs(request))).unwrap().config;
        whole.extend_from_slice(&part);
        if part.len() < FRAGMENT {
            return whole;
        }
    }
}

/// Writes the whole array as a platform does; the status of the last fragment.
fn write(device: &mut Device, array: &[u8], token: &Token) -> Status {
    let mut last = Status::OTHER;
    for offset in (0..array.len()).step_by(FRAGMENT) {
        last = send(device, &set(array, offset, FRAGMENT.min(array.len() - offset), token));
    }
    last
}

fn ready() -> (Device, Token) {
    let mut device = Device::with_pin();
    let token = platform::token(&mut device, LBW, None);
    (device, token)
}

#[test]
fn an_array_begins_empty_and_is_read_in_parts() {
    let mut device = Device::fresh();
    let initial = read(&mut device);
    assert_eq!(initial.len(), 17, "§6.10.1");
    assert_eq!(initial, [&[0x80][..], &Sha256::digest([0x80])[..16]].concat());
    for (offset, length, expected) in
        [(0, 5, Ok(&initial[..5])), (12, 100, Ok(&initial[12..])), (17, 1, Ok(&[])), (3, 0, Ok(&[]))]
    {
        let response = device.send(&Request::LargeBlobs(get(offset, length)));
        let found = Response::parse(&response).map(|response| response.config);
        assert_eq!(
            found.as_deref(),
            expected.map_err(|()| unreachable!()).as_deref(),
            "{length} at {offset}"
        );
    }
    assert!(device.asked().is_empty(), "reading asks nobody");
}

#[test]
fn each_parameter_of_reading_has_its_rule() {
    let rows: [(&str, LargeBlobs, Status, &str); 8] = [
        ("as it is", get(0, 17), Status::OK, "§6.10.2"),
        ("no offset", LargeBlobs { offset: None, ..get(0, 17) }, Status::INVALID_PARAMETER, "step 1"),
        ("neither get nor set", LargeBlobs { get: None, ..get(0, 17) }, Status::INVALID_PARAMETER, "step 2"),
        ("both", LargeBlobs { set: Some(vec![1]), ..get(0, 17) }, Status::INVALID_PARAMETER, "step 3"),
        ("a length", LargeBlobs { length: Some(17), ..get(0, 17) }, Status::INVALID_PARAMETER, "get, 1"),
        (
            "a MAC",
            LargeBlobs { pin_uv_auth_param: Some(vec![1]), ..get(0, 17) },
            Status::INVALID_PARAMETER,
            "get, 2",
        ),
        ("too much", get(0, 7609 - 63), Status::INVALID_LENGTH, "get, 3"),
        ("behind the end", get(18, 1), Status::INVALID_PARAMETER, "get, 4"),
    ];
    let mut device = Device::with_pin();
    for (name, request, expected, clause) in rows {
        assert_eq!(send(&mut device, &request), expected, "{name} ({clause})");
    }
}

#[test]
fn each_parameter_of_the_first_fragment_has_its_rule() {
    type Change = fn(&mut LargeBlobs);
    let rows: [(&str, Change, Status, &str); 14] = [
        ("as it is", |_| {}, Status::OK, "§6.10.2"),
        ("no length", |r| r.length = None, Status::INVALID_PARAMETER, "set, offset 0, 1"),
        (
            "too long an array",
            |r| r.length = Some(65_537),
            Status::LARGE_BLOB_STORAGE_FULL,
            "set, offset 0, 2",
        ),
        ("too short an array", |r| r.length = Some(16), Status::INVALID_PARAMETER, "set, offset 0, 3"),
        ("too long a fragment", |r| r.set = Some(vec![0; FRAGMENT + 1]), Status::INVALID_LENGTH, "set, 1"),
        ("not the first one", |r| (r.offset, r.length) = (Some(1), None), Status::INVALID_SEQ, "set, 4"),
        ("a length again", |r| r.offset = Some(1), Status::INVALID_PARAMETER, "set, 3"),
        ("no MAC", |r| r.pin_uv_auth_param = None, Status::PUAT_REQUIRED, "set, 5"),
        ("no protocol", |r| r.pin_uv_auth_protocol = None, Status::MISSING_PARAMETER, "set, 5"),
        ("unknown protocol", |r| r.pin_uv_auth_protocol = Some(3), Status::INVALID_PARAMETER, "set, 5"),
        ("a MAC of something else", |r| r.set = Some(vec![0; 3]), Status::PIN_AUTH_INVALID, "set, 5"),
        (
            "half of the MAC",
            |r| r.pin_uv_auth_param.as_mut().unwrap().truncate(16),
            Status::PIN_AUTH_INVALID,
            "§6.5.7, YSA-2025-02",
        ),
        (
            "a MAC and a byte",
            |r| r.pin_uv_auth_param.as_mut().unwrap().push(0),
            Status::PIN_AUTH_INVALID,
            "§6.5.7",
        ),
        ("more than the array", |r| r.length = Some(99), Status::INVALID_PARAMETER, "set, 6"),
    ];
    for (name, change, expected, clause) in rows {
        let (mut device, token) = ready();
        let mut request = set(&array(100), 0, 100, &token);
        change(&mut request);
        assert_eq!(send(&mut device, &request), expected, "{name} ({clause})");
        assert_eq!(read(&mut device).len(), if expected == Status::OK { 100 } else { 17 }, "{name}");
    }
}

#[test]
fn only_the_permission_to_write_writes() {
    let (mut device, _) = ready();
    let others = Permissions::CREDENTIAL_MANAGEMENT | Permissions::GET_ASSERTION;
    let token = platform::token(&mut device, others, Some(RP));
    assert_eq!(write(&mut device, &array(100), &token), Status::PIN_AUTH_INVALID);
    for protocol in platform::PROTOCOLS {
        let pin = crate::device::PIN;
        let token = platform::ask_token_by_pin(&mut device, protocol, pin, LBW, None).unwrap();
        let length = 100 + usize::try_from(protocol).unwrap();
        assert_eq!(write(&mut device, &array(length), &token), Status::OK);
        assert_eq!(read(&mut device), array(length));
    }
}

#[test]
fn the_permission_outlives_the_assertion_that_gave_out_the_key() {
    let (mut device, _) = ready();
    platform::passkey(&mut device, RP, "alice");
    let token = platform::gesture_token(&mut device, LBW | Permissions::GET_ASSERTION, Some(RP));
    let mut request = platform::authentication();
    platform::prove_authentication(&mut request, &token);
    let sign_in = Request::GetAssertion(request);
    assert_eq!(status(&device.send(&sign_in)), Status::OK);
    assert_eq!(write(&mut device, &array(64), &token), Status::OK, "§6.5.2.1: lbw stays");
    assert_eq!(status(&device.send(&sign_in)), Status::PIN_AUTH_INVALID, "and nothing else");
}

#[test]
fn an_array_of_many_fragments_is_there_whole_or_not_at_all() {
    let (mut device, token) = ready();
    let old = array(1000);
    assert_eq!(write(&mut device, &old, &token), Status::OK);
    let new = array(MAX);
    let first = set(&new, 0, FRAGMENT, &token);
    assert_eq!(send(&mut device, &first), Status::OK);
    assert_eq!(read(&mut device), old, "nothing changes before the last fragment");
    // Out of order, the same once more, and beyond the end: refused, and the writing goes on.
    let again = LargeBlobs { offset: Some(1), length: None, ..set(&new, 0, FRAGMENT, &token) };
    assert_eq!(send(&mut device, &again), Status::INVALID_SEQ);
    assert_eq!(send(&mut device, &set(&new, 2 * FRAGMENT, 9, &token)), Status::INVALID_SEQ);
    // Neither another channel nor one without the permission gets in between.
    let second = set(&new, FRAGMENT, FRAGMENT, &token);
    assert_eq!(send_on(&mut device, ChannelId(2), &second), Status::INVALID_SEQ);
    let forged = LargeBlobs { pin_uv_auth_param: Some(vec![0; 32]), ..first };
    assert_eq!(send_on(&mut device, ChannelId(2), &forged), Status::PIN_AUTH_INVALID);
    for offset in (FRAGMENT..MAX).step_by(FRAGMENT) {
        let fragment = set(&new, offset, FRAGMENT.min(MAX - offset), &token);
        assert_eq!(send(&mut device, &fragment), Status::OK, "at {offset}");
    }
    assert_eq!(read(&mut device), new);
    let over = set(&new, FRAGMENT, FRAGMENT, &token);
    assert_eq!(send(&mut device, &over), Status::INVALID_SEQ, "it is complete");
}

#[test]
fn a_writing_ends_with_its_time_its_channel_and_its_token() {
    type Interruption = fn(&mut Device);
    let interrupted: [(&str, Interruption, Status); 5] = [
        ("29 s", |device| device.pass(29), Status::OK),
        ("30 s", |device| device.pass(30), Status::INVALID_SEQ),
        ("the channel goes", |device| device.engine().channel_closed(CHANNEL), Status::INVALID_SEQ),
        ("a power cycle", Device::power_cycle, Status::INVALID_SEQ),
        ("another token", |device| drop(platform::token(device, LBW, None)), Status::INVALID_SEQ),
    ];
    for (name, interrupt, expected) in interrupted {
        let (mut device, token) = ready();
        let new = array(FRAGMENT + 100);
        assert_eq!(send(&mut device, &set(&new, 0, FRAGMENT, &token)), Status::OK);
        interrupt(&mut device);
        assert_eq!(send(&mut device, &set(&new, FRAGMENT, 100, &token)), expected, "{name}");
        assert_eq!(read(&mut device).len(), if expected == Status::OK { new.len() } else { 17 }, "{name}");
    }
}

#[test]
fn an_array_without_its_hash_is_not_kept() {
    let (mut device, token) = ready();
    let mut broken = array(100);
    broken[99] ^= 1;
    assert_eq!(write(&mut device, &broken, &token), Status::INTEGRITY_FAILURE);
    assert_eq!(read(&mut device).len(), 17);
    assert_eq!(write(&mut device, &array(17), &token), Status::OK, "the next one is");
}

#[test]
fn a_reset_clears_the_array_and_a_restart_does_not() {
    let (mut device, token) = ready();
    let kept = array(5000);
    assert_eq!(write(&mut device, &kept, &token), Status::OK);
    device.power_cycle();
    assert_eq!(read(&mut device), kept);
    assert_eq!(status(&device.send(&Request::Reset)), Status::OK);
    assert_eq!(read(&mut device).len(), 17);
}

#[test]
fn a_security_key_without_a_pin_takes_an_array_from_everybody() {
    let unsigned = |array: &[u8]| LargeBlobs {
        set: Some(array.to_vec()),
        offset: Some(0),
        length: Some(array.len().try_into().unwrap()),
        ..LargeBlobs::default()
    };
    let mut device = Device::of(Profile::SecurityKey);
    assert_eq!(send(&mut device, &unsigned(&array(100))), Status::OK, "§6.10.2: protected by nothing");
    assert_eq!(read(&mut device), array(100));
    for mut protected in [device.set_pin(), Device::fresh()] {
        assert_eq!(send(&mut protected, &unsigned(&array(50))), Status::PUAT_REQUIRED);
    }
}
