//! A user registers a device (MS-DVRJ 3.1.5.1; wire reference, section 1.5).

use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use x509_parser::certification_request::X509CertificationRequest;
use x509_parser::prelude::FromDer as _;
use x509_parser::public_key::PublicKey as CertifiedKey;

use super::attestation::{self, Attested, Binary, Evidence};
use super::authority::IssuedFor;
use super::policy;
use super::refused::RegistrationRefusal;
use crate::domain::{
    Amr, Authority, Device, DeviceAttestation, DeviceId, DeviceSystem, JoinType, Rsa1, Tenant, User,
    security_identifier,
};
use crate::oauth::bearer::OnBehalf;
use crate::provider::Provider;
use crate::storage::{NewDevice, Placed};
use crate::tokens::PublicKey;

/// The group of a device's administrators.
const ADMINISTRATORS: &str = "S-1-5-32-544";
const LONGEST_TEXT: usize = 128;

/// The request, as brokers write it.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Join {
    certificate_request: CertificateRequest,
    transport_key: Binary,
    #[serde(default)]
    device_type: String,
    #[serde(default, rename = "OSVersion")]
    os_version: String,
    #[serde(default)]
    device_display_name: String,
    #[serde(default, rename = "JoinType")]
    kind: u32,
    attestation_data: Option<Binary>,
    #[serde(default, rename = "attributes", alias = "Attributes")]
    attributes: Attributes,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct CertificateRequest {
    r#type: String,
    data: Binary,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Attributes {
    /// `"true"`, in whichever case and type.
    reuse_device: Option<Value>,
}

/// A key whose holder asks for a certificate.
struct Requested {
    key: Rsa1,
    /// `SubjectPublicKeyInfo`, DER.
    spki: Vec<u8>,
}

/// Registers a device for the user of a token. Done twice with one key it is the same device.
///
/// # Errors
/// When the tenant does not allow it, or something does not hold; then nothing was changed.
pub async fn join(
    provider: &Provider,
    on_behalf: &OnBehalf,
    join: &Join,
) -> Result<(Device, Value), RegistrationRefusal> {
    let user = &on_behalf.user;
    let tenant =
        provider.tenant(&Authority::Tenant(user.tenant)).await?.ok_or(RegistrationRefusal::Tenant)?;
    let allowed = &tenant.policy.devices;
    if !allowed.admits(user) {
        return Err(RegistrationRefusal::NotAllowed);
    }
    if allowed.multifactor && !on_behalf.grant.authentication.methods.contains(&Amr::Mfa) {
        return Err(RegistrationRefusal::Multifactor);
    }
    let requested = Requested::read(&join.certificate_request)?;
    let transport_key =
        transport_key(&join.transport_key.0).ok_or(RegistrationRefusal::Key("transport key"))?;
    let system = system(join)?;
    let attested = attested(provider, user, join, (&requested.key, &transport_key)).await?;
    let attestation = attested.as_ref().map_or(DeviceAttestation::None, |attested| attested.attestation);
    if !allowed.attestation.satisfied_by(attestation) {
        return Err(RegistrationRefusal::AttestationRequired(match attestation {
            DeviceAttestation::None => "the request has no attestation",
            DeviceAttestation::Verified | DeviceAttestation::Trusted => "nobody vouches for this TPM",
        }));
    }
    let device_key: [u8; 32] = Sha256::digest(&requested.spki).into();
    let known = provider.database.devices().with_key(user.id, &device_key).await?;
    // A device that was disabled does not come back by registering again.
    if let Some(known) = known.as_ref().filter(|known| !known.enabled) {
        return Err(super::DeviceRefusal::disabled(known).into());
    }
    let now = provider.now();
    let id = known.as_ref().map_or_else(|| DeviceId::new(provider.guid()), |known| known.id);
    let issued_for = IssuedFor { device: id, user: user.id, tenant: tenant.id, join: system.join };
    let authorities = &provider.authorities;
    let certificate =
        authorities.device.certify_device(&issued_for, &requested.spki, (now, provider.guid()))?;
    let device = Device {
        id,
        tenant: tenant.id,
        owner: user.id,
        name: name(join)?,
        system,
        certificate,
        transport_key,
        attestation,
        tpm: attested.as_ref().map(|attested| attested.tpm.clone()),
        enabled: true,
        created_at: known.as_ref().map_or(now, |known| known.created_at),
        last_seen_at: known.and_then(|known| known.last_seen_at),
    };
    let quota = allowed.quota;
    let reuses_name = join.attributes.reuses_device();
    let new = NewDevice { device: &device, device_key: &device_key, reuses_name, quota };
    match provider.database.devices().place(&new, now).await? {
        Placed::Registered(_) => {}
        Placed::Quota => return Err(RegistrationRefusal::Quota(quota)),
        Placed::Taken => return Err(RegistrationRefusal::KeyTaken),
    }
    let answer = answer(provider, (&tenant, user), &device, attested.as_ref()).await?;
    Ok((device, answer))
}

impl Requested {
    /// Reads a certificate request whose signer holds the key that it is for (RFC 2986 §3).
    fn read(request: &CertificateRequest) -> Result<Self, RegistrationRefusal> {
        if !request.r#type.eq_ignore_ascii_case("pkcs10") {
            return Err(RegistrationRefusal::Malformed("CertificateRequest.Type must be pkcs10"));
        }
        let malformed = || RegistrationRefusal::Malformed("CertificateRequest.Data is no PKCS #10 request");
        let (rest, csr) = X509CertificationRequest::from_der(&request.data.0).map_err(|_| malformed())?;
        if !rest.is_empty() {
            return Err(malformed());
        }
        csr.verify_signature().map_err(|_| RegistrationRefusal::Possession)?;
        let spki = &csr.certification_request_info.subject_pki;
        let Ok(CertifiedKey::RSA(rsa)) = spki.parsed() else {
            return Err(RegistrationRefusal::Key("device key"));
        };
        let key = Rsa1::new(rsa.exponent, rsa.modulus.strip_prefix(&[0]).unwrap_or(rsa.modulus));
        let key = key.ok_or(RegistrationRefusal::Key("device key"))?;
        Ok(Self { key, spki: spki.raw.to_vec() })
    }
}

