//! Certificates that an operator trusts for a model that the metadata do not have, or besides them.

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use uuid::Uuid;

/// One of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Anchor {
    /// The model.
    pub aaguid: Uuid,
    /// What people call it.
    pub description: String,
    /// The certificate at the end of its attestation chains, DER.
    pub certificate: Vec<u8>,
}

/// The text holds no certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this is no certificate in PEM text")]
pub struct AnchorError;

impl Anchor {
    /// The certificates of a PEM text, all for one model, which is called by their common name.
    ///
    /// # Errors
    /// When there are none, or one cannot be read.
    pub fn from_pem(aaguid: Uuid, text: &str) -> Result<Vec<Self>, AnchorError> {
        let read = |der: Result<CertificateDer<'_>, _>| {
            let der = der.map_err(|_| AnchorError)?;
            let (_, certificate) = x509_parser::parse_x509_certificate(&der).map_err(|_| AnchorError)?;
            let name = certificate.subject().iter_common_name().next().and_then(|name| name.as_str().ok());
            let description = name.map_or_else(|| aaguid.to_string(), str::to_owned);
            Ok(Self { aaguid, description, certificate: der.to_vec() })
        };
        let found: Vec<_> =
            CertificateDer::pem_slice_iter(text.as_bytes()).map(read).collect::<Result<_, _>>()?;
        if found.is_empty() { Err(AnchorError) } else { Ok(found) }
    }
}
