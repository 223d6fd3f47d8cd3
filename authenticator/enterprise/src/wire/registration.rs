//! Device registration (MS-DVRJ): the nonce, the join and its attestation of the profile `latchkey-tpm-1`.

use base64::prelude::{BASE64_STANDARD, Engine as _};
use latchkey_container::UnixTime;
use latchkey_container::tpm::{Certification, CredentialChallenge, Endorsement};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::jws::Unsigned;
use super::rsa_key::RsaKey;
use super::{WireError, with};
use crate::policy::PolicyDocument;

/// The name of the attestation profile.
pub const PROFILE: &str = "latchkey-tpm-1";
/// The subject that every device asks for; the provider gives the certificate its device ID instead.
pub const SUBJECT: &str = "7E980AD9-B86D-4306-9425-9AC066FB014A";

/// What the TPM certifies a key over: whoever holds a certification of another kind or time has none of this.
#[must_use]
pub fn qualifying(kind: &str, challenge: &str) -> [u8; 32] {
    let digest = Sha256::new()
        .chain_update(format!("{PROFILE} {kind}"))
        .chain_update([0])
        .chain_update(challenge)
        .finalize();
    digest.into()
}

/// The nonce document.
#[derive(Debug, Deserialize)]
pub struct Nonce {
    /// The nonce.
    #[serde(rename = "Value")]
    pub value: String,
}

/// Who the TPM says it is.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct AttestationRequest {
    ek: EndorsementKey,
    ak: AttestationKey,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct EndorsementKey {
    public: String,
    certificate: Option<String>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct AttestationKey {
    public: String,
}

impl AttestationRequest {
    /// For this TPM and the attestation key (`TPMT_PUBLIC`) that is meant for this provider only.
    #[must_use]
    pub fn new(endorsement: &Endorsement, attestation_key: &[u8]) -> Self {
        Self {
            ek: EndorsementKey {
                public: BASE64_STANDARD.encode(&endorsement.public_area),
                certificate: endorsement.certificate.as_ref().map(|der| BASE64_STANDARD.encode(der)),
            },
            ak: AttestationKey { public: BASE64_STANDARD.encode(attestation_key) },
        }
    }
}

/// What the provider made for this TPM only.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AttestationChallenge {
    /// The provider's name for it, to be sent back.
    pub challenge: String,
    credential_blob: String,
    secret: String,
}

impl AttestationChallenge {
    /// For the TPM.
    ///
    /// # Errors
    /// [`WireError::Malformed`].
    pub fn credential(&self) -> Result<CredentialChallenge, WireError> {
        let decode = |text: &str| {
            BASE64_STANDARD.decode(text).map_err(|_| WireError::Malformed("an attestation challenge"))
        };
        Ok(CredentialChallenge {
            credential_blob: decode(&self.credential_blob)?,
            secret: decode(&self.secret)?,
        })
    }
}

/// A certification in base64.
#[derive(Debug, Serialize, Deserialize)]
pub struct Attested {
    attest: String,
    signature: String,
    public: String,
}

impl From<&Certification> for Attested {
    fn from(certification: &Certification) -> Self {
        let [attest, signature, public] =
            [&certification.attest, &certification.signature, &certification.public_area]
                .map(|part| BASE64_STANDARD.encode(part));
        Self { attest, signature, public }
    }
}

/// `AttestationData` of the join: the activated credential and both keys' certifications.
#[must_use]
pub fn attestation_data(
    challenge: &str,
    activated: &[u8],
    device: &Certification,
    transport: &Certification,
) -> String {
    let data = json!({
        "profile": PROFILE,
        "challenge": challenge,
        "activated": BASE64_STANDARD.encode(activated),
        "device": Attested::from(device),
        "transport": Attested::from(transport),
    });
    BASE64_STANDARD.encode(data.to_string())
}

/// How the machine calls itself.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Machine {
    /// Its name.
    pub name: String,
    /// Its operating system's version.
    pub os_version: String,
}

/// The body of the join.
#[must_use]
pub fn join_body(
    request: &[u8],
    transport_key: &RsaKey,
    attestation: Option<&str>,
    machine: &Machine,
    domain: &str,
) -> Value {
    let body = json!({
        "CertificateRequest": { "Type": "pkcs10", "Data": BASE64_STANDARD.encode(request) },
        "TransportKey": BASE64_STANDARD.encode(transport_key.blob()),
        "TargetDomain": domain,
        "DeviceType": "Linux",
        "OSVersion": machine.os_version,
        "DeviceDisplayName": machine.name,
        "JoinType": 0,
        "attributes": { "ReuseDevice": "true" },
    });
    with(body, "AttestationData", attestation)
}

/// What comes back for a join.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Joined {
    certificate: Certificate,
    user: JoinedUser,
    /// The device's ID, a GUID.
    pub device_id: String,
    /// The tenant's ID, a GUID.
    pub tenant_id: String,
    #[serde(default)]
    attestation_key_certificate: Option<Certificate>,
    /// The tenant's policy.
    pub policy: PolicyDocument,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Certificate {
    raw_body: String,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct JoinedUser {
    upn: String,
}

impl Joined {
    /// The device certificate in DER.
    ///
    /// # Errors
    /// [`WireError::Malformed`].
    pub fn certificate(&self) -> Result<Vec<u8>, WireError> {
        der(&self.certificate)
    }

    /// The attestation key's certificate in DER, where the TPM was attested.
    ///
    /// # Errors
    /// [`WireError::Malformed`].
    pub fn attestation_certificate(&self) -> Result<Option<Vec<u8>>, WireError> {
        self.attestation_key_certificate.as_ref().map(der).transpose()
    }

    /// The user who joined it.
    #[must_use]
    pub fn user(&self) -> &str {
        &self.user.upn
    }
}

fn der(certificate: &Certificate) -> Result<Vec<u8>, WireError> {
    BASE64_STANDARD.decode(&certificate.raw_body).map_err(|_| WireError::Malformed("a certificate"))
}

/// What the device signs to read its policy, or to be deleted.
#[must_use]
pub fn device_request(certificate: &[u8], nonce: &str, audience: &str, now: UnixTime) -> Unsigned {
    let payload = json!({ "nonce": nonce, "aud": audience, "iat": now.0 });
    Unsigned::by_device("JWT", certificate, &payload)
}
