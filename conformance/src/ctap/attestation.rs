//! Attestation statements (WebAuthn §8), verified without the code of any authenticator.

use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1, UnparsedPublicKey};
use x509_parser::prelude::{FromDer, X509Certificate};

use super::AuthenticatorData;
use crate::cbor::Value;

/// The OID of the AAGUID in a certificate (WebAuthn §8.2.1).
const AAGUID_EXTENSION: &str = "1.3.6.1.4.1.45724.1.1.4";

/// Verifies the statement of a makeCredential response.
///
/// # Errors
/// A sentence on what is wrong with it.
pub fn verify(
    format: &str,
    statement: &Value,
    authenticator_data: &[u8],
    client_data_hash: &[u8],
) -> Result<(), String> {
    let data = AuthenticatorData::parse(authenticator_data)?;
    let signed = [authenticator_data, client_data_hash].concat();
    match format {
        "none" if statement.map() == Some(&[]) => Ok(()),
        "none" => Err("attStmt of format none is not an empty map".to_owned()),
        "packed" => packed(statement, &data, &signed),
        "fido-u2f" => fido_u2f(statement, &data, client_data_hash),
        other => Err(format!("this runner cannot verify attestation statements of format {other:?}")),
    }
}

fn packed(statement: &Value, data: &AuthenticatorData, signed: &[u8]) -> Result<(), String> {
    let credential = data.credential.as_ref().ok_or("there is no attested credential data")?;
    let algorithm = statement.at("alg").and_then(Value::integer).ok_or("attStmt has no alg")?;
    let signature = statement.at("sig").and_then(Value::bytes).ok_or("attStmt has no sig")?;
    let Some(chain) = statement.at("x5c") else {
        if algorithm != credential.key.algorithm {
            return Err("alg of a self attestation is not the credential's".to_owned());
        }
        return credential.key.verify(signed, signature);
    };
    let leaf = leaf(chain)?;
    let certificate = certificate(&leaf)?;
    profile(&certificate, &credential.aaguid)?;
    verify_with_certificate(&certificate, algorithm, signed, signature)
}

fn fido_u2f(statement: &Value, data: &AuthenticatorData, client_data_hash: &[u8]) -> Result<(), String> {
    let credential = data.credential.as_ref().ok_or("there is no attested credential data")?;
    let signature = statement.at("sig").and_then(Value::bytes).ok_or("attStmt has no sig")?;
    let leaf = leaf(statement.at("x5c").ok_or("attStmt has no x5c")?)?;
    let (x, y) = super::es256_coordinates(&credential.key).ok_or("the credential's key is no P-256 key")?;
    let signed = [&[0], &*data.rp_id_hash, client_data_hash, &credential.id, &[4], &x, &y].concat();
    verify_with_certificate(&certificate(&leaf)?, -7, &signed, signature)
}

fn leaf(chain: &Value) -> Result<Vec<u8>, String> {
    let chain = chain.array().ok_or("x5c is not an array")?;
    chain.first().and_then(Value::bytes).map(<[u8]>::to_vec).ok_or_else(|| "x5c is empty".to_owned())
}

fn certificate(der: &[u8]) -> Result<X509Certificate<'_>, String> {
    let (rest, certificate) =
        X509Certificate::from_der(der).map_err(|error| format!("x5c[0] is no certificate: {error}"))?;
    if rest.is_empty() { Ok(certificate) } else { Err("bytes follow the certificate in x5c[0]".to_owned()) }
}

fn verify_with_certificate(
    certificate: &X509Certificate<'_>,
    algorithm: i64,
    signed: &[u8],
    signature: &[u8],
) -> Result<(), String> {
    if algorithm != -7 {
        return Err(format!("this runner cannot check certificates of algorithm {algorithm}"));
    }
    let point = certificate.public_key().subject_public_key.data.as_ref();
    UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, point)
        .verify(signed, signature)
        .map_err(|_| "the signature does not verify under the certificate's key".to_owned())
}

/// What a packed attestation certificate must be (WebAuthn §8.2.1).
fn profile(certificate: &X509Certificate<'_>, aaguid: &[u8]) -> Result<(), String> {
    if certificate.version() != x509_parser::x509::X509Version::V3 {
        return Err("the attestation certificate is not of version 3".to_owned());
    }
    let subject = certificate.subject();
    let unit = subject.iter_organizational_unit().next().and_then(|unit| unit.as_str().ok());
    if unit != Some("Authenticator Attestation") {
        return Err("the attestation certificate's OU is not \"Authenticator Attestation\"".to_owned());
    }
    for (part, there) in [
        ("C", subject.iter_country().next().is_some()),
        ("O", subject.iter_organization().next().is_some()),
        ("CN", subject.iter_common_name().next().is_some()),
    ] {
        if !there {
            return Err(format!("the attestation certificate's subject has no {part}"));
        }
    }
    if certificate.is_ca() {
        return Err("the attestation certificate is one of a CA".to_owned());
    }
    let named =
        certificate.extensions().iter().find(|extension| extension.oid.to_id_string() == AAGUID_EXTENSION);
    match named {
        Some(extension) if extension.critical => {
            Err("the certificate's AAGUID extension is critical".to_owned())
        }
        Some(extension) if extension.value.strip_prefix(&[4, 16]) != Some(aaguid) => {
            Err("the certificate is for another AAGUID".to_owned())
        }
        Some(_) | None => Ok(()),
    }
}
