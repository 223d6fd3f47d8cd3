//! authenticatorLargeBlobs (CTAP 2.3 §6.10).

use crate::case::areas::shape::Step::Key;
use crate::case::areas::shape::{Kind, Shape, row};
use crate::case::{Case, Need, State, Stop, Version, ensure, present, refused, status};
use crate::cbor::Value;
use crate::ctap::{Answer, Request, Status, command, sha256};
use crate::session::Session;

/// The cases of this area.
pub fn cases() -> Vec<Case> {
    let newer = |case: Case| case.since(Version::V2_1).needs(Need::Option("largeBlobs"));
    [READ.cases(), WRITE.cases(), requests(), arrays()].into_iter().flatten().map(newer).collect()
}

static READ: Shape = Shape {
    prefix: "large-blobs/read",
    clause: "6.10.2",
    base: |_| Ok(read(17, 0)),
    needs: &[],
    since: Version::V2_1,
    state: State::Ready,
    rows: &[
        row("get", &[Key(0x01)], Kind::Unsigned, false),
        row("offset", &[Key(0x03)], Kind::Unsigned, false),
    ],
};

static WRITE: Shape = Shape {
    prefix: "large-blobs/write",
    base: |session| session.write_large_blobs(0, Some(17), &empty_array()),
    rows: &[
        row("set", &[Key(0x02)], Kind::Bytes, false),
        row("length", &[Key(0x04)], Kind::Unsigned, false),
        row("pinUvAuthParam", &[Key(0x05)], Kind::Bytes, false),
        row("pinUvAuthProtocol", &[Key(0x06)], Kind::Unsigned, false),
    ],
    ..READ
};

fn read(count: u64, offset: u64) -> Request {
    Request::new(command::LARGE_BLOBS, vec![(0x01, count.into()), (0x03, offset.into())])
}

/// A serialized array: its bytes, then the first half of their hash.
fn with_checksum(array: &[u8]) -> Vec<u8> {
    let digest = sha256(array);
    [array, digest.split_at(16).0].concat()
}

/// The array of a new authenticator, 17 bytes.
fn empty_array() -> Vec<u8> {
    with_checksum(&[0x80])
}

fn config_of(answer: &Answer) -> Result<Vec<u8>, Stop> {
    status(answer, Status::OK)?;
    present(answer.member(0x01).and_then(Value::bytes).map(<[u8]>::to_vec), "config (0x01)")
}

