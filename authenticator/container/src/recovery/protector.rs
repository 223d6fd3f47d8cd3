//! What stays here of a PIN reset protector, and the making of one.

use aes_gcm::aead::AeadInOut;
use aes_gcm::{Aes256Gcm, KeyInit, Nonce};
use rand_core::CryptoRng;
use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;
use zeroize::Zeroizing;

use super::{Heading, Point, RecoveryProtector, RecoveryPurpose, RecoveryService, blind_p256, hpke_p256};
use crate::compartment::CompartmentId;
use crate::secret::{AuthValue, Secret32};
use crate::stretch::derive;
use crate::time::UnixTime;

/// Domain of the two secrets that are encrypted to the service.
const HPKE_INFO: &[u8] = b"latchkey pin reset 1";
const TAG: usize = 16;

/// A protector's record; what the service holds a key to, and what its `administer` secret opens.
#[derive(Serialize, Deserialize)]
pub(crate) struct Details {
    #[serde(rename = "ve")]
    version: u64,
    #[serde(rename = "cr")]
    created: u64,
    /// As it was when the protector was made: the points are pinned.
    #[serde(rename = "se")]
    pub service: RecoveryService,
    /// What the service recovers the secret of each purpose from.
    #[serde(rename = "re")]
    recover: ByteBuf,
    #[serde(rename = "ad")]
    administer: ByteBuf,
    /// The administrative key's authorisation value under the `administer` secret.
    #[serde(rename = "aa")]
    admin: ByteBuf,
}

/// A protector just made.
pub(crate) struct Made {
    pub details: Details,
    /// What the device is to seal: the authentication key under the `recover` secret.
    pub payload: Vec<u8>,
    /// What is to open it.
    pub auth: AuthValue,
}

/// Makes a protector, `None` when the service's points are none. The two secrets end here.
pub(crate) fn make(
    service: &RecoveryService,
    compartment: CompartmentId,
    version: u64,
    created: UnixTime,
    (authentication_key, admin): (&Secret32, &AuthValue),
    rng: &mut dyn CryptoRng,
) -> Option<Made> {
    let heading = Heading { service, compartment, version, created };
    let (recover, recover_secret) = protect(&heading, RecoveryPurpose::Recover, rng)?;
    let (administer, administer_secret) = protect(&heading, RecoveryPurpose::Administer, rng)?;
    let enclosed = |secret, purpose, payload| enclose(secret, &heading.binding(purpose), payload);
    Some(Made {
        payload: enclosed(&recover_secret, RecoveryPurpose::Recover, authentication_key.expose()),
        auth: object_auth(&recover_secret),
        details: Details {
            version,
            created: created.0,
            recover: ByteBuf::from(recover),
            administer: ByteBuf::from(administer),
            admin: ByteBuf::from(enclosed(&administer_secret, RecoveryPurpose::Administer, admin.expose())),
            service: service.clone(),
        },
    })
}

/// A fresh secret, and what the service can recover it from.
fn protect(
    heading: &Heading<'_>,
    purpose: RecoveryPurpose,
    rng: &mut dyn CryptoRng,
) -> Option<(Vec<u8>, Secret32)> {
    let (point, binding) = (heading.service.point(purpose), heading.binding(purpose));
    match heading.service {
        RecoveryService::Hpke { .. } => {
            let secret = Secret32::random(rng);
            let sealed = hpke_p256::seal(point, HPKE_INFO, binding.as_bytes(), secret.expose(), rng)?;
            Some((sealed, secret))
        }
        RecoveryService::Blind { .. } => {
            let (kept, secret) = blind_p256::protect(point, binding.as_bytes(), rng)?;
            Some((kept.to_vec(), secret))
        }
    }
}

/// What opens the device's object.
pub(crate) fn object_auth(recover: &Secret32) -> AuthValue {
    AuthValue::new(*derive(recover, b"tpm").expose())
}

impl Details {
    /// The payload to seal.
    pub fn encode(&self) -> Vec<u8> {
        let mut cbor = Vec::with_capacity(1024);
        ciborium::into_writer(self, &mut cbor)
            .unwrap_or_else(|error| unreachable!("writing to memory failed: {error}"));
        cbor
    }

    /// What [`Details::encode`] wrote.
    pub fn decode(payload: &[u8]) -> Option<Self> {
        ciborium::from_reader(payload).ok()
    }

    /// What can be told about it.
    pub fn describe(&self) -> RecoveryProtector {
        RecoveryProtector {
            kid: self.service.kid().to_owned(),
            protocol: self.service.protocol(),
            protector_version: self.version,
            created: UnixTime(self.created),
        }
    }

    pub const fn version(&self) -> u64 {
        self.version
    }

    /// The envelope to show to the service.
    pub fn envelope(&self, compartment: CompartmentId) -> String {
        self.heading(compartment).envelope(&self.recover, &self.administer)
    }

    /// The authentication key in what the device unsealed.
    pub fn authentication_key(
        &self,
        compartment: CompartmentId,
        recover: &Secret32,
        payload: &[u8],
    ) -> Option<Secret32> {
        let binding = self.heading(compartment).binding(RecoveryPurpose::Recover);
        disclose(recover, &binding, payload).map(|bytes| Secret32::new(*bytes))
    }

    /// The administrative key's authorisation value.
    pub fn admin_auth(&self, compartment: CompartmentId, administer: &Secret32) -> Option<AuthValue> {
        let binding = self.heading(compartment).binding(RecoveryPurpose::Administer);
        disclose(administer, &binding, &self.admin).map(|bytes| AuthValue::new(*bytes))
    }

    /// What the secret of this purpose is recovered from, the service's point for it, and what it is bound to.
    pub(super) fn part(
        &self,
        compartment: CompartmentId,
        purpose: RecoveryPurpose,
    ) -> (&[u8], &Point, String) {
        let kept = match purpose {
            RecoveryPurpose::Recover => &self.recover,
            RecoveryPurpose::Administer => &self.administer,
        };
        (kept, self.service.point(purpose), self.heading(compartment).binding(purpose))
    }

    const fn heading(&self, compartment: CompartmentId) -> Heading<'_> {
        Heading {
            service: &self.service,
            compartment,
            version: self.version,
            created: UnixTime(self.created),
        }
    }
}

/// AES-256-GCM under a secret that encrypts this one text, so that its nonce need not differ from any other.
fn enclose(secret: &Secret32, binding: &str, text: &[u8; 32]) -> Vec<u8> {
    let mut body = Zeroizing::new(*text);
    let tag = Aes256Gcm::new(secret.expose().into())
        .encrypt_inout_detached(&Nonce::default(), binding.as_bytes(), body.as_mut_slice().into())
        .unwrap_or_else(|_| unreachable!("32 bytes are far below the cipher's limit"));
    [body.as_slice(), &tag].concat()
}

/// What [`enclose`] enclosed.
fn disclose(secret: &Secret32, binding: &str, enclosed: &[u8]) -> Option<Zeroizing<[u8; 32]>> {
    let (body, tag) = enclosed.split_last_chunk::<TAG>()?;
    let mut text = Zeroizing::new(<[u8; 32]>::try_from(body).ok()?);
    Aes256Gcm::new(secret.expose().into())
        .decrypt_inout_detached(&Nonce::default(), binding.as_bytes(), text.as_mut_slice().into(), tag.into())
        .ok()?;
    Some(text)
}
