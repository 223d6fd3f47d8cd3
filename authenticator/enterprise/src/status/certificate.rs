//! What the report says of the device certificate.

use std::fmt::Write as _;

use latchkey_container::UnixTime;
use sha1::{Digest as _, Sha1};
use x509_parser::prelude::{FromDer as _, X509Certificate};

/// A certificate's thumbprint and validity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Certificate {
    /// SHA-1 in upper-case hexadecimal, by which Windows' tools name certificates.
    pub thumbprint: String,
    /// From when it is good.
    pub from: UnixTime,
    /// Until when.
    pub until: UnixTime,
}

/// What is stored of the registration is no certificate, or no provider's address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("what is stored of the registration cannot be read: leave the tenant and join again")]
pub struct CertificateError;

impl Certificate {
    /// Reads DER.
    ///
    /// # Errors
    /// When it is none, or is of before 1970.
    pub fn read(der: &[u8]) -> Result<Self, CertificateError> {
        let (rest, certificate) = X509Certificate::from_der(der).map_err(|_| CertificateError)?;
        let validity = certificate.validity();
        let [from, until] = [validity.not_before, validity.not_after]
            .map(|time| u64::try_from(time.timestamp()).map(UnixTime).map_err(|_| CertificateError));
        if !rest.is_empty() {
            return Err(CertificateError);
        }
        let mut thumbprint = String::new();
        for byte in Sha1::digest(der) {
            let _infallible = write!(thumbprint, "{byte:02X}");
        }
        Ok(Self { thumbprint, from: from?, until: until? })
    }
}
