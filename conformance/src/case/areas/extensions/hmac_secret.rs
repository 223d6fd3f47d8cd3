//! hmac-secret and hmac-secret-mc (CTAP 2.3 §12.7 and §12.8).

use super::{make_with, not_booleans, output, wants, wrong_types};
use crate::case::{Case, Need, Stop, Version, ensure, present, refused, status};
use crate::cbor::Value;
use crate::cbor_map;
use crate::ctap::{Agreement, Answer, Protocol, Request, Status};
use crate::session::{Credential, Session};

pub(super) fn cases() -> Vec<Case> {
    let protocols = [Protocol::One, Protocol::Two].into_iter().flat_map(of_protocol);
    let types = wrong_types("hmac-secret", "12.7", Version::V2_0, not_booleans());
    let cases = made().into_iter().chain(types).chain(protocols).chain(bends());
    cases.map(|case| case.needs(Need::Extension("hmac-secret"))).chain(at_creation()).collect()
}

fn made() -> Vec<Case> {
    vec![
        Case::new("extensions/hmac-secret/made", "12.7", "say that a credential has secrets", |session| {
            let request = make_with(session, 0x90, "hmac-secret", true)?;
            let answer = session.send(&request)?;
            status(&answer, Status::OK)?;
            wants(output(&answer, "hmac-secret")?.as_ref(), Some(&true.into()))
        }),
        Case::new(
            "extensions/hmac-secret/not-wanted",
            "12.7",
            "not say that a credential has secrets that nobody asked for",
            |session| {
                let request = make_with(session, 0x90, "hmac-secret", false)?;
                let answer = session.send(&request)?;
                status(&answer, Status::OK)?;
                let output = output(&answer, "hmac-secret")?;
                ensure(output != Some(true.into()), "the output true", "no output, or false")
            },
        ),
    ]
}

/// A credential with secrets, which these cases share.
fn credential(session: &mut Session) -> Result<Credential, Stop> {
    let answer = session.remembered("hmac-secret", |session| {
        let request = make_with(session, 0x91, "hmac-secret", true)?;
        session.send(&request)
    })?;
    Credential::from_answer(&answer)
}

/// The extension's input.
fn input(agreement: &Agreement, salts: &[u8]) -> Vec<(u64, Value)> {
    let sealed = agreement.encrypt(salts);
    let tag = agreement.authenticate(&sealed);
    vec![
        (1, agreement.platform_key.clone()),
        (2, sealed.into()),
        (3, tag.into()),
        (4, agreement.protocol.number().into()),
    ]
}

fn as_map(members: Vec<(u64, Value)>) -> Value {
    Value::sorted(members.into_iter().map(|(key, value)| (key.into(), value)).collect())
}

/// An assertion with the extension.
fn asked(session: &mut Session, input: Value) -> Result<Request, Stop> {
    let credential = credential(session)?;
    let request = Session::assert_request(vec![credential.descriptor()])
        .with(0x04, cbor_map! { "hmac-secret" => input });
    session.authorized(request)
}

/// The secrets for salts.
fn secrets(session: &mut Session, protocol: Protocol, salts: &[u8]) -> Result<Vec<u8>, Stop> {
    let agreement = session.agree(protocol)?;
    let request = asked(session, as_map(input(&agreement, salts)))?;
    let answer = session.send(&request)?;
    opened(&agreement, &answer, "hmac-secret")
}

fn opened(agreement: &Agreement, answer: &Answer, name: &str) -> Result<Vec<u8>, Stop> {
    status(answer, Status::OK)?;
    let output = output(answer, name)?;
    let sealed = present(output.as_ref().and_then(Value::bytes), name)?;
    present(agreement.decrypt(sealed), "an output that can be decrypted")
}

fn of_protocol(protocol: Protocol) -> Vec<Case> {
    let number = protocol.number();
    let named = |what: &str| format!("extensions/hmac-secret/protocol-{number}/{what}");
    let cases = [
        Case::new(
            named("one-salt"),
            "12.7",
            "give a secret of 32 bytes for a salt, the same each time",
            move |session| {
                let first = secrets(session, protocol, &[1; 32])?;
                let second = secrets(session, protocol, &[1; 32])?;
                ensure(first.len() == 32, format!("{} bytes", first.len()), "32 bytes")?;
                ensure(first == second, "two secrets", "the same secret for the same salt")
            },
        ),
        Case::new(
            named("two-salts"),
            "12.7",
            "give two secrets for two salts, in their order",
            move |session| {
                let one = secrets(session, protocol, &[1; 32])?;
                let both = secrets(session, protocol, &[[1; 32], [2; 32]].concat())?;
                let (first, second) = both.split_at_checked(32).unwrap_or_default();
                ensure(
                    first == one && second.len() == 32 && second != first,
                    "other secrets",
                    "the secret of each salt",
                )
            },
        ),
    ];
    cases.map(|case| case.needs(Need::Protocol(number))).into_iter().collect()
}

