//! What the parameters may say (CTAP 2.3 §6.1.2).

use crate::case::{Case, Need, Version, ensure, refused, status};
use crate::cbor::Value;
use crate::cbor_map;
use crate::ctap::Status;
use crate::session::Session;

pub(super) fn cases() -> Vec<Case> {
    algorithms().into_iter().chain(entities()).chain(lists()).collect()
}

fn parameter(algorithm: i64, kind: &str) -> Value {
    cbor_map! { "alg" => algorithm, "type" => kind }
}

fn algorithms() -> Vec<Case> {
    /// An algorithm that nobody has.
    const UNKNOWN: i64 = -65_000;
    /// A list of algorithms: id, what the authenticator must do, the list beside an algorithm that it has, the right status.
    type Row = (&'static str, &'static str, fn(i64) -> Vec<Value>, Status);
    let rows: [Row; 5] = [
        (
            "unknown-only",
            "refuse when it has none of the algorithms",
            |_| vec![parameter(UNKNOWN, "public-key")],
            Status::UNSUPPORTED_ALGORITHM,
        ),
        (
            "unknown-type-only",
            "refuse when it knows none of the credential types",
            |alg| vec![parameter(alg, "private-key")],
            Status::UNSUPPORTED_ALGORITHM,
        ),
        ("none", "refuse an empty list of algorithms", |_| vec![], Status::UNSUPPORTED_ALGORITHM),
        (
            "unknown-first",
            "pass over an algorithm that it does not have",
            |alg| vec![parameter(UNKNOWN, "public-key"), parameter(alg, "public-key")],
            Status::OK,
        ),
        (
            "unknown-type-first",
            "pass over a credential type that it does not know",
            |alg| vec![parameter(alg, "private-key"), parameter(alg, "public-key")],
            Status::OK,
        ),
    ];
    rows.into_iter()
        .map(|(id, must, parameters, wanted)| {
            Case::new(
                format!("make-credential/algorithms/{id}"),
                "6.1.2",
                must,
                move |session: &mut Session| {
                    let algorithm = session.info().algorithms().first().copied().unwrap_or(-7);
                    let request = session.make(2)?.with(0x04, parameters(algorithm));
                    let answer = session.send(&request)?;
                    status(&answer, wanted)
                },
            )
        })
        .collect()
}

fn entities() -> Vec<Case> {
    let accepted = |id: &str, must: &str, key: u64, change: fn(&Value) -> Value| {
        Case::new(format!("make-credential/{id}"), "6.1.2", must, move |session: &mut Session| {
            let request = session.make(3)?.changed(key, change);
            let answer = session.send(&request)?;
            status(&answer, Status::OK)
        })
    };
    vec![
        accepted("rp/without-name", "take an rp without a name", 0x02, |rp| without(rp, "name")),
        accepted("rp/with-icon", "ignore an icon of the rp", 0x02, |rp| {
            with(rp, "icon", "https://example/i.png")
        }),
        accepted("rp/unknown-member", "ignore a member of rp that it does not know", 0x02, |rp| {
            with(rp, "zzz", 7)
        }),
        accepted("user/without-names", "take a user without names", 0x03, |user| {
            without(&without(user, "name"), "displayName")
        }),
        accepted("user/with-icon", "ignore an icon of the user", 0x03, |user| {
            with(user, "icon", "https://example/i.png")
        }),
        accepted("user/unknown-member", "ignore a member of user that it does not know", 0x03, |user| {
            with(user, "zzz", 7)
        }),
        accepted("user/longest-id", "take a user ID of 64 bytes", 0x03, |user| with(user, "id", [7_u8; 64])),
        accepted("user/long-names", "take names longer than it stores", 0x03, |user| {
            let long = "n".repeat(200);
            with(&with(user, "name", &*long), "displayName", &*long)
        }),
        accepted("user/names-in-unicode", "take names in any script", 0x03, |user| {
            with(user, "displayName", "Åsa 王 🙂")
        }),
        accepted(
            "algorithms/unknown-member",
            "ignore a member of a parameter that it does not know",
            0x04,
            |list| {
                list.array()
                    .unwrap_or_default()
                    .iter()
                    .map(|entry| with(entry, "zzz", 7))
                    .collect::<Vec<_>>()
                    .into()
            },
        ),
    ]
}

