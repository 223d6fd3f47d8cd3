//! authenticatorConfig (CTAP 2.3 §6.11).

use crate::case::areas::shape::Step::Key;
use crate::case::areas::shape::{Kind, Shape, row};
use crate::case::{Case, Need, State, Stop, Version, ensure, present, refused, status};
use crate::cbor::Value;
use crate::cbor_map;
use crate::ctap::{Answer, Status, command, permission};
use crate::session::{PIN, Session, administered, subcommand_request};

const ENTERPRISE_ATTESTATION: u8 = 0x01;
const ALWAYS_UV: u8 = 0x02;
const MIN_PIN_LENGTH: u8 = 0x03;
const LONG_TOUCH: u8 = 0x04;

/// The cases of this area.
pub fn cases() -> Vec<Case> {
    let newer = |case: Case| case.since(Version::V2_1).needs(Need::Option("authnrCfg"));
    [PARAMETERS.cases(), authorization(), settings(), pin_length()].into_iter().flatten().map(newer).collect()
}

static PARAMETERS: Shape = Shape {
    prefix: "config",
    clause: "6.11",
    base: |session| session.administer(command::CONFIG, MIN_PIN_LENGTH, Some(Value::Map(vec![]))),
    needs: &[Need::Option("setMinPINLength")],
    since: Version::V2_1,
    state: State::Ready,
    rows: &[
        row("subCommand", &[Key(0x01)], Kind::Unsigned, true),
        row("subCommandParams", &[Key(0x02)], Kind::Map, false),
        row("pinUvAuthProtocol", &[Key(0x03)], Kind::Unsigned, false),
        row("pinUvAuthParam", &[Key(0x04)], Kind::Bytes, false),
    ],
};

fn configure(session: &mut Session, subcommand: u8, parameters: Option<Value>) -> Result<Answer, Stop> {
    let request = session.administer(command::CONFIG, subcommand, parameters)?;
    session.send(&request)
}

fn authorization() -> Vec<Case> {
    let unknown = [0x00, 0x05, 0x7F].into_iter().map(|number: u8| {
        let id = format!("config/unknown-subcommand-{number:02x}");
        Case::new(
            id,
            "6.11",
            format!("refuse the unknown subcommand 0x{number:02x}"),
            move |session: &mut Session| {
                let answer = configure(session, number, None)?;
                refused(&answer, &[Status::INVALID_SUBCOMMAND, Status::INVALID_PARAMETER])
            },
        )
    });
    let cases = [
        Case::new(
            "config/unauthorized",
            "6.11",
            "change nothing without pinUvAuthParam once a PIN is set",
            |session: &mut Session| {
                let answer = session.send(&subcommand_request(
                    command::CONFIG,
                    MIN_PIN_LENGTH,
                    Some(Value::Map(vec![])),
                ))?;
                status(&answer, Status::PUAT_REQUIRED)
            },
        )
        .needs(Need::Option("clientPin")),
        Case::new("config/wrong-param", "6.11", "refuse a wrong pinUvAuthParam", |session: &mut Session| {
            let request = session.administer(command::CONFIG, MIN_PIN_LENGTH, Some(Value::Map(vec![])))?;
            let answer = session.send(&request.with(0x04, [7_u8; 32]))?;
            status(&answer, Status::PIN_AUTH_INVALID)
        }),
        Case::new(
            "config/without-permission",
            "6.11",
            "refuse a token without the permission acfg",
            |session: &mut Session| {
                let token = session.token(permission::MC | permission::GA)?;
                let request = administered(&token, command::CONFIG, MIN_PIN_LENGTH, Some(Value::Map(vec![])));
                let answer = session.send(&request)?;
                status(&answer, Status::PIN_AUTH_INVALID)
            },
        )
        .needs(Need::Option("pinUvAuthToken")),
    ];
    unknown.chain(cases).collect()
}

