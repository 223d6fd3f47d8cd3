//! What credential management shows of a discoverable passkey. No secret is in it, so it can be kept for whoever the user
//! lets list passkeys without a gesture.

use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;

use crate::passkey::{CredentialId, Passkey, PasskeyPublicKey, Protection, UserAccount};
use crate::public_key::Public;

/// A passkey in a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PasskeyListing {
    /// Its credential ID.
    pub id: CredentialId,
    /// The relying party.
    pub rp_id: String,
    /// The account there.
    pub user: UserAccount,
    /// The public half of its key.
    pub public_key: PasskeyPublicKey,
    /// Its credProtect level.
    pub protection: Protection,
    /// Whether others than its relying party may start a payment with it.
    pub third_party_payment: bool,
}

/// How it is written down.
#[derive(Serialize, Deserialize)]
struct Written {
    id: ByteBuf,
    rp_id: String,
    user_handle: ByteBuf,
    user_name: Option<String>,
    user_display_name: Option<String>,
    public_key: Public,
    protection: u8,
    #[serde(default)]
    third_party_payment: bool,
}

impl From<&Passkey> for PasskeyListing {
    fn from(passkey: &Passkey) -> Self {
        Self {
            id: passkey.id.clone(),
            rp_id: passkey.rp_id.clone(),
            user: passkey.user.clone(),
            public_key: passkey.public_key.clone(),
            protection: passkey.protection,
            third_party_payment: passkey.extensions.third_party_payment,
        }
    }
}

impl PasskeyListing {
    pub(crate) fn encode(&self) -> Vec<u8> {
        let written = Written {
            id: ByteBuf::from(self.id.0.clone()),
            rp_id: self.rp_id.clone(),
            user_handle: ByteBuf::from(self.user.handle.clone()),
            user_name: self.user.name.clone(),
            user_display_name: self.user.display_name.clone(),
            public_key: Public::from(&self.public_key),
            protection: self.protection.into(),
            third_party_payment: self.third_party_payment,
        };
        let mut cbor = Vec::with_capacity(512);
        ciborium::into_writer(&written, &mut cbor)
            .unwrap_or_else(|error| unreachable!("writing to memory failed: {error}"));
        cbor
    }

    pub(crate) fn decode(cbor: &[u8]) -> Option<Self> {
        let written: Written = ciborium::from_reader(cbor).ok()?;
        let (_, public_key) = written.public_key.read()?;
        Some(Self {
            id: CredentialId(written.id.into_vec()),
            rp_id: written.rp_id,
            user: UserAccount {
                handle: written.user_handle.into_vec(),
                name: written.user_name,
                display_name: written.user_display_name,
            },
            public_key,
            protection: Protection::try_from(written.protection).ok()?,
            third_party_payment: written.third_party_payment,
        })
    }
}
