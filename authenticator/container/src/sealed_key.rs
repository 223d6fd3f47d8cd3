//! Keys of algorithms that no TPM has. The private half is a seed of 32 bytes in the passkey's record, under the
//! authentication key: whoever has opened the container can use it, and it is never in the clear on the disk.

use ed25519_dalek::SigningKey as Ed25519Key;
use ml_dsa::signature::{Keypair, MultipartSigner};
use ml_dsa::{MlDsa44, SigningKey as MlDsaKey};
use zeroize::Zeroizing;

use crate::passkey::PasskeyPublicKey;
use crate::secret::Secret32;

/// The algorithms that a sealed key can have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SealedAlgorithm {
    /// `EdDSA` on Curve25519 (RFC 8032 §5.1).
    Ed25519,
    /// ML-DSA-44 (FIPS 204), "pure", with an empty context.
    MlDsa44,
}

/// The public half of the key that grows from this seed.
pub(crate) fn public_key(algorithm: SealedAlgorithm, seed: &Secret32) -> PasskeyPublicKey {
    match algorithm {
        SealedAlgorithm::Ed25519 => {
            PasskeyPublicKey::Ed25519(Ed25519Key::from_bytes(seed.expose()).verifying_key().to_bytes())
        }
        SealedAlgorithm::MlDsa44 => PasskeyPublicKey::MlDsa44(ml_dsa(seed).verifying_key().encode().to_vec()),
    }
}

/// Signs the parts of a message, one after the other. Both algorithms derive what they need from seed and message, so
/// no randomness can leak the key.
pub(crate) fn sign(algorithm: SealedAlgorithm, seed: &Secret32, message: &[&[u8]]) -> Vec<u8> {
    match algorithm {
        SealedAlgorithm::Ed25519 => {
            Ed25519Key::from_bytes(seed.expose()).multipart_sign(message).to_bytes().to_vec()
        }
        SealedAlgorithm::MlDsa44 => ml_dsa(seed).multipart_sign(message).encode().to_vec(),
    }
}

fn ml_dsa(seed: &Secret32) -> MlDsaKey<MlDsa44> {
    let seed = Zeroizing::new((*seed.expose()).into());
    MlDsaKey::from_seed(&seed)
}
