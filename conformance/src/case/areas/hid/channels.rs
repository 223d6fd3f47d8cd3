//! Channels, and several of them at once (CTAP 2.3 §11.2.3 and §11.2.9.1.3).

use super::framing::{SOON, refusal};
use crate::case::{Case, State, Stop, ensure};
use crate::session::Session;
use crate::target::{BROADCAST, Command, Flow, Frame, Greeting, HidError};

pub(super) fn cases() -> Vec<Case> {
    init().into_iter().chain(several()).map(|case| case.state(State::Any)).collect()
}

/// A look at the answer to INIT.
type Look = fn(&Greeting) -> (bool, String, &'static str);

fn init() -> Vec<Case> {
    let looks: [(&str, &str, Look); 6] = [
        ("length", "answer INIT with 17 bytes", |greeting| {
            (greeting.length == 17, format!("{} bytes", greeting.length), "17 bytes")
        }),
        ("version", "speak version 2 of CTAPHID", |greeting| {
            (greeting.protocol == 2, format!("version {}", greeting.protocol), "version 2")
        }),
        ("channel", "give a channel that is neither 0 nor broadcast", |greeting| {
            (![0, BROADCAST].contains(&greeting.cid), format!("{:08x}", greeting.cid), "another channel")
        }),
        ("cbor", "say that it has CBOR", |greeting| {
            (
                greeting.capabilities & Greeting::CBOR != 0,
                format!("0x{:02x}", greeting.capabilities),
                "the capability CBOR (0x04)",
            )
        }),
        ("capabilities", "say no capability that CTAP does not know", |greeting| {
            (
                greeting.capabilities & !0x0D == 0,
                format!("0x{:02x}", greeting.capabilities),
                "no bits but 0x01, 0x04 and 0x08",
            )
        }),
        ("u2f", "say truthfully whether it has MSG", |greeting| {
            (true, format!("0x{:02x}", greeting.capabilities), "NMSG (0x08) unless there is U2F")
        }),
    ];
    let looks = looks.into_iter().map(|(id, must, look)| {
        Case::new(format!("hid/init/{id}"), "11.2.9.1.3", must, move |session: &mut Session| {
            let greeting = session.channel().init(BROADCAST)?;
            let (fits, found, wanted) = look(&greeting);
            ensure(fits, found, wanted)?;
            let u2f = session.info().versions().contains(&"U2F_V2");
            let says_msg = greeting.capabilities & Greeting::NMSG == 0;
            ensure(id != "u2f" || u2f <= says_msg, "NMSG beside U2F_V2", wanted)
        })
    });
    let unique = Case::new("hid/init/unique", "11.2.9.1.3", "give another channel to each INIT", |session| {
        let mut given = Vec::new();
        for _ in 0..8 {
            given.push(session.channel().init(BROADCAST)?.cid);
        }
        given.sort_unstable();
        given.dedup();
        ensure(given.len() == 8, format!("{} channels", given.len()), "8 channels")
    });
    looks.chain([unique]).collect()
}

fn several() -> Vec<Case> {
    let refused = [
        ("channel/zero", "refuse a message on channel 0", 0, Command::PING),
        ("channel/broadcast", "refuse on the broadcast channel what is not INIT", BROADCAST, Command::PING),
        ("channel/unknown", "refuse a message on a channel that it did not give", 0x00C0_FFEE, Command::CBOR),
        ("channel/init-zero", "refuse INIT on channel 0", 0, Command::INIT),
    ];
    let refused = refused.into_iter().map(|(id, must, cid, command)| {
        Case::new(format!("hid/{id}"), "11.2.3", must, move |session: &mut Session| {
            session.send_frame(&Frame::first(cid, command, 8, &[4; 8]))?;
            refusal(session, cid, HidError::INVALID_CHANNEL)
        })
    });
    let others = [
        Case::new(
            "hid/busy/other-channel",
            "11.2.5.1",
            "tell another channel that it is busy, and finish the first message",
            |session| {
                let (own, other) = (session.channel().cid, session.second_channel()?);
                session.send_frame(&Frame::first(own, Command::PING, 60, &[7; 57]))?;
                session.send_frame(&Frame::first(other, Command::PING, 1, &[0]))?;
                refusal(session, other, HidError::CHANNEL_BUSY)?;
                session.send_frame(&Frame::next(own, 0, &[7; 3]))?;
                echoed(session, 60)
            },
        ),
        Case::new(
            "hid/busy/init-of-other",
            "11.2.9.1.3",
            "answer INIT of another channel during a message, which goes on",
            |session| {
                let own = session.channel().cid;
                session.send_frame(&Frame::first(own, Command::PING, 60, &[7; 57]))?;
                let greeting = session.channel().init(BROADCAST)?;
                ensure(greeting.cid != own, "the same channel", "a new channel")?;
                session.send_frame(&Frame::next(own, 0, &[7; 3]))?;
                echoed(session, 60)
            },
        ),
        Case::new(
            "hid/busy/continuation-of-other",
            "11.2.5.4",
            "ignore another channel's continuation packet during a message",
            |session| {
                let (own, other) = (session.channel().cid, session.second_channel()?);
                session.send_frame(&Frame::first(own, Command::PING, 60, &[7; 57]))?;
                session.send_frame(&Frame::next(other, 0, &[9; 3]))?;
                session.send_frame(&Frame::next(own, 0, &[7; 3]))?;
                echoed(session, 60)
            },
        ),
        Case::new(
            "hid/lock",
            "11.2.9.2.2",
            "keep others out while it is locked, and let them in again",
            |session| {
                let own = session.channel().cid;
                let lock = |session: &mut Session, seconds: u8| {
                    session.channel().exchange(Command::LOCK, &[seconds], &mut |_| Flow::Wait)
                };
                match lock(session, 10) {
                    Err(crate::target::Error::Hid(HidError::INVALID_CMD)) => {
                        return Err(Stop::NotApplicable(
                            "LOCK is optional and answered with ERR_INVALID_CMD".to_owned(),
                        ));
                    }
                    other => other?,
                };
                let other = 0x00C0_FFEE;
                session.send_frame(&Frame::first(BROADCAST, Command::INIT, 8, &[5; 8]))?;
                let answer = session.frame_within(SOON)?;
                let busy = matches!(&answer, Some(Frame::First { command: Command::ERROR, data, .. }) if data == &[HidError::CHANNEL_BUSY.0]);
                lock(session, 0)?;
                ensure(busy, format!("{answer:?}"), "CTAPHID_ERROR ERR_CHANNEL_BUSY while it is locked")?;
                ensure(
                    own != other && session.second_channel().is_ok(),
                    "still locked",
                    "a free device after LOCK 0",
                )
            },
        ),
    ];
    refused.chain(others).collect()
}

/// Waits for the echo of a PING of sevens.
fn echoed(session: &mut Session, length: usize) -> Result<(), Stop> {
    let answer = session.channel().message(SOON)?;
    let fits = answer
        .as_ref()
        .is_some_and(|(command, payload)| *command == Command::PING && *payload == vec![7; length]);
    ensure(fits, format!("{answer:?}"), "the whole echo")
}
