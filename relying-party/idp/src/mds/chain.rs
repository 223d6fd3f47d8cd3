//! Who may sign a BLOB: a certificate for one name, under one root, at one time.

use std::time::Duration;

use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED, RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName, TrustAnchor};
use webpki::{
    CertRevocationList, EndEntityCert, ExpirationPolicy, KeyUsage, OwnedCertRevocationList,
    RevocationCheckDepth, RevocationOptionsBuilder, UnknownStatusPolicy,
};
use x509_parser::extensions::ParsedExtension;
use x509_parser::prelude::{FromDer as _, X509Certificate};

use super::jws::{Algorithm, Jws};
use crate::clock::UnixTime;

/// The name that the FIDO Alliance signs with.
const SIGNER: &str = "mds.fidoalliance.org";

/// The signatures within a chain. No SHA-1, no RSA below 2048 bits.
static ALGORITHMS: &[&dyn rustls::pki_types::SignatureVerificationAlgorithm] = &[
    webpki::aws_lc_rs::RSA_PKCS1_2048_8192_SHA256,
    webpki::aws_lc_rs::RSA_PKCS1_2048_8192_SHA384,
    webpki::aws_lc_rs::RSA_PKCS1_2048_8192_SHA512,
    webpki::aws_lc_rs::ECDSA_P256_SHA256,
    webpki::aws_lc_rs::ECDSA_P256_SHA384,
    webpki::aws_lc_rs::ECDSA_P384_SHA256,
    webpki::aws_lc_rs::ECDSA_P384_SHA384,
];

/// The root (of `GlobalSign`, R3) under which the FIDO Alliance's signer is (MDS3 §3.2).
const GLOBALSIGN: &str = include_str!("../../data/globalsign-root-r3.pem");

/// Whose BLOBs are trusted.
pub struct Trust {
    roots: Vec<TrustAnchor<'static>>,
    signer: String,
    revocation: Revocation,
}

/// Whether certificates of the chain can be revoked.
pub enum Revocation {
    /// They are not looked up. The BLOB's own number and date bound what a stolen key is worth.
    NotChecked,
    /// By these lists, which must cover every certificate of the chain and be current.
    Listed(Vec<CertRevocationList<'static>>),
}

/// What cannot be trusted from: the operator's files.
#[derive(Debug, thiserror::Error)]
pub enum TrustError {
    /// No root certificate.
    #[error("the metadata root is not a certificate in PEM text")]
    Root,
    /// No revocation list.
    #[error("a revocation list for metadata is not readable: it must be DER")]
    RevocationList,
}

/// Why the signer is not trusted.
#[derive(Debug, thiserror::Error)]
pub enum ChainError {
    /// A certificate cannot be read.
    #[error("its certificate cannot be read")]
    Unreadable,
    /// No valid path to a root.
    #[error("its certificates do not lead to the trusted root ({0})")]
    Path(webpki::Error),
    /// Another name.
    #[error("its certificate is not for {0}")]
    Name(String),
}

impl Trust {
    /// The FIDO Alliance's signer under the root that ships with this program.
    #[must_use]
    pub fn fido_alliance() -> Self {
        Self::new(GLOBALSIGN).unwrap_or_else(|_| unreachable!("the file is a certificate"))
    }

    /// The FIDO Alliance's signer under these roots (PEM text with one certificate or more).
    ///
    /// # Errors
    /// When the text holds no certificate.
    pub fn new(roots_pem: &str) -> Result<Self, TrustError> {
        let roots = CertificateDer::pem_slice_iter(roots_pem.as_bytes())
            .map(|der| {
                let der = der.map_err(|_| TrustError::Root)?;
                let anchor = webpki::anchor_from_trusted_cert(&der).map_err(|_| TrustError::Root)?;
                Ok(anchor.to_owned())
            })
            .collect::<Result<Vec<_>, _>>()?;
        if roots.is_empty() {
            return Err(TrustError::Root);
        }
        Ok(Self { roots, signer: SIGNER.to_owned(), revocation: Revocation::NotChecked })
    }