fn settings() -> Vec<Case> {
    vec![
        Case::new("config/always-uv/toggled", "6.11.2", "switch alwaysUv, and back", |session| {
            session.disturb();
            let before = session.info().option("alwaysUv");
            let answer = configure(session, ALWAYS_UV, None)?;
            if before == Some(true) && answer.status == Status::OPERATION_DENIED {
                return Err(Stop::NotApplicable("alwaysUv cannot be switched off".to_owned()));
            }
            status(&answer, Status::OK)?;
            let after = session.refresh()?.option("alwaysUv");
            ensure(
                after == before.map(|on| !on),
                format!("alwaysUv {before:?}, then {after:?}"),
                "the other value",
            )
        })
        .needs(Need::Known("alwaysUv")),
        Case::new(
            "config/enterprise-attestation/enabled",
            "6.11.1",
            "enable enterprise attestation",
            |session| {
                session.disturb();
                let answer = configure(session, ENTERPRISE_ATTESTATION, None)?;
                status(&answer, Status::OK)?;
                let enabled = session.refresh()?.option("ep");
                ensure(enabled == Some(true), format!("ep {enabled:?}"), "ep: true")
            },
        )
        .needs(Need::Known("ep")),
        Case::new(
            "config/enterprise-attestation/unsupported",
            "6.11.1",
            "refuse to enable what it does not have",
            |session| {
                let answer = configure(session, ENTERPRISE_ATTESTATION, None)?;
                refused(
                    &answer,
                    &[Status::INVALID_PARAMETER, Status::INVALID_SUBCOMMAND, Status::OPERATION_DENIED],
                )
            },
        )
        .needs(Need::Without("ep")),
        Case::new(
            "config/long-touch/enabled",
            "6.11.4",
            "ask for a long touch for a reset from now on",
            |session| {
                session.disturb();
                let answer = configure(session, LONG_TOUCH, None)?;
                status(&answer, Status::OK)?;
                let enabled = session.refresh()?.member(0x18).and_then(Value::bool);
                ensure(
                    enabled == Some(true),
                    format!("longTouchForReset {enabled:?}"),
                    "longTouchForReset: true",
                )
            },
        )
        .since(Version::V2_3)
        .needs(Need::Member(0x18, "longTouchForReset")),
    ]
}

fn pin_length() -> Vec<Case> {
    let least = |session: &Session| session.info().member(0x0D).and_then(Value::unsigned).unwrap_or(4);
    let cases = [
        Case::new(
            "config/min-pin-length/raised",
            "6.11.3",
            "raise the least length of PINs",
            move |session: &mut Session| {
                session.disturb();
                let raised = least(session) + 1;
                let answer = configure(session, MIN_PIN_LENGTH, Some(cbor_map! { 1 => raised }))?;
                status(&answer, Status::OK)?;
                session.refresh()?;
                ensure(
                    least(session) == raised,
                    format!("minPINLength {}", least(session)),
                    format!("minPINLength {raised}"),
                )
            },
        ),
        Case::new(
            "config/min-pin-length/lowered",
            "6.11.3",
            "refuse to lower the least length of PINs",
            move |session: &mut Session| {
                let lowered = least(session).saturating_sub(1);
                let answer = configure(session, MIN_PIN_LENGTH, Some(cbor_map! { 1 => lowered }))?;
                status(&answer, Status::PIN_POLICY_VIOLATION)
            },
        ),
        Case::new(
            "config/min-pin-length/forces-change",
            "6.11.3",
            "want another PIN when the one that is set is too short",
            |session: &mut Session| {
                session.disturb();
                let longer = u64::try_from(PIN.len()).unwrap_or(12) + 1;
                let answer = configure(session, MIN_PIN_LENGTH, Some(cbor_map! { 1 => longer }))?;
                status(&answer, Status::OK)?;
                forced(session)
            },
        ),
        Case::new(
            "config/force-change-pin",
            "6.11.3",
            "want another PIN when it is told to",
            |session: &mut Session| {
                session.disturb();
                let answer = configure(session, MIN_PIN_LENGTH, Some(cbor_map! { 3 => true }))?;
                status(&answer, Status::OK)?;
                forced(session)
            },
        ),
        Case::new(
            "config/min-pin-length/too-many-rp-ids",
            "6.11.3",
            "refuse more RP IDs than it keeps",
            |session: &mut Session| {
                let most = session
                    .info()
                    .member(0x10)
                    .and_then(Value::unsigned)
                    .and_then(|most| usize::try_from(most).ok());
                let ids: Vec<Value> = (0..=most.unwrap_or(0))
                    .map(|number| Value::from(&*format!("{number}.example")))
                    .collect();
                let answer = configure(session, MIN_PIN_LENGTH, Some(cbor_map! { 2 => ids }))?;
                refused(&answer, &[Status::KEY_STORE_FULL, Status::LIMIT_EXCEEDED])
            },
        )
        .needs(Need::Member(0x10, "maxRPIDsForSetMinPINLength")),
    ];
    cases.map(|case| case.needs(Need::Option("setMinPINLength"))).into_iter().collect()
}

/// Whether the authenticator says that the PIN must be changed, and gives no token before.
fn forced(session: &mut Session) -> Result<(), Stop> {
    let said = present(session.refresh()?.member(0x0C).and_then(Value::bool), "forcePINChange (0x0c)")?;
    ensure(said, "forcePINChange: false", "forcePINChange: true")?;
    let protocol = session.protocol()?;
    let (request, _) = session.token_request(protocol, PIN, permission::MC, Some(crate::session::RP_ID))?;
    let answer = session.send(&request)?;
    refused(&answer, &[Status::PIN_INVALID, Status::PIN_POLICY_VIOLATION])
}
