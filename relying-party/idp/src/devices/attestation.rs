//! The attestation profile `latchkey-tpm-1`: from the endorsement key of a TPM to each of a device's keys.
//!
//! A device shows its endorsement key and an attestation key, and is given a secret that only a TPM with both can open. With
//! the opened secret it registers, and the attestation key certifies device key and transport key for this very challenge;
//! later it certifies each enterprise key for a nonce.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

use super::authority::TpmIdentity;
use super::endorsement;
use super::refused::RegistrationRefusal;
use super::tpm::{self, CertifyError, Key, PublicArea};
use crate::domain::{Device, DeviceAttestation, DeviceTpm, OpaqueHash, Rsa1, UserId};
use crate::provider::Provider;
use crate::storage::PendingAttestation;

/// The name of the profile.
pub const PROFILE: &str = "latchkey-tpm-1";
/// How long a challenge may be answered.
const CHALLENGE: std::time::Duration = std::time::Duration::from_mins(10);

/// Why an attestation does not hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AttestationFault {
    /// Another profile.
    #[error("only the profile latchkey-tpm-1 is known")]
    Profile,
    /// No credential can be made for this endorsement key.
    #[error("the endorsement key must be of the TCG's default template: RSA or P-256, restricted, AES-128")]
    EndorsementKey,
    /// Nothing that this key signs proves anything.
    #[error("the attestation key must be a restricted P-256 signing key that was made in the TPM")]
    AttestationKey,
    /// The challenge is not one that this user may answer.
    #[error("the challenge was answered before, is too old, or was never given to this user")]
    Challenge,
    /// The secret was not opened.
    #[error("the secret was not opened by the TPM that it was made for")]
    Activation,
    /// A certification.
    #[error("the certification of the {0}: {1}")]
    Certification(&'static str, CertifyError),
    /// The TPM certified a key, and another one is being registered.
    #[error("the {0} is not the key that was certified")]
    OtherKey(&'static str),
    /// The key may do more, or less, than it should.
    #[error("the {0} has other attributes than it must have")]
    Attributes(&'static str),
    /// The device has no TPM that was verified.
    #[error("the device was registered without attestation: register it again")]
    NotAttested,
}

impl AttestationFault {
    /// A stable word for programs and logs.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Profile => "attestation_profile",
            Self::EndorsementKey => "endorsement_key",
            Self::AttestationKey => "attestation_key",
            Self::Challenge => "attestation_challenge",
            Self::Activation => "attestation_activation",
            Self::Certification(_, CertifyError::Malformed(..) | CertifyError::Kind) => {
                "attestation_malformed"
            }
            Self::Certification(_, CertifyError::Purpose) => "attestation_purpose",
            Self::Certification(_, CertifyError::Name) => "attestation_name",
            Self::Certification(_, CertifyError::Signature) => "attestation_signature",
            Self::OtherKey(_) => "attestation_other_key",
            Self::Attributes(_) => "attestation_attributes",
            Self::NotAttested => "device_not_attested",
        }
    }
}

/// The request for a challenge.
#[derive(Debug, Deserialize)]
pub struct Begin {
    ek: EndorsementBody,
    ak: PublicBody,
}

#[derive(Debug, Deserialize)]
struct EndorsementBody {
    public: Binary,
    certificate: Option<Binary>,
}

#[derive(Debug, Deserialize)]
struct PublicBody {
    public: Binary,
}

/// What a device says at its registration.
#[derive(Debug, Deserialize)]
pub struct Evidence {
    profile: String,
    challenge: String,
    activated: Binary,
    device: Certification,
    transport: Certification,
}

/// What a device says about an enterprise key.
#[derive(Debug, Deserialize)]
pub struct KeyEvidence {
    profile: String,
    /// A nonce of the registration service.
    pub nonce: String,
    #[serde(flatten)]
    certification: Certification,
}

/// A key that a TPM certified.
#[derive(Debug, Deserialize)]
struct Certification {
    attest: Binary,
    signature: Binary,
    public: Binary,
}

/// Bytes in base64.
#[derive(Debug)]
pub struct Binary(pub Vec<u8>);

impl<'de> Deserialize<'de> for Binary {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
        STANDARD.decode(&*text).map(Self).map_err(serde::de::Error::custom)
    }
}

/// What a challenge was made for.
#[derive(Serialize, Deserialize)]
struct Record {
    endorsement: String,
    certificate: Option<String>,
    attestation_key: String,
    /// SHA-256 of the secret.
    secret: String,
}

/// A [`Record`], read.
struct Asked {
    endorsement: PublicArea,
    certificate: Option<Vec<u8>>,
    attestation_key: PublicArea,
    secret: Vec<u8>,
}

/// A TPM that opened its challenge and certified a device's keys.
#[derive(Debug)]
pub struct Attested {
    /// Whether a maker vouches for it.
    pub attestation: DeviceAttestation,
    /// The TPM.
    pub tpm: DeviceTpm,
    /// What its maker says about it.
    pub identity: TpmIdentity,
    /// The attestation key.
    pub attestation_key: Key,
}

