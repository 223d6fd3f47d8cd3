//! The certificate that a U2F registration must have: the new key's own, signed by itself.
//!
//! U2F knows no registration without one. A certificate that all keys of this authenticator share would tell two sites that
//! they have the same visitor; this one says what self attestation says, and no more.

use std::str::FromStr;
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
use x509_cert::time::Validity;

/// It says nothing that could become wrong.
const LIFETIME: Duration = Duration::from_hours(30 * 365 * 24);
/// `ecdsa-with-SHA256` (RFC 5758 §3.2).
const ECDSA_WITH_SHA256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.4.3.2");

/// A certificate that waits for its signature.
pub(super) struct Unsigned {
    builder: CertificateBuilder<SelfIssued>,
    key: Held,
    /// What is to be signed.
    pub(super) message: Vec<u8>,
}

impl Unsigned {
    /// For a key on P-256, given by its SEC1 point.
    pub(super) fn new(point: &[u8; 65], now: UnixTime, rng: &mut dyn CryptoRng) -> builder::Result<Self> {
        let key = Held(VerifyingKey::from_sec1_bytes(point).map_err(|_| spki::Error::KeyMalformed)?);
        let mut serial = [0; 16];
        rng.fill_bytes(&mut serial);
        let since = Duration::from_secs(now.0);
        let until = since.saturating_add(LIFETIME);
        let time = |since| DateTime::from_unix_duration(since).map(Into::into);
        let mut builder = CertificateBuilder::new(
            SelfIssued(Name::from_str("CN=Latchkey U2F key")?),
            SerialNumber::new(&serial)?,
            Validity::new(time(since)?, time(until)?),
            SubjectPublicKeyInfo::from_key(&key.0)?,
        )?;
        let message = builder.finalize(&key)?;
        Ok(Self { builder, key, message })
    }

    /// The certificate, DER.
    pub(super) fn signed(self, signature: &[u8]) -> builder::Result<Vec<u8>> {
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

/// Who is named issues it, and it says no more.
struct SelfIssued(Name);

impl BuilderProfile for SelfIssued {
    fn get_issuer(&self, subject: &Name) -> Name {
        subject.clone()
    }

    fn get_subject(&self) -> Name {
        self.0.clone()
    }

    fn build_extensions(
        &self,
        _key: SubjectPublicKeyInfoRef<'_>,
        _issuer: SubjectPublicKeyInfoRef<'_>,
        _tbs: &TbsCertificate,
    ) -> builder::Result<Vec<Extension>> {
        Ok(Vec::new())
    }
}
