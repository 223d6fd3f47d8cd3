//! `U2F_AUTHENTICATE`.

use super::wants;
use crate::case::{Case, Stop, Version, ensure};
use crate::cbor_map;
use crate::ctap::u2f::{Reply, verify};
use crate::ctap::{Status, flags};
use crate::session::{APPLICATION, CHALLENGE, Session};

const CLAUSE: &str = "7.3";
/// P1: is this key handle yours?
const CHECK_ONLY: u8 = 0x07;
/// P1: sign once it was touched.
const ENFORCE: u8 = 0x03;
/// P1: sign without a touch.
const DO_NOT_ENFORCE: u8 = 0x08;

pub(super) fn cases() -> Vec<Case> {
    handles().into_iter().chain(looks()).chain(others()).collect()
}

/// A key handle that is not the authenticator's: id, in words, the change.
type Change = (&'static str, &'static str, fn(Vec<u8>) -> Vec<u8>);

const CHANGES: [Change; 6] = [
    ("first-bit", "with another first bit", |handle| flipped(handle, true)),
    ("last-bit", "with another last bit", |handle| flipped(handle, false)),
    ("truncated", "without its last byte", |mut handle| {
        handle.pop();
        handle
    }),
    (
        "longer",
        "with a byte more",
        |handle| if handle.len() < 255 { [&*handle, &[0]].concat() } else { vec![0] },
    ),
    ("zeros", "of zeros", |handle| vec![0; handle.len()]),
    ("one-byte", "of one byte", |_| vec![1]),
];

fn flipped(mut handle: Vec<u8>, first: bool) -> Vec<u8> {
    let place = if first { handle.first_mut() } else { handle.last_mut() };
    if let Some(byte) = place {
        *byte ^= 1;
    }
    handle
}

fn handles() -> Vec<Case> {
    let modes = [("check-only", CHECK_ONLY), ("enforce", ENFORCE), ("do-not-enforce", DO_NOT_ENFORCE)];
    let changed = modes.into_iter().flat_map(|(mode, p1)| {
        CHANGES.into_iter().map(move |(id, words, change)| {
            let must = format!("not take a key handle {words} for its own ({mode})");
            Case::new(format!("u2f/authenticate/{mode}/{id}"), CLAUSE, must, move |session: &mut Session| {
                let handle = change(session.u2f_registration()?.handle);
                let reply = session.u2f(&Session::u2f_authenticate(p1, &APPLICATION, &handle).extended())?;
                wants(&reply, &[Reply::WRONG_DATA])
            })
        })
    });
    let foreign = modes.into_iter().map(|(mode, p1)| {
        let must = format!("not use a key at another application ({mode})");
        Case::new(
            format!("u2f/authenticate/{mode}/other-application"),
            CLAUSE,
            must,
            move |session: &mut Session| {
                let handle = session.u2f_registration()?.handle;
                let reply = session.u2f(&Session::u2f_authenticate(p1, &[0xB0; 32], &handle).extended())?;
                wants(&reply, &[Reply::WRONG_DATA])
            },
        )
    });
    changed.chain(foreign).collect()
}

/// A signature: its flags, its counter, itself.
struct Signed {
    presence: u8,
    counter: u32,
    signature: Vec<u8>,
}

impl Signed {
    fn parse(data: &[u8]) -> Result<Self, Stop> {
        let (head, signature) = data
            .split_first_chunk::<5>()
            .ok_or_else(|| Stop::failed("less than 5 bytes", "flags, counter, signature"))?;
        let [presence, counter @ ..] = *head;
        Ok(Self { presence, counter: u32::from_be_bytes(counter), signature: signature.to_vec() })
    }
}

/// Signs with the shared key, touched where that is wanted.
fn sign(session: &mut Session, p1: u8) -> Result<Signed, Stop> {
    let handle = session.u2f_registration()?.handle;
    let reply = session.u2f_touched(&Session::u2f_authenticate(p1, &APPLICATION, &handle))?;
    wants(&reply, &[Reply::OK])?;
    Signed::parse(&reply.data)
}

