//! Messages and packets (CTAP 2.3 §11.2.4 and §11.2.5).

use std::time::{Duration, Instant};

use crate::case::{Case, State, Stop, ensure};
use crate::session::Session;
use crate::target::{Command, Error, Flow, Frame, HidError, LONGEST_MESSAGE};

/// For what must come at once.
pub(super) const SOON: Duration = Duration::from_secs(3);
/// For what must not come.
pub(super) const QUIET: Duration = Duration::from_millis(300);

pub(super) fn cases() -> Vec<Case> {
    let echoes = [0, 1, 57, 58, 116, 1024, 7609].into_iter().map(|length: usize| {
        let must = format!("echo a PING of {length} bytes");
        Case::new(format!("hid/ping/{length}"), "11.2.9.1.4", must, move |session| echo(session, length))
    });
    let refusals = REFUSALS.into_iter().map(|(id, must, clause, frames, wanted)| {
        Case::new(format!("hid/{id}"), clause, must, move |session: &mut Session| {
            let cid = session.channel().cid;
            for frame in frames(cid) {
                session.send_frame(&frame)?;
            }
            refusal(session, cid, wanted)
        })
    });
    echoes.chain(refusals).chain(others()).map(|case| case.state(State::Any)).collect()
}

fn echo(session: &mut Session, length: usize) -> Result<(), Stop> {
    let payload: Vec<u8> = (0..=u8::MAX).cycle().take(length).collect();
    let answer = session.channel().exchange(Command::PING, &payload, &mut |_| Flow::Wait)?;
    ensure(answer == payload, format!("{} other bytes", answer.len()), "the same bytes")
}

