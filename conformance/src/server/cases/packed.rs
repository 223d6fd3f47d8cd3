//! Packed attestation (WebAuthn L3 §8.2), by the credential itself and with a certificate.

use rcgen::{BasicConstraints, CertificateParams, DistinguishedName, DnType, IsCa};

use super::{
    Accepted, Change, Refused, Wanted, certificates, enter, flip, object, other_kinds, registration,
    restated, stated,
};
use crate::case::{Case, Stop};
use crate::cbor::Value;
use crate::server::ceremony::Registration;
use crate::server::key::Key;
use crate::server::statement::{Maker, Statement, packed, packed_self, signed_by};
use crate::server::{Reason, Server, certificate};

const STATEMENT: Wanted = Refused(&[Reason::Statement]);
const SIGNATURE: Wanted = Refused(&[Reason::Signature, Reason::Statement]);
const CERTIFICATE: Wanted = Refused(&[Reason::Certificate, Reason::Statement]);
const MISMATCH: Wanted = Refused(&[Reason::Mismatch, Reason::Certificate]);

/// Statements that are made otherwise than they must be.
const MADE: &[(&str, &str, Wanted, Maker)] = &[
    ("self/valid", "accept a self attestation", Accepted, packed_self),
    ("self/signature-of-other-data", "refuse a signature over other data", SIGNATURE, |registration| {
        resigned(packed_self(registration)?, &registration.key, b"other data")
    }),
    ("self/signature-by-other-key", "refuse another key's signature", SIGNATURE, |registration| {
        resigned(packed_self(registration)?, &Key::generate(-7)?, &registration.covered())
    }),
    ("full/valid", "accept an attestation with a certificate", Accepted, packed),
    ("full/signature-of-other-data", "refuse a signature over other data", SIGNATURE, |registration| {
        let (params, key) = (certificate::packed(registration.aaguid()), Key::generate(-7)?);
        let signer = key.again()?;
        resigned(signed_by(registration, &certificate::issue(&params, key)?)?, &signer, b"other data")
    }),
    (
        "full/signature-by-credential",
        "refuse the credential's signature beside a certificate",
        SIGNATURE,
        |registration| resigned(packed(registration)?, &registration.key, &registration.covered()),
    ),
    (
        "full/signature-by-other-key",
        "refuse a signature that is not of the certificate's key",
        SIGNATURE,
        |registration| resigned(packed(registration)?, &Key::generate(-7)?, &registration.covered()),
    ),
    ("full/chain-order", "refuse a chain whose first certificate did not sign", SIGNATURE, |registration| {
        Ok(certificates(packed(registration)?, |certificates| certificates.reverse()))
    }),
    ("full/ca", "refuse a certificate of a CA", CERTIFICATE, |registration| {
        certified(registration, |params| params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained))
    }),
    (
        "full/unit-other",
        "refuse a certificate that is not of an authenticator attestation",
        CERTIFICATE,
        |registration| certified(registration, |params| renamed(params, Some("Authenticator"), true)),
    ),
    ("full/unit-missing", "refuse a certificate without organizational unit", CERTIFICATE, |registration| {
        certified(registration, |params| renamed(params, None, true))
    }),
    ("full/country-missing", "refuse a certificate without country", CERTIFICATE, |registration| {
        certified(registration, |params| renamed(params, Some("Authenticator Attestation"), false))
    }),
    (
        "full/constraints-missing",
        "refuse a certificate without basic constraints",
        CERTIFICATE,
        |registration| certified(registration, |params| params.is_ca = IsCa::NoCa),
    ),
    ("full/aaguid-other", "refuse a certificate of another model", MISMATCH, |registration| {
        certified(registration, |params| params.custom_extensions = other_model())
    }),
    ("full/aaguid-missing", "accept a certificate that names no model", Accepted, |registration| {
        certified(registration, |params| params.custom_extensions.clear())
    }),
];

