//! Authenticator data (WebAuthn L3 §6.1): what both ceremonies look at, and the attested credential data of a registration.

use super::{Accepted, Refused, Wanted, assertion, data, flip, plain};
use crate::case::Case;
use crate::cbor::Value;
use crate::cbor_map;
use crate::ctap::flags;
use crate::server::authenticator_data::{Attested, AuthenticatorData};
use crate::server::{Reason, Server};

type Row = (&'static str, &'static str, &'static str, Wanted, fn(&mut AuthenticatorData));

const MALFORMED: Wanted = Refused(&[Reason::Malformed]);
const KEY: Wanted = Refused(&[Reason::Key, Reason::Malformed]);

/// Rows of both ceremonies.
const BOTH: &[Row] = &[
    ("rp-id/other", "6.1", "refuse another RP ID's hash", Refused(&[Reason::RpId]), |data| {
        data.rp_id_hash.fill(7);
    }),
    ("rp-id/one-bit", "6.1", "compare the whole hash of the RP ID", Refused(&[Reason::RpId]), |data| {
        flip(&mut data.rp_id_hash);
    }),
    (
        "rp-id/short",
        "6.1",
        "refuse data that are one byte too short",
        Refused(&[Reason::RpId, Reason::Malformed]),
        |data| {
            data.rp_id_hash.pop();
        },
    ),
    ("five-bytes", "6.1", "refuse flags and a counter alone", MALFORMED, |data| {
        data.rp_id_hash.truncate(0);
        data.attested = None;
    }),
    ("flags/up-clear", "6.1", "refuse a user who was not present", Refused(&[Reason::Presence]), |data| {
        data.flags &= !flags::UP;
    }),
    (
        "flags/uv-clear",
        "6.1",
        "refuse a user who was not verified, as verification is required",
        Refused(&[Reason::Verification]),
        |data| {
            data.flags &= !flags::UV;
        },
    ),
    (
        "flags/none",
        "6.1",
        "refuse data without any flag",
        Refused(&[Reason::Presence, Reason::Malformed]),
        |data| data.flags = 0,
    ),
    (
        "flags/bs-without-be",
        "6.1.3",
        "refuse a credential that is backed up and cannot be",
        MALFORMED,
        |data| data.flags |= flags::BS,
    ),
    ("extensions/present", "9.5", "accept extension outputs", Accepted, |data| {
        data.flags |= flags::ED;
        data.extensions = Some(cbor_map! { "example.extension" => true });
    }),
    ("extensions/flag-alone", "6.1", "refuse ED without extensions", MALFORMED, |data| {
        data.flags |= flags::ED;
    }),
    ("extensions/flag-clear", "6.1", "refuse extensions without ED", MALFORMED, |data| {
        data.extensions = Some(cbor_map! { "example.extension" => true });
    }),
    ("extensions/no-map", "9.5", "refuse extensions that are no map", MALFORMED, |data| {
        data.flags |= flags::ED;
        data.extensions = Some(Value::Array(Vec::new()));
    }),
    ("extensions/leftover", "6.1", "refuse bytes after the extensions", MALFORMED, |data| {
        data.flags |= flags::ED;
        data.extensions = Some(cbor_map! { "example.extension" => true });
        data.leftover = vec![0];
    }),
    ("leftover/one-byte", "6.1", "refuse a byte that belongs to nothing", MALFORMED, |data| {
        data.leftover = vec![0];
    }),
    ("leftover/many", "6.1", "refuse bytes that belong to nothing", MALFORMED, |data| {
        data.leftover = vec![0xA0; 64];
    }),
];

/// Rows of registrations.
const REGISTRATION: &[Row] = &[
    ("flags/at-clear", "6.5.2", "refuse attested credential data without AT", MALFORMED, |data| {
        data.flags &= !flags::AT;
    }),
    ("flags/at-alone", "6.5.2", "refuse AT without attested credential data", MALFORMED, |data| {
        data.attested = None;
    }),
    (
        "attested/missing",
        "6.5.2",
        "refuse a registration without attested credential data",
        MALFORMED,
        |data| {
            data.flags &= !flags::AT;
            data.attested = None;
        },
    ),
    ("flags/be", "6.1.3", "accept a credential that can be backed up", Accepted, |data| {
        data.flags |= flags::BE;
    }),
    ("flags/be-bs", "6.1.3", "accept a credential that is backed up", Accepted, |data| {
        data.flags |= flags::BE | flags::BS;
    }),
    ("counter/zero", "6.1.1", "accept an authenticator that does not count", Accepted, |data| {
        data.counter = 0;
    }),
    ("counter/greatest", "6.1.1", "accept the greatest counter", Accepted, |data| data.counter = u32::MAX),
    ("attested/id-empty", "6.5.1", "refuse an empty credential ID", MALFORMED, |data| {
        attested(data, |attested| attested.id.clear());
    }),
    (
        "attested/id-long",
        "7.1 step 25",
        "refuse a credential ID of more than 1023 bytes",
        MALFORMED,
        |data| {
            attested(data, |attested| attested.id = vec![7; 1024]);
        },
    ),
    (
        "attested/length-short",
        "6.5.1",
        "refuse a credential ID that is longer than its length",
        Refused(&[Reason::Id, Reason::Malformed]),
        |data| {
            attested(data, |attested| attested.length = Some(31));
        },
    ),
    (
        "attested/length-long",
        "6.5.1",
        "refuse a credential ID that is shorter than its length",
        Refused(&[Reason::Id, Reason::Malformed]),
        |data| {
            attested(data, |attested| attested.length = Some(33));
        },
    ),
    ("attested/length-beyond", "6.5.1", "refuse a length that leads beyond the data", MALFORMED, |data| {
        attested(data, |attested| attested.length = Some(u16::MAX));
    }),
    ("attested/key-missing", "6.5.1", "refuse a credential without key", KEY, |data| {
        key(data, |key| *key = Value::Raw(Vec::new()));
    }),
    ("attested/key-no-map", "6.5.1.1", "refuse a key that is no map", KEY, |data| {
        key(data, |key| *key = 7.into());
    }),
    ("attested/key-empty", "6.5.1.1", "refuse a key without members", KEY, |data| {
        key(data, |key| *key = Value::Map(Vec::new()));
    }),
    ("attested/kty-missing", "6.5.1.1", "refuse a key without kty", KEY, |data| member(data, 1, None)),
    ("attested/kty-other", "6.5.1.1", "refuse an EC2 key that says it is OKP", KEY, |data| {
        member(data, 1, Some(1.into()));
    }),
    ("attested/kty-unknown", "6.5.1.1", "refuse an unknown kty", KEY, |data| {
        member(data, 1, Some(99.into()));
    }),
    ("attested/alg-missing", "6.5.1.1", "refuse a key without alg", KEY, |data| member(data, 3, None)),
    ("attested/alg-unknown", "7.1 step 20", "refuse an unknown algorithm", KEY, |data| {
        member(data, 3, Some(Value::from(-999)));
    }),
    ("attested/alg-other", "6.5.1.1", "refuse an EC2 key for RS256", KEY, |data| {
        member(data, 3, Some(Value::from(-257)));
    }),
    ("attested/crv-missing", "6.5.1.1", "refuse an EC2 key without crv", KEY, |data| member(data, -1, None)),
    ("attested/crv-unknown", "6.5.1.1", "refuse an unknown curve", KEY, |data| {
        member(data, -1, Some(99.into()));
    }),
    ("attested/x-missing", "6.5.1.1", "refuse an EC2 key without x", KEY, |data| member(data, -2, None)),
    ("attested/y-missing", "6.5.1.1", "refuse an EC2 key without y", KEY, |data| member(data, -3, None)),
    ("attested/x-short", "6.5.1.1", "refuse a coordinate of 31 bytes", KEY, |data| {
        member(data, -2, Some(vec![7_u8; 31].into()));
    }),
    ("attested/x-long", "6.5.1.1", "refuse a coordinate of 33 bytes", KEY, |data| {
        member(data, -2, Some(vec![7_u8; 33].into()));
    }),
    ("attested/x-text", "6.5.1.1", "refuse a coordinate that is text", KEY, |data| {
        member(data, -2, Some("x".into()));
    }),
    ("attested/off-curve", "6.5.1.1", "refuse a point that is not on the curve", KEY, |data| {
        member(data, -2, Some(vec![7_u8; 32].into()));
    }),
    ("attested/zero-point", "6.5.1.1", "refuse the point (0, 0)", KEY, |data| {
        member(data, -2, Some(vec![0_u8; 32].into()));
        member(data, -3, Some(vec![0_u8; 32].into()));
    }),
];

/// Rows of sign-ins.
const ASSERTION: &[Row] = &[
    ("flags/at-alone", "6.1", "refuse AT without attested credential data", MALFORMED, |data| {
        data.flags |= flags::AT;
    }),
    (
        "flags/be-changed",
        "7.2 step 21",
        "refuse a credential that can be backed up all at once",
        Refused(&[Reason::Credential, Reason::Malformed]),
        |data| {
            data.flags |= flags::BE;
        },
    ),
    (
        "counter/same",
        "7.2 step 25",
        "refuse a counter that did not go up",
        Refused(&[Reason::Counter]),
        |data| data.counter = 1,
    ),
    ("counter/back", "7.2 step 25", "refuse a counter that went back", Refused(&[Reason::Counter]), |data| {
        data.counter = 0;
    }),
    ("counter/greatest", "7.2 step 25", "accept any greater counter", Accepted, |data| {
        data.counter = u32::MAX;
    }),
];

/// The cases of this area.
pub fn cases() -> Vec<Case<Server>> {
    let of_registration = BOTH.iter().chain(REGISTRATION).map(|(id, clause, must, wanted, change)| {
        plain((format!("registration/authenticator-data/{id}"), *clause, *must), *wanted, data(change))
    });
    let of_assertion = BOTH.iter().chain(ASSERTION).map(|(id, clause, must, wanted, change)| {
        assertion((format!("assertion/authenticator-data/{id}"), *clause, *must), *wanted, data(change))
    });
    of_registration.chain(of_assertion).collect()
}

fn attested(data: &mut AuthenticatorData, change: impl FnOnce(&mut Attested)) {
    if let Some(attested) = &mut data.attested {
        change(attested);
    }
}

fn key(data: &mut AuthenticatorData, change: impl FnOnce(&mut Value)) {
    attested(data, |attested| change(&mut attested.key));
}

/// Another value for a member of the COSE key, or none.
fn member(data: &mut AuthenticatorData, label: i64, value: Option<Value>) {
    key(data, |key| {
        if let Value::Map(entries) = key {
            entries.retain(|(name, _)| *name != Value::from(label));
            entries.extend(value.map(|value| (label.into(), value)));
        }
    });
}
