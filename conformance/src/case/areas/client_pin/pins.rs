//! Setting and changing the PIN (CTAP 2.3 §6.5.5.5 and §6.5.5.6).

use crate::case::{Case, Need, State, Stop, ensure, refused, status};
use crate::cbor::Value;
use crate::ctap::{Protocol, Request, Status};
use crate::session::{PIN, Session, padded};

pub(super) fn cases() -> Vec<Case> {
    set().into_iter().chain(change()).chain(lengths()).collect()
}

/// What a message about PINs may not do.
type Bend = fn(Request) -> Request;

/// Bends: id, what is refused, the bend, the statuses that are right.
const BENDS: [(&str, &str, Bend, &[Status]); 5] = [
    (
        "wrong-param",
        "a pinUvAuthParam with a wrong bit",
        |request| request.changed(0x04, flipped),
        &[Status::PIN_AUTH_INVALID],
    ),
    (
        "short-param",
        "a pinUvAuthParam that is cut",
        |request| request.changed(0x04, cut),
        &[Status::PIN_AUTH_INVALID],
    ),
    (
        "changed-pin",
        "a newPinEnc that was changed on its way",
        |request| request.changed(0x05, flipped),
        &[Status::PIN_AUTH_INVALID],
    ),
    (
        "no-protocol",
        "a protocol that it does not have",
        |request| request.with(0x01, 9),
        &[Status::INVALID_PARAMETER],
    ),
    (
        "other-protocol",
        "a message of the other protocol",
        |request| request.changed(0x01, other),
        &[Status::PIN_AUTH_INVALID, Status::INVALID_PARAMETER],
    ),
];

fn set() -> Vec<Case> {
    let bends = BENDS.into_iter().map(|(id, what, bend, wanted)| {
        Case::new(
            format!("client-pin/set-pin/{id}"),
            "6.5.5.5",
            format!("refuse {what}"),
            move |session: &mut Session| {
                let request = bend(session.set_pin_request(&padded(PIN))?);
                let answer = session.send(&request)?;
                refused(&answer, wanted)
            },
        )
        .state(State::Fresh)
    });
    let again =
        Case::new("client-pin/set-pin/again", "6.5.5.5", "refuse to set a PIN where one is set", |session| {
            let answer = session.set_pin(PIN)?;
            refused(&answer, &[Status::PIN_AUTH_INVALID, Status::NOT_ALLOWED])
        });
    bends.chain([again]).collect()
}

fn change() -> Vec<Case> {
    let bends = BENDS.into_iter().map(|(id, what, bend, wanted)| {
        Case::new(
            format!("client-pin/change-pin/{id}"),
            "6.5.5.6",
            format!("refuse {what}"),
            move |session: &mut Session| {
                let protocol = session.protocol()?;
                let request = bend(session.change_pin_request(protocol, PIN, &padded(PIN))?);
                let answer = session.send(&request)?;
                refused(&answer, wanted)
            },
        )
    });
    let by_protocol = [Protocol::One, Protocol::Two].into_iter().map(|protocol| {
        let number = protocol.number();
        let id = format!("client-pin/change-pin/protocol-{number}");
        Case::new(
            id,
            "6.5.5.6",
            format!("change the PIN by protocol {number}, and back"),
            move |session: &mut Session| {
                for (old, new) in [(PIN, "another-4711"), ("another-4711", PIN)] {
                    let request = session.change_pin_request(protocol, old, &padded(new))?;
                    let answer = session.send(&request)?;
                    if answer.status != Status::OK {
                        session.disturb();
                    }
                    status(&answer, Status::OK)?;
                }
                Ok(())
            },
        )
        .needs(Need::Protocol(number))
    });
    let unset = Case::new(
        "client-pin/change-pin/unset",
        "6.5.5.6",
        "refuse to change a PIN that is not set",
        |session| {
            let protocol = session.protocol()?;
            let request = session.change_pin_request(protocol, PIN, &padded(PIN))?;
            let answer = session.send(&request)?;
            status(&answer, Status::PIN_NOT_SET)
        },
    )
    .state(State::Fresh);
    bends.chain(by_protocol).chain([unset]).collect()
}

