//! TLS of the provider's own server: a certificate from files, or one of an own CA that `init` makes.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer,
    KeyPair, KeyUsagePurpose,
};
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use zeroize::Zeroizing;

use crate::clock::UnixTime;
use crate::secrets::write_private;

/// A CA lasts for ten years: the devices that trust it are enrolled by hand.
const CA_LIFETIME: Duration = Duration::from_hours(3650 * 24);
/// CA/Browser Forum Baseline Requirements §6.3.2 allowed 398 days; some clients refuse more.
const SERVER_LIFETIME: Duration = Duration::from_hours(397 * 24);
/// A certificate with less time than this is replaced.
const RENEW_BEFORE: Duration = Duration::from_hours(30 * 24);

/// What cannot be done. Each text says what to do.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// The file system refused.
    #[error("{path} cannot be used: {source}")]
    File {
        /// The file.
        path: String,
        /// What the file system said.
        source: std::io::Error,
    },
    /// The PEM text holds something else.
    #[error("{0} cannot be read: it must hold PEM text as `init` writes it")]
    Pem(&'static str),
    /// No certificate can be made for this.
    #[error("no certificate can be made: {0}")]
    Certificate(#[from] rcgen::Error),
    /// A server without names.
    #[error("a server certificate needs at least one name")]
    NoName,
    /// Key and certificate do not go together, or rustls cannot use them.
    #[error("the TLS certificate and key cannot be used: {0}")]
    Server(#[from] rustls::Error),
    /// Plain http would go over a network.
    #[error(
        "plain http is for loopback addresses, and {0} is none: give a TLS certificate and key, or run `init` for an \
         own CA"
    )]
    PlainOnNetwork(SocketAddr),
}

/// An own certification authority.
pub struct CertificateAuthority {
    certificate_pem: String,
    key_pem: Zeroizing<String>,
}

/// A certificate chain and its key, both PEM.
pub struct ServerCertificate {
    /// The certificate, then the CA's.
    pub chain_pem: String,
    /// The key (PKCS #8).
    pub key_pem: Zeroizing<String>,
}

impl CertificateAuthority {
    /// Makes a CA. Its key comes from the random generator of the cryptographic library.
    ///
    /// # Errors
    /// When the name cannot stand in a certificate.
    pub fn create(name: &str, now: UnixTime) -> Result<Self, TlsError> {
        let key = KeyPair::generate()?;
        let mut params = CertificateParams::default();
        params.distinguished_name = common_name(name);
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        last(&mut params, now, CA_LIFETIME)?;
        let certificate = params.self_signed(&key)?;
        Ok(Self { certificate_pem: certificate.pem(), key_pem: Zeroizing::new(key.serialize_pem()) })
    }

    /// Reads a CA that [`CertificateAuthority::save`] wrote.
    ///
    /// # Errors
    /// When a file is missing or is no PEM text of a CA.
    pub fn load(certificate: &Path, key: &Path) -> Result<Self, TlsError> {
        let ca = Self { certificate_pem: read(certificate)?.to_string(), key_pem: read(key)? };
        ca.issuer()?;
        Ok(ca)
    }

    /// Writes the CA into two new files, the key readable by the owner only.
    ///
    /// # Errors
    /// When a file exists already or cannot be written.
    pub fn save(&self, certificate: &Path, key: &Path) -> Result<(), TlsError> {
        write_pair(certificate, &self.certificate_pem, key, &self.key_pem)
    }

    /// The certificate that devices must trust.
    #[must_use]
    pub fn certificate_pem(&self) -> &str {
        &self.certificate_pem
    }

    /// A certificate for a server with these DNS names and addresses.
    ///
    /// # Errors
    /// When there is no name, or one that cannot stand in a certificate.
    pub fn issue(&self, names: &[String], now: UnixTime) -> Result<ServerCertificate, TlsError> {
        let first = names.first().ok_or(TlsError::NoName)?;
        let key = KeyPair::generate()?;
        let mut params = CertificateParams::new(names)?;
        params.distinguished_name = common_name(first);
        params.is_ca = IsCa::ExplicitNoCa;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.use_authority_key_identifier_extension = true;
        last(&mut params, now, SERVER_LIFETIME)?;
        let certificate = params.signed_by(&key, &self.issuer()?)?;
        Ok(ServerCertificate {
            chain_pem: format!("{}{}", certificate.pem(), self.certificate_pem),
            key_pem: Zeroizing::new(key.serialize_pem()),
        })
    }

    fn issuer(&self) -> Result<Issuer<'static, KeyPair>, TlsError> {
        let key = KeyPair::from_pem(&self.key_pem).map_err(|_| TlsError::Pem("the CA's key"))?;
        Issuer::from_ca_cert_pem(&self.certificate_pem, key)
            .map_err(|_| TlsError::Pem("the CA's certificate"))
    }
}

