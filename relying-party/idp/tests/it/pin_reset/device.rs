//! Registered devices: a key, a certificate of the provider's device CA, and a row.

use std::sync::Arc;

use aws_lc_rs::encoding::{AsDer as _, PublicKeyX509Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{KeyPair as _, RSA_PKCS1_SHA256, RsaKeyPair};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use latchkey_idp::devices::{Authorities, IssuedFor};
use latchkey_idp::domain::{
    Device, DeviceAttestation, DeviceId, DeviceSystem, JoinType, Rsa1, TenantId, UserId,
};
use latchkey_idp::secrets::SealingKeys;
use latchkey_idp::storage::{NewDevice, Placed};
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng as _;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use super::protector::text;
use crate::rig::Rig;

pub struct RegisteredDevice {
    pub id: DeviceId,
    key: RsaKeyPair,
    certificate: Vec<u8>,
}

impl RegisteredDevice {
    /// Registers a device of this user, as the device registration service would.
    pub async fn register(rig: &Rig, (tenant, owner): (TenantId, UserId)) -> Self {
        let key = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
        let spki: PublicKeyX509Der<'_> = key.public_key().as_der().unwrap();
        let id = DeviceId::new(Uuid::new_v4());
        let sealing = Arc::new(SealingKeys::new(&[1; 32], &[]));
        let mut rng = ChaCha20Rng::seed_from_u64(3);
        let authorities = Authorities::open(&rig.database, &sealing, rig.now(), &mut rng).await.unwrap();
        let issued_for = IssuedFor { device: id, user: owner, tenant, join: JoinType::Joined };
        let serial = (rig.now(), Uuid::new_v4());
        let certificate = authorities.device.certify_device(&issued_for, spki.as_ref(), serial).unwrap();
        let device = Device {
            id,
            tenant,
            owner,
            name: "Laptop".to_owned(),
            system: DeviceSystem::default(),
            certificate: certificate.clone(),
            transport_key: Rsa1::new(&[1, 0, 1], &[0x81; 256]).unwrap(),
            attestation: DeviceAttestation::None,
            tpm: None,
            enabled: true,
            created_at: rig.now(),
            last_seen_at: None,
        };
        let device_key = Sha256::digest(spki.as_ref()).into();
        let new = NewDevice { device: &device, device_key: &device_key, reuses_name: false, quota: 1000 };
        let placed = rig.database.devices().place(&new, rig.now()).await.unwrap();
        assert_eq!(placed, Placed::Registered(vec![]));
        Self { id, key, certificate }
    }

    /// A request, signed with the device's key.
    pub fn sign(&self, payload: &Value) -> String {
        self.sign_as("pin-reset+jwt", payload)
    }

    pub fn sign_as(&self, typ: &str, payload: &Value) -> String {
        let header = json!({ "alg": "RS256", "typ": typ, "x5c": [STANDARD.encode(&self.certificate)] });
        let signed =
            format!("{}.{}", text(header.to_string().as_bytes()), text(payload.to_string().as_bytes()));
        let mut signature = vec![0; self.key.public_modulus_len()];
        self.key.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), signed.as_bytes(), &mut signature).unwrap();
        format!("{signed}.{}", text(&signature))
    }

    /// Its certificate with another one's key.
    pub fn with_key_of(self, other: Self) -> Self {
        Self { key: other.key, ..self }
    }
}
