//! What stands in the certificates that are issued.

use std::str::FromStr as _;
use std::time::Duration;

use uuid::Uuid;
use x509_cert::builder;
use x509_cert::builder::profile::BuilderProfile;
use x509_cert::certificate::TbsCertificate;
use x509_cert::der::asn1::{OctetString, Utf8StringRef};
use x509_cert::der::oid::{AssociatedOid as _, ObjectIdentifier};
use x509_cert::der::{self, DateTime, Encode};
use x509_cert::ext::Extension;
use x509_cert::ext::pkix::name::GeneralName;
use x509_cert::ext::pkix::{
    AuthorityKeyIdentifier, BasicConstraints, ExtendedKeyUsage, KeyUsage, KeyUsages, SubjectAltName,
    SubjectKeyIdentifier,
};
use x509_cert::name::Name;
use x509_cert::spki::SubjectPublicKeyInfoRef;
use x509_cert::time::{Time, Validity};

use crate::clock::UnixTime;
use crate::domain::{DeviceId, JoinType, TenantId, UserId};
use crate::hex;

/// A device certificate lasts for ten years: the row of the device is what decides.
const LIFETIME: Duration = Duration::from_hours(10 * 365 * 24);
/// An authority outlives what it issues.
const AUTHORITY_LIFETIME: Duration = Duration::from_hours(30 * 365 * 24);
/// For clocks that are behind.
const BACKDATED: Duration = Duration::from_hours(1);
const CLIENT_AUTHENTICATION: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.2");
/// `tcg-kp-AIKCertificate` (TCG EK Credential Profile 2.0 §3.2.16, WebAuthn L3 §8.3.1).
const ATTESTATION_KEY: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.23.133.8.3");

/// Whom a device certificate is for.
#[derive(Clone, Copy, Debug)]
pub struct IssuedFor {
    /// The device.
    pub device: DeviceId,
    /// Who registers it.
    pub user: UserId,
    /// The tenant.
    pub tenant: TenantId,
    /// How it belongs to the tenant.
    pub join: JoinType,
}

/// What the maker of a TPM says about it, for the certificate of its attestation key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TpmIdentity {
    /// `id:` and the maker's number in the TCG's list, hexadecimal.
    pub manufacturer: String,
    /// The model.
    pub model: String,
    /// `id:` and the version of its firmware, hexadecimal.
    pub version: String,
}

/// A certificate that is to be made.
pub(super) struct Profile {
    issuer: Name,
    subject: Name,
    extensions: Vec<Extension>,
    pub(super) validity: Validity,
}

impl Profile {
    /// An authority's own certificate.
    pub(super) fn authority(subject: Name, now: UnixTime) -> der::Result<Self> {
        let constraints = BasicConstraints { ca: true, path_len_constraint: Some(0) };
        let usage = KeyUsage(KeyUsages::KeyCertSign | KeyUsages::CRLSign);
        Ok(Self {
            issuer: subject.clone(),
            subject,
            extensions: vec![
                extension(BasicConstraints::OID, true, &constraints)?,
                extension(KeyUsage::OID, true, &usage)?,
            ],
            validity: validity(now, AUTHORITY_LIFETIME)?,
        })
    }

    /// A device's (wire reference, section 1.5). `invocation` stands for the directory that issued it.
    pub(super) fn device(
        issuer: Name,
        invocation: Uuid,
        issued_for: &IssuedFor,
        now: UnixTime,
    ) -> der::Result<Self> {
        let IssuedFor { device, user, tenant, join } = issued_for;
        let guid = |guid: Uuid| marked(&guid.to_bytes_le());
        let join = match join {
            JoinType::Joined => b"0",
            JoinType::Registered => b"1",
        };
        let mut extensions = leaf(CLIENT_AUTHENTICATION, true)?;
        for (arc, value) in [
            (1, guid(invocation)),
            (2, guid(device.guid())),
            (3, guid(user.guid())),
            (4, guid(tenant.guid())),
            (5, guid(tenant.guid())),
            (7, marked(join)),
            (8, marked(b"EU")),
        ] {
            extensions.push(Extension {
                extn_id: ObjectIdentifier::new(&format!("1.2.840.113556.1.5.284.{arc}"))?,
                critical: false,
                extn_value: OctetString::new(value)?,
            });
        }
        Ok(Self {
            issuer,
            subject: Name::from_str(&format!("CN={device}"))?,
            extensions,
            validity: validity(now, LIFETIME)?,
        })
    }

