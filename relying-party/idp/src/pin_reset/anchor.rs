//! The PIN reset anchor: an own CA for the service's keys alone. A device learns it when it joins and believes no key that it
//! did not certify, so that whoever holds some other CA's certificate for the service's name gets no secret.

use std::time::Duration;

use p256::PublicKey;
use p256::pkcs8::EncodePublicKey as _;
use rcgen::{
    BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, KeyUsagePurpose, SubjectPublicKeyInfo,
};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer};
use zeroize::Zeroizing;

use crate::clock::UnixTime;
use crate::tls::{TlsError, common_name, last};

/// Devices keep the anchor for as long as they are joined.
const LIFETIME: Duration = Duration::from_hours(3650 * 24);
/// What a stored anchor that cannot be read is called in errors.
const STORED: TlsError = TlsError::Pem("the stored PIN reset anchor");

/// What a certified key is for.
#[derive(Clone, Copy, Debug)]
pub(super) enum Usage {
    /// Secrets are encrypted to it.
    Agreement,
    /// It signs points.
    Signature,
}

/// A certificate.
pub(super) struct Certified {
    /// DER.
    pub(super) certificate: Vec<u8>,
    /// When it ends.
    pub(super) expires_at: UnixTime,
}

/// The CA, opened.
pub(super) struct Anchor {
    certificate: Vec<u8>,
    key: KeyPair,
}

impl Anchor {
    /// A new one, as PEM text of its certificate and key.
    pub(super) fn create(now: UnixTime) -> Result<Zeroizing<String>, TlsError> {
        let key = KeyPair::generate()?;
        let mut params = params("PIN reset anchor", now, LIFETIME)?;
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let certificate = params.self_signed(&key)?;
        let private = Zeroizing::new(key.serialize_pem());
        Ok(Zeroizing::new(format!("{}{}", certificate.pem(), *private)))
    }

    /// Reads what [`Anchor::create`] made.
    pub(super) fn open(pem: &[u8]) -> Result<Self, TlsError> {
        let certificate = CertificateDer::from_pem_slice(pem).map_err(|_| STORED)?.to_vec();
        let key = PrivatePkcs8KeyDer::from_pem_slice(pem).map_err(|_| STORED)?;
        let key = KeyPair::try_from(&key)?;
        Ok(Self { certificate, key })
    }

    /// The certificate that devices pin, DER.
    pub(super) fn certificate(&self) -> &[u8] {
        &self.certificate
    }

    /// A certificate for a key of the service, DER, valid for `lifetime`.
    pub(super) fn certify(
        &self,
        (name, key): (&str, &PublicKey),
        usage: Usage,
        (now, lifetime): (UnixTime, Duration),
    ) -> Result<Certified, TlsError> {
        let mut params = params(name, now, lifetime)?;
        params.is_ca = IsCa::ExplicitNoCa;
        params.key_usages = vec![match usage {
            Usage::Agreement => KeyUsagePurpose::KeyAgreement,
            Usage::Signature => KeyUsagePurpose::DigitalSignature,
        }];
        params.use_authority_key_identifier_extension = true;
        let spki = key.to_public_key_der().map_err(|_| rcgen::Error::UnsupportedSignatureAlgorithm)?;
        let spki = SubjectPublicKeyInfo::from_der(spki.as_bytes())?;
        let certificate = CertificateDer::from(self.certificate.as_slice());
        let issuer = Issuer::from_ca_cert_der(&certificate, &self.key)?;
        let certificate = params.signed_by(&spki, &issuer)?.der().to_vec();
        Ok(Certified { certificate, expires_at: UnixTime::from_seconds(params.not_after.unix_timestamp()) })
    }
}

fn params(name: &str, now: UnixTime, lifetime: Duration) -> Result<CertificateParams, TlsError> {
    let mut params = CertificateParams::default();
    params.distinguished_name = common_name(name);
    last(&mut params, now, lifetime)?;
    Ok(params)
}
