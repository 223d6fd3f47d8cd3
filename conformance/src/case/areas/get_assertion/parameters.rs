//! What the parameters may say (CTAP 2.3 §6.2.2).

use crate::case::areas::make_credential::broken_tags;
use crate::case::{Case, Need, State, Version, refused, status};
use crate::cbor::Value;
use crate::cbor_map;
use crate::ctap::{Request, Status, permission};
use crate::session::{RP_ID, Session, proved};

pub(super) fn cases() -> Vec<Case> {
    bends().into_iter().chain(tags()).chain(tokens()).chain(empty_tags()).collect()
}

/// How a right request is bent.
type Bend = fn(Request) -> Request;

/// Bends, and what comes of them: id, what the authenticator must do, the bend, the statuses that are right.
const BENDS: [(&str, &str, Bend, &[Status]); 12] = [
    (
        "allow-list/unknown-id",
        "find nothing where no entry of the allow list is its own",
        |request| request.with(0x03, vec![nobody(1)]),
        &[Status::NO_CREDENTIALS],
    ),
    (
        "allow-list/among-others",
        "find its credential among entries of others",
        |request| {
            request.changed(0x03, |list| {
                [&[nobody(1), nobody(2)], list.array().unwrap_or_default()].concat().into()
            })
        },
        &[Status::OK],
    ),
    (
        "allow-list/unknown-type",
        "ignore entries of a type that it does not know",
        |request| request.changed(0x03, |list| each(list, "type", "private-key")),
        &[Status::NO_CREDENTIALS],
    ),
    (
        "allow-list/with-transports",
        "ignore transports of an entry",
        |request| request.changed(0x03, |list| each(list, "transports", vec![Value::from("carrier-pigeon")])),
        &[Status::OK],
    ),
    (
        "allow-list/with-unknown-member",
        "ignore a member of an entry that it does not know",
        |request| request.changed(0x03, |list| each(list, "zzz", 7)),
        &[Status::OK],
    ),
    (
        "allow-list/truncated-id",
        "not take a truncated credential ID for its own",
        |request| request.changed(0x03, shortened),
        &[Status::NO_CREDENTIALS],
    ),
    (
        "allow-list/changed-id",
        "not take a changed credential ID for its own",
        |request| request.changed(0x03, changed_id),
        &[Status::NO_CREDENTIALS],
    ),
    (
        "unknown-parameter",
        "ignore a parameter that it does not know",
        |request| request.with(0x7F, 1),
        &[Status::OK],
    ),
    (
        "options/up-true",
        "take up: true",
        |request| request.with(0x05, cbor_map! { "up" => true }),
        &[Status::OK],
    ),
    (
        "options/unknown",
        "ignore an option that it does not know",
        |request| request.with(0x05, cbor_map! { "zzz" => true }),
        &[Status::OK],
    ),
    (
        "options/rk",
        "refuse the option rk",
        |request| request.with(0x05, cbor_map! { "rk" => true }),
        &[Status::UNSUPPORTED_OPTION],
    ),
    (
        "extensions/unknown",
        "ignore an extension that it does not know",
        |request| request.with(0x04, cbor_map! { "zzz" => true }),
        &[Status::OK],
    ),
];

fn bends() -> Vec<Case> {
    BENDS
        .into_iter()
        .map(|(id, must, bend, wanted)| {
            Case::new(format!("get-assertion/{id}"), "6.2.2", must, move |session: &mut Session| {
                let request = bend(session.assert()?);
                let answer = session.send(&request)?;
                refused(&answer, wanted)
            })
        })
        .collect()
}