/// A refusal of CTAPHID: id, what the authenticator must do, the clause, the frames that provoke it, the code.
type Refusal = (&'static str, &'static str, &'static str, fn(u32) -> Vec<Frame>, HidError);

const REFUSALS: [Refusal; 12] = [
    (
        "command/unknown",
        "refuse an unknown command",
        "11.2.9",
        |cid| vec![Frame::first(cid, Command(0x2A), 0, &[])],
        HidError::INVALID_CMD,
    ),
    (
        "command/unknown-with-data",
        "refuse an unknown command with data",
        "11.2.9",
        |cid| vec![Frame::first(cid, Command(0x2A), 4, &[1, 2, 3, 4])],
        HidError::INVALID_CMD,
    ),
    (
        "length/too-long",
        "refuse a message longer than 7609 bytes",
        "11.2.4",
        |cid| vec![Frame::first(cid, Command::PING, 7610, &[0; 57])],
        HidError::INVALID_LEN,
    ),
    (
        "length/empty-cbor",
        "refuse an empty CBOR message",
        "11.2.9.1.2",
        |cid| vec![Frame::first(cid, Command::CBOR, 0, &[])],
        HidError::INVALID_LEN,
    ),
    (
        "length/short-init",
        "refuse INIT with a nonce of 7 bytes",
        "11.2.9.1.3",
        |cid| vec![Frame::first(cid, Command::INIT, 7, &[0; 7])],
        HidError::INVALID_LEN,
    ),
    (
        "length/long-init",
        "refuse INIT with a nonce of 9 bytes",
        "11.2.9.1.3",
        |cid| vec![Frame::first(cid, Command::INIT, 9, &[0; 9])],
        HidError::INVALID_LEN,
    ),
    (
        "sequence/wrong-first",
        "refuse a message whose second packet has number 1",
        "11.2.5.4",
        |cid| vec![Frame::first(cid, Command::PING, 100, &[0; 57]), Frame::next(cid, 1, &[0; 43])],
        HidError::INVALID_SEQ,
    ),
    (
        "sequence/repeated",
        "refuse a message that has a packet twice",
        "11.2.5.4",
        |cid| {
            vec![
                Frame::first(cid, Command::PING, 170, &[0; 57]),
                Frame::next(cid, 0, &[0; 59]),
                Frame::next(cid, 0, &[0; 54]),
            ]
        },
        HidError::INVALID_SEQ,
    ),
    (
        "sequence/skipped",
        "refuse a message that lacks a packet",
        "11.2.5.4",
        |cid| {
            vec![
                Frame::first(cid, Command::PING, 220, &[0; 57]),
                Frame::next(cid, 0, &[0; 59]),
                Frame::next(cid, 2, &[0; 59]),
            ]
        },
        HidError::INVALID_SEQ,
    ),
    (
        "sequence/new-message",
        "refuse a new message in the middle of one",
        "11.2.5.4",
        |cid| {
            vec![Frame::first(cid, Command::PING, 100, &[0; 57]), Frame::first(cid, Command::PING, 1, &[0])]
        },
        HidError::INVALID_SEQ,
    ),
    (
        "length/long-wink",
        "refuse WINK with data",
        "11.2.9.2.1",
        |cid| vec![Frame::first(cid, Command::WINK, 1, &[0])],
        HidError::INVALID_LEN,
    ),
    (
        "command/keepalive-of-host",
        "refuse KEEPALIVE from the host",
        "11.2.9",
        |cid| vec![Frame::first(cid, Command::KEEPALIVE, 1, &[1])],
        HidError::INVALID_CMD,
    ),
];

/// Waits for a refusal on a channel.
pub(super) fn refusal(session: &mut Session, cid: u32, wanted: HidError) -> Result<(), Stop> {
    let wanted_text = format!("CTAPHID_ERROR {wanted}");
    match session.frame_within(SOON)? {
        Some(Frame::First { cid: from, command: Command::ERROR, length, data }) => {
            let code = HidError(data.first().copied().unwrap_or_default());
            ensure(
                code == wanted && length == 1 && from == cid,
                format!("CTAPHID_ERROR {code}, {length} bytes, channel {from:08x}"),
                wanted_text,
            )
        }
        Some(other) => Err(Stop::failed(format!("{other:?}"), wanted_text)),
        None => Err(Stop::failed("nothing", wanted_text)),
    }
}

fn others() -> Vec<Case> {
    vec![
        Case::new("hid/quiet", "11.2.5", "send nothing that was not asked for", |session| {
            let frame = session.frame_within(Duration::from_secs(1))?;
            ensure(frame.is_none(), format!("{frame:?}"), "nothing")
        }),
        Case::new(
            "hid/stray-continuation",
            "11.2.5.4",
            "ignore a continuation packet that belongs to no message",
            |session| {
                let cid = session.channel().cid;
                session.send_frame(&Frame::next(cid, 0, &[1; 59]))?;
                let frame = session.frame_within(QUIET)?;
                ensure(frame.is_none(), format!("{frame:?}"), "nothing")?;
                echo(session, 10)
            },
        ),
        Case::new(
            "hid/timeout",
            "11.2.5.2",
            "give up a message that is not finished in time, and say so",
            |session| {
                let cid = session.channel().cid;
                session.send_frame(&Frame::first(cid, Command::PING, 100, &[0; 57]))?;
                let since = Instant::now();
                refusal(session, cid, HidError::MSG_TIMEOUT)?;
                let after = since.elapsed();
                ensure(
                    after >= Duration::from_millis(300),
                    format!("after {} ms", after.as_millis()),
                    "a timeout of about 500 ms",
                )?;
                echo(session, 10)
            },
        ),
        Case::new("hid/resync", "11.2.5.3", "give up a message when INIT comes on its channel", |session| {
            let cid = session.channel().cid;
            session.send_frame(&Frame::first(cid, Command::PING, 100, &[0; 57]))?;
            let greeting = session.channel().init(cid)?;
            ensure(
                greeting.cid == cid,
                format!("channel {:08x}", greeting.cid),
                format!("channel {cid:08x}"),
            )?;
            echo(session, 10)
        }),
        Case::new("hid/wink", "11.2.9.2.1", "answer WINK with nothing in it", |session| {
            if session.greeting()?.capabilities & crate::target::Greeting::WINK == 0 {
                return Err(Stop::NotApplicable("the answer to INIT has no WINK capability".to_owned()));
            }
            let answer = session.channel().exchange(Command::WINK, &[], &mut |_| Flow::Wait)?;
            ensure(answer.is_empty(), format!("{} bytes", answer.len()), "an empty answer")
        }),
        Case::new("hid/no-msg", "11.2.9.1.1", "refuse MSG when it says that it has none", |session| {
            if session.greeting()?.capabilities & crate::target::Greeting::NMSG == 0 {
                return Err(Stop::NotApplicable("the answer to INIT has no NMSG capability".to_owned()));
            }
            let answer =
                session.channel().exchange(Command::MSG, &[0, 3, 0, 0, 0, 0, 0], &mut |_| Flow::Wait);
            match answer {
                Err(Error::Hid(HidError::INVALID_CMD)) => Ok(()),
                other => Err(Stop::failed(format!("{other:?}"), "CTAPHID_ERROR ERR_INVALID_CMD")),
            }
        }),
        Case::new(
            "hid/longest-cbor",
            "11.2.4",
            "take a CBOR message of the longest size that it says",
            |session| {
                let longest =
                    usize::try_from(session.info().max_message()).unwrap_or(1024).min(LONGEST_MESSAGE);
                let mut message = vec![0x04; longest];
                message.fill(0xFF);
                let answer = session.send_bytes(&message)?;
                ensure(
                    answer.status.0 != 0,
                    format!("{}", answer.status),
                    "a refusal of CTAP2, not of CTAPHID",
                )
            },
        ),
    ]
}
