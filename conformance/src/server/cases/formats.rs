//! The other attestation statement formats (WebAuthn L3 §8.4, §8.6, §8.7, §8.8).

use super::{Accepted, Refused, Wanted, certificates, data, enter, registration, restated, stated};
use crate::case::{Case, Stop};
use crate::cbor::Value;
use crate::server::ceremony::Registration;
use crate::server::key::Key;
use crate::server::statement::{
    Maker, Statement, android_key, android_key_for, apple, apple_over, fido_u2f, none, packed_self,
};
use crate::server::{Reason, Server};

type Row = (&'static str, &'static str, &'static str, Wanted, Maker);

const STATEMENT: Wanted = Refused(&[Reason::Statement]);
const SIGNATURE: Wanted = Refused(&[Reason::Signature, Reason::Statement]);
const MISMATCH: Wanted = Refused(&[Reason::Mismatch, Reason::Certificate]);

const ROWS: &[Row] = &[
    ("none/packed-statement", "8.7", "refuse a statement under format none", STATEMENT, |registration| {
        Ok(Statement { format: "none", ..packed_self(registration)? })
    }),
    (
        "none/unknown-member",
        "8.7",
        "refuse a statement of format none that is not empty",
        STATEMENT,
        |registration| {
            Ok(restated(none(registration)?, |entries| enter(entries, "example", Some(&true.into()))))
        },
    ),
    ("apple/valid", "8.8", "accept an Apple attestation", Accepted, apple),
    ("apple/nonce-other", "8.8", "refuse a certificate for other data", MISMATCH, |registration| {
        apple_over(registration, b"other data")
    }),
    ("apple/key-other", "8.8", "refuse a certificate for another key", MISMATCH, |registration| {
        let covered = registration.covered();
        apple_over(&with_other_key(registration)?, &covered)
    }),
    ("apple/x5c-missing", "8.8", "refuse a statement without x5c", STATEMENT, |registration| {
        without(apple, registration, "x5c")
    }),
    ("android-key/valid", "8.4", "accept an Android key attestation", Accepted, android_key),
    (
        "android-key/challenge-other",
        "8.4",
        "refuse a certificate for another challenge",
        MISMATCH,
        |registration| android_key_for(registration, &[7; 32]),
    ),
    (
        "android-key/key-other",
        "8.4",
        "refuse a certificate for another key",
        Refused(&[Reason::Mismatch, Reason::Signature]),
        |registration| {
            let other = with_other_key(registration)?;
            let statement = android_key_for(&other, &registration.client_data_hash())?;
            let signature = other.key.sign(&registration.covered())?;
            Ok(restated(statement, |entries| enter(entries, "sig", Some(&signature.into()))))
        },
    ),
    ("android-key/sig-missing", "8.4", "refuse a statement without sig", STATEMENT, |registration| {
        without(android_key, registration, "sig")
    }),
    ("android-key/alg-missing", "8.4", "refuse a statement without alg", STATEMENT, |registration| {
        without(android_key, registration, "alg")
    }),
    ("android-key/x5c-missing", "8.4", "refuse a statement without x5c", STATEMENT, |registration| {
        without(android_key, registration, "x5c")
    }),
    (
        "android-key/signature-of-other-data",
        "8.4",
        "refuse a signature over other data",
        SIGNATURE,
        |registration| {
            let signature = registration.key.sign(b"other data")?;
            Ok(restated(android_key(registration)?, |entries| enter(entries, "sig", Some(&signature.into()))))
        },
    ),
    (
        "android-key/chain-order",
        "8.4",
        "refuse a chain whose first certificate is not the credential's",
        Refused(&[Reason::Mismatch, Reason::Signature, Reason::Certificate]),
        |registration| Ok(certificates(android_key(registration)?, |certificates| certificates.reverse())),
    ),
];

/// Of U2F, whose authenticators have no AAGUID.
const U2F: &[(&str, &str, Wanted, Maker)] = &[
    ("valid", "accept a U2F attestation", Accepted, fido_u2f),
    ("signature-of-other-data", "refuse a signature over what packed signs", SIGNATURE, |registration| {
        let signature = packed_self(registration)?.statement.at("sig").cloned();
        Ok(restated(fido_u2f(registration)?, |entries| enter(entries, "sig", signature.as_ref())))
    }),
    ("sig-missing", "refuse a statement without sig", STATEMENT, |registration| {
        without(fido_u2f, registration, "sig")
    }),
    ("x5c-missing", "refuse a statement without x5c", STATEMENT, |registration| {
        without(fido_u2f, registration, "x5c")
    }),
    ("x5c-empty", "refuse a statement without certificate", STATEMENT, |registration| {
        Ok(restated(fido_u2f(registration)?, |entries| {
            enter(entries, "x5c", Some(&Value::Array(Vec::new())));
        }))
    }),
    ("two-certificates", "refuse a statement with two certificates", STATEMENT, |registration| {
        Ok(certificates(fido_u2f(registration)?, |certificates| certificates.extend_from_within(..)))
    }),
];

/// The cases of this area.
pub fn cases() -> Vec<Case<Server>> {
    let rows = ROWS.iter().map(|(id, clause, must, wanted, maker)| {
        stated((format!("registration/{id}"), *clause, *must), *wanted, *maker)
    });
    let u2f = U2F.iter().map(|(id, must, wanted, maker)| {
        let no_model = data(|data| {
            if let Some(attested) = &mut data.attested {
                attested.aaguid = [0; 16];
            }
        });
        registration((format!("registration/fido-u2f/{id}"), "8.6", *must), *wanted, *maker, no_model)
    });
    let model = (
        "registration/fido-u2f/aaguid",
        "8.6",
        "refuse a U2F authenticator that has an AAGUID, as the conformance tools want it",
    );
    rows.chain(u2f).chain([stated(model, MISMATCH, fido_u2f)]).collect()
}

/// The same registration with a key that the authenticator data do not name.
fn with_other_key(registration: &Registration) -> Result<Registration, Stop> {
    Ok(registration.with_key(Key::generate(-7)?))
}

fn without(maker: Maker, registration: &Registration, name: &str) -> Result<Statement, Stop> {
    Ok(restated(maker(registration)?, |entries| enter(entries, name, None)))
}
