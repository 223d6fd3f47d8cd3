//! The port to the security device: objects, authorisation values and policies, nothing about PINs or passkeys.
//!
//! Implemented twice in `latchkey-tpm`: on a TPM 2.0 through tss-esapi, and in software. One contract test runs
//! against both. `authenticator/DESIGN.md` draws the object hierarchy behind these calls.

mod device_keys;

use zeroize::Zeroizing;

use crate::error::StorageError;
use crate::secret::{AuthValue, Secret32};

pub use device_keys::{Certification, CreatedAttestationKey, CredentialChallenge, DeviceKeys, Endorsement};

/// The most bytes that [`Tpm::seal_under`] takes (TPM 2.0 Part 2 §11.1.15, `MAX_SYM_DATA`).
pub const MAX_SEALED: usize = 128;

/// What kind of device answers; decides the AAGUID, the stretch cost and what the status says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TpmClass {
    /// A discrete or firmware TPM.
    Hardware,
    /// A TPM implemented in software beside or below this machine (swtpm, a hypervisor's).
    Virtual,
    /// No TPM: the same objects, protected by key derivation and files only.
    Software,
}

/// Who answers, read once when the device is opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TpmIdentity {
    /// The kind of device.
    pub class: TpmClass,
    /// The TPM Name of the storage root key (34 bytes for a TPM), pinned by the container at creation.
    pub storage_root_name: Vec<u8>,
    /// Manufacturer and model as the device states them, for people.
    pub description: String,
    /// The algorithms of user keys that it can make.
    pub key_algorithms: Vec<KeyAlgorithm>,
}

/// The dictionary-attack state that all users of the device share (TPM 2.0 Part 1 §19.8).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lockout {
    /// Whether the device refuses every protected authorisation now.
    pub locked: bool,
    /// Failures counted so far.
    pub failures: u32,
    /// Failures at which the device locks.
    pub limit: u32,
    /// Seconds after which one failure is forgotten.
    pub recovery_seconds: u32,
}

/// One of the two NV indices of the two-slot PIN change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PinSlot {
    /// The first slot.
    A,
    /// The second slot.
    B,
}

impl PinSlot {
    /// All there are.
    pub const BOTH: [Self; 2] = [Self::A, Self::B];

    /// The slot that a PIN change moves to.
    #[must_use]
    pub const fn other(self) -> Self {
        match self {
            Self::A => Self::B,
            Self::B => Self::A,
        }
    }
}

/// A PIN index: its slot, and the administrative key that it was defined under. What stands in the slot under any other
/// key is somebody else's, and to the one who asks the slot is empty. So nothing that a database says, be it old,
/// copied or made up, reaches another container's index.
#[derive(Debug, Clone, Copy)]
pub struct PinIndex<'a> {
    /// Where it is.
    pub slot: PinSlot,
    /// Whose it is.
    pub admin: &'a AdminKeyBlob,
}

/// The count a PIN index (`TPM_NT_PIN_FAIL`) holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PinCount {
    /// Wrong authorisations since the last right one.
    pub failures: u32,
    /// Wrong authorisations at which the index refuses every further one.
    pub limit: u32,
}

/// The algorithms a device-bound user key can have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum KeyAlgorithm {
    /// ECDSA on P-256 with SHA-256.
    Es256,
    /// ECDSA on P-384 with SHA-384.
    Es384,
    /// RSASSA-PKCS1-v1_5, 2048 bits, with SHA-256.
    Rs256,
}

impl KeyAlgorithm {
    /// All there are.
    pub const ALL: [Self; 3] = [Self::Es256, Self::Es384, Self::Rs256];
}

/// The public half of a user key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PublicKey {
    /// A point on P-256, both coordinates big-endian.
    P256 {
        /// The x coordinate.
        x: [u8; 32],
        /// The y coordinate.
        y: [u8; 32],
    },
    /// A point on P-384, both coordinates big-endian.
    P384 {
        /// The x coordinate.
        x: [u8; 48],
        /// The y coordinate.
        y: [u8; 48],
    },
    /// An RSA key.
    Rsa {
        /// The modulus, big-endian, without leading zeros (256 bytes for RSA-2048).
        modulus: Vec<u8>,
        /// The public exponent.
        exponent: u32,
    },
}

/// A device-wrapped user key: worthless on any other device.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct KeyBlob(pub Vec<u8>);

/// A device-wrapped secret: worthless on any other device.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct SealedBlob(pub Vec<u8>);