impl Attributes {
    fn reuses_device(&self) -> bool {
        match &self.reuse_device {
            Some(Value::Bool(value)) => *value,
            Some(Value::String(text)) => text.eq_ignore_ascii_case("true"),
            Some(_) | None => false,
        }
    }
}

/// A transport key as Windows writes it, or as a JWK.
fn transport_key(bytes: &[u8]) -> Option<Rsa1> {
    if let Some(key) = Rsa1::parse(bytes) {
        return Some(key);
    }
    match PublicKey::from_jwk(&serde_json::from_slice(bytes).ok()?)? {
        PublicKey::Rsa { n, e } => Rsa1::new(&e, &n),
        PublicKey::P256(_) => None,
    }
}

async fn attested(
    provider: &Provider,
    user: &User,
    join: &Join,
    keys: (&Rsa1, &Rsa1),
) -> Result<Option<Attested>, RegistrationRefusal> {
    let Some(data) = &join.attestation_data else { return Ok(None) };
    let evidence: Evidence = serde_json::from_slice(&data.0).map_err(|_| {
        RegistrationRefusal::Malformed("AttestationData is not of the profile latchkey-tpm-1")
    })?;
    attestation::device(provider, user.id, &evidence, keys).await.map(Some)
}

fn system(join: &Join) -> Result<DeviceSystem, RegistrationRefusal> {
    let kind = JoinType::from_number(join.kind);
    let kind = kind.ok_or(RegistrationRefusal::Malformed("JoinType must be 0 (joined) or 4 (registered)"))?;
    Ok(DeviceSystem { kind: text(&join.device_type)?, version: text(&join.os_version)?, join: kind })
}

fn name(join: &Join) -> Result<String, RegistrationRefusal> {
    let name = text(&join.device_display_name)?;
    Ok(if name.is_empty() { "Device without a name".to_owned() } else { name })
}

/// A text that a device says about itself.
fn text(text: &str) -> Result<String, RegistrationRefusal> {
    let text = text.trim();
    if text.chars().count() > LONGEST_TEXT || text.chars().any(char::is_control) {
        return Err(RegistrationRefusal::Malformed("a text is too long or has control characters"));
    }
    Ok(text.to_owned())
}

async fn answer(
    provider: &Provider,
    (tenant, user): (&Tenant, &User),
    device: &Device,
    attested: Option<&Attested>,
) -> Result<Value, RegistrationRefusal> {
    // The thumbprint only names the certificate.
    let thumbprint = digest(&SHA1_FOR_LEGACY_USE_ONLY, &device.certificate);
    let thumbprint: Vec<_> = thumbprint.as_ref().iter().map(|byte| format!("{byte:02X}")).collect();
    let mut answer = json!({
        "Certificate": {
            "Thumbprint": thumbprint.concat(),
            "RawBody": STANDARD.encode(&device.certificate),
        },
        "User": { "Upn": user.upn },
        "MembershipChanges": [
            { "LocalSID": ADMINISTRATORS, "AddSIDs": [security_identifier(user.id.guid())] },
        ],
        "DeviceId": device.id,
        "TenantId": tenant.id,
        "Policy": policy::document(provider, tenant, user.id).await?,
    });
    let spki = attested.and_then(|attested| Some((attested, attested.attestation_key.spki()?)));
    if let (Some((attested, spki)), Some(members)) = (spki, answer.as_object_mut()) {
        let serial = (provider.now(), provider.guid());
        let issuer = &provider.authorities.attestation;
        let certificate = issuer.certify_attestation_key(&attested.identity, &spki, serial)?;
        let certificate = json!({
            "RawBody": STANDARD.encode(certificate),
            "Issuer": STANDARD.encode(issuer.certificate()),
        });
        members.insert("AttestationKeyCertificate".to_owned(), certificate);
    }
    Ok(answer)
}
