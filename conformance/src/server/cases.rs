//! The rules for servers. A ceremony's rules are rows: what is changed, before which step, and what must come of it.

use serde_json::{Value as Json, json};

use super::authenticator_data::AuthenticatorData;
use super::ceremony::{Assertion, Registration};
use super::statement::{Maker, Statement};
use super::{Members, Reason, Reply, Server, statement};
use crate::case::{Case, Stop};
use crate::cbor::Value;

mod account;
mod algorithms;
mod attestation_object;
mod authenticator_data;
mod client_data;
mod credential;
mod formats;
mod options;
mod packed;

/// Every case, in the order in which they are played.
pub fn cases() -> Vec<Case<Server>> {
    [
        options::cases,
        credential::cases,
        client_data::cases,
        authenticator_data::cases,
        attestation_object::cases,
        packed::cases,
        formats::cases,
        algorithms::cases,
        account::cases,
    ]
    .into_iter()
    .flat_map(|area| area())
    .collect()
}

/// What must come of a ceremony.
#[derive(Clone, Copy)]
enum Wanted {
    Accepted,
    /// For one of these reasons.
    Refused(&'static [Reason]),
}

use Wanted::{Accepted, Refused};

/// The entries of a CBOR map.
type Entries = Vec<(Value, Value)>;

/// What a case changes.
enum Change {
    Nothing,
    /// Before client data are hashed.
    ClientData(Box<dyn Fn(&mut Members)>),
    /// Before authenticator data are signed.
    Data(Box<dyn Fn(&mut AuthenticatorData)>),
    /// After the statement was made; a registration only.
    Object(Box<dyn Fn(&mut Entries)>),
    /// In what is sent.
    Json(Box<dyn Fn(&mut Members)>),
}

fn client_data(change: impl Fn(&mut Members) + 'static) -> Change {
    Change::ClientData(Box::new(change))
}

fn data(change: impl Fn(&mut AuthenticatorData) + 'static) -> Change {
    Change::Data(Box::new(change))
}

fn object(change: impl Fn(&mut Vec<(Value, Value)>) + 'static) -> Change {
    Change::Object(Box::new(change))
}

fn credential(change: impl Fn(&mut Members) + 'static) -> Change {
    Change::Json(Box::new(change))
}

/// A registration with a statement, changed.
fn registration(
    (id, clause, must): (impl Into<String>, &'static str, impl Into<String>),
    wanted: Wanted,
    maker: Maker,
    change: Change,
) -> Case<Server> {
    Case::about(id, clause, must, move |server: &mut Server| {
        let user = server.new_user();
        let options = server.creation_options(&user, "direct")?;
        let mut registration = Registration::new(server, options, -7)?;
        match &change {
            Change::ClientData(change) => change(&mut registration.client_data),
            Change::Data(change) => change(&mut registration.data),
            Change::Nothing | Change::Object(_) | Change::Json(_) => {}
        }
        let mut object = registration.attestation_object(maker)?;
        if let (Change::Object(change), Value::Map(entries)) = (&change, &mut object) {
            change(entries);
        }
        let mut json = registration.json(&object);
        if let (Change::Json(change), Some(members)) = (&change, json.as_object_mut()) {
            change(members);
        }
        let reply = server.post("attestation/result", &json)?;
        judge(server, &reply, wanted)
    })
}

/// A registration without statement, changed.
fn plain(
    rule: (impl Into<String>, &'static str, impl Into<String>),
    wanted: Wanted,
    change: Change,
) -> Case<Server> {
    registration(rule, wanted, statement::none, change)
}

/// A registration whose statement is made as given.
fn stated(
    rule: (impl Into<String>, &'static str, impl Into<String>),
    wanted: Wanted,
    maker: Maker,
) -> Case<Server> {
    registration(rule, wanted, maker, Change::Nothing)
}

/// A sign-in, changed.
fn assertion(
    (id, clause, must): (impl Into<String>, &'static str, impl Into<String>),
    wanted: Wanted,
    change: Change,
) -> Case<Server> {
    Case::about(id, clause, must, move |server: &mut Server| {
        let credential = server.registered()?;
        let options = server.request_options(&credential.user)?;
        let mut assertion = Assertion::new(server, &options)?;
        match &change {
            Change::ClientData(change) => change(&mut assertion.client_data),
            Change::Data(change) => change(&mut assertion.data),
            Change::Nothing | Change::Object(_) | Change::Json(_) => {}
        }
        let mut json = assertion.json(&credential)?;
        if let (Change::Json(change), Some(members)) = (&change, json.as_object_mut()) {
            change(members);
        }
        let reply = server.post("assertion/result", &json)?;
        judge(server, &reply, wanted)
    })
}

fn judge(server: &Server, reply: &Reply, wanted: Wanted) -> Result<(), Stop> {
    match wanted {
        Accepted => reply.accepted().map(|_| ()),
        Refused(reasons) => server.refused(reply, reasons),
    }
}

/// The statement of a maker, changed in its members.
fn restated(made: Statement, change: impl FnOnce(&mut Vec<(Value, Value)>)) -> Statement {
    let Statement { format, mut statement } = made;
    if let Value::Map(entries) = &mut statement {
        change(entries);
    }
    Statement { format, statement }
}

/// The statement of a maker with another chain.
fn certificates(made: Statement, change: impl FnOnce(&mut Vec<Value>)) -> Statement {
    restated(made, |entries| {
        let chain = entries.iter_mut().find(|(key, _)| key.text() == Some("x5c"));
        if let Some((_, Value::Array(certificates))) = chain {
            change(certificates);
        }
    })
}

/// Puts a value at a path of JSON; `None` takes it away.
fn put(members: &mut Members, path: &[&str], value: Option<&Json>) {
    match (path, value) {
        ([name], Some(value)) => {
            members.insert((*name).to_owned(), value.clone());
        }
        ([name], None) => {
            members.remove(*name);
        }
        ([name, rest @ ..], value) => {
            if let Some(inner) = members.get_mut(*name).and_then(Json::as_object_mut) {
                put(inner, rest, value);
            }
        }
        ([], _) => {}
    }
}

/// JSON that is no string, by what it is.
fn no_strings() -> [(&'static str, Json); 5] {
    [
        ("number", json!(7)),
        ("boolean", json!(true)),
        ("null", Json::Null),
        ("array", json!([])),
        ("object", json!({})),
    ]
}

/// Puts a CBOR value under a name; `None` takes it away.
fn enter(entries: &mut Vec<(Value, Value)>, name: &str, value: Option<&Value>) {
    entries.retain(|(key, _)| key.text() != Some(name));
    entries.extend(value.map(|value| (name.into(), value.clone())));
}

/// CBOR of every kind but one, by what it is.
fn other_kinds(own: &str) -> Vec<(&'static str, Value)> {
    let kinds = [
        ("integer", 7.into()),
        ("bytes", vec![1_u8].into()),
        ("text", "1".into()),
        ("array", Value::Array(Vec::new())),
        ("map", Value::Map(Vec::new())),
        ("boolean", true.into()),
        ("null", Value::Null),
    ];
    kinds.into_iter().filter(|(name, _)| *name != own).collect()
}

/// Changes the last bit of something.
fn flip(bytes: &mut [u8]) {
    if let Some(last) = bytes.last_mut() {
        *last ^= 1;
    }
}
