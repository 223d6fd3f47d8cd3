//! Each member's type.

use crate::case::{Case, Need, Stop, Version, ensure, present};
use crate::cbor::Value;
use crate::session::Session;

/// One member.
struct Member {
    key: u64,
    name: &'static str,
    since: Version,
    /// Whether a value is of the right type.
    fits: fn(&Value) -> bool,
    /// That type, in words.
    kind: &'static str,
}

const fn member(
    key: u64,
    name: &'static str,
    since: Version,
    fits: fn(&Value) -> bool,
    kind: &'static str,
) -> Member {
    Member { key, name, since, fits, kind }
}

const MEMBERS: [Member; 29] = [
    member(0x01, "versions", Version::V2_0, some_texts, "an array of text, not empty"),
    member(0x02, "extensions", Version::V2_0, texts, "an array of text"),
    member(0x03, "aaguid", Version::V2_0, |value| length(value) == Some(16), "16 bytes"),
    member(0x04, "options", Version::V2_0, options, "a map of text to booleans"),
    member(
        0x05,
        "maxMsgSize",
        Version::V2_0,
        |value| within(value, 1024, 7609),
        "an integer from 1024 to 7609",
    ),
    member(
        0x06,
        "pinUvAuthProtocols",
        Version::V2_0,
        some_numbers,
        "an array of unsigned integers, not empty",
    ),
    member(0x07, "maxCredentialCountInList", Version::V2_1, positive, "a positive integer"),
    member(0x08, "maxCredentialIdLength", Version::V2_1, positive, "a positive integer"),
    member(0x09, "transports", Version::V2_1, texts, "an array of text"),
    member(0x0A, "algorithms", Version::V2_1, algorithms, "an array of {alg, type}, not empty"),
    member(
        0x0B,
        "maxSerializedLargeBlobArray",
        Version::V2_1,
        |value| within(value, 1024, u64::MAX),
        "an integer of at least 1024",
    ),
    member(0x0C, "forcePINChange", Version::V2_1, |value| value.bool().is_some(), "a boolean"),
    member(0x0D, "minPINLength", Version::V2_1, |value| within(value, 4, 63), "an integer from 4 to 63"),
    member(0x0E, "firmwareVersion", Version::V2_1, unsigned, "an unsigned integer"),
    member(
        0x0F,
        "maxCredBlobLength",
        Version::V2_1,
        |value| within(value, 32, u64::MAX),
        "an integer of at least 32",
    ),
    member(0x10, "maxRPIDsForSetMinPINLength", Version::V2_1, unsigned, "an unsigned integer"),
    member(0x11, "preferredPlatformUvAttempts", Version::V2_1, positive, "a positive integer"),
    member(0x12, "uvModality", Version::V2_1, unsigned, "an unsigned integer"),
    member(0x13, "certifications", Version::V2_1, |value| value.map().is_some(), "a map"),
    member(0x14, "remainingDiscoverableCredentials", Version::V2_1, unsigned, "an unsigned integer"),
    member(0x15, "vendorPrototypeConfigCommands", Version::V2_1, numbers, "an array of unsigned integers"),
    member(0x16, "attestationFormats", Version::V2_2, formats, "an array of formats, without none"),
    member(0x17, "uvCountSinceLastPinEntry", Version::V2_2, unsigned, "an unsigned integer"),
    member(0x18, "longTouchForReset", Version::V2_2, |value| value.bool().is_some(), "a boolean"),
    member(0x19, "encIdentifier", Version::V2_2, |value| length(value) == Some(32), "32 bytes"),
    member(0x1A, "transportsForReset", Version::V2_2, texts, "an array of text"),
    member(0x1B, "pinComplexityPolicy", Version::V2_2, |value| value.bool().is_some(), "a boolean"),
    member(0x1D, "maxPINLength", Version::V2_2, |value| within(value, 8, 63), "an integer from 8 to 63"),
    member(0x1F, "authenticatorConfigCommands", Version::V2_3, numbers, "an array of unsigned integers"),
];

pub(super) fn cases() -> Vec<Case> {
    MEMBERS.iter().map(of_member).collect()
}

fn of_member(member: &'static Member) -> Case {
    let Member { key, name, kind, .. } = member;
    let must = format!("give {name} (0x{key:02x}) as {kind}");
    let case = Case::new(
        format!("get-info/member/{}", name.to_lowercase()),
        "6.4",
        must,
        move |session: &mut Session| checked(session, member),
    );
    // Versions and AAGUID are never missing, so they are never ruled out.
    let mandatory = matches!(key, 0x01 | 0x03);
    let case = case.since(member.since).state(crate::case::State::Any);
    if mandatory { case } else { case.needs(Need::Member(member.key, member.name)) }
}

fn checked(session: &Session, member: &Member) -> Result<(), Stop> {
    let name = format!("{} (0x{:02x})", member.name, member.key);
    let value = present(session.info().member(member.key), &name)?;
    ensure(
        (member.fits)(value),
        format!("{name} is {}", crate::cbor::diagnostic(value)),
        format!("{name} as {}", member.kind),
    )
}

fn texts(value: &Value) -> bool {
    value.array().is_some_and(|elements| elements.iter().all(|element| element.text().is_some()))
}

fn some_texts(value: &Value) -> bool {
    texts(value) && value.array().is_some_and(|elements| !elements.is_empty())
}

fn numbers(value: &Value) -> bool {
    value.array().is_some_and(|elements| elements.iter().all(unsigned))
}

fn some_numbers(value: &Value) -> bool {
    numbers(value) && value.array().is_some_and(|elements| !elements.is_empty())
}

fn formats(value: &Value) -> bool {
    some_texts(value)
        && value.array().is_some_and(|elements| elements.iter().all(|element| element.text() != Some("none")))
}

fn options(value: &Value) -> bool {
    value.map().is_some_and(|entries| {
        entries.iter().all(|(name, value)| name.text().is_some() && value.bool().is_some())
    })
}

fn algorithms(value: &Value) -> bool {
    let entry = |entry: &Value| {
        let members = entry.map().map_or(0, <[_]>::len);
        members == 2
            && entry.at("alg").and_then(Value::integer).is_some()
            && entry.at("type").and_then(Value::text).is_some()
    };
    value.array().is_some_and(|elements| !elements.is_empty() && elements.iter().all(entry))
}

fn unsigned(value: &Value) -> bool {
    value.unsigned().is_some()
}

fn positive(value: &Value) -> bool {
    within(value, 1, u64::MAX)
}

fn within(value: &Value, least: u64, most: u64) -> bool {
    value.unsigned().is_some_and(|number| (least..=most).contains(&number))
}

fn length(value: &Value) -> Option<usize> {
    value.bytes().map(<[u8]>::len)
}