fn lists() -> Vec<Case> {
    vec![
        Case::new(
            "make-credential/exclude-list/hit",
            "6.1.2",
            "refuse when a credential of the exclude list is here",
            |session| {
                let credential = session.shared_credential()?;
                let request = session.make(4)?.with(0x05, vec![credential.descriptor()]);
                let answer = session.send(&request)?;
                status(&answer, Status::CREDENTIAL_EXCLUDED)
            },
        ),
        Case::new(
            "make-credential/exclude-list/hit-after-others",
            "6.1.2",
            "look at every entry of the exclude list",
            |session| {
                let credential = session.shared_credential()?;
                let nobody = |byte: u8| cbor_map! { "id" => [byte; 32], "type" => "public-key" };
                let request =
                    session.make(4)?.with(0x05, vec![nobody(1), nobody(2), credential.descriptor()]);
                let answer = session.send(&request)?;
                status(&answer, Status::CREDENTIAL_EXCLUDED)
            },
        ),
        Case::new(
            "make-credential/exclude-list/other-rp",
            "6.1.2",
            "not exclude for a credential of another relying party",
            |session| {
                let credential = session.shared_credential()?;
                let rp = "other.example";
                let request = session
                    .make_request(4)
                    .with(0x05, vec![credential.descriptor()])
                    .with(0x02, cbor_map! { "id" => rp });
                let request = session.authorized_for(request, rp)?;
                let answer = session.send(&request)?;
                status(&answer, Status::OK)
            },
        ),
        Case::new(
            "make-credential/exclude-list/unknown-type",
            "6.1.2",
            "ignore entries of a type that it does not know",
            |session| {
                let credential = session.shared_credential()?;
                let entry = with(&credential.descriptor(), "type", "private-key");
                let request = session.make(4)?.with(0x05, vec![entry]);
                let answer = session.send(&request)?;
                status(&answer, Status::OK)
            },
        ),
        Case::new(
            "make-credential/exclude-list/with-transports",
            "6.1.2",
            "ignore transports and unknown members of an entry",
            |session| {
                let credential = session.shared_credential()?;
                let entry = with(
                    &with(&credential.descriptor(), "transports", vec![Value::from("carrier-pigeon")]),
                    "zzz",
                    1,
                );
                let request = session.make(4)?.with(0x05, vec![entry]);
                let answer = session.send(&request)?;
                status(&answer, Status::CREDENTIAL_EXCLUDED)
            },
        ),
        Case::new(
            "make-credential/exclude-list/too-long",
            "6.1.2",
            "refuse an exclude list longer than maxCredentialCountInList",
            |session| {
                let most = session.info().member(0x07).and_then(Value::unsigned).unwrap_or(1);
                let count = usize::try_from(most).unwrap_or(usize::MAX).saturating_add(1);
                let entry = cbor_map! { "id" => [3_u8; 16], "type" => "public-key" };
                let request = session.make(4)?.with(0x05, vec![entry; count]);
                ensure(
                    request.bytes().len() <= 7609,
                    "the list fits into no message",
                    "a limit that a message can reach",
                )?;
                let answer = session.send(&request)?;
                refused(&answer, &[Status::LIMIT_EXCEEDED, Status::REQUEST_TOO_LARGE])
            },
        )
        .needs(Need::Member(0x07, "maxCredentialCountInList"))
        .since(Version::V2_1),
        Case::new(
            "make-credential/unknown-parameter",
            "6.1.2",
            "ignore a parameter that it does not know",
            |session| {
                let request = session.make(5)?.with(0x7F, 1);
                let answer = session.send(&request)?;
                status(&answer, Status::OK)
            },
        ),
    ]
}

fn with(map: &Value, name: &str, value: impl Into<Value>) -> Value {
    let mut entries = entries_without(map, name);
    entries.push((name.into(), value.into()));
    Value::sorted(entries)
}

fn without(map: &Value, name: &str) -> Value {
    Value::Map(entries_without(map, name))
}

fn entries_without(map: &Value, name: &str) -> Vec<(Value, Value)> {
    map.map().unwrap_or_default().iter().filter(|(key, _)| key.text() != Some(name)).cloned().collect()
}