    /// Another signer: a test service has a name and a root of its own.
    #[must_use]
    pub fn with_signer(mut self, name: &str) -> Self {
        name.clone_into(&mut self.signer);
        self
    }

    /// With these revocation lists, DER.
    ///
    /// # Errors
    /// When one of them cannot be read.
    pub fn with_revocation_lists(mut self, lists: &[Vec<u8>]) -> Result<Self, TrustError> {
        let read = |list: &Vec<u8>| OwnedCertRevocationList::from_der(list).map(CertRevocationList::from);
        let lists: Result<Vec<_>, _> = lists.iter().map(read).collect();
        self.revocation = Revocation::Listed(lists.map_err(|_| TrustError::RevocationList)?);
        Ok(self)
    }

    /// The signer, if its certificates (leaf first) lead to a root as of `now`.
    pub(super) fn verify<'a>(
        &self,
        certificates: &'a [CertificateDer<'static>],
        now: UnixTime,
    ) -> Result<Signer<'a>, ChainError> {
        let (leaf, others) = certificates.split_first().ok_or(ChainError::Unreadable)?;
        let end_entity = EndEntityCert::try_from(leaf).map_err(|_| ChainError::Unreadable)?;
        let lists: Vec<_> = match &self.revocation {
            Revocation::NotChecked => Vec::new(),
            Revocation::Listed(lists) => lists.iter().collect(),
        };
        let revocation = match &self.revocation {
            Revocation::NotChecked => None,
            Revocation::Listed(_) => Some(
                RevocationOptionsBuilder::new(&lists)
                    .map_err(|_| ChainError::Path(webpki::Error::UnknownRevocationStatus))?
                    .with_depth(RevocationCheckDepth::Chain)
                    .with_status_policy(UnknownStatusPolicy::Deny)
                    .with_expiration_policy(ExpirationPolicy::Enforce)
                    .build(),
            ),
        };
        let since = Duration::from_secs(u64::try_from(now.seconds()).unwrap_or(0));
        let time = rustls::pki_types::UnixTime::since_unix_epoch(since);
        // The signer is a TLS server certificate; one that is for something else only (code, mail) is refused.
        end_entity
            .verify_for_usage(
                ALGORITHMS,
                &self.roots,
                others,
                time,
                KeyUsage::server_auth(),
                revocation,
                None,
            )
            .map_err(ChainError::Path)?;
        let (_, certificate) = X509Certificate::from_der(leaf).map_err(|_| ChainError::Unreadable)?;
        if self.is_named(&end_entity, &certificate) {
            Ok(Signer(certificate))
        } else {
            Err(ChainError::Name(self.signer.clone()))
        }
    }

    /// RFC 6125 §6.4.4: the common name counts only where there is no alternative name.
    fn is_named(&self, end_entity: &EndEntityCert<'_>, certificate: &X509Certificate<'_>) -> bool {
        let is_alternative =
            |extension: &ParsedExtension<'_>| matches!(extension, ParsedExtension::SubjectAlternativeName(_));
        if certificate.extensions().iter().any(|extension| is_alternative(extension.parsed_extension())) {
            let name = ServerName::try_from(self.signer.as_str());
            return name.is_ok_and(|name| end_entity.verify_is_valid_for_subject_name(&name).is_ok());
        }
        let mut names = certificate.subject().iter_common_name();
        names.next().is_some_and(|name| name.as_str() == Ok(&self.signer)) && names.next().is_none()
    }
}

/// A signer whose chain has been verified.
pub(super) struct Signer<'a>(X509Certificate<'a>);

impl Signer<'_> {
    /// Whether this signer signed. A key of another kind than the algorithm's verifies nothing.
    pub(super) fn signed(&self, jws: &Jws<'_>) -> bool {
        let key = &self.0.public_key().subject_public_key.data;
        // RFC 7518 §3.4: an ECDSA signature is r and s side by side, not DER.
        let verified = match jws.algorithm {
            Algorithm::Rs256 => {
                UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, key).verify(jws.signed, &jws.signature)
            }
            Algorithm::Es256 => {
                UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, key).verify(jws.signed, &jws.signature)
            }
        };
        verified.is_ok()
    }
}
