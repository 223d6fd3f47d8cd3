//! The attestation object (WebAuthn L3 §6.5.4), its members and its CBOR.

use serde_json::json;

use super::{Change, Refused, Wanted, credential, enter, object, other_kinds, plain, put};
use crate::case::Case;
use crate::cbor::Value;
use crate::server::ceremony::base64url;
use crate::server::{Reason, Server};

const MALFORMED: Wanted = Refused(&[Reason::Malformed]);

/// What stands in place of the attestation object.
const NO_OBJECT: &[(&str, &[u8])] = &[
    ("not-cbor", b"\xFF\xFF\xFF"),
    ("array", b"\x80"),
    ("text", b"\x64none"),
    ("empty-map", b"\xA0"),
    ("truncated-map", b"\xA3\x63fmt\x64none"),
    ("endless-map", b"\xBB\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF"),
    ("deep-arrays", &[0x81; 2000]),
];

/// The cases of this area.
pub fn cases() -> Vec<Case<Server>> {
    let replaced = NO_OBJECT.iter().map(|(id, bytes)| {
        let change = credential(move |members| {
            put(members, &["response", "attestationObject"], Some(&json!(base64url(bytes))));
        });
        case(id, "refuse this in place of an attestation object", MALFORMED, change)
    });
    let members =
        [("fmt", "text"), ("attStmt", "map"), ("authData", "bytes")].into_iter().flat_map(|(name, kind)| {
            let wrong =
                other_kinds(kind).into_iter().map(|(kind, value)| (format!("as-{kind}"), Some(value)));
            std::iter::once(("missing".to_owned(), None)).chain(wrong).map(
                move |(what, value): (String, Option<Value>)| {
                    let id = format!("{}/{what}", name.to_lowercase());
                    let wanted = Refused(&[Reason::Malformed, Reason::Statement, Reason::Format]);
                    case(
                        &id,
                        &format!("refuse {name} like this"),
                        wanted,
                        object(move |entries| enter(entries, name, value.as_ref())),
                    )
                },
            )
        });
    let others = [
        case(
            "fmt/unknown",
            "refuse a format that it does not know",
            Refused(&[Reason::Format]),
            renamed("unknown"),
        ),
        case("fmt/empty", "refuse an empty format", Refused(&[Reason::Format]), renamed("")),
        case("fmt/upper-case", "compare the format exactly", Refused(&[Reason::Format]), renamed("None")),
        case(
            "auth-data/empty",
            "refuse empty authenticator data",
            MALFORMED,
            object(|entries| {
                enter(entries, "authData", Some(&Value::Bytes(Vec::new())));
            }),
        ),
        case(
            "auth-data/twice",
            "refuse authenticator data that are there twice",
            MALFORMED,
            object(|entries| {
                let again = entries.iter().find(|(key, _)| key.text() == Some("authData")).cloned();
                entries.extend(again);
            }),
        ),
    ];
    replaced.chain(members).chain(others).collect()
}

fn case(id: &str, must: &str, wanted: Wanted, change: Change) -> Case<Server> {
    plain((format!("registration/attestation-object/{id}"), "6.5.4", must), wanted, change)
}

fn renamed(format: &'static str) -> Change {
    object(move |entries| enter(entries, "fmt", Some(&format.into())))
}