fn lengths() -> Vec<Case> {
    /// New PINs as they travel: id, what the authenticator must do, the padded PIN, the statuses that are right.
    type Row = (&'static str, &'static str, fn(u64) -> Vec<u8>, &'static [Status]);
    const TOO_LONG: &[Status] =
        &[Status::INVALID_PARAMETER, Status::PIN_POLICY_VIOLATION, Status::PIN_AUTH_INVALID];
    const ROWS: [Row; 6] = [
        (
            "too-short",
            "refuse a PIN shorter than minPINLength",
            |least| padded(&sized(least.saturating_sub(1))),
            &[Status::PIN_POLICY_VIOLATION],
        ),
        ("empty", "refuse an empty PIN", |_| padded(""), &[Status::PIN_POLICY_VIOLATION]),
        (
            "too-few-code-points",
            "count characters, not bytes",
            |least| padded(&"🙂".repeat(usize::try_from(least).unwrap_or(4).saturating_sub(1))),
            &[Status::PIN_POLICY_VIOLATION],
        ),
        ("unterminated", "refuse a PIN of 64 bytes", |_| vec![b'7'; 64], TOO_LONG),
        ("padded-to-80", "refuse a padded PIN of 80 bytes", |_| vec![b'7'; 80], TOO_LONG),
        ("padded-to-48", "refuse a padded PIN of 48 bytes", |_| vec![b'7'; 48], TOO_LONG),
    ];
    let refusals = ROWS.into_iter().map(|(id, must, pin, wanted)| {
        Case::new(format!("client-pin/set-pin/{id}"), "6.5.5.5", must, move |session: &mut Session| {
            let least = session.info().member(0x0D).and_then(Value::unsigned).unwrap_or(4);
            let request = session.set_pin_request(&pin(least))?;
            let answer = session.send(&request)?;
            if answer.status == Status::OK {
                session.disturb();
            }
            refused(&answer, wanted)
        })
        .state(State::Fresh)
    });
    let lengths = [("shortest", false), ("longest", true)].into_iter().map(|(id, longest)| {
        let must = format!("take the {id} PIN that it says, and open with it");
        Case::new(format!("client-pin/set-pin/{id}"), "6.5.5.5", must, move |session: &mut Session| {
            takes(session, longest)
        })
        .state(State::Fresh)
    });
    refusals.chain(lengths).collect()
}

fn takes(session: &mut Session, longest: bool) -> Result<(), Stop> {
    let (member, otherwise) = if longest { (0x1D, 63) } else { (0x0D, 4) };
    let length = session.info().member(member).and_then(Value::unsigned).unwrap_or(otherwise);
    let pin = sized(length);
    session.disturb();
    let answer = session.set_pin(&pin)?;
    status(&answer, Status::OK)?;
    let said = session.refresh()?.client_pin();
    ensure(said == Some(true), format!("clientPin {said:?}"), "clientPin: true")?;
    let protocol = session.protocol()?;
    let (request, _) = session.legacy_token_request(protocol, &pin)?;
    let answer = session.send(&request)?;
    status(&answer, Status::OK)
}

/// A PIN of so many digits that no policy of complexity finds fault with.
fn sized(length: u64) -> String {
    "4711852963".chars().cycle().take(usize::try_from(length).unwrap_or(4)).collect()
}

fn flipped(bytes: &Value) -> Value {
    bytes.bytes().unwrap_or_default().iter().map(|byte| byte ^ 1).collect::<Vec<u8>>().into()
}

fn cut(bytes: &Value) -> Value {
    let bytes = bytes.bytes().unwrap_or_default();
    bytes.get(..bytes.len().saturating_sub(1)).unwrap_or_default().into()
}

fn other(protocol: &Value) -> Value {
    if protocol.unsigned() == Some(1) { 2.into() } else { 1.into() }
}
