//! The container's keys in COSE's words.

use latchkey_container::tpm::{KeyAlgorithm, PublicKey};
use latchkey_protocol::Algorithm;
use latchkey_protocol::cose::CoseKey;

/// What this authenticator can make, its own preference first; a request's order goes before it.
pub(crate) const ALGORITHMS: [KeyAlgorithm; 2] = [KeyAlgorithm::Es256, KeyAlgorithm::Rs256];

pub(crate) const fn cose_algorithm(algorithm: KeyAlgorithm) -> Algorithm {
    match algorithm {
        KeyAlgorithm::Es256 => Algorithm::ES256,
        KeyAlgorithm::Rs256 => Algorithm::RS256,
    }
}

/// `None` for an algorithm that we do not make.
pub(crate) fn key_algorithm(algorithm: Algorithm) -> Option<KeyAlgorithm> {
    ALGORITHMS.into_iter().find(|candidate| cose_algorithm(*candidate) == algorithm)
}

pub(crate) fn cose_key(key: &PublicKey) -> CoseKey {
    match key {
        PublicKey::P256 { x, y } => CoseKey::P256 { x: *x, y: *y },
        PublicKey::Rsa { modulus, exponent } => CoseKey::Rsa {
            n: modulus.clone(),
            e: exponent.to_be_bytes().into_iter().skip_while(|byte| *byte == 0).collect(),
        },
    }
}
