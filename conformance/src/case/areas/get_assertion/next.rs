//! Discoverable credentials, and authenticatorGetNextAssertion (CTAP 2.3 §6.2.2 and §6.3).

use super::response::{data_of, verified};
use crate::case::{Case, Need, Stop, ensure, present, status};
use crate::cbor::Value;
use crate::ctap::{Answer, Request, Status, command};
use crate::session::{ACCOUNTS, Session};

pub(super) fn cases() -> Vec<Case> {
    next().into_iter().chain(discoverable()).map(|case| case.needs(Need::Option("rk"))).collect()
}

fn next() -> Vec<Case> {
    let next = || Request::bare(command::GET_NEXT_ASSERTION);
    vec![
        Case::new(
            "get-next-assertion/unasked",
            "6.3",
            "refuse when no getAssertion came before",
            move |session| {
                let answer = session.send(&next())?;
                status(&answer, Status::NOT_ALLOWED)
            },
        ),
        Case::new(
            "get-next-assertion/all",
            "6.3",
            "give one assertion for each credential, the newest first",
            move |session| {
                let made = session.three_accounts()?;
                let first = ask(session)?;
                let count =
                    present(first.member(0x05).and_then(Value::unsigned), "numberOfCredentials (0x05)")?;
                ensure(count == 3, format!("numberOfCredentials {count}"), "numberOfCredentials 3")?;
                let mut answers = vec![first];
                for _ in 1..3 {
                    let answer = session.send(&next())?;
                    status(&answer, Status::OK)?;
                    answers.push(answer);
                }
                for (credential, answer) in made.iter().rev().zip(&answers) {
                    let id =
                        answer.member(0x01).and_then(|descriptor| descriptor.at("id")).and_then(Value::bytes);
                    ensure(
                        id == Some(&credential.id),
                        "another credential",
                        "the newest credential that was not given yet",
                    )?;
                    verified(credential, answer)?;
                }
                Ok(())
            },
        ),
        Case::new(
            "get-next-assertion/after-the-last",
            "6.3",
            "refuse after the last credential",
            move |session| {
                session.three_accounts()?;
                ask(session)?;
                for wanted in [Status::OK, Status::OK, Status::NOT_ALLOWED, Status::NOT_ALLOWED] {
                    let answer = session.send(&next())?;
                    status(&answer, wanted)?;
                }
                Ok(())
            },
        ),
        Case::new(
            "get-next-assertion/no-count",
            "6.3",
            "not count again in the following answers",
            move |session| {
                session.three_accounts()?;
                ask(session)?;
                let answer = session.send(&next())?;
                status(&answer, Status::OK)?;
                ensure(answer.member(0x05).is_none(), "numberOfCredentials (0x05)", "no numberOfCredentials")
            },
        ),
        Case::new(
            "get-next-assertion/other-channel",
            "6",
            "give nothing to another channel",
            move |session| {
                session.three_accounts()?;
                ask(session)?;
                let other = session.second_channel()?;
                let own = std::mem::replace(&mut session.channel().cid, other);
                let answer = session.send(&next());
                session.channel().cid = own;
                status(&answer?, Status::NOT_ALLOWED)
            },
        ),
    ]
}

/// What getAssertion tells of discoverable credentials.
fn discoverable() -> Vec<Case> {
    vec![
        Case::new(
            "get-assertion/discoverable/user-id",
            "6.2.2",
            "tell the user's ID for a discoverable credential",
            |session| {
                session.three_accounts()?;
                let answer = ask(session)?;
                let id = answer
                    .member(0x04)
                    .and_then(|user| user.at("id"))
                    .and_then(Value::bytes)
                    .unwrap_or_default();
                ensure(id == [3; 16], format!("user ID {id:02x?}"), "the user ID that it was made with")
            },
        ),
        Case::new(
            "get-assertion/discoverable/user-names",
            "6.2.2",
            "tell the user's names once the user was verified",
            |session| {
                session.three_accounts()?;
                let answer = ask(session)?;
                let name = answer
                    .member(0x04)
                    .and_then(|user| user.at("name"))
                    .and_then(Value::text)
                    .map(str::to_owned);
                let verified = data_of(&answer)?.flags & crate::ctap::flags::UV != 0;
                ensure(
                    verified && name.as_deref() == Some("account 3"),
                    format!("name {name:?}"),
                    "the name \"account 3\", with the flag UV",
                )
            },
        )
        .needs(Need::Option("clientPin")),
        Case::new(
            "make-credential/discoverable/overwrite",
            "6.1.2",
            "replace the discoverable credential of the same account",
            |session| {
                let (first, second) =
                    (session.account("replaced.example", 7)?, session.account("replaced.example", 7)?);
                let request = Session::assert_request(vec![]).with(0x01, "replaced.example");
                let request = session.authorized_for(request, "replaced.example")?;
                let answer = session.send(&request)?;
                status(&answer, Status::OK)?;
                ensure(
                    answer.member(0x05).is_none(),
                    "several credentials",
                    "one credential: the second replaced the first",
                )?;
                ensure(first.id != second.id, "the same ID twice", "another ID")?;
                verified(&second, &answer)
            },
        ),
    ]
}

/// An assertion at [`ACCOUNTS`] without an allow list.
fn ask(session: &mut Session) -> Result<Answer, Stop> {
    let request = Session::assert_request(vec![]).with(0x01, ACCOUNTS);
    let request = session.authorized_for(request, ACCOUNTS)?;
    let answer = session.send(&request)?;
    status(&answer, Status::OK)?;
    Ok(answer)
}
