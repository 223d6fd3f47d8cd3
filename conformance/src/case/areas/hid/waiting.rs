//! KEEPALIVE and CANCEL (CTAP 2.3 §11.2.9.1.5 and §11.2.9.1.7).

use std::time::{Duration, Instant};

use super::framing::QUIET;
use crate::case::{Case, Need, State, Stop, Version, ensure, status};
use crate::cbor_map;
use crate::ctap::{Request, Status, command};
use crate::session::Session;
use crate::target::{Command, Flow, Frame, Waiting};

pub(super) fn cases() -> Vec<Case> {
    cancelled().into_iter().chain(others()).collect()
}

/// A request that waits for the user.
type Waits = fn(&mut Session) -> Result<Request, Stop>;

fn cancelled() -> Vec<Case> {
    let rows: [(&str, Waits, Version, &[Need]); 3] = [
        ("make-credential", |session| session.make(0x40), Version::V2_0, &[]),
        ("get-assertion", Session::assert, Version::V2_0, &[]),
        ("selection", |_| Ok(Request::bare(command::SELECTION)), Version::V2_1, &[Need::Version("FIDO_2_1")]),
    ];
    rows.into_iter()
        .map(|(name, request, since, needs)| {
            let must = format!("call {name} off when CANCEL comes");
            Case::new(format!("hid/cancel/{name}"), "11.2.9.1.5", must, move |session: &mut Session| {
                let message = request(session)?.bytes();
                session.withhold_presence()?;
                let answer = cancel_when_waiting(session, &message)?;
                status(&answer, Status::KEEPALIVE_CANCEL)
            })
            .since(since)
            .needs_all(needs)
        })
        .collect()
}

/// Sends a message and, at the first sign that the user is waited for, CANCEL.
fn cancel_when_waiting(session: &mut Session, message: &[u8]) -> Result<crate::ctap::Answer, Stop> {
    let mut sent = false;
    session.send_watched(message, &mut |waiting| {
        if waiting == Waiting::ForUser && !std::mem::replace(&mut sent, true) {
            Flow::Cancel
        } else {
            Flow::Wait
        }
    })
}

fn others() -> Vec<Case> {
    vec![
        Case::new(
            "hid/cancel/idle",
            "11.2.9.1.5",
            "ignore CANCEL when there is nothing to call off",
            |session| {
                let cid = session.channel().cid;
                session.send_frame(&Frame::first(cid, Command::CANCEL, 0, &[]))?;
                let frame = session.frame_within(QUIET)?;
                ensure(frame.is_none(), format!("{frame:?}"), "no answer")
            },
        )
        .state(State::Any),
        Case::new("hid/cancel/second", "11.2.9.1.5", "give no answer to a second CANCEL", |session| {
            let message = session.make(0x41)?.bytes();
            session.withhold_presence()?;
            cancel_when_waiting(session, &message)?;
            let cid = session.channel().cid;
            session.send_frame(&Frame::first(cid, Command::CANCEL, 0, &[]))?;
            let frame = session.frame_within(QUIET)?;
            ensure(frame.is_none(), format!("{frame:?}"), "no answer")
        }),
        Case::new("hid/cancel/nothing-made", "6.1.2", "make nothing when it was called off", |session| {
            let rp = "cancelled.example";
            let request = session
                .make_request(0x42)
                .with(0x02, cbor_map! { "id" => rp })
                .with(0x07, cbor_map! { "rk" => true });
            let request = session.authorized_for(request, rp)?;
            session.withhold_presence()?;
            cancel_when_waiting(session, &request.bytes())?;
            session.give_presence()?;
            let request = Session::assert_request(vec![]).with(0x01, rp);
            let request = session.authorized_for(request, rp)?;
            let answer = session.send(&request)?;
            status(&answer, Status::NO_CREDENTIALS)
        })
        .needs(Need::Option("rk")),
        Case::new(
            "hid/keepalive/regular",
            "11.2.9.1.7",
            "say at least every 500 ms that it waits",
            |session| {
                let message = session.make(0x43)?.bytes();
                session.withhold_presence()?;
                let (mut last, mut longest, mut heard) = (Instant::now(), Duration::ZERO, 0_u32);
                let answer = session.send_watched(&message, &mut |_| {
                    longest = longest.max(last.elapsed());
                    last = Instant::now();
                    heard = heard.saturating_add(1);
                    if heard == 8 { Flow::Cancel } else { Flow::Wait }
                })?;
                status(&answer, Status::KEEPALIVE_CANCEL)?;
                ensure(
                    longest <= Duration::from_millis(500),
                    format!("a pause of {} ms", longest.as_millis()),
                    "a KEEPALIVE about every 100 ms",
                )
            },
        ),
        Case::new("hid/keepalive/for-user", "11.2.9.1.7", "say that it waits for the user", |session| {
            let message = session.make(0x44)?.bytes();
            session.withhold_presence()?;
            let mut statuses = Vec::new();
            session.send_watched(&message, &mut |waiting| {
                statuses.push(waiting);
                if waiting == Waiting::ForUser || statuses.len() == 100 { Flow::Cancel } else { Flow::Wait }
            })?;
            ensure(
                statuses.contains(&Waiting::ForUser),
                "only PROCESSING",
                "KEEPALIVE with STATUS_UPNEEDED (2)",
            )
        }),
    ]
}