/// A device-wrapped administrative key, which authorises the writing of a PIN index and nothing else.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct AdminKeyBlob(pub Vec<u8>);

/// How long a sealed object can be opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Lifetime {
    /// Until the TPM is cleared.
    Persistent,
    /// Until the machine restarts: on a TPM a primary of the NULL hierarchy, whose seed and proof change at each reset
    /// (TPM 2.0 Part 1 §14.4).
    Boot,
}

/// A user key just made.
#[derive(Debug, Clone)]
pub struct CreatedKey {
    /// What to store.
    pub blob: KeyBlob,
    /// What to publish.
    pub public: PublicKey,
}

/// The port. Every call is one unit: it either happened as a whole or it did not happen.
pub trait Tpm: DeviceKeys + Send {
    /// Who answers.
    fn identity(&self) -> &TpmIdentity;

    /// Reads the dictionary-attack state.
    ///
    /// # Errors
    /// [`TpmError::Unreachable`].
    fn lockout(&mut self) -> Result<Lockout, TpmError>;

    /// Seals 32 bytes to this device without a gesture: whoever holds the blob and this device can open it.
    ///
    /// # Errors
    /// [`TpmError::Unreachable`].
    fn bind(&mut self, payload: &Secret32) -> Result<SealedBlob, TpmError>;

    /// Opens what [`Tpm::bind`] sealed.
    ///
    /// # Errors
    /// [`TpmError::ForeignBlob`] for the blob of another device.
    fn unbind(&mut self, blob: &SealedBlob) -> Result<Secret32, TpmError>;

    /// Creates the administrative key whose use `auth` authorises. It can neither sign for the user nor unseal.
    ///
    /// # Errors
    /// [`TpmError::Unreachable`].
    fn create_admin_key(&mut self, auth: &AuthValue) -> Result<AdminKeyBlob, TpmError>;

    /// Whether a PIN index can be defined in `slot`.
    ///
    /// # Errors
    /// [`TpmError::SlotTaken`] when there is one, whoever defined it.
    fn require_free(&mut self, slot: PinSlot) -> Result<(), TpmError>;

    /// Defines a PIN index with `index_auth` as its authorisation value, zero failures and `limit`. Writing it again
    /// needs the administrative key.
    ///
    /// # Errors
    /// [`TpmError::SlotTaken`] when the slot is already defined, by whomever, [`TpmError::WrongAuth`] for a wrong
    /// `admin_auth`, [`TpmError::OwnerAuth`] when the device wants an owner authorisation that was not configured.
    fn define_pin_index(
        &mut self,
        index: PinIndex<'_>,
        index_auth: &AuthValue,
        limit: u32,
        admin_auth: &AuthValue,
    ) -> Result<(), TpmError>;

