//! authenticatorReset (CTAP 2.3 §6.6).

use crate::case::{Case, Need, State, Stop, Version, ensure, status};
use crate::ctap::{Request, Status, command};
use crate::session::{RP_ID, Session};
use crate::target::{Flow, Waiting};

/// The cases of this area.
pub fn cases() -> Vec<Case> {
    let cases = [
        Case::new("reset/credentials", "6.6", "forget every credential", |session: &mut Session| {
            let credential = session.shared_credential()?;
            session.reset()?;
            let request = Session::assert_request(vec![credential.descriptor()]);
            let request = if session.info().option("alwaysUv") == Some(true) {
                with_new_pin(session, request)?
            } else {
                request
            };
            let answer = session.send(&request)?;
            status(&answer, Status::NO_CREDENTIALS)
        }),
        Case::new("reset/pin", "6.6", "forget the PIN", |session: &mut Session| {
            session.reset()?;
            let said = session.info().client_pin();
            ensure(said == Some(false), format!("clientPin {said:?}"), "clientPin: false")
        })
        .needs(Need::Option("clientPin")),
        encrypted("encIdentifier", 0x19, Version::V2_2),
        Case::new(
            "reset/cancelled",
            "6.6",
            "keep everything when the reset is called off",
            |session: &mut Session| {
                let request = session.assert()?;
                session.power_cycle()?;
                session.withhold_presence()?;
                let mut sent = false;
                let answer =
                    session.send_watched(&Request::bare(command::RESET).bytes(), &mut |waiting| {
                        if waiting == Waiting::ForUser && !std::mem::replace(&mut sent, true) {
                            Flow::Cancel
                        } else {
                            Flow::Wait
                        }
                    })?;
                status(&answer, Status::KEEPALIVE_CANCEL)?;
                session.give_presence()?;
                let request = session.authorized(request)?;
                let answer = session.send(&request)?;
                status(&answer, Status::OK)
            },
        ),
    ];
    cases.map(|case| case.state(State::Ready)).into_iter().collect()
}

/// Where nothing works without a PIN, a reset authenticator wants a new one first.
fn with_new_pin(session: &mut Session, request: Request) -> Result<Request, Stop> {
    session.disturb();
    let answer = session.set_pin(crate::session::PIN)?;
    status(&answer, Status::OK)?;
    session.refresh()?;
    session.authorized_for(request, RP_ID)
}

/// A member of getInfo that says something else after a reset.
fn encrypted(name: &'static str, key: u64, since: Version) -> Case {
    let must = format!("say another {name} after a reset");
    Case::new(format!("reset/{}", name.to_lowercase()), "6.4", must, move |session: &mut Session| {
        let before = session.refresh()?.member(key).cloned();
        session.reset()?;
        let after = session.info().member(key).cloned();
        ensure(before.is_some() && before != after, "the same bytes, or none", format!("another {name}"))
    })
    .since(since)
    .needs(Need::Member(key, name))
}
