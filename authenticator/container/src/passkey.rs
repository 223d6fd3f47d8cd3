//! A passkey as the engine sees it.

use rand_core::CryptoRng;
use sha2::{Digest, Sha256};

use crate::access::PasskeyClass;
use crate::sealed_key::SealedAlgorithm;
use crate::secret::{AuthValue, Secret32};
use crate::stretch::derive;
use crate::time::UnixTime;
use crate::tpm::{KeyAlgorithm, KeyBlob, PublicKey};

/// A credential ID: 32 random bytes, which say nothing about what they name.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct CredentialId(pub Vec<u8>);

impl CredentialId {
    /// Draws a new one.
    #[must_use]
    pub fn random(rng: &mut dyn CryptoRng) -> Self {
        let mut bytes = vec![0; 32];
        rng.fill_bytes(&mut bytes);
        Self(bytes)
    }
}

/// The account at the relying party (WebAuthn L3 §5.4.3).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserAccount {
    /// The user handle: at most 64 bytes that identify the account.
    pub handle: Vec<u8>,
    /// A name to tell accounts apart.
    pub name: Option<String>,
    /// A name to show.
    pub display_name: Option<String>,
}

/// How much a relying party may learn or use without user verification: credProtect (CTAP 2.3 §12.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Protection {
    /// userVerificationOptional.
    Optional = 1,
    /// userVerificationOptionalWithCredentialIDList.
    OptionalWithList = 2,
    /// userVerificationRequired.
    Required = 3,
}

impl From<Protection> for u8 {
    fn from(protection: Protection) -> Self {
        match protection {
            Protection::Optional => 1,
            Protection::OptionalWithList => 2,
            Protection::Required => 3,
        }
    }
}

impl TryFrom<u8> for Protection {
    type Error = u8;

    fn try_from(level: u8) -> Result<Self, u8> {
        match level {
            1 => Ok(Self::Optional),
            2 => Ok(Self::OptionalWithList),
            3 => Ok(Self::Required),
            other => Err(other),
        }
    }
}

/// How a passkey signs, and so where its private key is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PasskeyAlgorithm {
    /// With a key of the device, which never leaves it.
    DeviceBound(KeyAlgorithm),
    /// With a key in the passkey's record, because no device has the algorithm.
    Sealed(SealedAlgorithm),
}

impl From<KeyAlgorithm> for PasskeyAlgorithm {
    fn from(algorithm: KeyAlgorithm) -> Self {
        Self::DeviceBound(algorithm)
    }
}

/// The public half of a passkey's key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PasskeyPublicKey {
    /// Of a key of the device.
    DeviceBound(PublicKey),
    /// Of a sealed key: a point on Curve25519 in the encoding of RFC 8032 §5.1.2.
    Ed25519([u8; 32]),
    /// Of a sealed key: the 1312 bytes of FIPS 204 §7.2 (`pkEncode`).
    MlDsa44(Vec<u8>),
}

/// What a registration asks for.
#[derive(Debug, Clone)]
pub struct NewPasskey {
    /// The relying party.
    pub rp_id: String,
    /// The account there.
    pub user: UserAccount,
    /// The algorithm of its key.
    pub algorithm: PasskeyAlgorithm,
    /// Whether it is found without its credential ID.
    pub discoverable: bool,
    /// Its credProtect level.
    pub protection: Protection,
    /// What extensions keep with it.
    pub extensions: PasskeyExtensions,
}

/// What the extensions of a registration leave with a passkey (CTAP 2.3 §12); nothing by default.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PasskeyExtensions {
    /// Whether it answers the hmac-secret extension.
    pub hmac_secret: bool,
    /// A few bytes that its relying party wants back.
    pub cred_blob: Option<Vec<u8>>,
    /// Whether it has a key for an entry of the large-blob array.
    pub large_blob_key: bool,
    /// Whether others than its relying party may start a payment with it.
    pub third_party_payment: bool,
}

/// A passkey of an unlocked container. Its secrets can be used through the container, and only there.
#[derive(Debug)]
pub struct Passkey {
    /// Its credential ID.
    pub id: CredentialId,
    /// The relying party; empty where only [`Passkey::app_id`] is known.
    pub rp_id: String,
    /// SHA-256 of the application's identifier, of a key that was registered by U2F: its site tells no more.
    pub app_id: Option<[u8; 32]>,
    /// The account there.
    pub user: UserAccount,
    /// The algorithm of its key.
    pub algorithm: PasskeyAlgorithm,
    /// The public half of its key.
    pub public_key: PasskeyPublicKey,
    /// Whether it is found without its credential ID.
    pub discoverable: bool,
    /// Its credProtect level.
    pub protection: Protection,
    /// What opens it.
    pub class: PasskeyClass,
    /// When it was registered.
    pub created: UnixTime,
    /// What the user calls it.
    pub label: Option<String>,
    /// What extensions keep with it.
    pub extensions: PasskeyExtensions,
    pub(crate) key: PrivateKey,
    pub(crate) cred_random: CredRandom,
}

impl Passkey {
    /// SHA-256 of the RP ID, or of what U2F has in its place (CTAP 2.3 §10).
    #[must_use]
    pub fn rp_id_hash(&self) -> [u8; 32] {
        self.app_id.unwrap_or_else(|| Sha256::digest(&self.rp_id).into())
    }

    /// The hmac-secret key for this kind of assertion (CTAP 2.3 §12.7), `None` when the passkey was registered
    /// without the extension.
    #[must_use]
    pub fn cred_random(&self, user_verified: bool) -> Option<&Secret32> {
        let key = if user_verified { &self.cred_random.with_uv } else { &self.cred_random.without_uv };
        self.extensions.hmac_secret.then_some(key)
    }

    /// The key that a platform encrypts this passkey's large blob with (CTAP 2.3 §12.3), `None` when it was registered
    /// without one. Derived, so that a record holds no fourth secret: who sees outputs of hmac-secret, which are HMACs
    /// under the same key, learns nothing of it.
    #[must_use]
    pub fn large_blob_key(&self) -> Option<Secret32> {
        let derived = || derive(&self.cred_random.with_uv, b"latchkey large blob key");
        self.extensions.large_blob_key.then(derived)
    }
}

/// What signs for a passkey.
#[derive(Debug)]
pub(crate) enum PrivateKey {
    /// A key of the device, and the value that authorises its use.
    DeviceBound(KeyBlob, AuthValue),
    /// The seed of a sealed key.
    Sealed(SealedAlgorithm, Secret32),
}

/// Two keys that are never related, so that an assertion without user verification learns nothing of the other
/// (CTAP 2.3 §12.7).
#[derive(Debug)]
pub(crate) struct CredRandom {
    pub with_uv: Secret32,
    pub without_uv: Secret32,
}

/// A signature, in the format that WebAuthn L3 §6.5.5 wants for its algorithm.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signature {
    /// ASN.1 DER for ES256, PKCS#1 v1.5 for RS256, and what the algorithm itself defines for the others.
    pub bytes: Vec<u8>,
}