impl ServerCertificate {
    /// Reads a certificate chain and its key.
    ///
    /// # Errors
    /// When a file cannot be read.
    pub fn load(chain: &Path, key: &Path) -> Result<Self, TlsError> {
        Ok(Self { chain_pem: read(chain)?.to_string(), key_pem: read(key)? })
    }

    /// Writes both into new files, the key readable by the owner only.
    ///
    /// # Errors
    /// When a file exists already or cannot be written.
    pub fn save(&self, chain: &Path, key: &Path) -> Result<(), TlsError> {
        write_pair(chain, &self.chain_pem, key, &self.key_pem)
    }

    /// When the first certificate expires.
    ///
    /// # Errors
    /// When there is none.
    pub fn expires(&self) -> Result<UnixTime, TlsError> {
        let unreadable = TlsError::Pem("the TLS certificate");
        let Some(Ok(der)) = CertificateDer::pem_slice_iter(self.chain_pem.as_bytes()).next() else {
            return Err(unreadable);
        };
        let (_, certificate) = x509_parser::parse_x509_certificate(&der).map_err(|_| unreadable)?;
        Ok(UnixTime::from_seconds(certificate.validity().not_after.timestamp()))
    }

    /// Whether the own CA should issue another one.
    ///
    /// # Errors
    /// When there is no certificate.
    pub fn renewal_is_due(&self, now: UnixTime) -> Result<bool, TlsError> {
        Ok(self.expires()? <= now.plus(RENEW_BEFORE))
    }

    /// What a rustls server needs: TLS 1.2 and 1.3, no client certificates, http/1.1.
    ///
    /// # Errors
    /// When the texts are no PEM, or the key is another certificate's.
    pub fn server_config(&self) -> Result<Arc<ServerConfig>, TlsError> {
        let chain = CertificateDer::pem_slice_iter(self.chain_pem.as_bytes())
            .collect::<Result<Vec<_>, _>>()
            .map_err(|_| TlsError::Pem("the TLS certificate"))?;
        let key = PrivateKeyDer::from_pem_slice(self.key_pem.as_bytes())
            .map_err(|_| TlsError::Pem("the TLS key"))?;
        if chain.is_empty() {
            return Err(TlsError::Pem("the TLS certificate"));
        }
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])?
            .with_no_client_auth()
            .with_single_cert(chain, key)?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Arc::new(config))
    }
}

/// Whether plain http may be served at this address: only where no network is in between.
///
/// # Errors
/// When the address is not loopback.
pub fn allow_plain_http(listen: SocketAddr) -> Result<(), TlsError> {
    if listen.ip().to_canonical().is_loopback() { Ok(()) } else { Err(TlsError::PlainOnNetwork(listen)) }
}

/// A subject that is only a name.
pub(crate) fn common_name(name: &str) -> DistinguishedName {
    let mut distinguished = DistinguishedName::new();
    distinguished.push(DnType::CommonName, name);
    distinguished
}

/// Valid from yesterday, for clocks that are behind.
pub(crate) fn last(
    params: &mut CertificateParams,
    now: UnixTime,
    lifetime: Duration,
) -> Result<(), TlsError> {
    let day = |time: UnixTime| {
        let date =
            jiff::Timestamp::from_second(time.seconds()).ok()?.to_zoned(jiff::tz::TimeZone::UTC).date();
        let (month, day) = (u8::try_from(date.month()).ok()?, u8::try_from(date.day()).ok()?);
        Some(rcgen::date_time_ymd(i32::from(date.year()), month, day))
    };
    let outside = TlsError::Certificate(rcgen::Error::Time);
    let from = day(now.minus(Duration::from_hours(24)));
    let (Some(from), Some(until)) = (from, day(now.plus(lifetime))) else { return Err(outside) };
    params.not_before = from;
    params.not_after = until;
    Ok(())
}

fn read(path: &Path) -> Result<Zeroizing<String>, TlsError> {
    std::fs::read_to_string(path).map(Zeroizing::new).map_err(|source| file_error(path, source))
}

fn write_pair(certificate: &Path, certificate_pem: &str, key: &Path, key_pem: &str) -> Result<(), TlsError> {
    // The key first: a certificate without its key is of no use, so it must not be there alone after a crash.
    write_private(key, key_pem.as_bytes()).map_err(|source| file_error(key, source))?;
    write_private(certificate, certificate_pem.as_bytes()).map_err(|source| file_error(certificate, source))
}

fn file_error(path: &Path, source: std::io::Error) -> TlsError {
    TlsError::File { path: path.display().to_string(), source }
}

#[cfg(test)]
mod tests;
