//! What one identity provider's tenant has in the container, as callers see it.

use rand_core::CryptoRng;

use crate::recovery::RecoveryState;
use crate::tpm::PublicKey;

/// Names a compartment: 16 random bytes, which say nothing outside this container. Two tenants can compare theirs and
/// learn nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct CompartmentId(pub [u8; 16]);

impl CompartmentId {
    pub(crate) fn random(rng: &mut dyn CryptoRng) -> Self {
        let mut bytes = [0; 16];
        rng.fill_bytes(&mut bytes);
        Self(bytes)
    }

    /// Lower-case hexadecimal, as it stands in the envelope of a PIN reset.
    #[must_use]
    pub fn hex(&self) -> String {
        format!("{:032x}", u128::from_be_bytes(self.0))
    }
}

/// A compartment, as far as it can be read without a gesture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Compartment {
    /// Its name.
    pub id: CompartmentId,
    /// What the caller keeps with it.
    pub facts: Vec<u8>,
    /// Whether it has device keys.
    pub device_keys: bool,
    /// The enterprise key in use.
    pub enterprise_key: Option<EnterpriseKeyPublic>,
    /// The enterprise key that is to follow it, or to be the first.
    pub pending_enterprise_key: Option<EnterpriseKeyPublic>,
    /// How a forgotten PIN can be reset.
    pub recovery: RecoveryState,
}

/// The public half of an enterprise key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EnterpriseKeyPublic {
    /// RSA-2048.
    pub public: PublicKey,
}

/// The public halves of a compartment's device keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DevicePublic {
    /// Signs for the device: RSA-2048.
    pub device: PublicKey,
    /// Session keys are encrypted to it: RSA-2048.
    pub transport: PublicKey,
    /// The `TPMT_PUBLIC` of the attestation key, which this compartment alone has; `None` where the device cannot attest.
    pub attestation_key: Option<Vec<u8>>,
}
