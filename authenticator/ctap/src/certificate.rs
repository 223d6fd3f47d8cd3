//! Certificates that a key signs for itself: of a key that U2F registers, and of an installation.

use std::time::Duration;

use latchkey_container::UnixTime;
use p256::ecdsa::VerifyingKey;
use p256::ecdsa::signature::Keypair;
use rand_core::CryptoRng;
use x509_cert::builder::profile::BuilderProfile;
use x509_cert::builder::{self, Builder, CertificateBuilder};
use x509_cert::certificate::TbsCertificate;
use x509_cert::der::asn1::BitString;
use x509_cert::der::oid::ObjectIdentifier;
use x509_cert::der::{DateTime, Encode};
use x509_cert::ext::Extension;
use x509_cert::name::Name;
use x509_cert::serial_number::SerialNumber;
use x509_cert::spki::{
    self, AlgorithmIdentifierOwned, DynSignatureAlgorithmIdentifier, SubjectPublicKeyInfo,
    SubjectPublicKeyInfoRef,
};
use x509_cert::time::{Time, Validity};

/// `ecdsa-with-SHA256` (RFC 5758 §3.2).
const ECDSA_WITH_SHA256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.4.3.2");

/// A certificate that waits for its signature.
pub(crate) struct Unsigned {
    builder: CertificateBuilder<SelfIssued>,
    key: Held,
    /// What is to be signed.
    pub(crate) message: Vec<u8>,
}

impl Unsigned {
    /// For a key on P-256, given by its SEC1 point. It says nothing that could become wrong, so it does not end (RFC 5280
    /// §4.1.2.5).
    pub(crate) fn new(
        subject: SelfIssued,
        point: &[u8; 65],
        now: UnixTime,
        rng: &mut dyn CryptoRng,
    ) -> builder::Result<Self> {
        let key = Held(VerifyingKey::from_sec1_bytes(point).map_err(|_| spki::Error::KeyMalformed)?);
        let mut serial = [0; 16];
        rng.fill_bytes(&mut serial);
        let since = DateTime::from_unix_duration(Duration::from_secs(now.0))?;
        let mut builder = CertificateBuilder::new(
            subject,
            SerialNumber::new(&serial)?,
            Validity::new(since.into(), Time::INFINITY),
            SubjectPublicKeyInfo::from_key(&key.0)?,
        )?;
        let message = builder.finalize(&key)?;
        Ok(Self { builder, key, message })
    }

    /// The certificate, DER.
    pub(crate) fn signed(self, signature: &[u8]) -> builder::Result<Vec<u8>> {
        Ok(self.builder.assemble(BitString::from_bytes(signature)?, &self.key)?.to_der()?)
    }
}

/// A key whose private half is elsewhere.
struct Held(VerifyingKey);

impl Keypair for Held {
    type VerifyingKey = VerifyingKey;

    fn verifying_key(&self) -> VerifyingKey {
        self.0
    }
}

impl DynSignatureAlgorithmIdentifier for Held {
    fn signature_algorithm_identifier(&self) -> spki::Result<AlgorithmIdentifierOwned> {
        Ok(AlgorithmIdentifierOwned { oid: ECDSA_WITH_SHA256, parameters: None })
    }
}

/// Who is named issues the certificate.
pub(crate) struct SelfIssued {
    pub(crate) name: Name,
    pub(crate) extensions: Vec<Extension>,
}

impl BuilderProfile for SelfIssued {
    fn get_issuer(&self, subject: &Name) -> Name {
        subject.clone()
    }

    fn get_subject(&self) -> Name {
        self.name.clone()
    }

    fn build_extensions(
        &self,
        _key: SubjectPublicKeyInfoRef<'_>,
        _issuer: SubjectPublicKeyInfoRef<'_>,
        _tbs: &TbsCertificate,
    ) -> builder::Result<Vec<Extension>> {
        Ok(self.extensions.clone())
    }
}
