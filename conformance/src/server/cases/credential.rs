//! A credential as JSON (WebAuthn L3 §5.1, `toJSON()`): each member missing, of every other type, and encoded otherwise.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Value as Json, json};

use super::{Accepted, Change, Refused, assertion, credential, no_strings, plain, put};
use crate::case::Case;
use crate::server::{Members, Reason, Server};

/// Members that are base64url, of a registration and of a sign-in.
const REGISTRATION: &[&[&str]] =
    &[&["id"], &["response", "clientDataJSON"], &["response", "attestationObject"]];
const ASSERTION: &[&[&str]] = &[
    &["id"],
    &["response", "clientDataJSON"],
    &["response", "authenticatorData"],
    &["response", "signature"],
];

/// Refusals of what cannot be read, or names another credential.
const UNREADABLE: &[Reason] = &[Reason::Malformed, Reason::Id];

/// The cases of this area.
pub fn cases() -> Vec<Case<Server>> {
    let mut cases = vec![
        plain(
            ("registration/valid", "7.1", "accept a registration without attestation"),
            Accepted,
            Change::Nothing,
        ),
        assertion(("assertion/valid", "7.2", "accept a sign-in"), Accepted, Change::Nothing),
        assertion(
            (
                "assertion/credential/user-handle-empty",
                "7.2 step 6",
                "accept an empty user handle, since it knows the user",
            ),
            Accepted,
            credential(|members| put(members, &["response", "userHandle"], Some(&json!("")))),
        ),
        assertion(
            (
                "assertion/credential/user-handle-missing",
                "7.2 step 6",
                "accept a missing user handle, since it knows the user",
            ),
            Accepted,
            credential(|members| put(members, &["response", "userHandle"], None)),
        ),
        assertion(
            ("assertion/credential/user-handle-other", "7.2 step 6", "refuse another user's handle"),
            Refused(&[Reason::Credential]),
            credential(|members| {
                put(members, &["response", "userHandle"], Some(&json!("AAAAAAAAAAAAAAAAAAAAAA")));
            }),
        ),
    ];
    for (path, change) in changes(REGISTRATION) {
        let rule = (format!("registration/credential/{path}"), "5.1", "refuse a credential like this");
        cases.push(plain(rule, Refused(UNREADABLE), change));
    }
    for (path, change) in changes(ASSERTION) {
        let rule = (format!("assertion/credential/{path}"), "5.1", "refuse a credential like this");
        // An empty signature is none that verifies.
        let reasons: &'static [Reason] =
            if path == "signature/empty" { &[Reason::Malformed, Reason::Signature] } else { UNREADABLE };
        cases.push(assertion(rule, Refused(reasons), change));
    }
    for (kind, value) in no_strings().into_iter().filter(|(kind, _)| *kind != "null") {
        let change = credential(move |members| put(members, &["response", "userHandle"], Some(&value)));
        let rule = (
            format!("assertion/credential/user-handle-as-{kind}"),
            "5.1",
            "refuse a user handle that is no string",
        );
        cases.push(assertion(rule, Refused(&[Reason::Malformed]), change));
    }
    cases
}

/// Every way to spoil the members that are encoded bytes, and `type` and `response`.
fn changes(encoded: &'static [&'static [&'static str]]) -> Vec<(String, Change)> {
    let kind: &[&str] = &["type"];
    let response: &[&str] = &["response"];
    let mut changes = vec![
        ("type/empty".to_owned(), set(kind, Some(json!("")))),
        ("type/other".to_owned(), set(kind, Some(json!("public-keys")))),
        ("response/as-string".to_owned(), set(response, Some(json!("{}")))),
        ("response/empty".to_owned(), set(response, Some(json!({})))),
    ];
    for path in encoded.iter().copied().chain([kind]) {
        changes.extend(
            no_strings()
                .into_iter()
                .map(|(name, value)| (format!("{}/as-{name}", last(path)), set(path, Some(value)))),
        );
    }
    changes.extend(
        no_strings()
            .into_iter()
            .filter(|(name, _)| *name != "object")
            .map(|(name, value)| (format!("response/as-{name}"), set(response, Some(value)))),
    );
    for path in encoded.iter().copied().chain([kind, response]) {
        changes.push((format!("{}/missing", last(path)), set(path, None)));
    }
    for path in encoded.iter().copied() {
        changes.push((format!("{}/empty", last(path)), set(path, Some(json!("")))));
        changes.push((format!("{}/padded", last(path)), rewritten(path, |text| format!("{text}==="))));
        changes.push((format!("{}/other-alphabet", last(path)), rewritten(path, other_alphabet)));
        changes.push((format!("{}/not-base64", last(path)), rewritten(path, |text| format!("{text}!!"))));
    }
    changes
}

fn last(path: &[&str]) -> String {
    path.last().copied().unwrap_or_default().to_lowercase()
}

fn set(path: &'static [&'static str], value: Option<Json>) -> Change {
    credential(move |members| put(members, path, value.as_ref()))
}

fn rewritten(path: &'static [&'static str], rewrite: fn(&str) -> String) -> Change {
    credential(move |members| {
        let found = found(members, path).map(rewrite);
        put(members, path, found.map(Json::String).as_ref());
    })
}

fn found<'a>(members: &'a Members, path: &[&str]) -> Option<&'a str> {
    let (first, rest) = path.split_first()?;
    rest.iter().try_fold(members.get(*first)?, |value, step| value.get(*step))?.as_str()
}

/// The same bytes and three more in plain base64, whose `+/` and `=` are no base64url.
fn other_alphabet(text: &str) -> String {
    let bytes = URL_SAFE_NO_PAD.decode(text).unwrap_or_default();
    STANDARD.encode([bytes.as_slice(), &[0xFB, 0xEF, 0xFF, 0xFE]].concat())
}
