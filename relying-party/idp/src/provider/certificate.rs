//! A client's certificate as the keys of its registration (RFC 7523; RFC 7515 §4.1.7 and §4.1.8).

use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use serde_json::{Value, json};
use x509_parser::public_key::PublicKey;

use crate::clock::UnixTime;
use crate::domain::ClientKey;

/// The key of a PEM certificate, under each of the two thumbprints that an assertion may name it by; `None`: it is no
/// certificate, or its key is neither RSA of 2048 bits and more nor P-256.
pub(crate) fn client_keys(pem: &str) -> Option<Vec<ClientKey>> {
    let der = CertificateDer::from_pem_slice(pem.as_bytes()).ok()?;
    let (_, certificate) = x509_parser::parse_x509_certificate(&der).ok()?;
    let jwk = jwk(&certificate.public_key().parsed().ok()?)?;
    let expires_at = UnixTime::from_seconds(certificate.validity().not_after.timestamp());
    // SHA-1 only names the certificate here; the key itself is what was registered.
    let names = [&SHA256, &SHA1_FOR_LEGACY_USE_ONLY].map(|hash| digest(hash, &der));
    Some(
        names
            .iter()
            .map(|name| ClientKey { id: URL_SAFE_NO_PAD.encode(name), jwk: jwk.clone(), expires_at })
            .collect(),
    )
}

fn jwk(key: &PublicKey<'_>) -> Option<Value> {
    let text = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
    if let PublicKey::RSA(rsa) = key {
        let plain = |bytes: &[u8]| {
            text(bytes.iter().position(|b| *b != 0).map_or(&[][..], |at| bytes.split_at(at).1))
        };
        return (rsa.key_size() >= 2048)
            .then(|| json!({ "kty": "RSA", "n": plain(rsa.modulus), "e": plain(rsa.exponent) }));
    }
    let PublicKey::EC(point) = key else { return None };
    let coordinates = point.data().strip_prefix(&[4])?;
    let (x, y) = coordinates.split_at_checked(32).filter(|(_, y)| y.len() == 32)?;
    Some(json!({ "kty": "EC", "crv": "P-256", "x": text(x), "y": text(y) }))
}
