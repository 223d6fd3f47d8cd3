//! authenticatorBioEnrollment (CTAP 2.3 §6.7): what is encoded is parsed, and what is malformed is refused by name.

use latchkey_protocol::bio_enrollment::{Params, Request, Response, SubCommand, TemplateInfo};
use latchkey_protocol::cbor;
use latchkey_protocol::{Request as Message, Status};
use proptest::collection::vec;
use proptest::option::of;
use proptest::prelude::*;

use crate::generators::bytes;

fn request() -> impl Strategy<Value = Request> {
    let params = (of(bytes()), any::<Option<String>>(), any::<Option<u64>>());
    let proof = (any::<Option<u64>>(), of(bytes()));
    (any::<Option<u64>>(), any::<Option<u8>>(), of(params), proof, any::<Option<bool>>()).prop_map(
        |(modality, subcommand, params, (protocol, pin_uv_auth_param), get_modality)| Request {
            modality,
            subcommand: subcommand.map(SubCommand),
            params: params.map(|(id, name, timeout)| Params::new(id, name, timeout)),
            protocol,
            pin_uv_auth_param,
            get_modality,
        },
    )
}

fn response() -> impl Strategy<Value = Response> {
    let number = any::<Option<u64>>;
    let info = (bytes(), any::<Option<String>>())
        .prop_map(|(template_id, friendly_name)| TemplateInfo { template_id, friendly_name });
    ((number(), number(), number(), of(bytes())), (number(), number(), of(vec(info, 0..4)), number()))
        .prop_map(|(first, second)| Response {
            modality: first.0,
            fingerprint_kind: first.1,
            max_capture_samples_required_for_enroll: first.2,
            template_id: first.3,
            last_enroll_sample_status: second.0,
            remaining_samples: second.1,
            template_infos: second.2,
            max_template_friendly_name: second.3,
        })
}

proptest! {
    #[test]
    fn requests_come_back(request in request()) {
        let sent = Message::BioEnrollment(request);
        let mut bytes = sent.encode();
        prop_assert_eq!(cbor::encode(&cbor::decode(&bytes[1..]).unwrap()), &bytes[1..], "canonical");
        prop_assert_eq!(&Message::parse(&bytes).unwrap(), &sent);
        // The prototype's command has the same form (§6.12).
        bytes[0] = 0x40;
        prop_assert_eq!(&Message::parse(&bytes).unwrap(), &sent);
    }

    #[test]
    fn responses_come_back(response in response()) {
        prop_assert_eq!(Response::parse(&response.encode()).unwrap(), response);
    }

    #[test]
    fn no_bytes_upset_it(bytes in bytes()) {
        drop(Response::parse(&bytes));
        drop(Message::parse(&[&[0x09], bytes.as_slice()].concat()));
    }
}

#[test]
fn each_defect_has_its_status() {
    let rows: [(&str, &[u8], Status); 8] = [
        ("not a map", &[0x01], Status::CBOR_UNEXPECTED_TYPE),
        ("modality as text", &[0xA1, 0x01, 0x60], Status::CBOR_UNEXPECTED_TYPE),
        ("a subcommand beyond a byte", &[0xA1, 0x02, 0x19, 0x01, 0x00], Status::INVALID_SUBCOMMAND),
        ("parameters as a list", &[0xA1, 0x03, 0x80], Status::CBOR_UNEXPECTED_TYPE),
        ("a template ID as text", &[0xA1, 0x03, 0xA1, 0x01, 0x60], Status::CBOR_UNEXPECTED_TYPE),
        ("a name as bytes", &[0xA1, 0x03, 0xA1, 0x02, 0x40], Status::CBOR_UNEXPECTED_TYPE),
        ("a negative timeout", &[0xA1, 0x03, 0xA1, 0x03, 0x20], Status::CBOR_UNEXPECTED_TYPE),
        ("getModality as a number", &[0xA1, 0x06, 0x01], Status::CBOR_UNEXPECTED_TYPE),
    ];
    for (name, body, expected) in rows {
        for command in [0x09, 0x40] {
            let refused = Message::parse(&[&[command], body].concat()).unwrap_err();
            assert_eq!(refused.status, expected, "{name}");
        }
    }
}

#[test]
fn the_mac_covers_the_parameters_as_received() {
    // An unknown member 0x7F is ignored, but it is part of what was sent.
    let params = [0xA2, 0x01, 0x41, 0x05, 0x18, 0x7F, 0x00];
    let message = [&[0x09, 0xA3, 0x01, 0x01, 0x02, 0x06, 0x03], params.as_slice()].concat();
    let Message::BioEnrollment(request) = Message::parse(&message).unwrap() else {
        panic!("another request")
    };
    assert_eq!(request.params.as_ref().unwrap().raw(), params);
    assert_eq!(request.params.as_ref().unwrap().members.template_id, Some(vec![5]));
    assert_eq!(Message::BioEnrollment(request).encode(), message);
}
