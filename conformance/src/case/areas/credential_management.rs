//! authenticatorCredentialManagement (CTAP 2.3 §6.8).

use crate::case::areas::shape::Step::Key;
use crate::case::areas::shape::{Kind, Shape, row};
use crate::case::{Case, Need, State, Stop, Version, refused, status};
use crate::cbor::Value;
use crate::cbor_map;
use crate::ctap::{Answer, Request, Status, command, permission, sha256};
use crate::session::{RP_ID, Session, administered, subcommand_request};

mod changes;
mod listing;

const METADATA: u8 = 0x01;
const RPS_BEGIN: u8 = 0x02;
const RPS_NEXT: u8 = 0x03;
const CREDENTIALS_BEGIN: u8 = 0x04;
const CREDENTIALS_NEXT: u8 = 0x05;
const DELETE: u8 = 0x06;
const UPDATE: u8 = 0x07;

/// The cases of this area.
pub fn cases() -> Vec<Case> {
    let newer = |case: Case| case.since(Version::V2_1).needs(Need::Option("credMgmt"));
    let parts = [PARAMETERS.cases(), authorization(), refusals(), listing::cases(), changes::cases()];
    parts.into_iter().flatten().map(newer).collect()
}

static PARAMETERS: Shape = Shape {
    prefix: "credential-management",
    clause: "6.8",
    base: |session| session.administer(command::CREDENTIAL_MANAGEMENT, CREDENTIALS_BEGIN, Some(of_rp(RP_ID))),
    needs: &[Need::Option("clientPin")],
    since: Version::V2_1,
    state: State::Ready,
    rows: &[
        row("subCommand", &[Key(0x01)], Kind::Unsigned, true),
        row("subCommandParams", &[Key(0x02)], Kind::Map, false),
        row("pinUvAuthProtocol", &[Key(0x03)], Kind::Unsigned, true),
        row("pinUvAuthParam", &[Key(0x04)], Kind::Bytes, false),
    ],
};

/// The parameters of enumerateCredentialsBegin.
fn of_rp(rp_id: &str) -> Value {
    cbor_map! { 1 => sha256(rp_id) }
}

/// Sends a subcommand, authorized.
fn manage(session: &mut Session, subcommand: u8, parameters: Option<Value>) -> Result<Answer, Stop> {
    let request = session.administer(command::CREDENTIAL_MANAGEMENT, subcommand, parameters)?;
    session.send(&request)
}

/// Sends one of the two subcommands that go on and want no authorization.
fn go_on(session: &mut Session, subcommand: u8) -> Result<Answer, Stop> {
    session.send(&subcommand_request(command::CREDENTIAL_MANAGEMENT, subcommand, None))
}

/// A subcommand that wants authorization: its name, its number, its parameters.
type Subcommand = (&'static str, u8, fn() -> Option<Value>);

/// How an authorized request is bent.
type Bend = fn(Request) -> Request;

fn authorization() -> Vec<Case> {
    let subcommands: [Subcommand; 5] = [
        ("metadata", METADATA, || None),
        ("enumerate-rps", RPS_BEGIN, || None),
        ("enumerate-credentials", CREDENTIALS_BEGIN, || Some(of_rp(RP_ID))),
        ("delete", DELETE, || {
            Some(cbor_map! { 2 => cbor_map! { "id" => [1_u8; 32], "type" => "public-key" } })
        }),
        ("update", UPDATE, || {
            let descriptor = cbor_map! { "id" => [1_u8; 32], "type" => "public-key" };
            Some(cbor_map! { 2 => descriptor, 3 => cbor_map! { "id" => [1_u8; 16] } })
        }),
    ];
    let bends: [(&str, &str, Bend, &[Status]); 3] = [
        (
            "none",
            "without pinUvAuthParam",
            |request| request.without(0x03).without(0x04),
            &[Status::PUAT_REQUIRED],
        ),
        (
            "wrong",
            "with a wrong pinUvAuthParam",
            |request| request.with(0x04, [7_u8; 32]),
            &[Status::PIN_AUTH_INVALID],
        ),
        (
            "unknown-protocol",
            "with an unknown protocol",
            |request| request.with(0x03, 9),
            &[Status::INVALID_PARAMETER],
        ),
    ];
    let bent = subcommands.into_iter().flat_map(move |(name, subcommand, parameters)| {
        bends.into_iter().map(move |(how, words, bend, wanted)| {
            let id = format!("credential-management/{name}/authorization-{how}");
            Case::new(id, "6.8", format!("refuse {name} {words}"), move |session: &mut Session| {
                let request = session.administer(command::CREDENTIAL_MANAGEMENT, subcommand, parameters())?;
                let answer = session.send(&bend(request))?;
                refused(&answer, wanted)
            })
        })
    });
    let unpermitted = subcommands.into_iter().map(|(name, subcommand, parameters)| {
        let id = format!("credential-management/{name}/without-permission");
        Case::new(
            id,
            "6.8",
            format!("refuse {name} by a token without the permission cm"),
            move |session: &mut Session| {
                let token = session.token(permission::MC | permission::GA)?;
                let request = administered(&token, command::CREDENTIAL_MANAGEMENT, subcommand, parameters());
                let answer = session.send(&request)?;
                status(&answer, Status::PIN_AUTH_INVALID)
            },
        )
        .needs(Need::Option("pinUvAuthToken"))
    });
    bent.chain(unpermitted).collect()
}

fn refusals() -> Vec<Case> {
    let unknown = [0x00, 0x08, 0x7F].into_iter().map(|number: u8| {
        let id = format!("credential-management/unknown-subcommand-{number:02x}");
        Case::new(
            id,
            "6.8",
            format!("refuse the unknown subcommand 0x{number:02x}"),
            move |session: &mut Session| {
                let answer = manage(session, number, None)?;
                refused(&answer, &[Status::INVALID_SUBCOMMAND, Status::INVALID_PARAMETER])
            },
        )
    });
    let begun = [("enumerate-rps", RPS_NEXT), ("enumerate-credentials", CREDENTIALS_NEXT)].into_iter().map(
        |(name, next)| {
            let id = format!("credential-management/{name}/next-without-begin");
            Case::new(
                id,
                "6.8",
                format!("refuse to go on with {name} that was not begun"),
                move |session: &mut Session| {
                    // Whatever was begun before ends with this.
                    let _metadata = manage(session, METADATA, None)?;
                    session.power_cycle()?;
                    let answer = go_on(session, next)?;
                    status(&answer, Status::NOT_ALLOWED)
                },
            )
        },
    );
    let lacking = [("enumerate-credentials", CREDENTIALS_BEGIN), ("delete", DELETE), ("update", UPDATE)];
    let lacking = lacking.into_iter().map(|(name, subcommand)| {
        let id = format!("credential-management/{name}/without-parameters");
        Case::new(id, "6.8", format!("refuse {name} without its parameters"), move |session: &mut Session| {
            let answer = manage(session, subcommand, None)?;
            status(&answer, Status::MISSING_PARAMETER)
        })
    });
    unknown.chain(begun).chain(lacking).collect()
}
