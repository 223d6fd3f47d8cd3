//! The message encoding (CTAP 2.3 §8): every command, in every form that is not canonical.

use crate::case::{Case, Need, Stop, refused};
use crate::cbor::{Value, encode, head};
use crate::ctap::{Command, Request, Status, command};
use crate::session::Session;

/// A right request of some command.
type Base = fn(&mut Session) -> Result<Request, Stop>;

/// The bytes of a request, gone wrong.
type Break = fn(&Request) -> Vec<u8>;

/// The cases of this area.
pub fn cases() -> Vec<Case> {
    let bases: [(&str, Base, &[Need]); 3] = [
        ("make-credential", |session| session.make(1), &[]),
        ("get-assertion", Session::assert, &[]),
        ("client-pin", |_| Ok(Session::pin_request(0x02).with(0x01, 1)), &[Need::Known("clientPin")]),
    ];
    let broken = bases.into_iter().flat_map(|(name, base, needs)| {
        breaks().into_iter().map(move |(how, must, breaks, wanted)| {
            Case::new(
                format!("encoding/{name}/{how}"),
                "8",
                format!("refuse {must}"),
                move |session: &mut Session| {
                    let request = base(session)?;
                    let answer = session.send_bytes(&breaks(&request))?;
                    refused(&answer, wanted)
                },
            )
            .needs_all(needs)
        })
    });
    broken.chain(commands()).collect()
}

/// Not CBOR, or not canonical.
const NOT_CANONICAL: &[Status] = &[Status::INVALID_CBOR];
/// Not a map.
const NOT_A_MAP: &[Status] = &[Status::CBOR_UNEXPECTED_TYPE, Status::INVALID_CBOR];

fn breaks() -> [(&'static str, &'static str, Break, &'static [Status]); 13] {
    [
        (
            "wrong-order",
            "a map whose keys are out of order",
            |request| as_map(request, entries(request).into_iter().rev().collect()),
            NOT_CANONICAL,
        ),
        (
            "duplicate-key",
            "a map that has a key twice",
            |request| {
                let mut entries = entries(request);
                entries.extend(entries.last().cloned());
                as_map(request, entries)
            },
            NOT_CANONICAL,
        ),
        (
            "indefinite-map",
            "a map of indefinite length",
            |request| framed(request, &[&[0xBF], &*body(request), &[0xFF]]),
            NOT_CANONICAL,
        ),
        (
            "long-map-head",
            "a map whose length is not in its shortest form",
            |request| {
                let count = u8::try_from(entries(request).len()).unwrap_or_default();
                framed(request, &[&[0xB8, count], &*body(request)])
            },
            NOT_CANONICAL,
        ),
        (
            "long-key",
            "a key that is not in its shortest form",
            |request| {
                let entries = entries(request).into_iter().map(|(key, value)| {
                    let long = key.unsigned().and_then(|key| u8::try_from(key).ok()).unwrap_or_default();
                    (Value::Raw(vec![0x18, long]), value)
                });
                as_map(request, entries.collect())
            },
            NOT_CANONICAL,
        ),
        (
            "truncated",
            "a message that ends too early",
            |request| {
                let mut bytes = request.bytes();
                bytes.pop();
                bytes
            },
            NOT_CANONICAL,
        ),
        (
            "more-entries-said",
            "a map that says it has more entries than there are",
            |request| {
                let more = u64::try_from(entries(request).len()).unwrap_or_default().saturating_add(1);
                framed(request, &[&*head(5, more), &*body(request)])
            },
            NOT_CANONICAL,
        ),
        (
            "tagged",
            "a tag",
            |request| framed(request, &[&[0xC1], &*encode(&Value::sorted(entries(request)))]),
            NOT_A_MAP,
        ),
        ("reserved-head", "a reserved head", |request| framed(request, &[&[0x1C]]), NOT_CANONICAL),
        ("array", "an array in place of the map", |request| framed(request, &[&[0x80]]), NOT_A_MAP),
        ("integer", "an integer in place of the map", |request| framed(request, &[&[0x01]]), NOT_A_MAP),
        ("text", "text in place of the map", |request| framed(request, &[&[0x61, 0x61]]), NOT_A_MAP),
        (
            "nested-too-deep",
            "maps and arrays nested more than four deep",
            |request| {
                let deep = (0..8).fold(Value::from(1), |inner, _| Value::Array(vec![inner]));
                request.clone().with(0x7F, deep).bytes()
            },
            NOT_CANONICAL,
        ),
    ]
}

fn entries(request: &Request) -> Vec<(Value, Value)> {
    let Some(Value::Map(entries)) = request.map() else { return Vec::new() };
    entries
}

/// The entries one after the other, without the map around them.
fn body(request: &Request) -> Vec<u8> {
    entries(request).iter().flat_map(|(key, value)| [encode(key), encode(value)].concat()).collect()
}

fn as_map(request: &Request, entries: Vec<(Value, Value)>) -> Vec<u8> {
    request.bytes_of(Some(&Value::Map(entries)))
}

fn framed(request: &Request, parts: &[&[u8]]) -> Vec<u8> {
    [&[request.command.0], parts.concat().as_slice()].concat()
}

fn commands() -> Vec<Case> {
    let unknown = [0x03, 0x05, 0x0E, 0x3F, 0x50, 0xBF].into_iter().map(|byte: u8| {
        let must = format!("refuse the unknown command 0x{byte:02x}");
        Case::new(format!("encoding/command/{byte:02x}"), "8.1", must, move |session: &mut Session| {
            let answer = session.send(&Request::bare(Command(byte)))?;
            refused(&answer, &[Status::INVALID_COMMAND])
        })
    });
    let parameterless =
        [("get-info", command::GET_INFO), ("get-next-assertion", command::GET_NEXT_ASSERTION)];
    let garbled = parameterless.into_iter().map(|(name, command)| {
        let must = format!("not stumble over parameters of {command}, which has none");
        Case::new(format!("encoding/{name}/with-parameters"), "8.1", must, move |session: &mut Session| {
            let answer = session.send_bytes(&[command.0, 0xA0])?;
            let wanted = [
                Status::OK,
                Status::INVALID_LENGTH,
                Status::INVALID_CBOR,
                Status::INVALID_PARAMETER,
                Status::NOT_ALLOWED,
            ];
            refused(&answer, &wanted)
        })
    });
    let empty = [
        ("make-credential", command::MAKE_CREDENTIAL),
        ("get-assertion", command::GET_ASSERTION),
        ("client-pin", command::CLIENT_PIN),
    ];
    let empty = empty.into_iter().flat_map(|(name, command)| {
        [("no-parameters", vec![command.0]), ("empty-map", vec![command.0, 0xA0])].map(|(how, bytes)| {
            let must = format!("refuse {command} with {}", how.replace('-', " "));
            Case::new(format!("encoding/{name}/{how}"), "8.1", must, move |session: &mut Session| {
                let answer = session.send_bytes(&bytes)?;
                refused(&answer, &[Status::MISSING_PARAMETER, Status::INVALID_CBOR, Status::INVALID_LENGTH])
            })
        })
    });
    unknown.chain(garbled).chain(empty).collect()
}
