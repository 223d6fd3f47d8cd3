//! The two certification authorities of the device registration service: one for devices, one for attestation keys. Their
//! keys lie sealed in the database, so that all processes of a provider have the same.

mod profile;

use std::fmt;

use p256::ecdsa::{DerSignature, SigningKey};
use p256::elliptic_curve::Generate as _;
use p256::pkcs8::{DecodePrivateKey as _, EncodePrivateKey as _, EncodePublicKey as _, LineEnding};
use rand_core::CryptoRng;
use sha2::{Digest as _, Sha256};
use uuid::Uuid;
use x509_cert::Certificate;
use x509_cert::builder::{Builder as _, CertificateBuilder};
use x509_cert::der::{DecodePem as _, Encode as _, EncodePem as _};
use x509_cert::name::Name;
use x509_cert::serial_number::SerialNumber;
use x509_cert::spki::SubjectPublicKeyInfoOwned;
use x509_parser::certificate::X509Certificate;
use x509_parser::prelude::FromDer as _;
use x509_parser::x509::SubjectPublicKeyInfo;
use zeroize::Zeroizing;

use crate::clock::UnixTime;
use crate::secrets::{OpenError, Place, Purpose, SealingKeys};
use crate::storage::{self, Database};
use profile::Profile;
pub use profile::{IssuedFor, TpmIdentity};

