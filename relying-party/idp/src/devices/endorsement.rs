//! Makers of TPMs whose word is taken: roots of endorsement keys' certificates.

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, TrustAnchor, UnixTime as PkiTime};
use webpki::{EndEntityCert, KeyUsage};
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::{GeneralName, ParsedExtension};
use x509_parser::public_key::PublicKey as CertifiedKey;

use super::authority::TpmIdentity;
use super::tpm::Key;
use crate::clock::UnixTime;
use crate::domain::Rsa1;

/// `tcg-kp-EKCertificate` (TCG EK Credential Profile 2.0 §3.2.16), encoded without tag and length.
const EK_CERTIFICATE: &[u8] = &[0x67, 0x81, 0x05, 0x08, 0x01];
/// The signatures within a chain. No SHA-1, no RSA below 2048 bits.
static ALGORITHMS: &[&dyn rustls::pki_types::SignatureVerificationAlgorithm] = &[
    webpki::aws_lc_rs::RSA_PKCS1_2048_8192_SHA256,
    webpki::aws_lc_rs::RSA_PKCS1_2048_8192_SHA384,
    webpki::aws_lc_rs::RSA_PKCS1_2048_8192_SHA512,
    webpki::aws_lc_rs::ECDSA_P256_SHA256,
    webpki::aws_lc_rs::ECDSA_P384_SHA384,
];

/// Roots and intermediates of makers. The default trusts nobody.
#[derive(Default)]
pub struct EndorsementRoots {
    roots: Vec<TrustAnchor<'static>>,
    intermediates: Vec<CertificateDer<'static>>,
}

/// What of an operator's folder cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum RootsError {
    /// The file system refused.
    #[error("the endorsement roots in {} cannot be read: {source}", path.display())]
    File {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A file is no certificate.
    #[error("{} must hold certificates as PEM text", .0.display())]
    Certificate(PathBuf),
    /// There is nothing.
    #[error("there is no certificate (*.pem) in {}: put the TPM makers' roots there", .0.display())]
    Empty(PathBuf),
}

impl EndorsementRoots {
    /// Reads a folder of PEM files. A certificate that is issued by itself is a root, any other one an intermediate.
    ///
    /// # Errors
    /// When a file cannot be read or is something else, or there is no root.
    pub fn load(folder: &Path) -> Result<Self, RootsError> {
        let failed = |path: &Path, source| RootsError::File { path: path.to_owned(), source };
        let mut all = Self::default();
        for entry in std::fs::read_dir(folder).map_err(|source| failed(folder, source))? {
            let path = entry.map_err(|source| failed(folder, source))?.path();
            if path.extension().is_some_and(|extension| extension == "pem") {
                let text = std::fs::read(&path).map_err(|source| failed(&path, source))?;
                all.add(&text).ok_or_else(|| RootsError::Certificate(path.clone()))?;
            }
        }
        if all.roots.is_empty() { Err(RootsError::Empty(folder.to_owned())) } else { Ok(all) }
    }

    /// Adds the certificates of a PEM text; nothing if it holds none, or something else.
    pub fn add(&mut self, pem: &[u8]) -> Option<()> {
        let all: Vec<CertificateDer<'static>> =
            CertificateDer::pem_slice_iter(pem).collect::<Result<_, _>>().ok()?;
        for der in &all {
            let (_, certificate) = x509_parser::parse_x509_certificate(der).ok()?;
            if certificate.issuer() == certificate.subject() {
                self.roots.push(webpki::anchor_from_trusted_cert(der).ok()?.to_owned());
            } else {
                self.intermediates.push(der.clone());
            }
        }
        (!all.is_empty()).then_some(())
    }

    /// Whether a maker vouches for this endorsement key with this certificate (DER), as of `now`.
    #[must_use]
    pub fn vouch_for(&self, key: &Key, der: &[u8], now: UnixTime) -> bool {
        let certificate = CertificateDer::from(der);
        let Ok(end) = EndEntityCert::try_from(&certificate) else { return false };
        let since = Duration::from_secs(u64::try_from(now.seconds()).unwrap_or_default());
        let verified = end.verify_for_usage(
            ALGORITHMS,
            &self.roots,
            &self.intermediates,
            PkiTime::since_unix_epoch(since),
            KeyUsage::required_if_present(EK_CERTIFICATE),
            None,
            None,
        );
        verified.is_ok() && certified_key(der).as_ref() == Some(key)
    }
}

impl fmt::Debug for EndorsementRoots {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "EndorsementRoots({} roots)", self.roots.len())
    }
}

/// The key in a certificate.
fn certified_key(der: &[u8]) -> Option<Key> {
    let (_, certificate) = x509_parser::parse_x509_certificate(der).ok()?;
    match certificate.public_key().parsed().ok()? {
        CertifiedKey::RSA(rsa) => {
            let modulus = rsa.modulus.strip_prefix(&[0]).unwrap_or(rsa.modulus);
            Rsa1::new(rsa.exponent, modulus).map(Key::Rsa)
        }
        CertifiedKey::EC(point) => point.data().try_into().ok().map(Key::P256),
        CertifiedKey::DSA(_)
        | CertifiedKey::GostR3410(_)
        | CertifiedKey::GostR3410_2012(_)
        | CertifiedKey::Unknown(_) => None,
    }
}

/// What the certificate of an endorsement key says about its TPM (TCG EK Credential Profile 2.0 §3.1.2), if it says it.
#[must_use]
pub fn identity(der: &[u8]) -> Option<TpmIdentity> {
    let (_, certificate) = x509_parser::parse_x509_certificate(der).ok()?;
    let part = |oid: &str| attribute(&certificate, oid);
    Some(TpmIdentity {
        manufacturer: part("2.23.133.2.1")?,
        model: part("2.23.133.2.2")?,
        version: part("2.23.133.2.3")?,
    })
}

/// A text of the directory name in the certificate's alternative names.
fn attribute(certificate: &X509Certificate<'_>, oid: &str) -> Option<String> {
    let names = certificate.extensions().iter().find_map(|extension| {
        let names = extension.parsed_extension();
        if let ParsedExtension::SubjectAlternativeName(names) = names { Some(names) } else { None }
    })?;
    let mut parts = names
        .general_names
        .iter()
        .filter_map(|name| if let GeneralName::DirectoryName(name) = name { Some(name) } else { None });
    let text = parts.find_map(|name| {
        name.iter_attributes().find(|part| part.attr_type().to_id_string() == oid)?.as_str().ok()
    })?;
    let printable = text.chars().all(|character| character.is_ascii_graphic() || character == ' ');
    (printable && (1..=64).contains(&text.len())).then(|| text.to_owned())
}
