//! Requests that are not what they should be: each has its status, and none does harm.

use latchkey_ctap::{Answer, Step};
use latchkey_protocol::client_pin::Permissions;
use latchkey_protocol::{Request, Status};
use proptest::prelude::*;

use crate::device::{CHANNEL, Device, PIN, status, typed};
use crate::platform::{self, RP, authentication, prove_authentication, prove_registration, registration};

#[test]
fn each_defect_has_its_status() {
    let mut extra = Request::GetAssertion(authentication()).encode();
    extra.push(0);
    let rows: Vec<(&str, Vec<u8>, Status)> = vec![
        ("nothing", vec![], Status::INVALID_LENGTH),
        ("unknown command", vec![0x3F], Status::INVALID_COMMAND),
        ("bioEnrollment without a sensor", vec![0x09, 0xA0], Status::INVALID_COMMAND),
        ("no parameters", vec![0x02, 0xA0], Status::MISSING_PARAMETER),
        ("not a map", vec![0x02, 0x01], Status::CBOR_UNEXPECTED_TYPE),
        ("cut short", vec![0x02, 0xA1, 0x01], Status::INVALID_CBOR),
        ("a wrong type", vec![0x02, 0xA1, 0x01, 0x01], Status::CBOR_UNEXPECTED_TYPE),
        ("trailing bytes", extra, Status::INVALID_CBOR),
        ("indefinite length", vec![0x02, 0xBF, 0xFF], Status::INVALID_CBOR),
        ("a key twice", vec![0x06, 0xA2, 0x02, 0x01, 0x02, 0x01], Status::INVALID_CBOR),
        ("too long", vec![0x02; 7610], Status::REQUEST_TOO_LARGE),
    ];
    let mut device = Device::with_pin();
    for (name, request, expected) in rows {
        let response = device.bytes_on(CHANNEL, &request);
        assert_eq!(response, [expected.0], "{name}: {}", status(&response));
    }
}

#[test]
fn a_dropped_transaction_does_nothing() {
    let mut device = Device::with_pin();
    let token = platform::token(&mut device, Permissions::MAKE_CREDENTIAL, Some(RP));
    let mut request = registration();
    prove_registration(&mut request, &token);
    let bytes = Request::MakeCredential(request.clone()).encode();
    let Step::Ask(_, suspended) = device.handle(CHANNEL, &bytes) else { panic!("no prompt") };
    assert!(!format!("{suspended:?}").contains("alice"), "opaque");
    drop(suspended);
    assert_eq!(device.container().discoverable_count().unwrap(), 0);
    assert_eq!(status(&device.bytes_on(CHANNEL, &bytes)), Status::OK);
}

fn answer() -> impl Strategy<Value = Answer> {
    (0..5).prop_map(|number| match number {
        0 => Answer::Approved,
        1 => typed(PIN),
        2 => Answer::Denied,
        3 => Answer::Cancelled,
        _ => Answer::TimedOut,
    })
}

/// Which request, where in it, what instead, and what the user answers.
fn damage() -> impl Strategy<Value = (usize, prop::sample::Index, u8, Answer)> {
    (0_usize..6, any::<prop::sample::Index>(), any::<u8>(), answer())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn random_bytes_never_panic(
        requests in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..200), 1..20),
    ) {
        let mut device = Device::with_pin();
        for request in requests {
            prop_assert!(!device.bytes_on(CHANNEL, &request).is_empty());
        }
    }

    /// Real requests with a few bytes changed reach deeper than random ones.
    #[test]
    fn damaged_requests_never_panic(
        damages in prop::collection::vec(damage(), 1..24),
    ) {
        let mut device = Device::with_pin();
        let token = platform::token(&mut device, Permissions(0x07), Some(RP));
        let (mut make, mut get) = (registration(), authentication());
        prove_registration(&mut make, &token);
        prove_authentication(&mut get, &token);
        let requests = [
            Request::MakeCredential(make),
            Request::GetAssertion(get),
            Request::MakeCredential(registration()),
            Request::GetAssertion(authentication()),
            Request::GetNextAssertion,
            Request::Selection,
        ];
        for (which, at, byte, answer) in damages {
            let mut bytes = requests[which].encode();
            let at = at.index(bytes.len());
            bytes[at] = byte;
            device.user([answer]);
            prop_assert!(!device.bytes_on(CHANNEL, &bytes).is_empty());
        }
    }
}