/// Why an authority cannot be opened, or does not issue.
#[derive(Debug, thiserror::Error)]
pub enum AuthorityError {
    /// The database.
    #[error(transparent)]
    Storage(#[from] storage::Error),
    /// Its key is sealed under another key.
    #[error("the key of a certification authority cannot be opened: {0}")]
    Sealed(#[from] OpenError),
    /// What was sealed is no authority.
    #[error("a stored certification authority is damaged: restore the database from a backup")]
    Damaged,
    /// No certificate can be made for this key or name.
    #[error("no certificate can be made: {0}")]
    Certificate(x509_cert::builder::Error),
}

/// Both authorities.
pub struct Authorities {
    /// Issues certificates of devices.
    pub device: Authority,
    /// Issues certificates of attestation keys.
    pub attestation: Authority,
}

/// A certification authority.
pub struct Authority {
    key: SigningKey,
    certificate: Certificate,
    der: Vec<u8>,
    spki: Vec<u8>,
    invocation: Uuid,
}

impl Authorities {
    /// Opens the authorities of a database; makes them, if it has none.
    ///
    /// # Errors
    /// When they cannot be read, made or opened.
    pub async fn open(
        database: &Database,
        sealing: &SealingKeys,
        now: UnixTime,
        rng: &mut (dyn CryptoRng + Send),
    ) -> Result<Self, AuthorityError> {
        // The names that brokers know. What is in a certificate is for them; whose it is says the signature.
        let device = |guid| format!("OU={guid},CN=MS-Organization-Access,DC=windows,DC=net");
        let attestation = |guid| format!("OU={guid},CN=Latchkey ID attestation keys");
        Ok(Self {
            device: Authority::stored(database, sealing, ("device-ca", device), (now, &mut *rng)).await?,
            attestation: Authority::stored(database, sealing, ("attestation-ca", attestation), (now, rng))
                .await?,
        })
    }
}

impl Authority {
    async fn stored(
        database: &Database,
        sealing: &SealingKeys,
        (name, subject): (&'static str, impl Fn(Uuid) -> String),
        (now, rng): (UnixTime, &mut (dyn CryptoRng + Send)),
    ) -> Result<Self, AuthorityError> {
        let place = Place { purpose: Purpose::ServiceKey, row: name.as_bytes() };
        let stored = database.signing_keys().stored_service_key(name).await?;
        let stored = if let Some(stored) = stored {
            stored
        } else {
            let proposed = Self::propose(subject, now, rng)?;
            let proposed = sealing.seal(place, proposed.as_bytes(), rng);
            database.signing_keys().service_key(name, &proposed).await?
        };
        let text = sealing.open(place, &stored)?;
        Self::parse(std::str::from_utf8(&text).map_err(|_| AuthorityError::Damaged)?)
    }

    /// A new authority: its certificate and its key, PEM.
    fn propose(
        subject: impl Fn(Uuid) -> String,
        now: UnixTime,
        rng: &mut dyn CryptoRng,
    ) -> Result<Zeroizing<String>, AuthorityError> {
        let key = SigningKey::generate_from_rng(rng);
        let spki = SubjectPublicKeyInfoOwned::from_key(key.verifying_key()).map_err(made)?;
        let guid = guid(&spki.to_der().map_err(made)?);
        let profile = Profile::authority(subject(guid).parse().map_err(made)?, now).map_err(made)?;
        let certificate = build(profile, spki, guid, &key)?.to_pem(LineEnding::LF).map_err(made)?;
        let key = key.to_pkcs8_pem(LineEnding::LF).map_err(|_| AuthorityError::Damaged)?;
        Ok(Zeroizing::new(format!("{certificate}{}", key.as_str())))
    }

    fn parse(text: &str) -> Result<Self, AuthorityError> {
        let damaged = || AuthorityError::Damaged;
        let (certificate, key) = text.split_at(text.find("-----BEGIN PRIVATE KEY").ok_or_else(damaged)?);
        let certificate = Certificate::from_pem(certificate).map_err(|_| damaged())?;
        let key = SigningKey::from_pkcs8_pem(key).map_err(|_| damaged())?;
        let spki = key.verifying_key().to_public_key_der().map_err(|_| damaged())?.into_vec();
        Ok(Self {
            der: certificate.to_der().map_err(|_| damaged())?,
            invocation: guid(&spki),
            key,
            certificate,
            spki,
        })
    }

    /// Its own certificate, DER.
    #[must_use]
    pub fn certificate(&self) -> &[u8] {
        &self.der
    }

    /// Whether this authority signed a certificate. Its validity is for the caller to judge.
    #[must_use]
    pub fn issued(&self, certificate: &X509Certificate<'_>) -> bool {
        let Ok((_, spki)) = SubjectPublicKeyInfo::from_der(&self.spki) else { return false };
        certificate.verify_signature(Some(&spki)).is_ok()
    }

    /// A certificate for a device whose public key is `spki` (`SubjectPublicKeyInfo`, DER). `serial` is random.
    ///
    /// # Errors
    /// When the key is malformed.
    pub fn certify_device(
        &self,
        issued_for: &IssuedFor,
        spki: &[u8],
        (now, serial): (UnixTime, Uuid),
    ) -> Result<Vec<u8>, AuthorityError> {
        let profile = Profile::device(self.name(), self.invocation, issued_for, now).map_err(made)?;
        self.issue(profile, spki, serial)
    }

    /// A certificate for the attestation key of a TPM.
    ///
    /// # Errors
    /// When the key is malformed.
    pub fn certify_attestation_key(
        &self,
        tpm: &TpmIdentity,
        spki: &[u8],
        (now, serial): (UnixTime, Uuid),
    ) -> Result<Vec<u8>, AuthorityError> {
        self.issue(Profile::attestation_key(self.name(), tpm, now).map_err(made)?, spki, serial)
    }

    fn name(&self) -> Name {
        self.certificate.tbs_certificate().subject().clone()
    }

    fn issue(&self, profile: Profile, spki: &[u8], serial: Uuid) -> Result<Vec<u8>, AuthorityError> {
        let spki = SubjectPublicKeyInfoOwned::try_from(spki).map_err(made)?;
        build(profile, spki, serial, &self.key)?.to_der().map_err(made)
    }
}

impl fmt::Debug for Authority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Authority({})", self.certificate.tbs_certificate().subject())
    }
}

impl fmt::Debug for Authorities {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entry(&self.device).entry(&self.attestation).finish()
    }
}

fn build(
    profile: Profile,
    spki: SubjectPublicKeyInfoOwned,
    serial: Uuid,
    key: &SigningKey,
) -> Result<Certificate, AuthorityError> {
    let serial = SerialNumber::new(serial.as_bytes()).map_err(made)?;
    let validity = profile.validity;
    let builder = CertificateBuilder::new(profile, serial, validity, spki).map_err(made)?;
    builder.build::<_, DerSignature>(key).map_err(made)
}

fn made(error: impl Into<x509_cert::builder::Error>) -> AuthorityError {
    AuthorityError::Certificate(error.into())
}

/// The name of an authority whose key this is.
fn guid(spki: &[u8]) -> Uuid {
    let hash: [u8; 32] = Sha256::digest(spki).into();
    uuid::Builder::from_custom_bytes(*hash.first_chunk().unwrap_or(&[0; 16])).into_uuid()
}
