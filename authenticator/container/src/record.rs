//! The sealed payload of a passkey's record.
//!
//! The three secrets stand first, at fixed places; what follows is CBOR. So no secret passes through the buffers of
//! a decoder, and members can be added without a new format.

use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;
use zeroize::Zeroizing;

use crate::access::PasskeyClass;
use crate::passkey::{
    CredRandom, CredentialId, Passkey, PasskeyAlgorithm, PasskeyExtensions, PrivateKey, Protection,
    UserAccount,
};
use crate::public_key::Public;
use crate::secret::{AuthValue, Secret32};
use crate::time::UnixTime;
use crate::tpm::KeyBlob;

#[cfg(test)]
mod tests;

/// Authorisation value or seed of a sealed key, credRandomWithUV, credRandomWithoutUV.
const SECRETS: usize = 96;

/// What is not secret by itself. Short names: they are read on every signature.
#[derive(Serialize, Deserialize)]
#[expect(clippy::struct_excessive_bools, reason = "the members of a format, each a fact of its own")]
struct Facts {
    #[serde(rename = "id")]
    id: ByteBuf,
    #[serde(rename = "rp")]
    rp_id: String,
    #[serde(rename = "ai", default, skip_serializing_if = "Option::is_none")]
    app_id: Option<ByteBuf>,
    #[serde(rename = "uh")]
    user_handle: ByteBuf,
    #[serde(rename = "un", default, skip_serializing_if = "Option::is_none")]
    user_name: Option<String>,
    #[serde(rename = "ud", default, skip_serializing_if = "Option::is_none")]
    user_display_name: Option<String>,
    #[serde(rename = "kb")]
    key: ByteBuf,
    #[serde(rename = "pk")]
    public_key: Public,
    #[serde(rename = "di")]
    discoverable: bool,
    #[serde(rename = "cp")]
    protection: u8,
    #[serde(rename = "hs")]
    hmac_secret: bool,
    #[serde(rename = "cr")]
    created: u64,
    #[serde(rename = "la", default, skip_serializing_if = "Option::is_none")]
    label: Option<String>,
    #[serde(rename = "cb", default, skip_serializing_if = "Option::is_none")]
    cred_blob: Option<ByteBuf>,
    #[serde(rename = "lb", default, skip_serializing_if = "is_off")]
    large_blob_key: bool,
    #[serde(rename = "tp", default, skip_serializing_if = "is_off")]
    third_party_payment: bool,
}

/// What is off is left out, as it is in a record from before there was such a member.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands over a reference")]
const fn is_off(flag: &bool) -> bool {
    !*flag
}

/// The payload to seal.
pub(crate) fn encode(passkey: &Passkey) -> Zeroizing<Vec<u8>> {
    let bytes = |bytes: &[u8]| ByteBuf::from(bytes);
    let (blob, secret): (&[u8], &[u8; 32]) = match &passkey.key {
        PrivateKey::DeviceBound(blob, auth) => (&blob.0, auth.expose()),
        PrivateKey::Sealed(_, seed) => (&[], seed.expose()),
    };
    let facts = Facts {
        id: bytes(&passkey.id.0),
        rp_id: passkey.rp_id.clone(),
        app_id: passkey.app_id.as_ref().map(|hash| bytes(hash)),
        user_handle: bytes(&passkey.user.handle),
        user_name: passkey.user.name.clone(),
        user_display_name: passkey.user.display_name.clone(),
        key: bytes(blob),
        public_key: Public::from(&passkey.public_key),
        discoverable: passkey.discoverable,
        protection: passkey.protection.into(),
        hmac_secret: passkey.extensions.hmac_secret,
        created: passkey.created.0,
        label: passkey.label.clone(),
        cred_blob: passkey.extensions.cred_blob.as_deref().map(bytes),
        large_blob_key: passkey.extensions.large_blob_key,
        third_party_payment: passkey.extensions.third_party_payment,
    };
    let mut cbor = Vec::with_capacity(1024);
    ciborium::into_writer(&facts, &mut cbor)
        .unwrap_or_else(|error| unreachable!("writing to memory failed: {error}"));
    // Reserved in one piece: a reallocation would leave the secrets behind in freed memory.
    let mut payload = Zeroizing::new(Vec::with_capacity(SECRETS.saturating_add(cbor.len())));
    payload.extend_from_slice(secret);
    payload.extend_from_slice(passkey.cred_random.with_uv.expose());
    payload.extend_from_slice(passkey.cred_random.without_uv.expose());
    payload.extend_from_slice(&cbor);
    payload
}

/// The passkey of this class in an opened payload, or `None` when it is not one.
pub(crate) fn decode(class: PasskeyClass, payload: &[u8]) -> Option<Passkey> {
    let (secret, rest) = payload.split_first_chunk::<32>()?;
    let (with_uv, rest) = rest.split_first_chunk::<32>()?;
    let (without_uv, cbor) = rest.split_first_chunk::<32>()?;
    let facts: Facts = ciborium::from_reader(cbor).ok()?;
    let (algorithm, public_key) = facts.public_key.read()?;
    let key = match algorithm {
        PasskeyAlgorithm::DeviceBound(_) => {
            PrivateKey::DeviceBound(KeyBlob(facts.key.into_vec()), AuthValue::new(*secret))
        }
        PasskeyAlgorithm::Sealed(sealed) => PrivateKey::Sealed(sealed, Secret32::new(*secret)),
    };
    Some(Passkey {
        id: CredentialId(facts.id.into_vec()),
        rp_id: facts.rp_id,
        app_id: facts.app_id.map(|hash| hash.into_vec().try_into()).transpose().ok()?,
        user: UserAccount {
            handle: facts.user_handle.into_vec(),
            name: facts.user_name,
            display_name: facts.user_display_name,
        },
        algorithm,
        public_key,
        discoverable: facts.discoverable,
        protection: Protection::try_from(facts.protection).ok()?,
        class,
        created: UnixTime(facts.created),
        label: facts.label,
        key,
        extensions: PasskeyExtensions {
            hmac_secret: facts.hmac_secret,
            cred_blob: facts.cred_blob.map(ByteBuf::into_vec),
            large_blob_key: facts.large_blob_key,
            third_party_payment: facts.third_party_payment,
        },
        cred_random: CredRandom { with_uv: Secret32::new(*with_uv), without_uv: Secret32::new(*without_uv) },
    })
}
