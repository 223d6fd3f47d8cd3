//! Tokens: their permissions, what they are bound to, and when they end (CTAP 2.3 §6.5.2 and §6.5.5.7).

use crate::case::{Case, Need, State, Stop, Version, ensure, present, refused, status};
use crate::cbor::Value;
use crate::ctap::{Protocol, Status, permission};
use crate::session::{PIN, RP_ID, Session, padded, proved};

pub(super) fn cases() -> Vec<Case> {
    let newer = |case: Case| case.since(Version::V2_1).needs(Need::Option("pinUvAuthToken"));
    permissions().into_iter().chain(ends()).map(newer).chain(shapes()).collect()
}

fn permissions() -> Vec<Case> {
    let unauthorized = [
        ("credential-management", permission::CM, Need::Without("credMgmt")),
        ("bio-enrolment", permission::BE, Need::Without("bioEnroll")),
        ("large-blob-write", permission::LBW, Need::Without("largeBlobs")),
        ("configuration", permission::ACFG, Need::Without("authnrCfg")),
        ("persistent", permission::PCMR, Need::Without("perCredMgmtRO")),
    ];
    let unauthorized = unauthorized.into_iter().map(|(name, permission, need)| {
        let must = format!("refuse the permission 0x{permission:02x}, which it has no use for");
        let id = format!("client-pin/permissions/{name}-unauthorized");
        asked(id, must, permission, None, &[Status::UNAUTHORIZED_PERMISSION]).needs(need)
    });
    let given = [
        ("credential-management", permission::CM, None, Need::Option("credMgmt")),
        ("large-blob-write", permission::LBW, None, Need::Option("largeBlobs")),
        ("configuration", permission::ACFG, None, Need::Option("authnrCfg")),
        ("persistent", permission::PCMR, None, Need::Option("perCredMgmtRO")),
        ("both", permission::MC | permission::GA, Some(RP_ID), Need::Known("clientPin")),
    ];
    let given = given.into_iter().map(|(name, permission, rp_id, need)| {
        let must = format!("give a token with the permissions 0x{permission:02x}");
        asked(format!("client-pin/permissions/{name}"), must, permission, rp_id, &[Status::OK]).needs(need)
    });
    let none = asked(
        "client-pin/permissions/none".to_owned(),
        "refuse to give a token without permissions".to_owned(),
        0,
        None,
        &[Status::INVALID_PARAMETER],
    );
    let mixed = asked(
        "client-pin/permissions/persistent-with-others".to_owned(),
        "give a persistent token only with no other permission".to_owned(),
        permission::PCMR | permission::CM,
        None,
        &[Status::UNAUTHORIZED_PERMISSION, Status::INVALID_PARAMETER],
    )
    .since(Version::V2_2)
    .needs(Need::Option("perCredMgmtRO"));
    unauthorized.chain(given).chain([none, mixed]).collect()
}

fn asked(
    id: String,
    must: String,
    permissions: u64,
    rp_id: Option<&'static str>,
    wanted: &'static [Status],
) -> Case {
    Case::new(id, "6.5.5.7.2", must, move |session: &mut Session| {
        let protocol = session.protocol()?;
        let (request, _) = session.token_request(protocol, PIN, permissions, rp_id)?;
        let answer = session.send(&request)?;
        refused(&answer, wanted)
    })
}

/// What ends a token, after which it must make no credential.
type End = fn(&mut Session) -> Result<(), Stop>;

fn ends() -> Vec<Case> {
    let rows: [(&str, &str, End); 4] = [
        ("spent", "not take a token for a second credential", |session| {
            let request = session.make(0x60)?;
            let answer = session.send(&request)?;
            status(&answer, Status::OK)
        }),
        ("replaced", "not take a token once it gave another one", |session| {
            let protocol = session.protocol()?;
            session.new_token(protocol, permission::GA, Some(RP_ID)).map(drop)
        }),
        ("power-cycle", "not take a token of before a power cycle", Session::power_cycle),
        ("changed-pin", "not take a token of before a change of the PIN", |session| {
            let protocol = session.protocol()?;
            let request = session.change_pin_request(protocol, PIN, &padded(PIN))?;
            let answer = session.send(&request)?;
            if answer.status == Status::PIN_POLICY_VIOLATION {
                return Err(Stop::NotApplicable("changePIN wants another PIN each time".to_owned()));
            }
            status(&answer, Status::OK)
        }),
    ];
    rows.into_iter()
        .map(|(id, must, end)| {
            Case::new(format!("client-pin/token-ends/{id}"), "6.5.2.1", must, move |session: &mut Session| {
                let token = session.token(permission::MC | permission::GA)?;
                end(session)?;
                let answer = session.send(&proved(session.make_request(0x61), &token))?;
                status(&answer, Status::PIN_AUTH_INVALID)
            })
        })
        .collect()
}

fn shapes() -> Vec<Case> {
    let lengths = [Protocol::One, Protocol::Two].into_iter().map(|protocol| {
        let number = protocol.number();
        let id = format!("client-pin/token-length/protocol-{number}");
        let must = format!("give a token of the length of protocol {number}");
        Case::new(id, "6.5.6", must, move |session: &mut Session| {
            let (request, agreement) = session.legacy_token_request(protocol, PIN)?;
            let answer = session.send(&request)?;
            status(&answer, Status::OK)?;
            let sealed = present(answer.member(0x02).and_then(Value::bytes), "pinUvAuthToken (0x02)")?;
            let token = present(agreement.decrypt(sealed), "a token that can be decrypted")?;
            let fits = token.len() == 32 || protocol == Protocol::One && token.len() == 16;
            ensure(fits, format!("{} bytes", token.len()), "32 bytes (16 or 32 under protocol one)")
        })
        .needs(Need::Protocol(number))
    });
    let unset = Case::new(
        "client-pin/pin-token/unset",
        "6.5.5.7.1",
        "give no token while no PIN is set",
        |session| {
            let protocol = session.protocol()?;
            let (request, _) = session.legacy_token_request(protocol, PIN)?;
            let answer = session.send(&request)?;
            status(&answer, Status::PIN_NOT_SET)
        },
    )
    .state(State::Fresh);
    lengths.chain([unset]).collect()
}
