//! credProtect (CTAP 2.3 §12.1).

use super::{make_with, output, wants, wrong_types};
use crate::case::{Case, Need, Version, refused, status};
use crate::cbor::Value;
use crate::cbor_map;
use crate::ctap::{Request, Status};
use crate::session::{Credential, Session};

pub(super) fn cases() -> Vec<Case> {
    let types = vec![
        ("text", "2".into()),
        ("bytes", [2_u8].into()),
        ("boolean", true.into()),
        ("map", Value::Map(vec![])),
    ];
    levels()
        .into_iter()
        .chain(wrong_types("credProtect", "12.1", Version::V2_1, types))
        .chain(silent())
        .map(|case| case.needs(Need::Extension("credProtect")))
        .collect()
}

fn levels() -> Vec<Case> {
    let given = [1, 2, 3].into_iter().map(|level: u64| {
        let must = format!("protect a credential at level {level}, and say so");
        Case::new(
            format!("extensions/credprotect/level-{level}"),
            "12.1",
            must,
            move |session: &mut Session| {
                let request = make_with(session, 0x82, "credProtect", level)?.with(0x07, rk(session));
                let answer = session.send(&request)?;
                status(&answer, Status::OK)?;
                let output = output(&answer, "credProtect")?;
                // A higher level of the authenticator's own is as good.
                let own =
                    output.as_ref().and_then(Value::unsigned).filter(|own| *own >= level).unwrap_or(level);
                wants(output.as_ref(), Some(&own.into()))
            },
        )
    });
    let refused_levels = [0, 4, 255].into_iter().map(|level: u64| {
        let must = format!("refuse the unknown level {level}");
        Case::new(
            format!("extensions/credprotect/level-{level}"),
            "12.1",
            must,
            move |session: &mut Session| {
                let request = make_with(session, 0x82, "credProtect", level)?;
                let answer = session.send(&request)?;
                refused(&answer, &[Status::INVALID_OPTION, Status::INVALID_PARAMETER])
            },
        )
    });
    given.chain(refused_levels).collect()
}

fn rk(session: &Session) -> Value {
    cbor_map! { "rk" => session.info().option("rk") == Some(true) }
}

/// What an assertion without verification finds: id, what the authenticator must do, the level, whether the ID is named, the status.
const SILENT: [(&str, &str, u64, bool, Status); 4] = [
    (
        "level-2-listed",
        "find a credential of level 2 that the allow list names, without verification",
        2,
        true,
        Status::OK,
    ),
    (
        "level-2-unlisted",
        "not find a credential of level 2 without verification and allow list",
        2,
        false,
        Status::NO_CREDENTIALS,
    ),
    (
        "level-3-listed",
        "not find a credential of level 3 without verification",
        3,
        true,
        Status::NO_CREDENTIALS,
    ),
    (
        "level-3-unlisted",
        "not find a credential of level 3 without verification and allow list",
        3,
        false,
        Status::NO_CREDENTIALS,
    ),
];

fn silent() -> Vec<Case> {
    SILENT
        .into_iter()
        .map(|(id, must, level, named, wanted)| {
            Case::new(format!("extensions/credprotect/{id}"), "12.1", must, move |session: &mut Session| {
                let rp = "protected.example";
                let request = session
                    .make_request(1)
                    .with(0x02, cbor_map! { "id" => rp })
                    .with(0x06, cbor_map! { "credProtect" => level })
                    .with(0x07, cbor_map! { "rk" => true });
                let request = session.authorized_for(request, rp)?;
                let credential = Credential::from_answer(&session.send(&request)?)?;
                let allowed = if named { vec![credential.descriptor()] } else { vec![] };
                let request: Request = Session::assert_request(allowed).with(0x01, rp);
                let answer = session.send(&request)?;
                status(&answer, wanted)
            })
            .needs_all(&[Need::Option("rk"), Need::Without("alwaysUv")])
        })
        .collect()
}
