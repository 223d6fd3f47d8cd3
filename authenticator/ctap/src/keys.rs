//! The container's keys in COSE's words.

use latchkey_container::tpm::{KeyAlgorithm, PublicKey};
use latchkey_container::{PasskeyAlgorithm, PasskeyPublicKey, SealedAlgorithm};
use latchkey_protocol::Algorithm;
use latchkey_protocol::cose::CoseKey;

/// What this authenticator can make, its own preference first; a request's order goes before it. Keys of the device
/// come before those that are merely sealed.
pub(crate) const ALGORITHMS: [PasskeyAlgorithm; 3] = [
    PasskeyAlgorithm::DeviceBound(KeyAlgorithm::Es256),
    PasskeyAlgorithm::DeviceBound(KeyAlgorithm::Rs256),
    PasskeyAlgorithm::Sealed(SealedAlgorithm::Ed25519),
];

pub(crate) const fn cose_algorithm(algorithm: PasskeyAlgorithm) -> Algorithm {
    match algorithm {
        PasskeyAlgorithm::DeviceBound(KeyAlgorithm::Es256) => Algorithm::ES256,
        PasskeyAlgorithm::DeviceBound(KeyAlgorithm::Rs256) => Algorithm::RS256,
        PasskeyAlgorithm::Sealed(SealedAlgorithm::Ed25519) => Algorithm::EDDSA,
        PasskeyAlgorithm::Sealed(SealedAlgorithm::MlDsa44) => Algorithm::ML_DSA_44,
    }
}

/// `None` for an algorithm that we do not make.
pub(crate) fn key_algorithm(algorithm: Algorithm) -> Option<PasskeyAlgorithm> {
    ALGORITHMS.into_iter().find(|candidate| cose_algorithm(*candidate) == algorithm)
}

pub(crate) fn cose_key(key: &PasskeyPublicKey) -> CoseKey {
    match key {
        PasskeyPublicKey::DeviceBound(PublicKey::P256 { x, y }) => CoseKey::P256 { x: *x, y: *y },
        PasskeyPublicKey::DeviceBound(PublicKey::Rsa { modulus, exponent }) => CoseKey::Rsa {
            n: modulus.clone(),
            e: exponent.to_be_bytes().into_iter().skip_while(|byte| *byte == 0).collect(),
        },
        PasskeyPublicKey::Ed25519(x) => CoseKey::Ed25519 { x: *x },
        PasskeyPublicKey::MlDsa44(key) => CoseKey::MlDsa44 { key: key.clone() },
    }
}
