//! How the public half of a key lies in a record.

use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;

use crate::passkey::{PasskeyAlgorithm, PasskeyPublicKey};
use crate::sealed_key::SealedAlgorithm;
use crate::tpm::{KeyAlgorithm, PublicKey};

/// The public key; its kind also tells the algorithm.
#[derive(Serialize, Deserialize)]
pub(crate) enum Public {
    #[serde(rename = "e")]
    Es256(ByteBuf, ByteBuf),
    #[serde(rename = "e3")]
    Es384(ByteBuf, ByteBuf),
    #[serde(rename = "r")]
    Rs256(ByteBuf, u32),
    #[serde(rename = "d")]
    Ed25519(ByteBuf),
    #[serde(rename = "m")]
    MlDsa44(ByteBuf),
}

impl From<&PublicKey> for Public {
    fn from(key: &PublicKey) -> Self {
        match key {
            PublicKey::P256 { x, y } => Self::Es256(ByteBuf::from(*x), ByteBuf::from(*y)),
            PublicKey::P384 { x, y } => Self::Es384(ByteBuf::from(*x), ByteBuf::from(*y)),
            PublicKey::Rsa { modulus, exponent } => Self::Rs256(ByteBuf::from(modulus.clone()), *exponent),
        }
    }
}

impl From<&PasskeyPublicKey> for Public {
    fn from(key: &PasskeyPublicKey) -> Self {
        match key {
            PasskeyPublicKey::DeviceBound(key) => Self::from(key),
            PasskeyPublicKey::Ed25519(point) => Self::Ed25519(ByteBuf::from(*point)),
            PasskeyPublicKey::MlDsa44(key) => Self::MlDsa44(ByteBuf::from(key.clone())),
        }
    }
}

impl Public {
    /// The key and its algorithm, or `None` when a coordinate has the wrong length.
    pub fn read(self) -> Option<(PasskeyAlgorithm, PasskeyPublicKey)> {
        Some(match self {
            Self::Es256(x, y) => {
                let key = PublicKey::P256 { x: exactly(x)?, y: exactly(y)? };
                (KeyAlgorithm::Es256.into(), PasskeyPublicKey::DeviceBound(key))
            }
            Self::Es384(x, y) => {
                let key = PublicKey::P384 { x: exactly(x)?, y: exactly(y)? };
                (KeyAlgorithm::Es384.into(), PasskeyPublicKey::DeviceBound(key))
            }
            Self::Rs256(modulus, exponent) => {
                let key = PublicKey::Rsa { modulus: modulus.into_vec(), exponent };
                (KeyAlgorithm::Rs256.into(), PasskeyPublicKey::DeviceBound(key))
            }
            Self::Ed25519(point) => {
                let key = PasskeyPublicKey::Ed25519(exactly(point)?);
                (PasskeyAlgorithm::Sealed(SealedAlgorithm::Ed25519), key)
            }
            Self::MlDsa44(key) => {
                let key = PasskeyPublicKey::MlDsa44(key.into_vec());
                (PasskeyAlgorithm::Sealed(SealedAlgorithm::MlDsa44), key)
            }
        })
    }
}

fn exactly<const N: usize>(bytes: ByteBuf) -> Option<[u8; N]> {
    bytes.into_vec().try_into().ok()
}

/// The public key of a key of the device by itself, as CBOR.
pub(crate) fn encode(key: &PublicKey) -> Vec<u8> {
    let mut cbor = Vec::with_capacity(300);
    ciborium::into_writer(&Public::from(key), &mut cbor)
        .unwrap_or_else(|error| unreachable!("writing to memory failed: {error}"));
    cbor
}

/// What [`encode`] wrote.
pub(crate) fn decode(cbor: &[u8]) -> Option<PublicKey> {
    let (_, key) = ciborium::from_reader::<Public, _>(cbor).ok()?.read()?;
    match key {
        PasskeyPublicKey::DeviceBound(key) => Some(key),
        PasskeyPublicKey::Ed25519(_) | PasskeyPublicKey::MlDsa44(_) => None,
    }
}