fn looks() -> Vec<Case> {
    [("enforce", ENFORCE, flags::UP), ("do-not-enforce", DO_NOT_ENFORCE, 0)]
        .into_iter()
        .flat_map(|(mode, p1, presence)| {
            [
                Case::new(
                    format!("u2f/authenticate/{mode}/signature"),
                    CLAUSE,
                    format!("sign so that its key verifies it ({mode})"),
                    move |session: &mut Session| {
                        let key = session.u2f_registration()?.key;
                        let signed = sign(session, p1)?;
                        let message =
                            [&APPLICATION[..], &[signed.presence], &signed.counter.to_be_bytes(), &CHALLENGE]
                                .concat();
                        verify(&key, &message, &signed.signature)
                            .map_err(|error| Stop::failed(error, "a signature"))
                    },
                ),
                Case::new(
                    format!("u2f/authenticate/{mode}/presence"),
                    CLAUSE,
                    format!("say truthfully whether it was touched ({mode})"),
                    move |session: &mut Session| {
                        let found = sign(session, p1)?.presence;
                        ensure(
                            found & flags::UP == presence && found & !flags::UP == 0,
                            format!("0x{found:02x}"),
                            format!("0x{presence:02x}"),
                        )
                    },
                ),
                Case::new(
                    format!("u2f/authenticate/{mode}/counter"),
                    CLAUSE,
                    format!("count up ({mode})"),
                    move |session: &mut Session| {
                        let (first, second) = (sign(session, p1)?.counter, sign(session, p1)?.counter);
                        ensure(first < second, format!("{first}, then {second}"), "a rising counter")
                    },
                ),
            ]
        })
        .collect()
}

fn others() -> Vec<Case> {
    let modes = [0x00, 0x01, 0x04, 0x09, 0xFF].into_iter().map(|p1: u8| {
        let id = format!("u2f/authenticate/p1-{p1:02x}");
        Case::new(
            id,
            CLAUSE,
            format!("sign nothing for the unknown P1 0x{p1:02x}"),
            move |session: &mut Session| {
                let handle = session.u2f_registration()?.handle;
                let reply = session.u2f(&Session::u2f_authenticate(p1, &APPLICATION, &handle).extended())?;
                ensure(reply.status != Reply::OK, "a signature", "a refusal")
            },
        )
    });
    let cases = [
        Case::new(
            "u2f/authenticate/check-only/own",
            CLAUSE,
            "say that a key handle is its own",
            |session: &mut Session| {
                let handle = session.u2f_registration()?.handle;
                let reply =
                    session.u2f(&Session::u2f_authenticate(CHECK_ONLY, &APPLICATION, &handle).extended())?;
                wants(&reply, &[Reply::TOUCH])
            },
        ),
        Case::new(
            "u2f/authenticate/enforce/untouched",
            CLAUSE,
            "sign nothing without a touch",
            |session: &mut Session| {
                let handle = session.u2f_registration()?.handle;
                session.withhold_presence()?;
                let reply =
                    session.u2f(&Session::u2f_authenticate(ENFORCE, &APPLICATION, &handle).extended())?;
                wants(&reply, &[Reply::TOUCH])
            },
        ),
        Case::new(
            "u2f/authenticate/wrong-handle-length",
            CLAUSE,
            "refuse a key handle that is shorter than it says",
            |session: &mut Session| {
                let handle = session.u2f_registration()?.handle;
                let mut apdu = Session::u2f_authenticate(ENFORCE, &APPLICATION, &handle);
                apdu.data.pop();
                let reply = session.u2f(&apdu.extended())?;
                wants(&reply, &[Reply::WRONG_LENGTH, Reply::WRONG_DATA])
            },
        ),
        Case::new(
            "u2f/authenticate/as-ctap2",
            "7.3",
            "sign with a U2F key when CTAP2 asks for it",
            |session: &mut Session| {
                let handle = session.u2f_registration()?.handle;
                let descriptor = cbor_map! { "id" => handle, "type" => "public-key" };
                // CTAP2 hashes an RP ID, so only the key's own application would do: another one finds nothing.
                let answer = session.send(
                    &Session::assert_request(vec![descriptor]).with(0x05, cbor_map! { "up" => false }),
                )?;
                crate::case::status(&answer, Status::NO_CREDENTIALS)
            },
        )
        .since(Version::V2_0),
    ];
    modes.chain(cases).collect()
}
