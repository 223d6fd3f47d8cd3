//! How the public half of a key lies in a record.

use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;

use crate::tpm::{KeyAlgorithm, PublicKey};

/// The public key; its kind also tells the algorithm.
#[derive(Serialize, Deserialize)]
pub(crate) enum Public {
    #[serde(rename = "e")]
    Es256(ByteBuf, ByteBuf),
    #[serde(rename = "r")]
    Rs256(ByteBuf, u32),
}

impl From<&PublicKey> for Public {
    fn from(key: &PublicKey) -> Self {
        match key {
            PublicKey::P256 { x, y } => Self::Es256(ByteBuf::from(*x), ByteBuf::from(*y)),
            PublicKey::Rsa { modulus, exponent } => Self::Rs256(ByteBuf::from(modulus.clone()), *exponent),
        }
    }
}

impl Public {
    /// The key and its algorithm, or `None` when a coordinate has the wrong length.
    pub fn read(self) -> Option<(KeyAlgorithm, PublicKey)> {
        Some(match self {
            Self::Es256(x, y) => {
                let coordinate = |bytes: ByteBuf| <[u8; 32]>::try_from(bytes.into_vec()).ok();
                (KeyAlgorithm::Es256, PublicKey::P256 { x: coordinate(x)?, y: coordinate(y)? })
            }
            Self::Rs256(modulus, exponent) => {
                (KeyAlgorithm::Rs256, PublicKey::Rsa { modulus: modulus.into_vec(), exponent })
            }
        })
    }
}

/// A public key by itself, as CBOR.
pub(crate) fn encode(key: &PublicKey) -> Vec<u8> {
    let mut cbor = Vec::with_capacity(300);
    ciborium::into_writer(&Public::from(key), &mut cbor)
        .unwrap_or_else(|error| unreachable!("writing to memory failed: {error}"));
    cbor
}

/// What [`encode`] wrote.
pub(crate) fn decode(cbor: &[u8]) -> Option<PublicKey> {
    let (_, key) = ciborium::from_reader::<Public, _>(cbor).ok()?.read()?;
    Some(key)
}
