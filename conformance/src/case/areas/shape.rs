//! The shape of a request, as a table: every row is a member, and becomes a case for its absence and one for each wrong type.

use crate::case::{Case, Need, State, Stop, Version, status};
use crate::cbor::Value;
use crate::ctap::{Request, Status};
use crate::session::Session;

/// A step from a value to one inside it.
#[derive(Debug, Clone, Copy)]
pub enum Step {
    /// The member with this number.
    Key(u64),
    /// The member with this name.
    Name(&'static str),
    /// The first element.
    First,
}

/// What type a member has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// An unsigned integer.
    Unsigned,
    /// An integer of either sign.
    Integer,
    /// A byte string.
    Bytes,
    /// A text string.
    Text,
    /// An array.
    Array,
    /// A map.
    Map,
    /// A boolean.
    Bool,
}

/// One member of a request.
pub struct Row {
    /// Its name in cases' ids.
    pub name: &'static str,
    /// Where it is.
    pub path: &'static [Step],
    /// Its type.
    pub kind: Kind,
    /// Whether a request without it is refused.
    pub required: bool,
    /// What the authenticator must have to look at it.
    pub needs: &'static [Need],
    /// The version that brought it.
    pub since: Version,
}

/// A row that every authenticator of every version looks at.
pub const fn row(name: &'static str, path: &'static [Step], kind: Kind, required: bool) -> Row {
    Row { name, path, kind, required, needs: &[], since: Version::V2_0 }
}

/// One request and its members.
pub struct Shape {
    /// What the ids begin with.
    pub prefix: &'static str,
    /// The clause.
    pub clause: &'static str,
    /// A request that is right in every member.
    pub base: fn(&mut Session) -> Result<Request, Stop>,
    /// What all of it needs.
    pub needs: &'static [Need],
    /// The version that brought it.
    pub since: Version,
    /// How the authenticator must stand.
    pub state: State,
    /// The members.
    pub rows: &'static [Row],
}

impl Shape {
    /// The cases of every row.
    pub fn cases(&'static self) -> Vec<Case> {
        self.rows.iter().flat_map(|row| self.of_row(row)).collect()
    }

    fn of_row(&'static self, row: &'static Row) -> Vec<Case> {
        let Self { prefix, .. } = self;
        let name = row.name;
        let missing = row.required.then(|| {
            let case = (format!("{prefix}/missing/{name}"), format!("refuse a request without {name}"));
            self.case(case, row, None, Status::MISSING_PARAMETER)
        });
        let wrong = wrong_types(row.kind).into_iter().map(|(kind, value)| {
            let case = (
                format!("{prefix}/type/{name}-as-{kind}"),
                format!("refuse {name} that is {}", value.kind()),
            );
            self.case(case, row, Some(value), Status::CBOR_UNEXPECTED_TYPE)
        });
        missing.into_iter().chain(wrong).collect()
    }

    fn case(
        &'static self,
        (id, must): (String, String),
        row: &'static Row,
        value: Option<Value>,
        wanted: Status,
    ) -> Case {
        let case = Case::new(id.to_lowercase(), self.clause, must, move |session: &mut Session| {
            let request = (self.base)(session)?;
            let answer = session.send(&bent(&request, row.path, value.as_ref()))?;
            status(&answer, wanted)
        });
        case.needs_all(self.needs).needs_all(row.needs).since(self.since.max(row.since)).state(self.state)
    }
}

/// The request with another value, or none, at a place.
fn bent(request: &Request, path: &[Step], value: Option<&Value>) -> Request {
    let members = Value::Map(request.members.clone().unwrap_or_default());
    let Value::Map(members) = replaced(&members, path, value) else { return request.clone() };
    Request { command: request.command, members: Some(members) }
}

/// The value with another one, or none, at a place inside it; what is missing on the way stays missing.
pub fn replaced(value: &Value, path: &[Step], new: Option<&Value>) -> Value {
    let Some((step, rest)) = path.split_first() else { return new.cloned().unwrap_or(Value::Null) };
    let key = match step {
        Step::Key(number) => Value::Unsigned(*number),
        Step::Name(name) => Value::from(*name),
        Step::First => {
            let mut elements = value.array().unwrap_or_default().to_vec();
            if let Some(first) = elements.first_mut() {
                *first = replaced(first, rest, new);
            }
            return Value::Array(elements);
        }
    };
    let (mut entries, old) = taken(value, &key);
    let put = if rest.is_empty() { new.cloned() } else { old.map(|old| replaced(&old, rest, new)) };
    entries.extend(put.map(|put| (key, put)));
    Value::sorted(entries)
}

/// The entries of a map without one, and that one's value.
fn taken(map: &Value, key: &Value) -> (Vec<(Value, Value)>, Option<Value>) {
    let mut entries = map.map().unwrap_or_default().to_vec();
    let place = entries.iter().position(|(candidate, _)| candidate == key);
    let old = place.map(|place| entries.remove(place).1);
    (entries, old)
}

/// One value of every other type, by the name of its type.
fn wrong_types(kind: Kind) -> Vec<(&'static str, Value)> {
    let all = [
        (&[Kind::Unsigned, Kind::Integer][..], "integer", 7.into()),
        (&[Kind::Bytes], "bytes", [1_u8, 2, 3, 4].into()),
        (&[Kind::Text], "text", "text".into()),
        (&[Kind::Array], "array", Value::Array(vec![])),
        (&[Kind::Map], "map", Value::Map(vec![])),
        (&[Kind::Bool], "boolean", true.into()),
        (&[], "null", Value::Null),
    ];
    all.into_iter()
        .filter(|(kinds, _, _)| !kinds.contains(&kind))
        .map(|(_, name, value)| (name, value))
        .collect()
}