fn tags() -> Vec<Case> {
    let tags = broken_tags().into_iter().map(|(name, breaks)| {
        let must = format!("refuse a pinUvAuthParam that is {name}");
        Case::new(
            format!("get-assertion/pin-uv-auth-param/{name}"),
            "6.2.2",
            must,
            move |session: &mut Session| {
                let request = session.assert()?.changed(0x06, breaks);
                let answer = session.send(&request)?;
                status(&answer, Status::PIN_AUTH_INVALID)
            },
        )
    });
    let bends: [(&str, &str, Bend, Status); 3] = [
        (
            "of-other-hash",
            "refuse a pinUvAuthParam over another clientDataHash",
            |request| request.with(0x02, [7_u8; 32]),
            Status::PIN_AUTH_INVALID,
        ),
        (
            "without-protocol",
            "refuse a pinUvAuthParam without its protocol",
            |request| request.without(0x07),
            Status::MISSING_PARAMETER,
        ),
        (
            "unknown-protocol",
            "refuse a protocol that it does not have",
            |request| request.with(0x07, 9),
            Status::INVALID_PARAMETER,
        ),
    ];
    let bends = bends.into_iter().map(|(name, must, bend, wanted)| {
        Case::new(
            format!("get-assertion/pin-uv-auth-param/{name}"),
            "6.2.2",
            must,
            move |session: &mut Session| {
                let request = bend(session.assert()?);
                let answer = session.send(&request)?;
                status(&answer, wanted)
            },
        )
    });
    tags.chain(bends).map(|case| case.needs(Need::Option("pinUvAuthToken"))).collect()
}

fn tokens() -> Vec<Case> {
    let rows: [(&str, &str, u64, &str, Status); 3] = [
        (
            "without-permission",
            "refuse a token without the permission ga",
            permission::MC,
            RP_ID,
            Status::PIN_AUTH_INVALID,
        ),
        (
            "other-rp",
            "refuse a token that is bound to another relying party",
            permission::GA,
            "other.example",
            Status::PIN_AUTH_INVALID,
        ),
        ("permitted", "take a token with no more than the permission ga", permission::GA, RP_ID, Status::OK),
    ];
    rows.into_iter()
        .map(|(name, must, permissions, rp_id, wanted)| {
            Case::new(
                format!("get-assertion/pin-uv-auth-param/{name}"),
                "6.2.2",
                must,
                move |session: &mut Session| {
                    let credential = session.shared_credential()?;
                    let protocol = session.protocol()?;
                    let token = session.new_token(protocol, permissions, Some(rp_id))?;
                    let request = proved(Session::assert_request(vec![credential.descriptor()]), &token);
                    let answer = session.send(&request)?;
                    status(&answer, wanted)
                },
            )
            .since(Version::V2_1)
            .needs(Need::Option("pinUvAuthToken"))
        })
        .collect()
}

fn empty_tags() -> Vec<Case> {
    [
        ("empty-with-pin", State::Ready, Status::PIN_INVALID),
        ("empty-without-pin", State::Fresh, Status::PIN_NOT_SET),
    ]
    .into_iter()
    .map(|(name, state, wanted)| {
        let must = format!("answer a zero-length pinUvAuthParam with {wanted} once it was touched");
        Case::new(
            format!("get-assertion/pin-uv-auth-param/{name}"),
            "6.2.2",
            must,
            move |session: &mut Session| {
                let request = Session::assert_request(vec![]).with(0x06, Vec::<u8>::new()).with(0x07, 1);
                let answer = session.send(&request)?;
                status(&answer, wanted)
            },
        )
        .state(state)
        .needs(Need::Known("clientPin"))
    })
    .collect()
}

fn nobody(byte: u8) -> Value {
    cbor_map! { "id" => [byte; 32], "type" => "public-key" }
}

/// Every entry of a list with this member.
fn each(list: &Value, name: &str, value: impl Into<Value>) -> Value {
    let value = value.into();
    let entry = |entry: &Value| {
        let others =
            entry.map().unwrap_or_default().iter().filter(|(key, _)| key.text() != Some(name)).cloned();
        Value::sorted(others.chain([(name.into(), value.clone())]).collect())
    };
    list.array().unwrap_or_default().iter().map(entry).collect::<Vec<_>>().into()
}

fn first_id(list: &Value) -> Vec<u8> {
    let first = list.array().and_then(<[Value]>::first);
    first.and_then(|entry| entry.at("id")).and_then(Value::bytes).unwrap_or_default().to_vec()
}

fn shortened(list: &Value) -> Value {
    let mut id = first_id(list);
    id.pop();
    each(list, "id", id)
}

fn changed_id(list: &Value) -> Value {
    let mut id = first_id(list);
    if let Some(last) = id.last_mut() {
        *last ^= 1;
    }
    each(list, "id", id)
}