/// A bent input: id, what is refused, the bend, the statuses that are right.
type Bend = (&'static str, &'static str, fn(&Agreement) -> Vec<(u64, Value)>, &'static [Status]);

const BENDS: [Bend; 9] = [
    (
        "wrong-auth",
        "a saltAuth with a wrong bit",
        |agreement| {
            let tag = agreement.authenticate(&[0; 1]);
            replaced(input(agreement, &[1; 32]), 3, tag.into())
        },
        &[Status::PIN_AUTH_INVALID],
    ),
    (
        "half-auth",
        "the first half of a saltAuth",
        |agreement| {
            let mut tag = agreement.authenticate(&agreement.encrypt(&[1; 32]));
            tag.truncate(tag.len() / 2);
            replaced(input(agreement, &[1; 32]), 3, tag.into())
        },
        &[Status::PIN_AUTH_INVALID],
    ),
    (
        "no-key",
        "an input without keyAgreement",
        |agreement| without(input(agreement, &[1; 32]), 1),
        &[Status::MISSING_PARAMETER],
    ),
    (
        "no-salt",
        "an input without saltEnc",
        |agreement| without(input(agreement, &[1; 32]), 2),
        &[Status::MISSING_PARAMETER],
    ),
    (
        "no-auth",
        "an input without saltAuth",
        |agreement| without(input(agreement, &[1; 32]), 3),
        &[Status::MISSING_PARAMETER],
    ),
    (
        "short-salt",
        "a salt of 16 bytes",
        |agreement| input(agreement, &[1; 16]),
        &[Status::INVALID_PARAMETER, Status::INVALID_LENGTH],
    ),
    (
        "odd-salt",
        "a salt of 48 bytes",
        |agreement| input(agreement, &[1; 48]),
        &[Status::INVALID_PARAMETER, Status::INVALID_LENGTH],
    ),
    (
        "three-salts",
        "three salts",
        |agreement| input(agreement, &[1; 96]),
        &[Status::INVALID_PARAMETER, Status::INVALID_LENGTH],
    ),
    (
        "unknown-protocol",
        "a protocol that it does not have",
        |agreement| replaced(input(agreement, &[1; 32]), 4, 9.into()),
        &[Status::INVALID_PARAMETER],
    ),
];

fn replaced(members: Vec<(u64, Value)>, key: u64, value: Value) -> Vec<(u64, Value)> {
    without(members, key).into_iter().chain([(key, value)]).collect()
}

fn without(mut members: Vec<(u64, Value)>, key: u64) -> Vec<(u64, Value)> {
    members.retain(|(present, _)| *present != key);
    members
}

fn bends() -> Vec<Case> {
    BENDS
        .into_iter()
        .map(|(id, what, bend, wanted)| {
            Case::new(
                format!("extensions/hmac-secret/{id}"),
                "12.7",
                format!("refuse {what}"),
                move |session: &mut Session| {
                    let protocol = session.protocol()?;
                    let agreement = session.agree(protocol)?;
                    let request = asked(session, as_map(bend(&agreement)))?;
                    let answer = session.send(&request)?;
                    refused(&answer, wanted)
                },
            )
        })
        .collect()
}

/// makeCredential that asks for secrets at once.
fn secrets_made(session: &mut Session, with_hmac_secret: bool) -> Result<(Agreement, Answer), Stop> {
    let protocol = session.protocol()?;
    let agreement = session.agree(protocol)?;
    let mut extensions = vec![("hmac-secret-mc".into(), as_map(input(&agreement, &[1; 32])))];
    extensions.extend(with_hmac_secret.then(|| ("hmac-secret".into(), true.into())));
    let request = session.make(0x92)?.with(0x06, Value::sorted(extensions));
    let answer = session.send(&request)?;
    Ok((agreement, answer))
}

fn at_creation() -> Vec<Case> {
    let cases = [
        Case::new(
            "extensions/hmac-secret-mc/same-secret",
            "12.8",
            "give the secret at creation that it gives later",
            |session: &mut Session| {
                let (agreement, answer) = secrets_made(session, true)?;
                let made = opened(&agreement, &answer, "hmac-secret-mc")?;
                let credential = Credential::from_answer(&answer)?;
                let later = session.agree(agreement.protocol)?;
                let extensions = cbor_map! { "hmac-secret" => as_map(input(&later, &[1; 32])) };
                let request = Session::assert_request(vec![credential.descriptor()]).with(0x04, extensions);
                let request = session.authorized(request)?;
                let answer = session.send(&request)?;
                ensure(
                    opened(&later, &answer, "hmac-secret")? == made,
                    "another secret",
                    "the same secret for the same salt",
                )
            },
        ),
        Case::new(
            "extensions/hmac-secret-mc/alone",
            "12.8",
            "refuse hmac-secret-mc without hmac-secret",
            |session: &mut Session| {
                let (_, answer) = secrets_made(session, false)?;
                status(&answer, Status::MISSING_PARAMETER)
            },
        ),
    ];
    cases.map(|case| case.since(Version::V2_2).needs(Need::Extension("hmac-secret-mc"))).into_iter().collect()
}