    /// Removes a PIN index, also one whose definition was interrupted. Nothing that was sealed to it opens with its
    /// value any more, even when an index is defined there again. Removing what is not there succeeds.
    ///
    /// # Errors
    /// [`TpmError::OwnerAuth`].
    fn undefine_pin_index(&mut self, index: PinIndex<'_>) -> Result<(), TpmError>;

    /// Reads the count of a PIN index, `None` when it is not there. Needs no authorisation value.
    ///
    /// # Errors
    /// [`TpmError::Unreachable`], [`TpmError::OwnerAuth`].
    fn pin_count(&mut self, index: PinIndex<'_>) -> Result<Option<PinCount>, TpmError>;

    /// Sets the count of a PIN index to zero, also after it reached its limit. The limit stays what it is.
    ///
    /// # Errors
    /// [`TpmError::WrongAuth`] for a wrong `admin_auth`, [`TpmError::SlotEmpty`] when the index is not there,
    /// [`TpmError::OwnerAuth`].
    fn rearm_pin_index(&mut self, index: PinIndex<'_>, admin_auth: &AuthValue) -> Result<(), TpmError>;

    /// Seals `payload` so that opening it needs the index authorised *and* `seal_auth`, which is protected against
    /// dictionary attacks.
    ///
    /// # Errors
    /// [`TpmError::SlotEmpty`] when the index is not there.
    fn seal(
        &mut self,
        index: PinIndex<'_>,
        payload: &Secret32,
        seal_auth: &AuthValue,
    ) -> Result<SealedBlob, TpmError>;

    /// Opens what [`Tpm::seal`] sealed. A wrong `index_auth` adds one to the count of the index and touches nothing
    /// else; a right one sets the count to zero.
    ///
    /// # Errors
    /// [`TpmError::WrongAuth`], [`TpmError::PinExhausted`] at the limit, [`TpmError::LockedOut`],
    /// [`TpmError::SlotEmpty`], [`TpmError::ForeignBlob`].
    fn unseal(
        &mut self,
        index: PinIndex<'_>,
        blob: &SealedBlob,
        index_auth: &AuthValue,
        seal_auth: &AuthValue,
    ) -> Result<Secret32, TpmError>;

    /// Seals at most [`MAX_SEALED`] bytes so that `auth` opens them. Nothing protects the value against guessing, so it
    /// must be 32 random bytes, or derived from such.
    ///
    /// # Errors
    /// [`TpmError::Unexpected`] for a payload that is too long or empty.
    fn seal_under(
        &mut self,
        payload: &[u8],
        auth: &AuthValue,
        lifetime: Lifetime,
    ) -> Result<SealedBlob, TpmError>;

    /// Opens what [`Tpm::seal_under`] sealed with the same `lifetime`.
    ///
    /// # Errors
    /// [`TpmError::WrongAuth`]; [`TpmError::ForeignBlob`] for the blob of another device or another lifetime, and for
    /// one of [`Lifetime::Boot`] after a restart.
    fn unseal_under(
        &mut self,
        blob: &SealedBlob,
        auth: &AuthValue,
        lifetime: Lifetime,
    ) -> Result<Zeroizing<Vec<u8>>, TpmError>;

    /// Creates a user key that signs only under `auth`.
    ///
    /// # Errors
    /// [`TpmError::Unreachable`]. For an algorithm that [`TpmIdentity::key_algorithms`] does not name, whatever the device
    /// says to that.
    fn create_key(&mut self, algorithm: KeyAlgorithm, auth: &AuthValue) -> Result<CreatedKey, TpmError>;

    /// Signs a digest of the hash that the key's algorithm has: SHA-256, for ES384 SHA-384. ECDSA signatures are ASN.1
    /// DER, RS256 signatures PKCS#1 v1.5: both as WebAuthn L3 §6.5.5 wants them. A key used recently stays loaded.
    ///
    /// # Errors
    /// [`TpmError::WrongAuth`], [`TpmError::ForeignBlob`], [`TpmError::Unexpected`] for a digest of another length.
    fn sign(&mut self, key: &KeyBlob, auth: &AuthValue, digest: &[u8]) -> Result<Vec<u8>, TpmError>;

    /// Drops every loaded user key, as when the container locks. Never fails: what cannot be reached is gone too.
    fn forget_keys(&mut self);
}

/// Why the device did not do it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TpmError {
    /// The authorisation value was wrong.
    #[error("the authorisation value is wrong")]
    WrongAuth,
    /// The PIN index has reached its limit of wrong authorisations.
    #[error("the PIN index has reached its limit of wrong tries")]
    PinExhausted,
    /// The device is in dictionary-attack lockout.
    #[error(
        "the TPM is in dictionary-attack lockout; wait until it recovers, or clear it with the lockout authorisation (tpm2_dictionarylockout --clear-lockout)"
    )]
    LockedOut,
    /// The blob was made by another device, or the device has been cleared since.
    #[error("this object belongs to another TPM, or the TPM has been cleared")]
    ForeignBlob,
    /// Something is in the place of the PIN index; the text says where, and how to remove it.
    #[error("{0}")]
    SlotTaken(String),
    /// The PIN index is not there.
    #[error("the PIN index is not there")]
    SlotEmpty,
    /// The owner hierarchy has an authorisation value that we do not know.
    #[error("the TPM's owner hierarchy has an authorisation value: give it with --owner-auth-file")]
    OwnerAuth,
    /// The endorsement hierarchy has an authorisation value, so its key is out of reach.
    #[error(
        "the TPM's endorsement hierarchy has an authorisation value, without which this device cannot attest; its \
         administrator can empty it (tpm2_changeauth -c endorsement -p VALUE)"
    )]
    EndorsementAuth,
    /// The device has no endorsement: it is not a TPM.
    #[error("this device cannot attest, because it has no TPM")]
    NoAttestation,
    /// What was to be decrypted was not encrypted to this key, or was changed on the way.
    #[error("this was not encrypted to the device's key, or was changed on the way")]
    BadCiphertext,
    /// The provider's own files cannot be read or written. Only the software provider has any.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// The device cannot be reached, or went away in the middle of a call.
    #[error("the TPM cannot be reached: {0}")]
    Unreachable(String),
    /// The device answered something that no rule above covers.
    #[error("the TPM answered {0}")]
    Unexpected(String),
}
