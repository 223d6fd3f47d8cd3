//! authenticatorBioEnrollment (CTAP 2.3 §6.7), as far as it goes without a finger on the sensor.

use crate::case::areas::shape::Step::Key;
use crate::case::areas::shape::{Kind, Shape, row};
use crate::case::{Case, Need, State, Version, ensure, present, refused, status};
use crate::cbor::Value;
use crate::cbor_map;
use crate::ctap::{Request, Status, command, permission};
use crate::session::{Session, administered, subcommand_request};

const ENROLL_BEGIN: u8 = 0x01;
const ENUMERATE: u8 = 0x04;
const RENAME: u8 = 0x05;
const REMOVE: u8 = 0x06;
const SENSOR: u8 = 0x07;

/// The cases of this area.
pub fn cases() -> Vec<Case> {
    let newer = |case: Case| case.since(Version::V2_1).needs(Need::Known("bioEnroll"));
    [PARAMETERS.cases(), told(), refusals()].into_iter().flatten().map(newer).collect()
}

static PARAMETERS: Shape = Shape {
    prefix: "bio-enrollment",
    clause: "6.7",
    base: |session| session.administer(command::BIO_ENROLLMENT, ENUMERATE, None),
    needs: &[Need::Option("clientPin")],
    since: Version::V2_1,
    state: State::Ready,
    rows: &[
        row("modality", &[Key(0x01)], Kind::Unsigned, false),
        row("subCommand", &[Key(0x02)], Kind::Unsigned, false),
        row("subCommandParams", &[Key(0x03)], Kind::Map, false),
        row("pinUvAuthProtocol", &[Key(0x04)], Kind::Unsigned, false),
        row("pinUvAuthParam", &[Key(0x05)], Kind::Bytes, false),
        row("getModality", &[Key(0x06)], Kind::Bool, false),
    ],
};

fn told() -> Vec<Case> {
    vec![
        Case::new("bio-enrollment/modality", "6.7.2", "say that it knows fingerprints", |session| {
            let answer = session.send(&Request::new(command::BIO_ENROLLMENT, vec![(0x06, true.into())]))?;
            status(&answer, Status::OK)?;
            let modality = present(answer.member(0x01).and_then(Value::unsigned), "modality (0x01)")?;
            ensure(modality == 1, format!("modality {modality}"), "modality 1, fingerprint")
        }),
        Case::new("bio-enrollment/sensor", "6.7.3", "tell of its sensor", |session| {
            let answer = session.send(&subcommand_request(command::BIO_ENROLLMENT, SENSOR, None))?;
            status(&answer, Status::OK)?;
            let kind = present(answer.member(0x02).and_then(Value::unsigned), "fingerprintKind (0x02)")?;
            ensure(matches!(kind, 1 | 2), format!("fingerprintKind {kind}"), "1, touch, or 2, swipe")?;
            present(
                answer.member(0x03).and_then(Value::unsigned),
                "maxCaptureSamplesRequiredForEnroll (0x03)",
            )
            .map(drop)
        }),
        Case::new(
            "bio-enrollment/enumerate/none",
            "6.7.6",
            "find no fingerprint where none was enrolled",
            |session| {
                let request = session.administer(command::BIO_ENROLLMENT, ENUMERATE, None)?;
                let answer = session.send(&request)?;
                status(&answer, Status::INVALID_OPTION)
            },
        )
        .needs(Need::Without("bioEnroll")),
    ]
}

fn refusals() -> Vec<Case> {
    let unknown = || cbor_map! { 1 => [7_u8; 2], 2 => "thumb" };
    let rows = [("enroll", ENROLL_BEGIN), ("enumerate", ENUMERATE), ("rename", RENAME), ("remove", REMOVE)];
    let unauthorized = rows.into_iter().map(move |(name, subcommand)| {
        let id = format!("bio-enrollment/{name}/unauthorized");
        Case::new(
            id,
            "6.7",
            format!("refuse to {name} without pinUvAuthParam"),
            move |session: &mut Session| {
                let answer = session.send(&subcommand_request(
                    command::BIO_ENROLLMENT,
                    subcommand,
                    Some(unknown()),
                ))?;
                refused(&answer, &[Status::PUAT_REQUIRED, Status::MISSING_PARAMETER])
            },
        )
    });
    let unpermitted = rows.into_iter().map(move |(name, subcommand)| {
        let id = format!("bio-enrollment/{name}/without-permission");
        Case::new(
            id,
            "6.7",
            format!("refuse to {name} by a token without the permission be"),
            move |session: &mut Session| {
                let token = session.token(permission::MC | permission::GA)?;
                let answer = session.send(&administered(
                    &token,
                    command::BIO_ENROLLMENT,
                    subcommand,
                    Some(unknown()),
                ))?;
                status(&answer, Status::PIN_AUTH_INVALID)
            },
        )
        .needs(Need::Option("pinUvAuthToken"))
    });
    let missing = [("rename", RENAME), ("remove", REMOVE)].into_iter().map(move |(name, subcommand)| {
        let id = format!("bio-enrollment/{name}/unknown");
        Case::new(
            id,
            "6.7",
            format!("refuse to {name} an unknown fingerprint"),
            move |session: &mut Session| {
                let request = session.administer(command::BIO_ENROLLMENT, subcommand, Some(unknown()))?;
                let answer = session.send(&request)?;
                status(&answer, Status::INVALID_OPTION)
            },
        )
    });
    unauthorized.chain(unpermitted).chain(missing).collect()
}
