//! The sealed payload of a key that a compartment or the installation holds.

use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;
use zeroize::Zeroizing;

use crate::public_key;
use crate::secret::AuthValue;
use crate::tpm::{CreatedKey, KeyBlob, PublicKey};

/// A key with what authorises its use.
pub(crate) struct HeldKey {
    pub blob: KeyBlob,
    pub auth: AuthValue,
    /// Its public half: as [`public_key::encode`] writes it, a `TPMT_PUBLIC` if it is an attestation key, or the
    /// certificate of an installation's key.
    pub public: Vec<u8>,
}

#[derive(Serialize, Deserialize)]
struct Rest {
    #[serde(rename = "kb")]
    blob: ByteBuf,
    #[serde(rename = "pk")]
    public: ByteBuf,
}

impl HeldKey {
    /// A key that the device has just made under `auth`.
    pub fn new(created: CreatedKey, auth: AuthValue) -> Self {
        Self { public: public_key::encode(&created.public), blob: created.blob, auth }
    }

    /// The payload to seal: the secret at a fixed place, then CBOR, as in a passkey's record.
    pub fn encode(&self) -> Zeroizing<Vec<u8>> {
        let rest =
            Rest { blob: ByteBuf::from(self.blob.0.clone()), public: ByteBuf::from(self.public.clone()) };
        let mut cbor = Vec::with_capacity(1024);
        ciborium::into_writer(&rest, &mut cbor)
            .unwrap_or_else(|error| unreachable!("writing to memory failed: {error}"));
        let mut payload = Zeroizing::new(Vec::with_capacity(cbor.len().saturating_add(32)));
        payload.extend_from_slice(self.auth.expose());
        payload.extend_from_slice(&cbor);
        payload
    }

    /// The key in an opened payload, or `None` when it is not one.
    pub fn decode(payload: &[u8]) -> Option<Self> {
        let (auth, cbor) = payload.split_first_chunk::<32>()?;
        let rest: Rest = ciborium::from_reader(cbor).ok()?;
        Some(Self {
            blob: KeyBlob(rest.blob.into_vec()),
            auth: AuthValue::new(*auth),
            public: rest.public.into_vec(),
        })
    }

    /// Its public half, where it is written as [`public_key::encode`] does.
    pub fn public_key(&self) -> Option<PublicKey> {
        public_key::decode(&self.public)
    }
}
