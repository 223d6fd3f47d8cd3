//! Key agreement (CTAP 2.3 §6.5.5.4, §6.5.6 and §6.5.7).

use crate::case::{Case, Need, Stop, ensure, present, refused, status};
use crate::cbor::Value;
use crate::ctap::{Answer, Status, subcommand};
use crate::session::{PIN, Session};

pub(super) fn cases() -> Vec<Case> {
    [1, 2].into_iter().flat_map(of_protocol).chain(others()).collect()
}

fn ask(session: &mut Session, protocol: u64) -> Result<Answer, Stop> {
    session.send(&Session::pin_request(subcommand::KEY_AGREEMENT).with(0x01, protocol))
}

fn of_protocol(protocol: u64) -> Vec<Case> {
    let named = |what: &str| format!("client-pin/key-agreement/protocol-{protocol}/{what}");
    let cases = [
        Case::new(
            named("key"),
            "6.5.6",
            "give a COSE key of ECDH-ES+HKDF-256 on P-256 with no other members",
            move |session| {
                let answer = ask(session, protocol)?;
                status(&answer, Status::OK)?;
                let key = present(answer.member(0x01), "keyAgreement (0x01)")?;
                let number = |member: i32| key.at(member).and_then(Value::integer);
                let length = |member: i32| key.at(member).and_then(Value::bytes).map(<[u8]>::len);
                let fits = number(1) == Some(2) && number(3) == Some(-25) && number(-1) == Some(1);
                let fits = fits
                    && length(-2) == Some(32)
                    && length(-3) == Some(32)
                    && key.map().map(<[_]>::len) == Some(5);
                ensure(fits, crate::cbor::diagnostic(key), "{1: 2, 3: -25, -1: 1, -2: x, -3: y}")
            },
        ),
        Case::new(named("only-key"), "6.5.5.4", "answer nothing but the key", move |session| {
            let answer = ask(session, protocol)?;
            let members = answer.body.as_ref().and_then(|body| body.value.map()).map_or(0, <[_]>::len);
            ensure(members == 1, format!("{members} members"), "keyAgreement (0x01) alone")
        }),
        Case::new(named("canonical"), "8", "answer in canonical CBOR", move |session| {
            let breaches = ask(session, protocol)?
                .body
                .map_or_else(|| "no CBOR".to_owned(), |body| body.breaches.join("; "));
            ensure(breaches.is_empty(), breaches, "canonical CBOR")
        }),
        Case::new(
            named("after-power-cycle"),
            "6.5.6",
            "have another key after a power cycle",
            move |session| {
                let before = ask(session, protocol)?.bytes;
                session.power_cycle()?;
                let after = ask(session, protocol)?.bytes;
                ensure(before != after, "the same key", "another key")
            },
        ),
    ];
    cases.map(|case| case.needs(Need::Protocol(protocol))).into_iter().collect()
}

/// A platform key gone wrong: id, in words, the change.
type BadKey = (&'static str, &'static str, fn(&Value) -> Value);

fn others() -> Vec<Case> {
    let protocols = [0, 3, 255].into_iter().map(|protocol: u64| {
        let id = format!("client-pin/key-agreement/unknown-protocol-{protocol}");
        Case::new(
            id,
            "6.5.5.4",
            format!("refuse the unknown protocol {protocol}"),
            move |session: &mut Session| {
                let answer = ask(session, protocol)?;
                status(&answer, Status::INVALID_PARAMETER)
            },
        )
    });
    let subcommands = [0x00, 0x08, 0x0A, 0x7F].into_iter().map(|number: u64| {
        let id = format!("client-pin/unknown-subcommand-{number:02x}");
        Case::new(
            id,
            "6.5.5",
            format!("refuse the unknown subcommand 0x{number:02x}"),
            move |session: &mut Session| {
                let answer = session.send(&Session::pin_request(number).with(0x01, 1))?;
                refused(&answer, &[Status::INVALID_SUBCOMMAND, Status::INVALID_PARAMETER])
            },
        )
    });
    let keys: [BadKey; 4] = [
        ("off-curve", "a point that is not on the curve", |key| with(key, -3, [1; 32].into())),
        ("at-zero", "the point (0, 0)", |key| with(&with(key, -2, [0; 32].into()), -3, [0; 32].into())),
        ("short", "a coordinate of 31 bytes", |key| with(key, -2, [1; 31].into())),
        ("other-curve", "a key of another curve", |key| with(key, -1, 2.into())),
    ];
    let keys = keys.into_iter().map(|(id, what, change)| {
        let must = format!("refuse {what} as the platform's key");
        Case::new(format!("client-pin/platform-key/{id}"), "6.5.6", must, move |session: &mut Session| {
            let protocol = session.protocol()?;
            let request = session.legacy_token_request(protocol, PIN)?.0.changed(0x03, change);
            let answer = session.send(&request)?;
            refused(
                &answer,
                &[Status::INVALID_PARAMETER, Status::CBOR_UNEXPECTED_TYPE, Status::PIN_AUTH_INVALID],
            )
        })
    });
    protocols.chain(subcommands).chain(keys).collect()
}

fn with(key: &Value, member: i64, value: Value) -> Value {
    let others =
        key.map().unwrap_or_default().iter().filter(|(name, _)| name.integer() != Some(member)).cloned();
    Value::sorted(others.chain([(member.into(), value)]).collect())
}
