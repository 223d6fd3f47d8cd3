//! Options and pinUvAuthParam (CTAP 2.3 §6.1.2 steps 1 to 11).

use crate::case::{Case, Need, State, Version, refused, status};
use crate::cbor::Value;
use crate::cbor_map;
use crate::ctap::{Request, Status, permission};
use crate::session::{CLIENT_DATA_HASH, Session};

pub(super) fn cases() -> Vec<Case> {
    option_rows().into_iter().chain(parameter_rows()).chain(others()).collect()
}

/// An option: id, what the authenticator must do, the option and its value, the right status, what it must have.
type Row = (&'static str, &'static str, (&'static str, bool), Status, &'static [Need]);

/// Options in themselves.
const OPTIONS: [Row; 6] = [
    ("up-false", "refuse up: false", ("up", false), Status::INVALID_OPTION, &[]),
    ("up-true", "take up: true", ("up", true), Status::OK, &[]),
    ("unknown", "ignore an option that it does not know", ("zzz", true), Status::OK, &[]),
    ("rk-true", "make a discoverable credential", ("rk", true), Status::OK, &[Need::Option("rk")]),
    ("rk-false", "take rk: false", ("rk", false), Status::OK, &[]),
    (
        "rk-unsupported",
        "refuse rk: true without that option",
        ("rk", true),
        Status::UNSUPPORTED_OPTION,
        &[Need::Without("rk")],
    ),
];

fn option_rows() -> Vec<Case> {
    OPTIONS
        .into_iter()
        .map(|(id, must, (option, value), wanted, needs)| {
            Case::new(format!("make-credential/options/{id}"), "6.1.2", must, move |session: &mut Session| {
                let request = session.make(6)?.with(0x07, cbor_map! { option => value });
                let answer = session.send(&request)?;
                status(&answer, wanted)
            })
            .needs_all(needs)
        })
        .collect()
}

/// How a right request is bent into one whose pinUvAuthParam proves nothing.
type Bend = fn(Request) -> Request;

fn parameter_rows() -> Vec<Case> {
    let rows: [(&str, &str, Bend, &[Status]); 7] = [
        (
            "flipped",
            "refuse a pinUvAuthParam with a wrong bit",
            |request| request.changed(0x08, flipped),
            &[Status::PIN_AUTH_INVALID],
        ),
        (
            "truncated",
            "refuse a pinUvAuthParam that is one byte short",
            |request| request.changed(0x08, |tag| cut(tag, 1)),
            &[Status::PIN_AUTH_INVALID],
        ),
        (
            "half",
            "refuse the first half of a pinUvAuthParam",
            |request| request.changed(0x08, |tag| cut(tag, tag.bytes().map_or(0, <[u8]>::len) / 2)),
            &[Status::PIN_AUTH_INVALID],
        ),
        (
            "longer",
            "refuse a pinUvAuthParam with a byte too many",
            |request| request.changed(0x08, longer),
            &[Status::PIN_AUTH_INVALID],
        ),
        (
            "of-other-hash",
            "refuse a pinUvAuthParam over another clientDataHash",
            |request| request.with(0x01, [7_u8; 32]),
            &[Status::PIN_AUTH_INVALID],
        ),
        (
            "without-protocol",
            "refuse a pinUvAuthParam without its protocol",
            |request| request.without(0x09),
            &[Status::MISSING_PARAMETER],
        ),
        (
            "unknown-protocol",
            "refuse a protocol that it does not have",
            |request| request.with(0x09, 9),
            &[Status::INVALID_PARAMETER],
        ),
    ];
    rows.into_iter()
        .map(|(id, must, bend, wanted)| {
            Case::new(
                format!("make-credential/pin-uv-auth-param/{id}"),
                "6.1.2",
                must,
                move |session: &mut Session| {
                    let request = bend(session.make(7)?);
                    let answer = session.send(&request)?;
                    refused(&answer, wanted)
                },
            )
            .needs(Need::Known("clientPin"))
        })
        .collect()
}

fn others() -> Vec<Case> {
    vec![
        Case::new(
            "make-credential/pin-uv-auth-param/empty-with-pin",
            "6.1.2",
            "answer a zero-length pinUvAuthParam with PIN_INVALID once it was touched",
            |session| {
                let request = session.make_request(8).with(0x08, Vec::<u8>::new()).with(0x09, 1);
                let answer = session.send(&request)?;
                status(&answer, Status::PIN_INVALID)
            },
        )
        .needs(Need::Option("clientPin")),
        Case::new(
            "make-credential/pin-uv-auth-param/empty-without-pin",
            "6.1.2",
            "answer a zero-length pinUvAuthParam with PIN_NOT_SET once it was touched",
            |session| {
                let request = session.make_request(8).with(0x08, Vec::<u8>::new()).with(0x09, 1);
                let answer = session.send(&request)?;
                status(&answer, Status::PIN_NOT_SET)
            },
        )
        .state(State::Fresh)
        .needs(Need::Known("clientPin")),
        Case::new(
            "make-credential/pin-uv-auth-param/other-rp",
            "6.1.2",
            "refuse a token that is bound to another relying party",
            |session| {
                let token = session.token(permission::MC | permission::GA)?;
                let request = session.make_request(8).with(0x02, cbor_map! { "id" => "other.example" });
                let tag = token.authenticate(&CLIENT_DATA_HASH);
                let answer = session.send(&request.with(0x08, tag).with(0x09, token.protocol.number()))?;
                status(&answer, Status::PIN_AUTH_INVALID)
            },
        )
        .since(Version::V2_1)
        .needs(Need::Option("pinUvAuthToken")),
        Case::new(
            "make-credential/pin-uv-auth-param/without-permission",
            "6.1.2",
            "refuse a token without the permission mc",
            |session| {
                let protocol = session.protocol()?;
                let token = session.new_token(protocol, permission::GA, Some(crate::session::RP_ID))?;
                let tag = token.authenticate(&CLIENT_DATA_HASH);
                let request = session.make_request(8).with(0x08, tag).with(0x09, protocol.number());
                let answer = session.send(&request)?;
                status(&answer, Status::PIN_AUTH_INVALID)
            },
        )
        .since(Version::V2_1)
        .needs(Need::Option("pinUvAuthToken")),
        Case::new(
            "make-credential/always-uv/without-verification",
            "6.1.2",
            "not make a credential without user verification while no PIN is set",
            |session| {
                let request = session.make_request(8);
                let answer = session.send(&request)?;
                refused(&answer, &[Status::PUAT_REQUIRED, Status::OPERATION_DENIED])
            },
        )
        .since(Version::V2_1)
        .state(State::Fresh)
        .needs_all(&[Need::Option("alwaysUv"), Need::Without("uv")]),
        Case::new(
            "make-credential/options/uv-unsupported",
            "6.1.2",
            "refuse uv: true without built-in user verification",
            |session| {
                let request = session.make_request(8).with(0x07, cbor_map! { "uv" => true });
                let answer = session.send(&request)?;
                refused(&answer, &[Status::INVALID_OPTION, Status::UNSUPPORTED_OPTION])
            },
        )
        .state(State::Fresh)
        .needs(Need::Without("uv")),
        Case::new(
            "make-credential/enterprise/not-enabled",
            "6.1.2",
            "refuse enterpriseAttestation while it is not enabled",
            |session| {
                let request = session.make(8)?.with(0x0A, 1);
                let answer = session.send(&request)?;
                status(&answer, Status::INVALID_PARAMETER)
            },
        )
        .since(Version::V2_1)
        .needs(Need::Without("ep")),
    ]
}

fn flipped(tag: &Value) -> Value {
    tag.bytes().unwrap_or_default().iter().map(|byte| byte ^ 1).collect::<Vec<u8>>().into()
}

fn cut(tag: &Value, by: usize) -> Value {
    let bytes = tag.bytes().unwrap_or_default();
    bytes.get(..bytes.len().saturating_sub(by)).unwrap_or_default().into()
}

fn longer(tag: &Value) -> Value {
    [tag.bytes().unwrap_or_default(), &[0]].concat().into()
}

/// A way to break a pinUvAuthParam, and its name.
pub(in crate::case::areas) type BrokenTag = (&'static str, fn(&Value) -> Value);

/// What any pinUvAuthParam may not be, for getAssertion too.
pub(in crate::case::areas) fn broken_tags() -> [BrokenTag; 3] {
    [("flipped", flipped), ("truncated", |tag| cut(tag, 1)), ("longer", longer)]
}