/// Makes a challenge for the TPM that a user wants to register a device with.
///
/// # Errors
/// When its keys are not such that an attestation could prove anything.
pub async fn begin(provider: &Provider, user: UserId, begin: &Begin) -> Result<Value, RegistrationRefusal> {
    let endorsement = PublicArea::parse(&begin.ek.public.0).ok().filter(PublicArea::is_endorsement_key);
    let endorsement = endorsement.ok_or(AttestationFault::EndorsementKey)?;
    let key = PublicArea::parse(&begin.ak.public.0).ok().filter(PublicArea::is_attestation_key);
    let key = key.ok_or(AttestationFault::AttestationKey)?;
    let mut secret = Zeroizing::new([0; 32]);
    let challenge = provider.draw(|rng| {
        rng.fill_bytes(&mut *secret);
        tpm::make_credential(&endorsement, &key.name(), &secret, rng)
    });
    let challenge = challenge.ok_or(AttestationFault::EndorsementKey)?;
    let name = provider.opaque();
    let record = Record {
        endorsement: STANDARD.encode(endorsement.bytes()),
        certificate: begin.ek.certificate.as_ref().map(|certificate| STANDARD.encode(&certificate.0)),
        attestation_key: STANDARD.encode(key.bytes()),
        secret: STANDARD.encode(Sha256::digest(*secret)),
    };
    let pending = PendingAttestation { user, record };
    let expires_at = provider.now().plus(CHALLENGE);
    provider.database.attestations().begin(&name.hash(), &pending, expires_at).await?;
    Ok(json!({
        "challenge": name.expose(),
        "credentialBlob": STANDARD.encode(&challenge.credential_blob),
        "secret": STANDARD.encode(&challenge.secret),
    }))
}

/// Checks what a device says about its keys. The challenge is used up, whatever comes of it.
///
/// # Errors
/// With what does not hold.
pub async fn device(
    provider: &Provider,
    user: UserId,
    evidence: &Evidence,
    (device_key, transport_key): (&Rsa1, &Rsa1),
) -> Result<Attested, RegistrationRefusal> {
    if evidence.profile != PROFILE {
        return Err(AttestationFault::Profile.into());
    }
    let now = provider.now();
    let challenge = OpaqueHash::of(&evidence.challenge);
    let pending = provider.database.attestations().take::<Record>(&challenge, now).await?;
    let pending = pending.filter(|pending| pending.user == user).ok_or(AttestationFault::Challenge)?;
    let asked = pending.record.read().ok_or(crate::storage::Error::Damaged)?;
    let Asked { endorsement, certificate, attestation_key: key, secret } = asked;
    if !bool::from(Sha256::digest(&evidence.activated.0).as_slice().ct_eq(&secret)) {
        return Err(AttestationFault::Activation.into());
    }
    let firmware = certified(&key, &evidence.device, ("device key", device_key), &evidence.challenge)?;
    certified(&key, &evidence.transport, ("transport key", transport_key), &evidence.challenge)?;
    let vouched =
        certificate.as_ref().filter(|der| provider.endorsement_roots.vouch_for(endorsement.key(), der, now));
    // An unknown maker's words are not repeated in a certificate of ours.
    let identity = vouched.and_then(|der| endorsement::identity(der)).unwrap_or_else(|| TpmIdentity {
        manufacturer: "id:00000000".to_owned(),
        model: "unknown".to_owned(),
        version: format!("id:{firmware:016X}"),
    });
    Ok(Attested {
        attestation: if vouched.is_some() { DeviceAttestation::Trusted } else { DeviceAttestation::Verified },
        tpm: DeviceTpm {
            endorsement: Sha256::digest(endorsement.bytes()).into(),
            attestation_key: key.bytes().to_vec(),
        },
        identity,
        attestation_key: key.key().clone(),
    })
}

/// Checks what a device says about an enterprise key: it is in the TPM that the device was registered with. The nonce is
/// for the caller to take.
///
/// # Errors
/// With what does not hold.
pub fn enterprise_key(
    device: &Device,
    evidence: &KeyEvidence,
    key: &Rsa1,
) -> Result<DeviceAttestation, AttestationFault> {
    if evidence.profile != PROFILE {
        return Err(AttestationFault::Profile);
    }
    let tpm = device.tpm.as_ref().ok_or(AttestationFault::NotAttested)?;
    let attestation_key =
        PublicArea::parse(&tpm.attestation_key).map_err(|_| AttestationFault::NotAttested)?;
    certified(&attestation_key, &evidence.certification, ("enterprise key", key), &evidence.nonce)?;
    Ok(device.attestation)
}

/// Whether a TPM certified this key, in this role and for this challenge. The version of its firmware.
fn certified(
    attestation_key: &PublicArea,
    certification: &Certification,
    (what, expected): (&'static str, &Rsa1),
    challenge: &str,
) -> Result<u64, AttestationFault> {
    let role = what.split(' ').next().unwrap_or_default();
    let qualifying: [u8; 32] = Sha256::new()
        .chain_update(format!("{PROFILE} {role}"))
        .chain_update([0])
        .chain_update(challenge)
        .finalize()
        .into();
    let Certification { attest, signature, public } = certification;
    let certified = tpm::certified(attestation_key, (&attest.0, &signature.0, &public.0), &qualifying)
        .map_err(|error| AttestationFault::Certification(what, error))?;
    if *certified.public.key() != Key::Rsa(expected.clone()) {
        return Err(AttestationFault::OtherKey(what));
    }
    let right = match role {
        "transport" => certified.public.is_decryption_key(),
        _ => certified.public.is_signing_key(),
    };
    if right { Ok(certified.firmware) } else { Err(AttestationFault::Attributes(what)) }
}

impl Record {
    /// What was stored; nothing if it is damaged.
    fn read(&self) -> Option<Asked> {
        let bytes = |text: &str| STANDARD.decode(text).ok();
        let area = |text: &str| PublicArea::parse(&bytes(text)?).ok();
        let certificate = match &self.certificate {
            Some(text) => Some(bytes(text)?),
            None => None,
        };
        Some(Asked {
            endorsement: area(&self.endorsement)?,
            certificate,
            attestation_key: area(&self.attestation_key)?,
            secret: bytes(&self.secret)?,
        })
    }
}
