//! Extensions (CTAP 2.3 §12).

use crate::case::{Case, Stop, Version, status};
use crate::cbor::{Value, diagnostic};
use crate::cbor_map;
use crate::ctap::{Answer, AuthenticatorData, Request, Status};
use crate::session::Session;

mod blobs;
mod cred_protect;
mod facts;
mod hmac_secret;

/// The cases of this area.
pub fn cases() -> Vec<Case> {
    [unknown, cred_protect::cases, hmac_secret::cases, blobs::cases, facts::cases]
        .into_iter()
        .flat_map(|part| part())
        .collect()
}

fn unknown() -> Vec<Case> {
    let case = Case::new(
        "extensions/unknown",
        "12",
        "ignore an extension that it does not know",
        |session: &mut Session| {
            let request = session.make(0x80)?.with(0x06, cbor_map! { "zzz" => cbor_map! { "a" => 1 } });
            let answer = session.send(&request)?;
            status(&answer, Status::OK)?;
            wants(output(&answer, "zzz")?.as_ref(), None)
        },
    );
    vec![case]
}

/// makeCredential with an extension.
fn make_with(
    session: &mut Session,
    number: u8,
    name: &str,
    input: impl Into<Value>,
) -> Result<Request, Stop> {
    Ok(session.make(number)?.with(0x06, cbor_map! { name => input.into() }))
}

/// What an extension answered inside the authenticator data.
fn output(answer: &Answer, name: &str) -> Result<Option<Value>, Stop> {
    let bytes = crate::case::present(answer.member(0x02).and_then(Value::bytes), "authData (0x02)")?;
    let data = AuthenticatorData::parse(bytes)
        .map_err(|error| Stop::failed(error, "authenticator data without a fault"))?;
    Ok(data.extensions.and_then(|outputs| outputs.at(name).cloned()))
}

/// Fails unless an output is this one.
fn wants(found: Option<&Value>, wanted: Option<&Value>) -> Result<(), Stop> {
    let words = |value: Option<&Value>| {
        value.map_or_else(|| "no output".to_owned(), |value| format!("the output {}", diagnostic(value)))
    };
    crate::case::ensure(found == wanted, words(found), words(wanted))
}

/// An extension's input of each wrong type.
fn wrong_types(
    name: &'static str,
    clause: &'static str,
    since: Version,
    wrong: Vec<(&'static str, Value)>,
) -> Vec<Case> {
    wrong
        .into_iter()
        .map(|(kind, value)| {
            let id = format!("extensions/{}/as-{kind}", name.to_lowercase());
            Case::new(
                id,
                clause,
                format!("refuse {name} that is {}", value.kind()),
                move |session: &mut Session| {
                    let request = make_with(session, 0x81, name, value.clone())?;
                    let answer = session.send(&request)?;
                    status(&answer, Status::CBOR_UNEXPECTED_TYPE)
                },
            )
            .since(since)
            .needs(crate::case::Need::Extension(name))
        })
        .collect()
}

/// Values of every type but booleans.
fn not_booleans() -> Vec<(&'static str, Value)> {
    vec![
        ("integer", 1.into()),
        ("bytes", [1_u8].into()),
        ("text", "true".into()),
        ("map", Value::Map(vec![])),
    ]
}