    /// An attestation key's (WebAuthn L3 §8.3.1): no subject, and the TPM in an alternative name, which is critical for that.
    pub(super) fn attestation_key(issuer: Name, tpm: &TpmIdentity, now: UnixTime) -> der::Result<Self> {
        let mut parts = Vec::new();
        for (arc, text) in [(1, &tpm.manufacturer), (2, &tpm.model), (3, &tpm.version)] {
            let value = hex::digits(&Utf8StringRef::new(text)?.to_der()?);
            parts.push(format!("2.23.133.2.{arc}=#{value}"));
        }
        let name = SubjectAltName(vec![GeneralName::DirectoryName(Name::from_str(&parts.join("+"))?)]);
        // Critical, as webauthn-rs wants it; the specification leaves it open.
        let mut extensions = leaf(ATTESTATION_KEY, true)?;
        extensions.push(extension(SubjectAltName::OID, true, &name)?);
        Ok(Self { issuer, subject: Name::default(), extensions, validity: validity(now, LIFETIME)? })
    }
}

impl BuilderProfile for Profile {
    fn get_issuer(&self, _: &Name) -> Name {
        self.issuer.clone()
    }

    fn get_subject(&self) -> Name {
        self.subject.clone()
    }

    fn build_extensions(
        &self,
        key: SubjectPublicKeyInfoRef<'_>,
        issuer: SubjectPublicKeyInfoRef<'_>,
        _: &TbsCertificate,
    ) -> builder::Result<Vec<Extension>> {
        let mut extensions = self.extensions.clone();
        let (key, issuer) = (SubjectKeyIdentifier::try_from(key)?, AuthorityKeyIdentifier::try_from(issuer)?);
        extensions.push(extension(SubjectKeyIdentifier::OID, false, &key)?);
        extensions.push(extension(AuthorityKeyIdentifier::OID, false, &issuer)?);
        Ok(extensions)
    }
}

/// What stands in every certificate that is no authority's.
fn leaf(purpose: ObjectIdentifier, critical: bool) -> der::Result<Vec<Extension>> {
    let constraints = BasicConstraints { ca: false, path_len_constraint: None };
    let usage = KeyUsage(KeyUsages::DigitalSignature.into());
    Ok(vec![
        extension(BasicConstraints::OID, true, &constraints)?,
        extension(KeyUsage::OID, true, &usage)?,
        extension(ExtendedKeyUsage::OID, critical, &ExtendedKeyUsage(vec![purpose]))?,
    ])
}

fn extension(id: ObjectIdentifier, critical: bool, value: &impl Encode) -> der::Result<Extension> {
    Ok(Extension { extn_id: id, critical, extn_value: OctetString::new(value.to_der()?)? })
}

/// An octet string with its length in two bytes, as brokers expect it and DER would not write it.
fn marked(bytes: &[u8]) -> Vec<u8> {
    let length = u8::try_from(bytes.len()).unwrap_or(u8::MAX);
    [&[0x04, 0x81, length], bytes].concat()
}

fn validity(now: UnixTime, lifetime: Duration) -> der::Result<Validity> {
    let time = |time: UnixTime| -> der::Result<Time> {
        let since = Duration::from_secs(u64::try_from(time.seconds()).unwrap_or_default());
        Ok(DateTime::from_unix_duration(since)?.into())
    };
    Ok(Validity::new(time(now.minus(BACKDATED))?, time(now.plus(lifetime))?))
}