/// A request that is refused whatever is kept: id, what is refused, the request, the statuses that are right.
type Refusal = (&'static str, &'static str, fn(&mut Session) -> Result<Request, Stop>, &'static [Status]);

const REFUSALS: [Refusal; 11] = [
    (
        "neither",
        "a request that neither reads nor writes",
        |_| Ok(read(1, 0).without(0x01)),
        &[Status::INVALID_PARAMETER],
    ),
    (
        "both",
        "a request that reads and writes",
        |_| Ok(read(1, 0).with(0x02, [1_u8; 4])),
        &[Status::INVALID_PARAMETER],
    ),
    (
        "no-offset",
        "a request without offset",
        |_| Ok(read(1, 0).without(0x03)),
        &[Status::INVALID_PARAMETER, Status::MISSING_PARAMETER],
    ),
    (
        "read-with-length",
        "length where nothing is written",
        |_| Ok(read(17, 0).with(0x04, 17)),
        &[Status::INVALID_PARAMETER],
    ),
    (
        "read-with-param",
        "pinUvAuthParam where nothing is written",
        |_| Ok(read(17, 0).with(0x05, [0_u8; 32])),
        &[Status::INVALID_PARAMETER],
    ),
    ("read-beyond", "an offset beyond the array", |_| Ok(read(17, 60_000)), &[Status::INVALID_PARAMETER]),
    (
        "read-too-much",
        "more than a message can hold",
        |session| Ok(read(session.info().max_message(), 0)),
        &[Status::INVALID_LENGTH],
    ),
    (
        "write-without-length",
        "a first fragment without length",
        |session| session.write_large_blobs(0, None, &empty_array()),
        &[Status::INVALID_PARAMETER],
    ),
    (
        "write-too-short",
        "an array of less than 17 bytes",
        |session| session.write_large_blobs(0, Some(16), &[0; 16]),
        &[Status::INVALID_PARAMETER],
    ),
    (
        "write-too-long",
        "an array longer than maxSerializedLargeBlobArray",
        |session| {
            let most = session.info().member(0x0B).and_then(Value::unsigned).unwrap_or(1024);
            session.write_large_blobs(0, Some(most.saturating_add(1)), &[0; 64])
        },
        &[Status::LARGE_BLOB_STORAGE_FULL],
    ),
    (
        "write-unauthorized",
        "an array without pinUvAuthParam",
        |session| Ok(session.write_large_blobs(0, Some(17), &empty_array())?.without(0x05).without(0x06)),
        &[Status::PUAT_REQUIRED],
    ),
];

fn requests() -> Vec<Case> {
    let refusals = REFUSALS.into_iter().map(|(id, what, request, wanted)| {
        Case::new(
            format!("large-blobs/{id}"),
            "6.10.2",
            format!("refuse {what}"),
            move |session: &mut Session| {
                let request = request(session)?;
                let answer = session.send(&request)?;
                refused(&answer, wanted)
            },
        )
    });
    let wrong = Case::new(
        "large-blobs/write-wrong-param",
        "6.10.2",
        "refuse an array with a wrong pinUvAuthParam",
        |session: &mut Session| {
            let request = session.write_large_blobs(0, Some(17), &empty_array())?.with(0x05, [7_u8; 32]);
            let answer = session.send(&request)?;
            status(&answer, Status::PIN_AUTH_INVALID)
        },
    );
    refusals.chain([wrong]).collect()
}

/// Writes an array in fragments of 100 bytes.
fn write(session: &mut Session, array: &[u8]) -> Result<Answer, Stop> {
    let length = u64::try_from(array.len()).unwrap_or(u64::MAX);
    let mut last = None;
    for (number, fragment) in (0_u32..).zip(array.chunks(100)) {
        let request = session.write_large_blobs(number * 100, (number == 0).then_some(length), fragment)?;
        let answer = session.send(&request)?;
        if answer.status != Status::OK {
            return Ok(answer);
        }
        last = Some(answer);
    }
    present(last, "an answer to the last fragment")
}

fn arrays() -> Vec<Case> {
    vec![
        Case::new("large-blobs/initial", "6.10.2", "keep an empty array at first", |session| {
            let answer = session.send(&read(64, 0))?;
            ensure(
                config_of(&answer)? == empty_array(),
                "another array",
                "0x80 and the first half of its hash",
            )
        })
        .state(State::Fresh),
        Case::new("large-blobs/kept", "6.10.2", "keep an array that comes in fragments", |session| {
            let array = with_checksum(&crate::cbor::encode(&Value::Array(vec![vec![0xB1; 300].into()])));
            let answer = write(session, &array)?;
            status(&answer, Status::OK)?;
            let answer = session.send(&read(900, 0))?;
            ensure(config_of(&answer)? == array, "another array", "the array that was written")?;
            let answer = session.send(&read(10, 5))?;
            ensure(
                array.get(5..15) == Some(&config_of(&answer)?),
                "other bytes",
                "ten bytes from the fifth on",
            )
        }),
        Case::new(
            "large-blobs/broken-checksum",
            "6.10.2",
            "refuse an array whose checksum is wrong, and keep the old one",
            |session| {
                let before = session.send(&read(900, 0))?;
                let answer = write(session, &[0x80; 17])?;
                status(&answer, Status::INTEGRITY_FAILURE)?;
                let after = session.send(&read(900, 0))?;
                ensure(config_of(&before)? == config_of(&after)?, "another array", "the array of before")
            },
        ),
        Case::new(
            "large-blobs/wrong-offset",
            "6.10.2",
            "refuse a fragment that does not follow the one before",
            |session| {
                let request = session.write_large_blobs(0, Some(200), &[0x80; 100])?;
                let answer = session.send(&request)?;
                status(&answer, Status::OK)?;
                let request = session.write_large_blobs(50, None, &[0x80; 100])?;
                let answer = session.send(&request)?;
                status(&answer, Status::INVALID_SEQ)
            },
        ),
    ]
}