/// The cases of this area.
pub fn cases() -> Vec<Case<Server>> {
    let made =
        MADE.iter().map(|(id, must, wanted, maker)| stated((named(id), "8.2", *must), *wanted, *maker));
    let members: [(&str, Maker, &[&str]); 2] =
        [("self", packed_self, &["alg", "sig"]), ("full", packed, &["alg", "sig", "x5c"])];
    let members = members.into_iter().flat_map(|(kind, maker, names)| {
        names.iter().flat_map(move |name| {
            spoiled(name).into_iter().map(move |(what, must, change)| {
                // Without its certificates a full statement is a self attestation that does not verify.
                let wanted = if *name == "x5c" && what == "missing" { SIGNATURE } else { STATEMENT };
                let wanted = if what == "flipped" || what == "truncated" || what == "empty-bytes" {
                    SIGNATURE
                } else {
                    wanted
                };
                registration((named(&format!("{kind}/{name}-{what}")), "8.2", must), wanted, maker, change)
            })
        })
    });
    made.chain(members).collect()
}

fn named(id: &str) -> String {
    format!("registration/packed/{id}")
}

/// Every way to spoil a member of the statement.
fn spoiled(name: &'static str) -> Vec<(String, String, Change)> {
    let own = match name {
        "alg" => "integer",
        "sig" => "bytes",
        _ => "array",
    };
    let set = move |value: Option<Value>| inside(move |entries| enter(entries, name, value.as_ref()));
    let mut ways = vec![("missing".to_owned(), set(None))];
    ways.extend(other_kinds(own).into_iter().map(|(kind, value)| (format!("as-{kind}"), set(Some(value)))));
    match name {
        "alg" => {
            ways.push(("unknown".to_owned(), set(Some(Value::from(-999)))));
            ways.push(("other".to_owned(), set(Some(Value::from(-257)))));
        }
        "sig" => {
            ways.push(("empty-bytes".to_owned(), set(Some(Value::Bytes(Vec::new())))));
            ways.push(("flipped".to_owned(), signature(flip)));
            ways.push(("truncated".to_owned(), signature_vec(Vec::pop)));
        }
        _ => {
            ways.push(("empty".to_owned(), set(Some(Value::Array(Vec::new())))));
            ways.push(("of-text".to_owned(), set(Some(Value::Array(vec!["certificate".into()])))));
            ways.push(("no-certificate".to_owned(), set(Some(Value::Array(vec![vec![0x30_u8, 0].into()])))));
        }
    }
    ways.into_iter().map(|(what, change)| (what, format!("refuse {name} like this"), change)).collect()
}

/// Changes the statement inside the attestation object.
fn inside(change: impl Fn(&mut Vec<(Value, Value)>) + 'static) -> Change {
    object(move |entries| {
        for (key, value) in entries {
            if let (Some("attStmt"), Value::Map(statement)) = (key.text(), value) {
                change(statement);
            }
        }
    })
}

fn signature(change: fn(&mut [u8])) -> Change {
    inside(move |statement| with_signature(statement, |bytes| change(bytes)))
}

fn signature_vec(change: fn(&mut Vec<u8>) -> Option<u8>) -> Change {
    inside(move |statement| {
        with_signature(statement, |bytes| {
            change(bytes);
        });
    })
}

fn with_signature(statement: &mut [(Value, Value)], change: impl Fn(&mut Vec<u8>)) {
    for (key, value) in statement {
        if let (Some("sig"), Value::Bytes(bytes)) = (key.text(), value) {
            change(bytes);
        }
    }
}

/// A statement with another signature.
fn resigned(made: Statement, key: &Key, message: &[u8]) -> Result<Statement, Stop> {
    let signature = key.sign(message)?;
    Ok(restated(made, |entries| enter(entries, "sig", Some(&signature.into()))))
}

/// A statement under a certificate that is not what it must be.
fn certified(registration: &Registration, change: fn(&mut CertificateParams)) -> Result<Statement, Stop> {
    let mut params = certificate::packed(registration.aaguid());
    change(&mut params);
    signed_by(registration, &certificate::issue(&params, Key::generate(-7)?)?)
}

fn renamed(params: &mut CertificateParams, unit: Option<&str>, country: bool) {
    let mut name = DistinguishedName::new();
    if country {
        name.push(DnType::CountryName, "AQ");
    }
    name.push(DnType::OrganizationName, "Conformance");
    if let Some(unit) = unit {
        name.push(DnType::OrganizationalUnitName, unit);
    }
    name.push(DnType::CommonName, "Conformance attestation");
    params.distinguished_name = name;
}

fn other_model() -> Vec<rcgen::CustomExtension> {
    certificate::packed([0x77; 16]).custom_extensions
}
