//! Attestation certificates and the DER inside them.

use rcgen::{
    BasicConstraints, Certificate, CertificateParams, CertifiedIssuer, CustomExtension, DistinguishedName,
    DnType, IsCa, KeyPair,
};

use super::key::Key;
use crate::case::Stop;

/// `id-fido-gen-ce-aaguid` (WebAuthn L3 §8.2.1).
const AAGUID: &[u64] = &[1, 3, 6, 1, 4, 1, 45724, 1, 1, 4];

/// A leaf certificate, the key that it is made out to, and the certificates above it but the root.
pub struct Chain {
    /// In the order of `x5c`.
    pub certificates: Vec<Vec<u8>>,
    /// The leaf's key.
    pub key: Key,
}

/// What an attestation certificate says (WebAuthn L3 §8.2.1).
pub fn packed(aaguid: [u8; 16]) -> CertificateParams {
    let mut params = CertificateParams::default();
    let mut name = DistinguishedName::new();
    name.push(DnType::CountryName, "AQ");
    name.push(DnType::OrganizationName, "Conformance");
    name.push(DnType::OrganizationalUnitName, "Authenticator Attestation");
    name.push(DnType::CommonName, "Conformance attestation");
    params.distinguished_name = name;
    params.is_ca = IsCa::ExplicitNoCa;
    params.custom_extensions = vec![extension(AAGUID, der(0x04, &aaguid))];
    params
}

/// An extension that is not critical.
pub fn extension(oid: &[u64], content: Vec<u8>) -> CustomExtension {
    CustomExtension::from_oid_content(oid, content)
}

/// Issues a leaf for a key, below an intermediate of a root that nobody has heard of.
///
/// # Errors
/// When the certificate library fails.
pub fn issue(params: &CertificateParams, key: Key) -> Result<Chain, Stop> {
    let pair = || KeyPair::generate().map_err(broken);
    let root = CertifiedIssuer::self_signed(authority("Conformance root"), pair()?).map_err(broken)?;
    let above = CertifiedIssuer::signed_by(authority("Conformance CA"), pair()?, &root).map_err(broken)?;
    let leaf_key = KeyPair::try_from(key.pkcs8()?.as_slice()).map_err(broken)?;
    let leaf = params.signed_by(&leaf_key, &above).map_err(broken)?;
    let above: &Certificate = above.as_ref();
    Ok(Chain { certificates: vec![leaf.der().to_vec(), above.der().to_vec()], key })
}

fn authority(name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params
}

/// One item of DER, of less than 64 KiB.
pub fn der(tag: u8, content: &[u8]) -> Vec<u8> {
    let [.., high, low] = content.len().to_be_bytes();
    let length = match (high, low) {
        (0, 0..=127) => vec![low],
        (0, _) => vec![0x81, low],
        _ => vec![0x82, high, low],
    };
    [&[tag], length.as_slice(), content].concat()
}

#[allow(clippy::needless_pass_by_value, reason = "`map_err` hands it over")]
fn broken(error: rcgen::Error) -> Stop {
    Stop::Broken(format!("the certificate library failed: {error}"))
}
