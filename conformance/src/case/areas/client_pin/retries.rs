//! Wrong PINs (CTAP 2.3 §6.5.5.2, §6.5.5.6 and §6.5.5.7).

use crate::case::{Case, Need, State, Stop, ensure, present, refused, status};
use crate::cbor::Value;
use crate::ctap::{Answer, Status, permission, subcommand};
use crate::session::{PIN, RP_ID, Session, padded};

/// A PIN that is not the runner's.
const WRONG: &str = "wrong-471100";

pub(super) fn cases() -> Vec<Case> {
    counts().into_iter().chain(blocks()).collect()
}

/// pinRetries.
fn retries(session: &mut Session) -> Result<u64, Stop> {
    let answer = session.send(&Session::pin_request(subcommand::PIN_RETRIES))?;
    status(&answer, Status::OK)?;
    present(answer.member(0x03).and_then(Value::unsigned), "pinRetries (0x03)")
}

/// Asks for a token with a PIN.
fn attempt(session: &mut Session, pin: &str) -> Result<Answer, Stop> {
    let protocol = session.protocol()?;
    let (request, _) = session.token_request(protocol, pin, permission::MC, Some(RP_ID))?;
    session.send(&request)
}

fn counts() -> Vec<Case> {
    vec![
        Case::new("client-pin/retries/full", "6.5.5.2", "give at most 8 tries", |session| {
            let tries = retries(session)?;
            ensure((1..=8).contains(&tries), format!("pinRetries {tries}"), "1 to 8 tries")
        }),
        Case::new(
            "client-pin/retries/counted",
            "6.5.5.7",
            "take one try for a wrong PIN, and give it back for the right one",
            |session| {
                let before = retries(session)?;
                let answer = attempt(session, WRONG)?;
                status(&answer, Status::PIN_INVALID)?;
                let after = retries(session)?;
                ensure(after + 1 == before, format!("{before}, then {after}"), "one try less")?;
                let answer = attempt(session, PIN)?;
                status(&answer, Status::OK)?;
                let restored = retries(session)?;
                ensure(
                    restored == before,
                    format!("pinRetries {restored}"),
                    format!("pinRetries {before} again"),
                )
            },
        ),
        Case::new(
            "client-pin/retries/wrong-old-pin",
            "6.5.5.6",
            "count a wrong old PIN in changePIN",
            |session| {
                let before = retries(session)?;
                let protocol = session.protocol()?;
                let request = session.change_pin_request(protocol, WRONG, &padded(PIN))?;
                let answer = session.send(&request)?;
                status(&answer, Status::PIN_INVALID)?;
                let after = retries(session)?;
                let restored = attempt(session, PIN)?;
                ensure(after + 1 == before, format!("{before}, then {after}"), "one try less")?;
                status(&restored, Status::OK)
            },
        ),
        Case::new(
            "client-pin/retries/new-key-agreement",
            "6.5.5.7",
            "make a new key agreement key after a wrong PIN",
            |session| {
                let protocol = session.protocol()?;
                let key = |session: &mut Session| {
                    session
                        .send(&Session::pin_request(subcommand::KEY_AGREEMENT).with(0x01, protocol.number()))
                };
                let before = key(session)?.bytes;
                let wrong = attempt(session, WRONG)?;
                let after = key(session)?.bytes;
                let restored = attempt(session, PIN)?;
                status(&wrong, Status::PIN_INVALID)?;
                ensure(
                    before != after,
                    "the same key",
                    "another key, so that each guess costs a key agreement",
                )?;
                status(&restored, Status::OK)
            },
        ),
        Case::new("client-pin/retries/unset", "6.5.5.7", "give no token while no PIN is set", |session| {
            let answer = attempt(session, PIN)?;
            status(&answer, Status::PIN_NOT_SET)
        })
        .state(State::Fresh),
        Case::new(
            "client-pin/uv-retries",
            "6.5.5.3",
            "tell the tries of built-in user verification",
            |session| {
                let answer = session.send(&Session::pin_request(subcommand::UV_RETRIES))?;
                status(&answer, Status::OK)?;
                let tries = present(answer.member(0x05).and_then(Value::unsigned), "uvRetries (0x05)")?;
                ensure((1..=25).contains(&tries), format!("uvRetries {tries}"), "1 to 25 tries")
            },
        )
        .needs(Need::Option("uv")),
    ]
}

fn blocks() -> Vec<Case> {
    vec![
        Case::new(
            "client-pin/retries/three",
            "6.5.5.7",
            "take no PIN after three wrong ones until a power cycle",
            |session| {
                session.disturb();
                for wanted in [Status::PIN_INVALID, Status::PIN_INVALID, Status::PIN_AUTH_BLOCKED] {
                    let answer = attempt(session, WRONG)?;
                    status(&answer, wanted)?;
                }
                let tries = retries(session)?;
                let right = attempt(session, PIN)?;
                status(&right, Status::PIN_AUTH_BLOCKED)?;
                let after = retries(session)?;
                ensure(
                    tries == after,
                    format!("{tries} tries, then {after}"),
                    "no try taken while it is blocked",
                )?;
                session.power_cycle()?;
                let answer = attempt(session, PIN)?;
                status(&answer, Status::OK)
            },
        ),
        Case::new(
            "client-pin/retries/power-cycle-keeps-count",
            "6.5.5.7",
            "not give tries back for a power cycle",
            |session| {
                let wrong = attempt(session, WRONG)?;
                let before = retries(session)?;
                session.power_cycle()?;
                let after = retries(session)?;
                let restored = attempt(session, PIN)?;
                status(&wrong, Status::PIN_INVALID)?;
                ensure(before == after, format!("{before} tries, then {after}"), "as many tries as before")?;
                status(&restored, Status::OK)
            },
        ),
        Case::new(
            "client-pin/retries/all",
            "6.5.5.7",
            "block the PIN for good when no try is left",
            |session| {
                session.disturb();
                for try_left in (0..retries(session)?).rev() {
                    let answer = attempt(session, WRONG)?;
                    let wanted = [Status::PIN_INVALID, Status::PIN_AUTH_BLOCKED];
                    refused(&answer, if try_left == 0 { &[Status::PIN_BLOCKED] } else { &wanted })?;
                    if answer.status == Status::PIN_AUTH_BLOCKED {
                        session.power_cycle()?;
                    }
                }
                session.power_cycle()?;
                let answer = attempt(session, PIN)?;
                status(&answer, Status::PIN_BLOCKED)?;
                let tries = retries(session)?;
                ensure(tries == 0, format!("pinRetries {tries}"), "pinRetries 0")
            },
        ),
    ]
}
